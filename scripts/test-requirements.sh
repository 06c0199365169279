#!/bin/sh
# Installs what the tests start: Java 17, PostgreSQL, Chromium with its fonts. Does nothing when all
# are there; needs root and apt-get when one is missing. PostgreSQL refuses to run as root, so a root
# run of the tests starts it as the user `postgres`, which the package makes.
set -eu

# The same places as tests/engines.py looks in, in the same order.
has_java() { command -v java >/dev/null 2>&1; }
has_postgres() {
  for initdb in /usr/lib/postgresql/*/bin/initdb; do
    [ -x "$initdb" ] && [ -x "${initdb%initdb}postgres" ] && [ -x "${initdb%initdb}psql" ] && return 0
  done
  command -v initdb >/dev/null 2>&1
}

has_chromium() { command -v chromium >/dev/null 2>&1; }

# Letters as wide as those of mail programs, which tests of how much fits on a screen measure.
has_fonts() { ls /usr/share/fonts/truetype/liberation*/LiberationSans-Regular.ttf >/dev/null 2>&1 ||
  fc-list 2>/dev/null | grep -qi "liberation sans"; }

missing=""
has_chromium || missing="$missing chromium"
has_fonts || missing="$missing fonts-liberation"
has_java || missing="$missing openjdk-17-jre-headless"
has_postgres || missing="$missing postgresql"

root=false
[ "$(id -u)" -ne 0 ] || root=true

if [ -n "$missing" ]; then
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "Missing:$missing. Install what gives \`java\` (17), \`chromium\` and PostgreSQL's \`initdb\`." >&2
    exit 1
  fi
  if ! $root; then
    echo "Missing:$missing. Run: sudo $0" >&2
    echo "     or: sudo apt-get install -y --no-install-recommends$missing" >&2
    exit 1
  fi
  # Debian starts a cluster of its own on install; the tests start theirs.
  mkdir -p /etc/postgresql-common
  [ -f /etc/postgresql-common/createcluster.conf ] ||
    echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # shellcheck disable=SC2086
  apt-get install -qq -y --no-install-recommends $missing >/dev/null
fi

# A PostgreSQL that no package installed may have come without its user.
if $root && ! id postgres >/dev/null 2>&1; then
  useradd --system --user-group --home-dir /nonexistent --shell /usr/sbin/nologin postgres
fi

has_java || { echo "java is still missing after installing:$missing" >&2; exit 1; }
has_chromium || { echo "chromium is still missing after installing:$missing" >&2; exit 1; }
has_fonts || { echo "Liberation Sans is still missing after installing:$missing" >&2; exit 1; }
has_postgres || { echo "PostgreSQL is still missing after installing:$missing" >&2; exit 1; }
