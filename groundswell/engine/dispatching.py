"""Sending what is in the outbox: in order, in batches, within budgets, each effect once.

What is to be sent is marked before and settled after. A delivery that was marked and not settled
was being sent when the sender died: the destination is asked whether it arrived, where it can be
asked, before it is sent again; else its own key keeps it from having its effect twice.
"""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from groundswell.connectors.deliveries import Change, DeliveryKind, Outcome
from groundswell.connectors.destination import DestinationError, Previews, ReadsBack
from groundswell.engine.consigning import (
    batches,
    consignments,
    delivery_of,
    due_later,
    plain_change,
)
from groundswell.engine.told import joined, keep_told, news_of, told_last, values_of, wanted_values
from groundswell.errors import GroundswellError
from groundswell.store.outbox import Settlement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from groundswell.clock import Clock
    from groundswell.engine.consigning import Send
    from groundswell.engine.destinations import Destinations, Opened
    from groundswell.store.ledger import Ledger
    from groundswell.store.outbox import KeptDelivery

ORDER = (
    DeliveryKind.MESSAGE,
    DeliveryKind.ACCOUNT,
    DeliveryKind.CONTACT,
    DeliveryKind.DEAL,
    DeliveryKind.TASK,
    DeliveryKind.NOTE,
)
"""What is sent first of what waits: people are told, then records that others hang on."""

MOST_ATTEMPTS = 10
"""Times that a delivery is tried which a destination that could be reached does not take."""

FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=5), timedelta(hours=6)
FETCHED = 2_000

MOST_IN_BULK = 20_000
"""Deliveries that are fetched where they can be sent as one load."""

_TOGETHER = "It is sent with others when it is due."
log = structlog.get_logger()


@dataclass
class Dispatched:
    """What one step of sending came to.

    Attributes:
        sent: Deliveries that arrived.
        unchanged: Deliveries in which nothing was new.
        later: Deliveries that wait for another time.
        dead: Deliveries that cannot be sent as they are.
        failing: Destinations that take nothing now, and why.
    """

    sent: int = 0
    unchanged: int = 0
    later: int = 0
    dead: int = 0
    failing: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def moved(self) -> int:
        """How many came to rest."""
        return self.sent + self.unchanged + self.dead


def as_kept(item: KeptDelivery) -> KeptDelivery:
    """Return what is sent of a delivery where nothing words it anew."""
    return item


@dataclass
class Dispatcher:
    """Sends what waits in the outbox; one at a time may, for each ledger."""

    ledger: Ledger
    clock: Clock
    destinations: Destinations
    reword: Callable[[KeptDelivery], KeptDelivery] = as_kept
    _alone: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _rests: dict[str, datetime] = field(default_factory=dict[str, datetime])
    _failures: dict[str, int] = field(default_factory=dict[str, int])

    def step(self) -> Dispatched:
        """Send what is due, to every destination that is not paused and does not rest."""
        with self._alone:
            return self._step()

    def _step(self) -> Dispatched:
        done = Dispatched()
        now = self.clock.now()
        paused = self.ledger.paused_destinations()
        for name in self.destinations.names():
            if name in paused or self._rests.get(name, now) > now:
                continue
            waiting = self._due(name, now)
            if waiting:
                self._send_to(name, waiting, done)
        return done

    def _due(self, name: str, now: datetime) -> Sequence[KeptDelivery]:
        """Return what may be sent now; all of it where a destination takes loads."""
        waiting = self.ledger.due_deliveries(name, at=now, limit=FETCHED)
        if len(waiting) < FETCHED or self.destinations.type_of(name).bulk is None:
            return waiting
        return self.ledger.due_deliveries(name, at=now, limit=MOST_IN_BULK)

    def preview(self, name: str, *, limit: int) -> list[Change]:
        """Say what sending what waits would change, as far as the destination can tell.

        Raises:
            UsageError: There is no such destination.
            ConfigError: Its block cannot be used.
            DestinationError: It cannot be reached.
        """
        now = self.clock.now()
        waiting = self.ledger.due_deliveries(name, at=now, limit=limit)
        early = due_later(self.destinations.open(name), waiting, now=now)
        return self.preview_of(name, [item for item in waiting if item.key not in early])

    def preview_of(self, name: str, waiting: Sequence[KeptDelivery]) -> list[Change]:
        """Say what sending some deliveries would change; see `preview` for what it raises."""
        opened = self.destinations.open(name)
        found: list[Change] = []
        for kind in ORDER:
            of_kind = [item for item in waiting if item.kind == kind]
            for batch in batches(of_kind, opened.type.batch):
                deliveries = [delivery_of(item) for item in batch]
                if isinstance(opened.destination, Previews):
                    found += opened.destination.preview(deliveries)
                else:
                    found += [plain_change(item) for item in deliveries]
        return found

    def _send_to(self, name: str, waiting: Sequence[KeptDelivery], done: Dispatched) -> None:
        try:
            opened = self.destinations.open(name)
            ready = self._without_early(opened, waiting, done)
            fresh = self._without_superseded(ready, done)
            fresh = self._without_arrived(opened, fresh, done)
            for urgent in (True, False):
                for kind in ORDER:
                    of_kind = [i for i in fresh if i.kind == kind and i.urgent is urgent]
                    if kind is DeliveryKind.ACCOUNT:
                        of_kind = self._without_unchanged(opened, of_kind, done)
                    for send, batch in consignments(opened, kind, of_kind):
                        self._send(opened, send, batch, done)
            self._failures.pop(name, None)
        except GroundswellError as error:
            self._rest(name, error, done)
        finally:
            self.destinations.keep_budget(name)

    def _rest(self, name: str, error: GroundswellError, done: Dispatched) -> None:
        """Let a destination rest that takes nothing now."""
        failures = self._failures[name] = self._failures.get(name, 0) + 1
        after = error.after if isinstance(error, DestinationError) else None
        delay = timedelta(seconds=after) if after is not None else backoff(name, failures)
        self._rests[name] = self.clock.now() + delay
        done.failing[name] = error.problems[0].what
        codes = [problem.code for problem in error.problems]
        log.warning("destination", name=name, problems=codes, again=self._rests[name].isoformat())

    def _without_early(
        self, opened: Opened, waiting: Sequence[KeptDelivery], done: Dispatched
    ) -> Sequence[KeptDelivery]:
        """Leave out what is sent with others later on, and keep until when it waits.

        That may be all that was fetched, so it is fetched again.
        """
        now = self.clock.now()
        while early := due_later(opened, waiting, now=now):
            self.ledger.settle_deliveries(
                [
                    Settlement(key, "waiting", due_at=due, reason=_TOGETHER, tried=False)
                    for key, due in early.items()
                ]
            )
            done.later += len(early)
            waiting = self._due(opened.name, now)
        return waiting

    def _without_superseded(
        self, waiting: Sequence[KeptDelivery], done: Dispatched
    ) -> list[KeptDelivery]:
        """Leave out values of an account that later ones replace, which say these as well."""
        of_account: dict[str, list[KeptDelivery]] = defaultdict(list)
        for item in waiting:
            if item.kind == DeliveryKind.ACCOUNT:
                of_account[item.account_id].append(item)
        several = [items for items in of_account.values() if len(items) > 1]
        if not several:
            return list(waiting)
        whole = {items[-1].key: joined([item.body for item in items]) for items in several}
        old = [item for items in several for item in items[:-1]]
        why = "Later values of the account replace these."
        self.ledger.supersede_deliveries(
            whole, [Settlement(item.key, "superseded", reason=why, tried=False) for item in old]
        )
        done.unchanged += len(old)
        gone = {item.key for item in old}
        return [
            replace(item, body=whole.get(item.key, item.body))
            for item in waiting
            if item.key not in gone
        ]

    def _without_arrived(
        self, opened: Opened, waiting: list[KeptDelivery], done: Dispatched
    ) -> list[KeptDelivery]:
        """Leave out what was being sent when its sender died, and arrived all the same."""
        unsure = [item for item in waiting if item.status == "sending"]
        if not unsure or not isinstance(opened.destination, ReadsBack):
            return waiting
        arrived: dict[str, str] = {}
        for batch in batches(unsure, opened.type.batch):
            arrived |= opened.destination.find([delivery_of(item) for item in batch])
        there = [item for item in unsure if item.key in arrived]
        self._settle_sent(opened.name, there, arrived)
        done.sent += len(there)
        return [item for item in waiting if item.key not in arrived]

    def _without_unchanged(
        self, opened: Opened, waiting: list[KeptDelivery], done: Dispatched
    ) -> list[KeptDelivery]:
        """Leave values out that the destination has; a delivery without any is not sent."""
        kept: list[KeptDelivery] = []
        same: list[KeptDelivery] = []
        told = told_last(self.ledger, opened.name, {item.account_id for item in waiting})
        wanted = wanted_values(opened.write)
        for item in waiting:
            body = news_of(item.body, told.get(item.account_id, {}), wanted)
            if body is None:
                same.append(item)
            else:
                kept.append(replace(item, body=body))
        if same:
            why = "Nothing in it was new."
            self.ledger.settle_deliveries(
                [Settlement(item.key, "unchanged", reason=why, tried=False) for item in same]
            )
            done.unchanged += len(same)
        return kept

    def _send(
        self, opened: Opened, send: Send, batch: Sequence[KeptDelivery], done: Dispatched
    ) -> None:
        keys = [item.key for item in batch]
        self.ledger.begin_deliveries(keys)
        # Where this breaks off, what is marked stays so: part of it may have arrived.
        outcomes = send([delivery_of(self.reword(item)) for item in batch])
        found = {outcome.key: outcome for outcome in outcomes}
        missing = Outcome("", "later", reason="The destination said nothing of it.")
        sent = [item for item in batch if found.get(item.key, missing).status == "sent"]
        theirs = {key: outcome.their_id or "" for key, outcome in found.items()}
        self._settle_sent(opened.name, sent, theirs)
        done.sent += len(sent)
        others = [
            self._settled(item, outcome)
            for item in batch
            if (outcome := found.get(item.key, missing)).status != "sent"
        ]
        if others:
            self.ledger.settle_deliveries(others)
            done.dead += sum(item.status == "dead" for item in others)
            done.later += sum(item.status == "waiting" for item in others)

    def _settle_sent(self, name: str, sent: Sequence[KeptDelivery], theirs: dict[str, str]) -> None:
        """Record what arrived, and remember which values the destination has now."""
        given = [item for item in sent if item.kind == DeliveryKind.ACCOUNT]
        told = told_last(self.ledger, name, {item.account_id for item in given})
        for item in given:
            told[item.account_id] = told.get(item.account_id, {}) | values_of(item.body)
        keep_told(self.ledger, name, told)
        self.ledger.settle_deliveries(
            [Settlement(item.key, "sent", their_id=theirs.get(item.key) or None) for item in sent]
        )

    def _settled(self, item: KeptDelivery, outcome: Outcome) -> Settlement:
        if outcome.status == "refused":
            return Settlement(item.key, "dead", reason=outcome.reason, fix=outcome.fix)
        if item.attempts + 1 >= MOST_ATTEMPTS:
            why = f"Tried {item.attempts + 1} times. {outcome.reason}"
            fix = "Mend the cause, and `groundswell deliveries retry` it."
            return Settlement(item.key, "dead", reason=why, fix=outcome.fix or fix)
        delay = (
            timedelta(seconds=outcome.after)
            if outcome.after is not None
            else backoff(item.key, item.attempts + 1)
        )
        due = self.clock.now() + delay
        return Settlement(item.key, "waiting", due_at=due, reason=outcome.reason)


def backoff(name: str, failures: int) -> timedelta:
    """Return how long to wait after so many failures: twice as long each time, and jittered.

    The jitter is the same for the same name and number, and spreads different names over half of
    the time.

    >>> backoff("a", 1) < backoff("a", 4) <= LONGEST_DELAY
    True
    """
    whole = min(FIRST_DELAY * 2 ** min(failures - 1, 20), LONGEST_DELAY)
    digest = hashlib.sha256(f"{name}:{failures}".encode()).digest()
    share = int.from_bytes(digest[:4], "big") / 2**32
    return whole * (0.5 + share / 2)
