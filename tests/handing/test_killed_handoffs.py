"""Killed at any step of a decision or a delivery, and started again: nothing twice, none lost."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
import os
import random
import shutil
import sqlite3
from collections import Counter
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
import sqlalchemy as sa

from groundswell.clock import FixedClock
from groundswell.config.loading import load_config
from groundswell.connectors import registry
from groundswell.connectors.deliveries import AccountValues, Company, Task
from groundswell.engine.destinations import Destinations
from groundswell.engine.dispatching import Dispatcher
from groundswell.engine.handing.acting import Act
from groundswell.engine.handing.handing import Handing
from groundswell.handoff.life import STEPS, Handoff, State, Step, follow, follow_one
from groundswell.model import as_plain
from groundswell.store.ledger import JournalEntry, open_ledger
from groundswell.store.outbox import KeptDelivery

from . import book_crm, warmed
from .conftest import EVENTS, NOW, TEAMS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from groundswell.store.outbox import Group
    from tests.engines import Postgres

ROUNDS, POSTGRES_ROUNDS = (200, 15) if os.environ.get("CI") else (12, 6)
ACCOUNTS = 5
MOST_STEPS = 95
DAY = NOW.date()


class Tells:
    """Asks for a task and for values of the account with every step."""

    def __init__(self, handing: Handing) -> None:
        self.handing = handing

    def deliveries(self, groups: list[Group], about: object) -> list[tuple[KeptDelivery, ...]]:
        return [tuple(self._of(group)) for group in groups]

    def _of(self, group: Group):
        steps = [entry for entry in group.entries if entry.kind in STEPS]
        handoff: Handoff | None = self.handing.book.get(steps[-1].body["handoff_id"])
        for entry in steps:
            handoff = follow_one(handoff, entry)
        company = Company(handoff.account_id, handoff.account_id)
        values = AccountValues(company, {"state": str(handoff.state)}, handoff.owner)
        bodies: list[tuple[str, Any]] = [("account", values)]
        if steps[-1].kind == Step.ASSIGNED:
            bodies.append(("task", Task(company, "Call", "Why", None, handoff.owner)))
        for kind, body in bodies:
            yield KeptDelivery(
                f"{steps[-1].key}:book:{kind}",
                "book",
                kind,
                handoff.account_id,
                handoff.handoff_id,
                as_plain(body),
                steps[-1].at,
            )


def decided(number: int) -> JournalEntry:
    name = f"a{number}"
    body = {
        "hand_over": True,
        "motion": "sales_assist",
        "team": "sales_assist",
        "reason": "It is qualified.",
        "rule": "r",
        "score": 70.0 + number,
    }
    return JournalEntry(f"decided:{name}:{DAY}:x", name, "decided", NOW, DAY, body)


def live(folder: str, steps: int, url: str) -> None:
    """Decide, act and deliver, from wherever it was left; die after so many steps."""
    from pathlib import Path

    registry.DESTINATIONS["book"] = f"{book_crm.__name__}:DESTINATION"
    registry.destination_type.cache_clear()
    book_crm.kill_after(steps)
    for name in ("before_cursor_execute", "commit"):
        sa.event.listen(sa.engine.Engine, name, lambda *_: book_crm.step())
    root = Path(folder)
    loaded = load_config(root)
    clock = FixedClock(NOW)
    with open_ledger(url, root, clock=clock) as ledger:
        handing = Handing(loaded, ledger, clock)
        handing.teller = Tells(handing)
        frame = pl.DataFrame(
            {"account_id": [f"a{k}" for k in range(ACCOUNTS)], "as_of": [DAY] * ACCOUNTS}
        )
        handing.record([decided(k) for k in range(ACCOUNTS)], frame, frame)
        for account, action, before in (
            ("a0", "accept", State.ASSIGNED),
            ("a1", "snooze", State.ASSIGNED),
            ("a0", "won", State.ACCEPTED),
        ):
            handoff = handing.book.refresh().of_account(account)
            if handoff.state is before:
                handing.act(handoff, Act(action, "ann@ours.example", days=2), None)
        destinations = Destinations(loaded, ledger, clock, {})
        dispatcher = Dispatcher(ledger, clock, destinations)
        while dispatcher.step().moved:
            pass
        destinations.close()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a configuration and an empty ledger."""
    folder = tmp_path_factory.mktemp("killed")
    with open_ledger("sqlite", folder):
        pass
    return folder


def run(context, folder: Path, steps: int, url: str) -> int:
    process = context.Process(target=live, args=(str(folder), steps, url))
    process.start()
    process.join(60)
    assert process.exitcode is not None
    return process.exitcode


def test_nothing_is_handed_over_twice_and_none_is_lost(template: Path, tmp_path: Path) -> None:
    def ledger(folder: Path) -> str:
        shutil.copytree(template, folder)
        return "sqlite"

    kill_and_go_on(ledger, tmp_path, rounds=ROUNDS)


def test_nor_with_a_ledger_in_postgresql(postgres: Postgres, tmp_path: Path) -> None:
    with open_ledger(postgres.create("killed"), tmp_path):
        pass

    def ledger(folder: Path) -> str:
        folder.mkdir()
        name = f"killed_{folder.name}"
        postgres.run(f"CREATE DATABASE {name} TEMPLATE killed", "postgres")
        return postgres.url(name)

    kill_and_go_on(ledger, tmp_path, rounds=POSTGRES_ROUNDS)


def kill_and_go_on(ledger: Callable[[Path], str], tmp_path: Path, *, rounds: int) -> None:
    """Kill it after some steps and start it again, in a new folder and ledger each round."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, warmed.__name__])
    killed = 0
    for seed in range(rounds):
        chance = random.Random(seed)
        folder = tmp_path / str(seed)
        url = ledger(folder)
        book = folder / "crm.sqlite"
        config = {
            "events": EVENTS,
            "teams": TEAMS,
            "destinations": {"book": {"file": str(book)}},
        }
        (folder / "groundswell.yaml").write_text(json.dumps(config), encoding="utf-8")
        killed += run(context, folder, chance.randrange(MOST_STEPS), url) == -9
        assert run(context, folder, -1, url) == 0
        check(folder, book, url)
        shutil.rmtree(folder)
    assert killed > rounds * 0.6


def check(folder: Path, book: Path, url: str) -> None:
    """Compare the journal with what the CRM was made to do."""
    with open_ledger(url, folder) as ledger:
        journal = ledger.journal()
        handoffs = list(follow(journal).values())
        assert sorted(item.account_id for item in handoffs) == [f"a{k}" for k in range(ACCOUNTS)]
        counts = Counter(entry.kind for entry in journal)
        assert counts["decided"] == counts["routed"] == counts["assigned"] == ACCOUNTS
        assert (counts["accepted"], counts["snoozed"], counts["won"]) == (1, 1, 1)
        held = Counter(item.owner for item in handoffs)
        assert max(held.values()) <= 3
        outbox = {item.key: item for item in ledger.deliveries()}
        assert {item.status for item in outbox.values()} <= {"sent", "superseded"}
    with sqlite3.connect(book) as connection:
        made = list(connection.execute("SELECT key, kind, who FROM made"))
    connection.close()
    assert Counter(key for key, _, _ in made).most_common(1)[0][1] == 1
    assert {key for key, _, _ in made} == {
        key for key, item in outbox.items() if item.status == "sent"
    }
    tasks = Counter(who for _, kind, who in made if kind == "task")
    assert tasks == held
    at = dt.datetime.fromtimestamp(0, dt.UTC)
    assert all(item.settled_at > at for item in outbox.values())
