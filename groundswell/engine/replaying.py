"""Rejects of live sources, read again like the messages that come in now.

A message keeps the moment it came at, so what was known as of a day stays as it was. What passes
is appended first and leaves the quarantine second, and appending it again changes nothing: a
replay can be killed, and repeated.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING

from groundswell.engine.draining import Drained, load_id_of
from groundswell.engine.judging import reopened, unread
from groundswell.engine.reports import LoadReport
from groundswell.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from groundswell.engine.draining import Drain
    from groundswell.engine.judging import Parcel
    from groundswell.model import Reject
    from groundswell.store.ledger import KeptReject

MESSAGES = "messages"
"""What a report of live sources counts: they become records of several kinds."""


def replay_messages(drain: Drain, kept: Sequence[KeptReject]) -> list[LoadReport]:
    """Read what live sources sent once more; what passes is loaded and settled.

    Args:
        drain: Reads and appends, by the configuration as it is now.
        kept: Rejects that say how they were sent, open ones.

    Returns:
        One report per source.

    Raises:
        UsageError: The mapping of a source cannot be used.
        StoreError: A store cannot be used now.
    """
    by_source: dict[str, list[KeptReject]] = {}
    for item in sorted(kept, key=_arrival):
        drain.judge.mapping(item.reject.source, item.reject.kind)
        by_source.setdefault(item.reject.source, []).append(item)
    return [_Replay(drain, source).run(items) for source, items in by_source.items()]


def _arrival(item: KeptReject) -> datetime:
    assert item.reject.sending is not None, "a row of a file is not sent"
    return item.reject.sending.received_at


def _message(item: KeptReject) -> tuple[datetime, str]:
    return _arrival(item), item.reject.raw


def _hour(item: KeptReject) -> datetime:
    return _arrival(item).replace(minute=0, second=0, microsecond=0)


@dataclass
class _Replay:
    """The rejects of one source, and what comes of them."""

    drain: Drain
    source: str
    done: Drained = field(default_factory=lambda: Drained(0))
    codes: Counter[str] = field(default_factory=Counter[str])

    def run(self, items: Sequence[KeptReject]) -> LoadReport:
        """Replay hour by hour of arrival, as times are judged by when they came."""
        started = time.monotonic()
        for _, some in groupby(items, key=_hour):
            self._replay(list(some))
        return LoadReport(
            source=self.source,
            kind=MESSAGES,
            added=self.done.added,
            duplicates=self.done.duplicates,
            rejected=self.codes.total(),
            reject_codes=dict(self.codes.most_common()),
            seconds=time.monotonic() - started,
        )

    def _replay(self, items: Sequence[KeptReject]) -> None:
        owners: list[list[KeptReject]] = []
        parcels: list[Parcel] = []
        for _, same in groupby(sorted(items, key=_message), key=_message):
            of_one = list(same)
            try:
                parcels.append(reopened(of_one[0].reject))
                owners.append(of_one)
            except Exception as error:  # noqa: BLE001 - whatever it is, the rest has to go on
                reason = f"It could not be opened: {error}"
                self._settle(
                    of_one, {item.id: replace(item.reject, reason=reason) for item in of_one}
                )
        try:
            if parcels:
                self._take_in(owners, parcels)
        except StoreError:
            raise
        except Exception:  # noqa: BLE001 - one message may spoil the rest; which one, is seen singly
            for of_one, parcel in zip(owners, parcels, strict=True):
                self._take_in_alone(of_one, parcel)

    def _take_in_alone(self, of_one: list[KeptReject], parcel: Parcel) -> None:
        try:
            self._take_in([of_one], [parcel])
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            self._settle(of_one, {item.id: unread(parcel, error) for item in of_one})

    def _take_in(self, owners: Sequence[list[KeptReject]], parcels: Sequence[Parcel]) -> None:
        """Append what passes now; each reject of a message is settled by what is of its kind."""
        judged = self.drain.judge.judge(parcels)
        failed: dict[str, Reject] = {}
        found: list[Reject] = []
        for number, reject in judged.rejects:
            said = (reject.kind, reject.raw)
            ids = [o.id for o in owners[number] if (o.reject.kind, o.reject.raw) == said]
            failed |= dict.fromkeys(ids, reject)
            found += [] if ids else [reject]
        self.drain.ledger.add_rejects(found, load_id=load_id_of(self.source))
        self.done += self.drain.append(judged)
        self._settle([item for of_one in owners for item in of_one], failed)

    def _settle(self, items: Sequence[KeptReject], failed: dict[str, Reject]) -> None:
        self.drain.ledger.restate_rejects(failed)
        self.drain.ledger.mark_replayed(item.id for item in items if item.id not in failed)
        self.codes.update(reject.code for reject in failed.values())
