"""Setup: what it suggests, what it may write, and what it leaves alone."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from groundswell.config.editing import find_block
from groundswell.config.loading import CONFIG_FILE, load_config
from groundswell.config.suggesting import suggest_meaning, write_events
from groundswell.config.template import starting_config
from groundswell.config.vocabulary import MEANINGS

from .conftest import ADMIN, ANALYST, CONFIG, REP

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Office


MEANT = {
    "Signed Up": "signed_up",
    "Signed In": "signed_in",
    "Account Created": "account_created",
    "Dashboard Viewed": "used_feature",
    "Card Moved": "used_feature",
    "Export Finished": "used_feature",
    "Invite Sent": "invited",
    "Invite Accepted": "invite_accepted",
    "Account Added User": "user_added",
    "Board Shared": "shared",
    "Integration Connected": "integration_connected",
    "API Key Created": "api_key_created",
    "API Request": "api_called",
    "Limit Reached": "limit_hit",
    "Paywall Seen": "paywall_seen",
    "Trial Started": "trial_started",
    "Checkout Opened": "upgrade_started",
    "Plan Upgraded": "upgrade_completed",
    "Invoice Requested": "invoice_requested",
    "Contact Sales Submitted": "hand_raised",
    "Demo Requested": "hand_raised",
    "Security Questionnaire Requested": "security_asked",
    "Contract Requested": "procurement_asked",
    "Roles Changed": "admin_action",
    "Support Ticket Opened": "support_ticket",
    "Feature Requested": "feature_requested",
}
"""The demo company's names, and what its configuration says that they mean."""


@pytest.mark.parametrize(("event", "meaning"), sorted(MEANT.items()))
def test_what_the_demo_calls_its_events_is_understood(event: str, meaning: str) -> None:
    for name in (event, event.lower().replace(" ", "_"), event.title().replace(" ", "")):
        assert suggest_meaning(name) == meaning, name
    assert meaning in MEANINGS


def test_what_says_nothing_is_suggested_nothing() -> None:
    for name in (
        "$pageview",
        "$autocapture",
        "[Amplitude] Session Start",
        "heartbeat",
        "x",
        "日本",
    ):
        assert suggest_meaning(name) is None


def test_whatever_events_are_called_the_block_says_so(tmp_path: Path) -> None:
    names = ["yes", "1.5", "a: b", "- x", "#", "'q\"", "日本", " led ", "Plain Name", "{x}", "null"]
    file = tmp_path / CONFIG_FILE
    file.write_text(write_events({"signed_up": names}), encoding="utf-8")
    (meaning,) = (one for one in load_config(file).meanings if one.name == "signed_up")
    assert list(meaning.events) == names


def test_a_configuration_that_pages_cannot_change_is_left_alone(office: Office) -> None:
    """A file in one line, as a program keeps it: it stays, and the page says so."""
    file = office.project.root / CONFIG_FILE
    kept, before = file.read_bytes(), json.dumps(CONFIG).encode()
    file.write_bytes(before)
    try:
        answer = office.browser(ADMIN).send("/setup/score", preset="points")
        assert answer.status_code == 422
        assert "Change it in an editor" in answer.text
        assert file.read_bytes() == before
        assert not office.served.server.site.renewing()
    finally:
        file.write_bytes(kept)


def test_every_block_that_init_writes_is_known_again(tmp_path: Path) -> None:
    (tmp_path / CONFIG_FILE).write_text(starting_config("A Co"), encoding="utf-8")
    for block in ("events", "score"):
        assert find_block(tmp_path, block).text in starting_config("Another Co")


def test_an_unknown_score_is_refused(office: Office) -> None:
    answer = office.browser(ADMIN).send("/setup/score", preset="../../etc")
    assert answer.status_code == 422
    assert "There is no score" in answer.text


def test_a_key_is_shown_once_and_written_down(office: Office) -> None:
    browser = office.browser(ADMIN)
    page = browser.send("/setup/key", system="posthog", name="web", url="http://127.0.0.1:1").text
    found = re.search(r'id="shown-once">(\w+)<', page)
    assert found is not None
    assert f"posthog.init(&#34;{found[1]}&#34;" in page
    assert found[1] not in browser.get("/setup").text
    assert browser.send("/setup/key", system="no such").status_code == 422
    (told,) = office.project.ledger.audit(limit=1, who=ADMIN)
    assert (told.action, told.about) == ("write_key.create", "web")
    assert found[1] not in str(told)


def test_events_are_listed_with_what_they_mean(office: Office) -> None:
    page = office.browser(ADMIN).get("/setup").text
    counts = office.project.warehouse.event_counts()
    assert len(counts) > 2
    for name, count in counts.items():
        assert re.search(f'value="{name}"></td><td class="gs-n">{count:,}</td>', page), name
    assert f"{office.project.looker.latest().height} accounts scored" in page


@pytest.mark.parametrize("who", [REP, ANALYST])
def test_it_is_for_admins(office: Office, who: str) -> None:
    browser = office.browser(who)
    assert browser.get("/setup").status_code == 404
    assert browser.send("/setup/key", system="segment").status_code == 404
    assert 'href="/setup"' not in browser.get("/accounts").text
