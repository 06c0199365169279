"""Who asks for a person is told of before everything that waits, however much that is."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from groundswell.clock import FixedClock
from groundswell.config.loading import load_config
from groundswell.connectors import registry
from groundswell.connectors.deliveries import AccountValues, Company, Task
from groundswell.engine.destinations import Destinations
from groundswell.engine.dispatching import Dispatcher
from groundswell.model import as_plain
from groundswell.store.ledger import open_ledger
from groundswell.store.outbox import KeptDelivery

from . import book_crm
from .conftest import EVENTS, NOW, TEAMS
from .test_informing import ask, mail

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["mail"]


@pytest.fixture
def book(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the CRM in a file be a destination."""
    monkeypatch.setitem(registry.DESTINATIONS, "book", f"{book_crm.__name__}:DESTINATION")
    registry.destination_type.cache_clear()
    yield
    registry.destination_type.cache_clear()


def kept(number: int, body: Any, kind: str, *, urgent: bool = False) -> KeptDelivery:
    at = NOW + dt.timedelta(seconds=number)
    name = f"a{number:03}"
    return KeptDelivery(
        f"{name}:{kind}", "book", kind, name, None, as_plain(body), at, urgent=urgent
    )


def test_what_is_urgent_goes_before_a_pile_of_values(book: None, tmp_path: Path) -> None:
    file = tmp_path / "crm.sqlite"
    config = {"events": EVENTS, "teams": TEAMS, "destinations": {"book": {"file": str(file)}}}
    (tmp_path / "groundswell.yaml").write_text(json.dumps(config), encoding="utf-8")
    clock = FixedClock(NOW + dt.timedelta(hours=1))
    with open_ledger("sqlite", tmp_path, clock=clock) as ledger:
        values = [
            kept(number, AccountValues(Company(f"a{number:03}", "A"), {"score": number}), "account")
            for number in range(30)
        ]
        task = Task(Company("a999", "Z"), "Call", "Why", None, None, urgent=True)
        usual = Task(Company("a998", "Y"), "Call", "Why", None, None)
        ledger.add_deliveries([*values, kept(998, usual, "task")])
        ledger.add_deliveries([kept(999, task, "task", urgent=True)])
        due = ledger.due_deliveries("book", at=clock.at, limit=2)
        assert [item.key for item in due] == ["a999:task", "a000:account"]
        destinations = Destinations(load_config(tmp_path), ledger, clock, {})
        assert Dispatcher(ledger, clock, destinations).step().sent == 32
        destinations.close()
    with sqlite3.connect(file) as connection:
        made = [key for (key,) in connection.execute("SELECT key FROM made ORDER BY rowid")]
    connection.close()
    assert made[0] == "a999:task"
    assert made[1:31] == [item.key for item in values]
    assert made[31] == "a998:task"


@pytest.mark.loopback
def test_a_hand_raise_is_urgent_and_its_values_are_not(company, mail, clock) -> None:
    _, blocks = mail
    project = company(2, **blocks)
    project.run()
    before = {item.key for item in project.handoffs.deliveries()}
    assert before
    ask(project, 0, clock.at - dt.timedelta(minutes=1))
    clock.advance(dt.timedelta(days=1))
    project.run()
    after = [item for item in project.handoffs.deliveries() if item.key not in before]
    told = {(item.kind, item.body.get("news")): item.urgent for item in after}
    assert any(kind == "message" and urgent for (kind, _), urgent in told.items())
    assert not any(item.urgent for item in after if item.kind == "account")


def test_what_waited_before_is_no_more_urgent_than_the_rest(tmp_path: Path) -> None:
    assert {field.name: field.default for field in dataclasses.fields(KeptDelivery)}[
        "urgent"
    ] is False
    with open_ledger("sqlite", tmp_path) as ledger:
        ledger.add_deliveries([kept(1, AccountValues(Company("a", "A"), {}), "account")])
        (item,) = ledger.deliveries()
    assert item.urgent is False
