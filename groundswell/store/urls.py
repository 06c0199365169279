"""URLs of databases, as they may be shown: without what is secret in them."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlsplit

SECRET = "***"  # noqa: S105  (what stands in a secret's place)
_SECRET_KEYS = re.compile(r"pass|secret|token|key|credential", re.IGNORECASE)


def secrets_of(url: str) -> list[str]:
    """Return what must not be shown of a URL, as written and decoded; longest first."""
    found: set[str] = set()
    authority = re.match(r"^[^:/]+://(?P<user>[^/]*)@", url)
    if authority:
        password = authority["user"].partition(":")[2]
        found |= {password, unquote(password)}
    for name, value in parse_qsl(url.partition("?")[2], keep_blank_values=True):
        if _SECRET_KEYS.search(name):
            found.add(value)
            found |= {
                part.partition("=")[2]
                for part in url.partition("?")[2].split("&")
                if unquote(part.partition("=")[0]) == name
            }
    return sorted((secret for secret in found if secret), key=len, reverse=True)


def redact(text: object, *, url: str) -> str:
    """Return `text` with every secret of `url` replaced.

    >>> redact("cannot reach postgresql://me:s3cret@db/x", url="postgresql://me:s3cret@db/x")
    'cannot reach postgresql://me:***@db/x'
    """
    shown = str(text)
    for secret in secrets_of(url):
        shown = shown.replace(secret, SECRET)
    return shown


def shown(url: str) -> str:
    """Return a URL as it may be shown."""
    return redact(url, url=url)


def query_of(url: str) -> dict[str, str]:
    """Return the query parameters of a URL.

    >>> query_of("spark://local[2]?path=/data")
    {'path': '/data'}
    """
    return dict(parse_qsl(url.partition("?")[2]))


def scheme_of(url: str) -> str:
    """Return what stands before the first colon, in lower case."""
    return urlsplit(url.partition("?")[0].partition("[")[0]).scheme or url.partition(":")[0].lower()
