"""The book of handoffs: every one as the journal has it, and what is on each rep's desk."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from groundswell.handoff.life import CLOSED, STEPS, Handoff, State, Step, follow_one
from groundswell.routing.assignment import EMPTY_DESK, Desk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.store.ledger import JournalEntry, Ledger


@dataclass
class Book:
    """Handoffs by account and by rep; reads from the journal only what is new to it.

    Any thread may ask.
    """

    ledger: Ledger
    _handoffs: dict[str, Handoff] = field(default_factory=dict[str, Handoff])
    _latest: dict[str, str] = field(default_factory=dict[str, str])
    _counts: Counter[str] = field(default_factory=Counter[str])
    _credits: dict[str, float] = field(default_factory=dict[str, float])
    _position: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def refresh(self) -> Book:
        """Take in what was written since the last time."""
        with self._lock:
            entries, self._position = self.ledger.journal_after(self._position, STEPS)
            for entry in entries:
                self._take(entry)
        return self

    @property
    def position(self) -> int:
        """Where in the journal it was read to; it is another one once a step was written."""
        return self._position

    def _take(self, entry: JournalEntry) -> None:
        name = str(entry.body["handoff_id"])
        before = self._handoffs.get(name)
        found = follow_one(before, entry)
        if found is None:
            return
        self._handoffs[name] = found
        if before is None:
            self._latest[entry.account_id] = name
            self._counts[entry.account_id] += 1
        if entry.kind == Step.ASSIGNED:
            self._credit(entry.body)

    def _credit(self, body: Mapping[str, Any]) -> None:
        for candidate in body.get("candidates", ()):
            if candidate["share"]:
                moved = candidate["share"] - (1.0 if candidate["taken"] else 0.0)
                email = candidate["email"]
                self._credits[email] = self._credits.get(email, 0.0) + moved

    def all(self) -> list[Handoff]:
        """Return every handoff, in the order in which they were opened."""
        with self._lock:
            return list(self._handoffs.values())

    def open(self) -> list[Handoff]:
        """Return those that are open, in the order in which they were opened."""
        return [handoff for handoff in self.all() if handoff.is_open]

    def get(self, handoff_id: str) -> Handoff | None:
        """Return a handoff by its id."""
        with self._lock:
            return self._handoffs.get(handoff_id)

    def of_account(self, account_id: str) -> Handoff | None:
        """Return the latest handoff of an account."""
        with self._lock:
            name = self._latest.get(account_id)
            return None if name is None else self._handoffs[name]

    def count(self, account_id: str) -> int:
        """Return how many handoffs an account has had."""
        with self._lock:
            return self._counts[account_id]

    def desks(self) -> dict[str, Desk]:
        """Return what is on each rep's desk, by address: what they have that is open."""
        with self._lock:
            held = Counter(
                handoff.owner
                for handoff in self._handoffs.values()
                if handoff.owner is not None and handoff.state not in {*CLOSED, State.ROUTED}
            )
            people = {*held, *self._credits}
            return {
                email: Desk(held.get(email, 0), self._credits.get(email, EMPTY_DESK.credit))
                for email in people
            }
