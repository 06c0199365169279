"""Digests: what can wait goes out as one mail for each person, at its time and not before."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from email import message_from_string, policy
from typing import TYPE_CHECKING, Any

import pytest

from groundswell.cli import main
from groundswell.clock import FixedClock
from groundswell.config.loading import load_config
from groundswell.connectors.deliveries import Company, Message
from groundswell.engine.destinations import Destinations
from groundswell.engine.dispatching import Dispatcher
from groundswell.engine.project import STATE_FOLDER
from groundswell.model import as_plain
from groundswell.store.ledger import open_ledger
from groundswell.store.outbox import KeptDelivery
from tests.connectors.test_email import OnAnyPort

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from groundswell.store.ledger import Ledger

pytestmark = pytest.mark.loopback

ANN, BOB = "ann@ours.example", "bob@ours.example"
MADE = dt.datetime(2026, 3, 3, 15, tzinfo=dt.UTC)
DIGEST = dt.datetime(2026, 3, 4, 8, tzinfo=dt.UTC)  # nine o'clock in Berlin


class Mailbox:
    """Takes every message, but to whom it is told not to."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], Any]] = []
        self.busy: set[str] = set()

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:  # noqa: N802 - its name
        if address in self.busy:
            return "451 4.7.1 Try again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802 - its name
        text = envelope.content.decode()
        self.mails.append((envelope.rcpt_tos, message_from_string(text, policy=policy.default)))
        return "250 OK"

    def told(self, *whom: str) -> list[list[str]]:
        """Return the names of the accounts in each mail to somebody."""
        return [named(mail) for to, mail in self.mails if to == list(whom)]


def named(mail: Any) -> list[str]:
    text = mail.get_body(("plain",)).get_content()
    return [line.split(" ")[0] for line in text.splitlines() if line.endswith("itself.")]


@pytest.fixture
def box() -> Iterator[tuple[Mailbox, int]]:
    there = Mailbox()
    controller = OnAnyPort(there, hostname="127.0.0.1", port=0)
    controller.start()
    yield there, controller.port
    controller.stop()


class Office:
    """A ledger and who sends from it, again after a restart."""

    def __init__(self, folder: Path, port: int, clock: FixedClock, **settings: Any) -> None:
        self.folder, self.clock = folder, clock
        self.set(port, **settings)
        self.begin()

    def set(self, port: int, **settings: Any) -> None:
        mail = {"host": "127.0.0.1", "port": port, "from": "pql@ours.example", "tls": "none"}
        mail |= {"digest": "09:00 Europe/Berlin", "to": ["sales@ours.example"], **settings}
        config = {"destinations": {"email": {k: v for k, v in mail.items() if v is not None}}}
        path = self.folder / "groundswell.yaml"
        path.write_text(json.dumps(config), encoding="utf-8")

    def begin(self) -> None:
        state = self.folder / STATE_FOLDER
        state.mkdir(exist_ok=True)
        self.ledger: Ledger = open_ledger("sqlite", state, clock=self.clock)
        self.places = Destinations(load_config(self.folder), self.ledger, self.clock, {})
        self.dispatcher = Dispatcher(self.ledger, self.clock, self.places)

    def end(self) -> None:
        self.places.close()
        self.ledger.close()

    def restart(self) -> None:
        self.end()
        self.begin()

    def add(self, *names: str, to: str | None = ANN, at: dt.datetime = MADE, **body: Any) -> None:
        self.ledger.add_deliveries([kept(name, to=to, at=at, **body) for name in names])

    def statuses(self) -> dict[str, str]:
        return {item.key: item.status for item in self.ledger.deliveries()}


def kept(name: str, *, to: str | None, at: dt.datetime, **body: Any) -> KeptDelivery:
    whole = Message(
        company=Company(name.lower(), name),
        news="converted",
        subject=f"{name} converted",
        text=f"{name} bought by itself.",
        html="",
        blocks=[],
        to=to,
        brief={},
        happened_at=at,
    )
    whole = replace(whole, **body)
    return KeptDelivery(name, "email", "message", name.lower(), None, as_plain(whole), at)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(MADE)


@pytest.fixture
def office(tmp_path: Path, box, clock: FixedClock) -> Iterator[Callable[..., Office]]:
    opened: list[Office] = []

    def make(**settings: Any) -> Office:
        opened.append(Office(tmp_path, box[1], clock, **settings))
        return opened[-1]

    yield make
    for one in opened:
        one.end()


def test_what_can_wait_goes_out_as_one_mail_for_each_person(office, box, clock):
    there, (mailbox, _) = office(), box
    there.add("Acme", "Beta")
    there.add("Gamma", to=BOB)
    there.add("Delta", to=None)
    first = there.dispatcher.step()
    assert (first.sent, first.later, mailbox.mails) == (0, 4, [])
    assert there.dispatcher.step().later == 0, "what waits is not looked at again"
    clock.at = DIGEST - dt.timedelta(seconds=1)
    there.add("Epsilon", at=clock.now())
    assert there.dispatcher.step().sent == 0
    clock.at = DIGEST
    assert there.dispatcher.step().sent == 5
    assert mailbox.told(ANN) == [["Acme", "Beta", "Epsilon"]]
    assert mailbox.told(BOB) == [["Gamma"]]
    assert mailbox.told("sales@ours.example") == [["Delta"]]
    subjects = {mail["Subject"] for _, mail in mailbox.mails}
    assert subjects == {
        "3 messages: Acme, Beta and 1 more",
        "Gamma converted",
        "Delta converted",
    }
    ids = {mail["Message-ID"] for _, mail in mailbox.mails}
    assert {item.their_id for item in there.ledger.deliveries()} == ids
    clock.advance(dt.timedelta(days=1))
    assert there.dispatcher.step().sent == 0
    assert len(mailbox.mails) == 3


def test_a_mail_holds_more_than_a_batch(office, box, clock):
    there, (mailbox, _) = office(), box
    names = [f"A{number:03}" for number in range(75)]
    there.add(*names)
    there.dispatcher.step()
    clock.at = DIGEST
    assert there.dispatcher.step().sent == 75
    assert mailbox.told(ANN) == [names]


@pytest.mark.parametrize(
    "body",
    [
        {"news": "asked"},
        {"news": "breached"},
        {"news": "assigned", "brief": {"urgent": True}},
        {"news": "assigned", "brief": {"urgent": False, "due_at": DIGEST.isoformat()}},
    ],
    ids=["asked", "breached", "hand raise", "to be answered before"],
)
def test_what_is_urgent_goes_at_once(office, box, body):
    there, (mailbox, _) = office(), box
    there.add("Acme", "Beta")
    there.add("Gamma", **body)
    assert there.dispatcher.step().sent == 1
    assert mailbox.told(ANN) == [["Gamma"]]


def test_what_need_not_be_answered_before_the_digest_waits(office, box):
    there, (mailbox, _) = office(), box
    late = (DIGEST + dt.timedelta(minutes=1)).isoformat()
    there.add("Acme", news="assigned", brief={"urgent": False, "due_at": late})
    assert there.dispatcher.step().sent == 0
    assert mailbox.mails == []


def test_who_waits_is_kept_over_a_restart_and_listed_with_its_time(
    office, box, clock, monkeypatch, capsys
):
    there, (mailbox, _) = office(), box
    there.add("Acme", "Beta")
    there.dispatcher.step()
    there.restart()
    assert there.dispatcher.step().sent == 0
    assert {item.due_at for item in there.ledger.deliveries(statuses=("waiting",))} == {DIGEST}
    asked = ["groundswell", "deliveries", "list", "--json", "--project", str(there.folder)]
    monkeypatch.setattr("sys.argv", asked)
    with pytest.raises(SystemExit, match="0"):
        main()
    listed = [row for row in json.loads(capsys.readouterr().out) if row["status"] == "waiting"]
    assert len(listed) == 2
    for row in listed:
        assert dt.datetime.fromisoformat(row["due_at"]) == DIGEST
        assert "with others" in row["reason"]
    clock.at = DIGEST
    there.restart()
    assert there.dispatcher.step().sent == 2
    assert mailbox.told(ANN) == [["Acme", "Beta"]]


def test_one_that_was_first_seen_after_its_time_is_not_a_day_late(office, box, clock):
    there, (mailbox, _) = office(), box
    there.add("Acme")
    clock.at = DIGEST + dt.timedelta(minutes=5)
    there.add("Beta", at=DIGEST + dt.timedelta(minutes=1))
    assert there.dispatcher.step().sent == 1
    assert mailbox.told(ANN) == [["Acme"]]
    assert [item.due_at for item in there.ledger.deliveries(statuses=("waiting",))] == [
        DIGEST + dt.timedelta(days=1)
    ]


def test_digests_that_were_missed_are_one_mail(office, box, clock):
    there, (mailbox, _) = office(), box
    for day in range(3):
        there.add(f"Day{day}", at=MADE + dt.timedelta(days=day))
        clock.at = MADE + dt.timedelta(days=day)
        if day == 0:
            there.dispatcher.step()
    clock.at = DIGEST + dt.timedelta(days=4)
    assert there.dispatcher.step().sent == 3
    assert mailbox.told(ANN) == [["Day0", "Day1", "Day2"]]


@pytest.mark.parametrize(
    ("made", "due"),
    [
        ("2026-03-28T09:00+00:00", "2026-03-29T07:00+00:00"),  # clocks go forward that night
        ("2026-10-24T09:00+00:00", "2026-10-25T08:00+00:00"),  # and back
    ],
)
def test_the_time_is_that_of_the_clock_on_the_wall(office, box, clock, made, due):
    there, (mailbox, _) = office(), box
    at, then = dt.datetime.fromisoformat(made), dt.datetime.fromisoformat(due)
    clock.at = at
    there.add("Acme", at=at)
    there.dispatcher.step()
    clock.at = then - dt.timedelta(seconds=1)
    assert there.dispatcher.step().sent == 0
    clock.at = then
    assert there.dispatcher.step().sent == 1
    assert len(mailbox.mails) == 1


class Killed(BaseException):
    """What ends a process, and that nothing catches."""


def test_killed_after_sending_and_before_it_is_written_down(office, box, clock, monkeypatch):
    there, (mailbox, _) = office(), box
    there.add("Acme", "Beta")
    there.add("Gamma", to=BOB)
    there.dispatcher.step()
    clock.at = DIGEST

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(there.ledger, "settle_deliveries", kill)
        with pytest.raises(Killed):
            there.dispatcher.step()
    assert set(there.statuses().values()) == {"sending"}
    there.restart()
    there.add("Late", at=MADE)
    assert there.dispatcher.step().sent == 4
    assert mailbox.told(ANN) == [["Acme", "Beta"], ["Late"]]
    assert mailbox.told(BOB) == [["Gamma"]]
    ids = {to[0]: mail["Message-ID"] for to, mail in mailbox.mails[:2]}
    theirs = {item.key: item.their_id for item in there.ledger.deliveries()}
    assert theirs["Acme"] == theirs["Beta"] == ids[ANN]
    assert theirs["Gamma"] == ids[BOB]


def test_killed_before_the_destination_remembers(office, box, clock, monkeypatch):
    """The e-mail is then sent again, and a mailbox tells by its id that it is the same."""
    there, (mailbox, _) = office(), box
    there.add("Acme", "Beta")
    there.dispatcher.step()
    clock.at = DIGEST
    memory = there.places.open("email").context.memory

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(type(memory), "put_all", kill)
        with pytest.raises(Killed):
            there.dispatcher.step()
    there.restart()
    there.add("Late", at=MADE)
    assert there.dispatcher.step().sent == 3
    assert mailbox.told(ANN) == [["Acme", "Beta"], ["Acme", "Beta"], ["Late"]]
    first, again, other = (mail["Message-ID"] for _, mail in mailbox.mails)
    assert first == again != other


def test_who_is_busy_gets_the_whole_digest_later(office, box, clock):
    there, (mailbox, _) = office(), box
    there.add("Acme", "Beta")
    there.add("Gamma", to=BOB)
    there.dispatcher.step()
    clock.at = DIGEST
    mailbox.busy.add(ANN)
    done = there.dispatcher.step()
    assert (done.sent, done.later) == (1, 2)
    mailbox.busy.clear()
    clock.advance(dt.timedelta(hours=1))
    assert there.dispatcher.step().sent == 2
    assert mailbox.told(ANN) == [["Acme", "Beta"]]
    assert mailbox.told(BOB) == [["Gamma"]]


def test_a_dry_run_leaves_out_what_waits(office, box, clock):
    there, _ = office(), box
    there.add("Acme")
    there.add("Beta", news="asked")
    assert [change.key for change in there.dispatcher.preview("email", limit=10)] == ["Beta"]
    clock.at = DIGEST
    changes = there.dispatcher.preview("email", limit=10)
    assert {change.key for change in changes} == {"Acme", "Beta"}
    assert set(there.statuses().values()) == {"waiting"}


def test_without_a_digest_each_goes_at_once(office, box):
    there, (mailbox, _) = office(digest=None), box
    there.add("Acme", "Beta")
    assert there.dispatcher.step().sent == 2
    assert mailbox.told(ANN) == [["Acme"], ["Beta"]]


def test_a_hand_raise_of_a_whole_project_does_not_wait(company, box):
    mailbox, port = box
    mail = {
        "host": "127.0.0.1",
        "port": port,
        "from": "pql@ours.example",
        "tls": "none",
        "digest": "09:00 Europe/Berlin",
    }
    project = company(1, destinations={"email": mail})
    project.run()
    assert project.handoffs.dispatch().sent == 1
    assert [to for to, _ in mailbox.mails] == [[project.handoffs.queue()[0].owner]]
