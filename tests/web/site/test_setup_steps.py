"""Setup by its forms: what it makes, what it writes, and what it leaves alone."""

from __future__ import annotations

import html
import json
import re
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import httpx
import pytest

from groundswell.config.loading import CONFIG_FILE, load_config
from groundswell.config.template import starting_config
from tests.server.conftest import serving
from tests.web.site.conftest import PASSWORD, REP, Browser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.server.conftest import Served

ADMIN = "root@new.example"
NASTY = "<b>\"'&{{7*7}}"
OWN = (
    "company: Own Co  # mine\nevents:\n  # by hand\n  signed_up: Joined\n"
    "score:\n  preset: hybrid  # as agreed\n"
)
pytestmark = pytest.mark.loopback


class NewInstall:
    """A server of a project that nothing was sent to, and a browser of its admin."""

    def __init__(self, served: Served) -> None:
        self.served, self.file = served, served.folder / CONFIG_FILE
        served.server.site.colleagues.add(ADMIN, role="admin", password=PASSWORD)
        self.admin = Browser(served.url)
        self.admin.sign_in(ADMIN)

    def make_key(self, name: str = "web", system: str = "segment") -> str:
        """Have the page make a key; return it."""
        page = self.admin.send("/setup/key", system=system, name=name, url=self.served.url).text
        found = re.search(r'id="shown-once">([^<]+)<', page)
        assert found is not None, page
        return html.unescape(found[1])

    def send(self, key: str, *events: str, times: int = 1) -> None:
        """Send events, and wait until they are in the warehouse."""
        batch = [
            {
                "type": "track",
                "messageId": f"{event}-{at}-{times}",
                "userId": f"u{at}@acme.example",
                "event": event,
                "timestamp": "2026-06-01T10:00:00Z",
            }
            for event in events
            for at in range(times)
        ]
        answer = httpx.post(f"{self.served.url}/v1/batch", json={"batch": batch}, auth=(key, ""))
        assert answer.status_code == 200, answer.text
        self.served.settle()
        self.served.server.site.sources.forget()

    def asked(self) -> dict[str, str]:
        """Return the fields of the form of events, as the page fills them in."""
        page = self.admin.get("/setup").text
        form = page.partition('action="/setup/events"')[2].partition("</form>")[0]
        fields = {
            name: html.unescape(value)
            for name, value in re.findall(r'name="(event-\d+)" value="([^"]*)"', form)
        }
        for name, options in re.findall(
            r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.S
        ):
            chosen = re.search(r'<option value="([^"]*)" selected>', options)
            fields[name] = html.unescape(chosen[1]) if chosen else ""
        return fields

    def meant(self) -> set[tuple[str, tuple[str, ...]]]:
        """Return what the file says that events mean."""
        return {(one.name, tuple(one.events)) for one in load_config(self.file).meanings}


@pytest.fixture
def open_install(tmp_path: Path) -> Iterator[Callable[[str], NewInstall]]:
    """What serves a configuration, and opens the pages to an admin."""
    with ExitStack() as stack:

        def open_it(config: str) -> NewInstall:
            install = NewInstall(stack.enter_context(serving(tmp_path, config, runs=False)))
            stack.callback(install.admin.client.close)
            return install

        yield open_it


@pytest.fixture
def install(open_install: Callable[[str], NewInstall]) -> NewInstall:
    """A project as `init` makes it."""
    return open_install(starting_config("New Co"))


def test_a_key_works_and_is_shown_once(install: NewInstall) -> None:
    key = install.make_key()
    assert key not in install.admin.get("/setup").text
    assert key not in json.dumps(
        [str(entry) for entry in install.served.server.site.colleagues.audit(limit=50)]
    )
    install.send(key, "Signed Up", times=2)
    seen = install.admin.get("/setup/seen").text
    assert "2 events with 1 name" in seen
    assert "<html" not in seen


@pytest.mark.parametrize(
    ("system", "says"),
    [
        ("segment", "writeKey"),
        ("rudderstack", "dataPlaneUrl"),
        ("posthog", "api_host"),
        ("mixpanel", "api_host"),
        ("amplitude", "serverUrl"),
        ("heap", "app_id"),
    ],
)
def test_it_says_what_changes_in_a_client(install: NewInstall, system: str, says: str) -> None:
    page = install.admin.send("/setup/key", system=system, name="", url=install.served.url).text
    snippet = re.search(r'<pre id="snippet"[^>]*>(.*?)</pre>', page, re.S)
    assert snippet is not None
    assert says in snippet[1]
    assert install.served.url in snippet[1]
    assert [key.name for key in install.served.project.ledger.write_keys()] == [system]


def test_a_system_that_is_none_gets_no_key(install: NewInstall) -> None:
    answer = install.admin.send("/setup/key", system="carrier pigeon", name="x", url="")
    assert answer.status_code == 422
    assert install.served.project.ledger.write_keys() == []


def test_what_was_rejected_is_said_with_its_reason(install: NewInstall) -> None:
    key = install.make_key()
    bad = {"type": "track", "messageId": "m", "userId": "u@acme.example", "timestamp": "2026-06-01"}
    httpx.post(f"{install.served.url}/v1/batch", json={"batch": [bad]}, auth=(key, ""))
    install.served.settle()
    seen = install.admin.get("/setup/seen").text
    assert "Not used: 1 for missing value" in seen
    assert "No event came yet" in seen


def test_meanings_are_guessed_confirmed_and_written_where_they_stand(install: NewInstall) -> None:
    before = install.file.read_text(encoding="utf-8")
    install.send(install.make_key(), "user_signed_up", "Report Exported", "Zzz Qqq")
    asked = install.asked()
    guesses = {asked[f"event-{at}"]: asked[f"meaning-{at}"] for at in range(3)}
    assert guesses == {
        "user_signed_up": "signed_up",
        "Report Exported": "used_feature",
        "Zzz Qqq": "",
    }
    assert install.file.read_text(encoding="utf-8") == before, "looking writes nothing"

    answer = install.admin.send("/setup/events", **{**asked, "activation": "Zzz Qqq"})
    assert (answer.status_code, answer.headers.get("location")) == (303, "/setup")
    assert install.meant() >= {
        ("signed_up", ("user_signed_up",)),
        ("used_feature", ("Report Exported",)),
        ("activated", ("Zzz Qqq",)),
    }
    after = install.file.read_text(encoding="utf-8")
    for kept in ("# What Groundswell needs to know", "# learning:", "plans:   ", "guardrails:   "):
        assert kept in after
    assert after.partition("score:")[2] == before.partition("score:")[2]


def test_nothing_is_lost_where_events_come_while_the_form_is_filled_in(install: NewInstall) -> None:
    key = install.make_key()
    install.send(key, "user_signed_up", times=3)
    install.send(key, "Report Exported", times=1)
    asked = install.asked() | {"meaning-0": "account_created", "meaning-1": "shared"}
    assert (asked["event-0"], asked["event-1"]) == ("user_signed_up", "Report Exported")
    install.send(key, "Report Exported", times=9)  # is the more frequent one now
    install.send(key, "Zzz Shared", times=12)  # was not on the page: nobody confirmed its guess
    install.admin.send("/setup/events", **asked)
    meant = install.meant()
    assert meant >= {("account_created", ("user_signed_up",)), ("shared", ("Report Exported",))}


def test_an_event_that_is_not_there_is_not_written(install: NewInstall) -> None:
    install.send(install.make_key(), "user_signed_up")
    install.admin.send(
        "/setup/events",
        **{"event-0": "Made Up", "meaning-0": "signed_up", "activation": "Made Up Too"},
    )
    assert "Made Up" not in install.file.read_text(encoding="utf-8")


def test_names_of_events_are_text_on_the_page_and_in_the_file(install: NewInstall) -> None:
    install.send(install.make_key(), NASTY, "a: [b", "#c")
    page = install.admin.get("/setup").text
    assert NASTY not in page
    assert html.escape(NASTY, quote=False)[:6] in page
    asked = install.asked() | {f"meaning-{at}": "invited" for at in range(3)}
    assert install.admin.send("/setup/events", **asked).status_code == 303
    assert {
        name for meaning, names in install.meant() if meaning == "invited" for name in names
    } == {
        NASTY,
        "a: [b",
        "#c",
    }


def test_nothing_is_written_where_the_file_is_ones_own(
    open_install: Callable[[str], NewInstall],
) -> None:
    install = open_install(OWN)
    install.send(install.make_key(), "teammate_invited")
    for path, fields, line in (
        ("/setup/events", install.asked(), "+  invited: teammate_invited"),
        ("/setup/score", {"preset": "points"}, "+  preset: points"),
    ):
        answer = install.admin.send(path, **fields)
        assert answer.status_code == 200
        assert line in html.unescape(answer.text)
        assert install.file.read_text(encoding="utf-8") == OWN
    assert not install.served.server.site.renewing()


def test_a_file_of_ones_own_is_written_where_it_says_so(
    open_install: Callable[[str], NewInstall],
) -> None:
    install = open_install(f"{OWN}web: {{write_config: true}}\n")
    assert install.admin.send("/setup/score", preset="points").status_code == 303
    text = install.file.read_text(encoding="utf-8")
    assert "company: Own Co  # mine\nevents:\n  # by hand\n" in text
    assert load_config(install.file).config.score.preset == "points"
    assert install.served.server.site.renewing()


def test_a_file_that_was_broken_by_hand_stays_as_it_is(install: NewInstall) -> None:
    broken = f"{starting_config('New Co')}nonsense: 1\n"
    install.file.write_text(broken, encoding="utf-8")
    answer = install.admin.send("/setup/score", preset="points")
    assert answer.status_code == 422
    assert "nonsense" in answer.text
    assert install.file.read_text(encoding="utf-8") == broken
    assert not install.served.server.site.renewing()


def test_it_is_not_there_for_a_rep(install: NewInstall) -> None:
    install.served.server.site.colleagues.add(REP, role="rep", password=PASSWORD)
    rep = Browser(install.served.url)
    with closing(rep.client):
        rep.sign_in(REP)
        for path in ("/setup", "/setup/seen"):
            assert rep.get(path).status_code == 404
        for path in ("/setup/key", "/setup/events", "/setup/score"):
            assert rep.send(path, system="segment", preset="points").status_code == 404
    assert install.served.project.ledger.write_keys() == []
    assert install.file.read_text(encoding="utf-8") == starting_config("New Co")


def test_a_score_is_written_and_another_one_after_it(install: NewInstall) -> None:
    for preset in ("points", "buckets"):
        assert install.admin.send("/setup/score", preset=preset).status_code == 303
        assert load_config(install.file).config.score.preset == preset


def test_meanings_are_written_again_as_more_events_come(install: NewInstall) -> None:
    key = install.make_key()
    install.send(key, "user_signed_up")
    assert install.admin.send("/setup/events", **install.asked()).status_code == 303
    install.send(key, "teammate_invited")
    assert install.admin.send("/setup/events", **install.asked()).status_code == 303
    assert install.meant() >= {
        ("signed_up", ("user_signed_up",)),
        ("invited", ("teammate_invited",)),
    }
