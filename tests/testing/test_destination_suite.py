"""The suite for destinations: a sound one passes, and each fault fails the check that names it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

import msgspec
import polars as pl
import pytest

from groundswell.connectors.deliveries import Change, DeliveryKind, Outcome
from groundswell.connectors.destination import (
    DestinationError,
    DestinationType,
    Finding,
    Records,
)
from groundswell.connectors.settings import Settings
from groundswell.errors import Problem
from groundswell.model import Kind
from groundswell.testing import CHECKS, HOSTILE_TEXT, Subject, check_destination, sample
from groundswell.testing.samples import NOON
from groundswell.testing.suite import DestinationSuite

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from groundswell.connectors.deliveries import Delivery
    from groundswell.connectors.destination import Context

SECRET = "secret-of-the-shelf"


class ShelfSettings(Settings, frozen=True):
    secrets: ClassVar[frozenset[str]] = frozenset({"token"})
    token: str
    up: bool = True


class OpenSettings(msgspec.Struct, frozen=True):
    """Forbids nothing and hides nothing."""

    token: str
    up: bool = True


class Shelf:
    """A system: what was put there, one entry after the other, and how often it was asked."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, str]] = []
        self.looks = 0
        self.requests = 0


class ToShelf:
    """A destination that keeps to everything, but for the one fault it is given."""

    def __init__(self, shelf: Shelf, fault: str, settings: ShelfSettings, context: Context) -> None:
        self.shelf, self.fault, self.settings, self.context = shelf, fault, settings, context
        self.closed = False

    def check(self) -> list[Finding]:
        self._request()
        if self.fault == "check_changes_nothing":
            self.shelf.entries.append(("looked", ""))
        return [Finding("shelf", ok=True, said="it stands")]

    def send(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        self._request()
        bad = [one for one in deliveries if one.account_id == "bad"]
        if bad and self.fault == "a_refusal_is_of_one":
            return [Outcome.refused(one, "no", "mend it") for one in deliveries]
        return [
            Outcome.refused(one, "bad", "mend it") if one in bad else self._put(one)
            for one in deliveries
        ]

    def due_at(self, delivery: Delivery) -> datetime | None:
        return delivery.made_at + timedelta(hours=1)

    def send_gathered(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        if self.fault == "what_waits_is_sent_together":
            self.shelf.entries += [(one.key, "again") for one in deliveries]
        return self.send(deliveries)

    def find(self, deliveries: Sequence[Delivery]) -> dict[str, str]:
        self._request()
        there = {key for key, _ in self.shelf.entries}
        if self.fault == "find_knows_what_arrived":
            there = {one.key for one in deliveries}
        return {one.key: f"#{one.key}" for one in deliveries if one.key in there}

    def preview(self, deliveries: Sequence[Delivery]) -> list[Change]:
        self._request()
        if self.fault == "preview_changes_nothing":
            self.send(deliveries)
        return [Change(one.key, "put", "a book") for one in deliveries]

    def read(self, cursor: str | None, *, until: datetime) -> Records:
        self._request()
        columns = {"opportunity_id": "1", "account_id": "a", "created_at": NOON, "stage": "new"}
        if self.fault == "records_are_canonical":
            columns["shade"] = "green"
        frame = pl.DataFrame([columns])
        return Records({Kind.OPPORTUNITIES: frame}, {}, frozenset(), until.isoformat())

    def close(self) -> None:
        if self.closed and self.fault == "closing_twice_is_nothing":
            raise RuntimeError("it is closed")
        self.closed = True

    def _put(self, one: Delivery) -> Outcome:
        text = str(msgspec.to_builtins(one.body))
        if self.fault == "text_survives":
            text = text.replace("<", "&lt;")
        if self.fault == "every_kind_is_sent" and one.kind is DeliveryKind.TASK:
            return Outcome.sent(one, f"#{one.key}")
        if self.fault == "a_name_of_two_lines_is_sent" and "Two\\r\\n" in text:
            return Outcome.refused(one, "two lines", "write one")
        if one.key not in {key for key, _ in self.shelf.entries} or (
            self.fault == "a_repeat_has_no_effect"
        ):
            self.shelf.entries.append((one.key, text))
        return Outcome.sent(one, f"#{one.key}")

    def _request(self) -> None:
        if not self.settings.up:
            if self.fault == "failures_are_told":
                raise ConnectionError("refused")
            raise DestinationError(Problem("down", "It is down.", "Wait."))
        if self.fault != "requests_are_budgeted":
            self.context.budget.spend()
        self.shelf.requests += 1


def subject(fault: str = "") -> Subject:
    shelf = Shelf()
    kind = OpenSettings if fault in {"settings_forbid_unknown_keys", "secrets_are_hidden"} else None
    made = DestinationType(
        name="Shelf " if fault == "type_is_whole" else "shelf",
        title="Shelf",
        doc="A shelf.",
        settings=kind or ShelfSettings,
        open=lambda settings, context: ToShelf(shelf, fault, settings, context),
        kinds=frozenset(DeliveryKind),
        usual=frozenset({"score"}),
        batch=10,
        reads=True,
    )

    def spoil(good: Delivery) -> Delivery:
        return replace(good, account_id="bad")

    return Subject(
        type=made,
        settings=made.settings(token=SECRET),
        arrived=lambda one: sum(key == one.key for key, _ in shelf.entries),
        state=lambda: list(shelf.entries),
        secrets=(SECRET,),
        unreachable=made.settings(token=SECRET, up=False),
        shown=lambda one: (
            next(text for key, text in shelf.entries if key == one.key)
            .encode("latin-1", "backslashreplace")
            .decode("unicode-escape")
        ),
        spoil=spoil,
        requests=lambda: shelf.requests,
    )


class TestSound(DestinationSuite):
    @pytest.fixture
    def subject(self) -> Subject:
        return subject()


def test_every_check_applies_to_what_offers_everything():
    assert check_destination(subject()) == []


def test_what_is_not_offered_is_named():
    bare = replace(subject(), secrets=(), spoil=None, unreachable=None, spends=False)
    left_out = check_destination(replace(bare, tells_repeats=False))
    assert left_out == [
        "secrets_are_hidden",
        "a_repeat_has_no_effect",
        "a_refusal_is_of_one",
        "requests_are_budgeted",
        "failures_are_told",
    ]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_fault_fails_its_check(check):
    found = (RuntimeError, ConnectionError, AssertionError)
    with pytest.raises(found):
        check(subject(check.__name__))


def test_samples_are_the_same_each_time_and_differ_by_word():
    for kind in DeliveryKind:
        assert sample(kind, "a") == sample(kind, "a")
        assert sample(kind, "a").key != sample(kind, "b").key
        assert sample(kind, "a").account_id != sample(kind, "b").account_id
    assert sample(DeliveryKind.NOTE, "a", text=HOSTILE_TEXT).body.text == HOSTILE_TEXT


def test_only_the_suite_needs_pytest():
    script = "import sys, groundswell.testing; assert 'pytest' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)
