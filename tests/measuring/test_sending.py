"""The weekly report in Slack and by mail: when it is due, whole, and once."""

from __future__ import annotations

import datetime as dt
import json
import re
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from groundswell.cli.app import main
from groundswell.config.reports import Weekly
from groundswell.connectors.slack_blocks import SECTION, fault
from groundswell.errors import UsageError
from groundswell.web.posting import Poster
from groundswell.web.report_message import weekly_message
from tests.connectors.slack_double import TOKEN, Workspace, workspace
from tests.connectors.test_email import USER, Mailboxes, serving
from tests.measuring.conftest import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from groundswell.clock import FixedClock

pytestmark = pytest.mark.loopback

READER = "board@ours.example"
MONDAY = dt.datetime(2026, 6, 29, 8, tzinfo=dt.UTC)
BERLIN = Weekly(("slack",), 0, dt.time(8), ZoneInfo("Europe/Berlin"))


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_TOKEN", TOKEN)


@pytest.fixture
def slack(clock: FixedClock) -> Iterator[Workspace]:
    with workspace(clock) as there:
        yield there


@pytest.fixture
def mail() -> Iterator[Mailboxes]:
    with serving() as server:
        yield server


def blocks(slack: Workspace, mail: Mailboxes) -> dict[str, Any]:
    return {
        "destinations": {
            "slack": {"token": "${SLACK_TOKEN}", "channel": "C0000001", "url": f"{slack.url}/api/"},
            "mail": {
                "type": "email",
                "host": "127.0.0.1",
                "port": mail.port,
                "tls": "none",
                "from": USER,
                "to": [READER],
            },
        },
        "reports": {"weekly": {"to": ["slack", "mail"], "on": "mon", "at": "08:00"}},
    }


def weeks_in(slack: Workspace) -> list[dict[str, Any]]:
    return [told for told in slack.messages if "week to" in told["text"]]


def letters_in(mail: Mailboxes) -> list[Any]:
    return [letter for _, letter in mail.taken if "week to" in letter["subject"]]


def poster(project: Any) -> Poster:
    return Poster(project, lambda: True, threading.Lock())


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (
            dt.datetime(2026, 6, 29, 5, 59, tzinfo=dt.UTC),
            dt.datetime(2026, 6, 22, 6, tzinfo=dt.UTC),
        ),
        (dt.datetime(2026, 6, 29, 6, tzinfo=dt.UTC), dt.datetime(2026, 6, 29, 6, tzinfo=dt.UTC)),
        (dt.datetime(2026, 7, 5, 23, tzinfo=dt.UTC), dt.datetime(2026, 6, 29, 6, tzinfo=dt.UTC)),
        # In winter, eight o'clock is seven; the Sunday before, it was still six.
        (
            dt.datetime(2026, 10, 26, 6, 30, tzinfo=dt.UTC),
            dt.datetime(2026, 10, 19, 6, tzinfo=dt.UTC),
        ),
        (dt.datetime(2026, 10, 26, 7, tzinfo=dt.UTC), dt.datetime(2026, 10, 26, 7, tzinfo=dt.UTC)),
    ],
)
def test_it_is_due_at_the_time_of_the_clock_on_the_wall(now: Any, due: Any) -> None:
    assert BERLIN.last_due(now) == due
    assert BERLIN.week_of(due).weekday() == 6


def test_it_is_sent_once_to_each_with_the_numbers_of_the_report(
    company: Any, clock: FixedClock, slack: Workspace, mail: Mailboxes
) -> None:
    project = company(**blocks(slack, mail))
    clock.at = MONDAY - dt.timedelta(minutes=1)
    assert poster(project).step() == 0  # that of the week before was due too long ago
    clock.at = MONDAY
    first = poster(project)
    assert first.step() == 2
    assert first.step() == 0
    assert poster(project).step() == 0  # another process, or the same after a restart
    project.handoffs.dispatch()
    assert len(weeks_in(slack)) == 1
    assert len(letters_in(mail)) == 1
    written = project.measuring.weekly(as_of=dt.date(2026, 6, 28))
    signups = written.flow[0].figure
    assert signups.metric == "signups"
    assert signups.estimate.value
    (letter,) = letters_in(mail)
    assert letter["to"] == READER
    assert "week to 2026-06-28" in letter["subject"]
    told = letter.get_body(("html",))
    assert told is not None
    page = told.get_content()
    assert "Weekly report, 2026-06-28" in page
    assert "<script" not in page
    assert "<svg" not in page
    said = json.dumps(weeks_in(slack)[0]["blocks"])
    assert re.search(rf"Signups +{signups.estimate.value:.0f} ", said)
    assert "report weekly --as-of 2026-06-28" in said


def test_what_is_long_past_is_left_out(
    company: Any, clock: FixedClock, slack: Workspace, mail: Mailboxes
) -> None:
    project = company(**blocks(slack, mail))
    clock.at = MONDAY + dt.timedelta(days=6)
    assert poster(project).step() == 0
    clock.at = MONDAY + dt.timedelta(days=5, hours=23)
    assert poster(project).step() == 2


def test_a_report_that_was_being_sent_when_the_sender_died_is_there_once(
    company: Any, clock: FixedClock, slack: Workspace, mail: Mailboxes
) -> None:
    project = company(**blocks(slack, mail))
    clock.at = MONDAY
    assert poster(project).step() == 2
    settle = project.ledger.settle_deliveries
    project.ledger.settle_deliveries = lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        project.handoffs.dispatch()
    project.ledger.settle_deliveries = settle
    clock.advance(dt.timedelta(minutes=10))
    project.handoffs.dispatch()
    clock.advance(dt.timedelta(minutes=10))
    project.handoffs.dispatch()
    assert len(weeks_in(slack)) == 1
    assert len({letter["message-id"] for letter in letters_in(mail)}) == 1
    told = project.ledger.deliveries(key="report:")
    assert [item.status for item in told] == ["sent", "sent"]


def test_a_name_is_no_markup_in_slack_and_every_block_fits(company: Any) -> None:
    project = company(company="<!channel> & Co")
    found = project.measuring.weekly(as_of=DAY)
    message = weekly_message(found, at=MONDAY)
    assert fault(message.blocks) is None
    for block in message.blocks:
        text = block.get("text", {}).get("text", "")
        assert len(text) <= SECTION
        assert "<!channel>" not in text


def test_it_is_sent_from_the_command_line(
    company: Any,
    slack: Workspace,
    mail: Mailboxes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    project = company(**blocks(slack, mail))
    project.close()
    command = ["groundswell", "report", "send", "--as-of", "2026-06-28", "--project", str(tmp_path)]
    for more, said in (
        (["--dry-run"], "Weekly report, 2026-06-28"),
        (["--to", "slack", "--json"], '"added": 1'),
        (["--json"], '"added": 1'),
    ):
        monkeypatch.setattr("sys.argv", [*command, *more])
        with suppress(SystemExit):
            main()
        assert said in capsys.readouterr().out


def test_a_destination_that_takes_no_messages_is_refused(
    company: Any, slack: Workspace, mail: Mailboxes
) -> None:
    told = blocks(slack, mail)
    told["destinations"]["crm"] = {"type": "hubspot", "token": "${SLACK_TOKEN}"}
    project = company(**told)
    message = weekly_message(project.measuring.weekly(as_of=DAY), at=MONDAY)
    with pytest.raises(UsageError, match="takes no messages"):
        project.handoffs.post("report:weekly:x", ["crm"], message)
    assert project.ledger.deliveries(key="report:") == []
