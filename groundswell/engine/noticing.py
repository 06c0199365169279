"""From what the engine did to notices of the feed.

What is drained and scored is noted in passing, as the numbers it came in; names are looked up and
sentences written when somebody listens. A step that brings more than some hundred of one kind is
told as one notice, beside those of the accounts that somebody asks for.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa
import structlog
from sqlglot import exp

from groundswell.clock import day_number, utc_day
from groundswell.engine.deciding import DECIDED
from groundswell.engine.handing.owners import OWNER_TOLD
from groundswell.engine.reports import Notice
from groundswell.features.meanings import meanings_of
from groundswell.model import Kind
from groundswell.store.arrays import to_numpy
from groundswell.store.nearby import read_frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from groundswell.engine.draining import Drained
    from groundswell.engine.feed import Feed, Numbered
    from groundswell.engine.live.firing import Fired
    from groundswell.engine.live.following import Scored
    from groundswell.engine.project import Project
    from groundswell.engine.reports import NoticeKind
    from groundswell.model import Reject
    from groundswell.store.ledger import JournalEntry

    Ints = NDArray[np.int64]

MOST = 300
"""Notices of one kind that a step is told as, singly."""

LATE = timedelta(minutes=1)
"""An event that came so much after it happened is told with its time."""

_SHOWN = 3
log = structlog.get_logger()


@dataclass(frozen=True)
class _Events:
    """Events of one source; those that are told singly, and the others by name."""

    at: datetime
    source: str
    actor: Ints
    event: Ints
    happened: Ints
    others: Mapping[int, int]

    def __len__(self) -> int:
        return len(self.actor) + bool(self.others)


@dataclass(frozen=True)
class _Worded:
    """Notices that need nothing looked up."""

    notices: tuple[Notice, ...]

    @property
    def at(self) -> datetime:
        return self.notices[0].at

    def __len__(self) -> int:
        return len(self.notices)


@dataclass(frozen=True)
class _People:
    """Who some actors are: the ids that their events bear, and the accounts they count for."""

    who: Mapping[int, str]
    account: Mapping[int, str]


@dataclass
class Reporter:
    """Tells the feed of a project what happens; one thread at a time may use it.

    Whatever fails here is logged, and goes no further.
    """

    project: Project
    feed: Feed
    _names: list[str] = field(default_factory=list[str])
    _meaning: dict[str, str] = field(default_factory=dict[str, str])

    def drained(self, done: Drained) -> None:
        """Note what was taken in."""
        try:
            at = self.project.clock.now()
            for kind, rows in done.news:
                if kind is Kind.EVENTS:
                    self.feed.add(self._events(rows, at))
            self._add([_of_reject(reject, at) for reject in done.rejects])
        except Exception as error:
            log.exception("the feed failed", problem=type(error).__name__)

    def scored(self, scored: Scored) -> None:
        """Note what came of scoring."""
        try:
            at = self.project.clock.now()
            # What is told to owners is seen by them, and its trigger is told here.
            entries = [_of_entry(one) for one in scored.entries if one.kind != OWNER_TOLD]
            self._add([item for item in entries if item.kind == "crossing"])
            self._add([_of_trigger(fired, at) for fired in scored.fired])
            self._add([item for item in entries if item.kind == "decision"])
        except Exception as error:
            log.exception("the feed failed", problem=type(error).__name__)

    def word(self) -> None:
        """Put what was noted into words, where somebody listens."""
        drafts = self.feed.drafts()
        if not drafts:
            return
        try:
            self.feed.put(list(self._word(drafts)))
        except Exception as error:
            log.exception("the feed failed", problem=type(error).__name__)

    # --- noting ---------------------------------------------------------------------------------

    def _events(self, rows: pa.Table, at: datetime) -> _Events:
        source = str(rows.column("source")[0].as_py())
        actor = to_numpy(rows.column("actor")).astype(np.int64)
        event = to_numpy(rows.column("event_id")).astype(np.int64)
        # A copy, as it lies in memory that holds the whole request.
        happened = to_numpy(rows.column("occurred_at").cast(pa.int64())).copy()
        if len(actor) <= MOST:
            return _Events(at, source, actor, event, happened, {})
        single = np.isin(actor, self._actors_of(self.feed.asked_for))
        single &= np.cumsum(single) <= MOST
        counts = np.bincount(event[~single])
        others = {int(name): int(counts[name]) for name in np.flatnonzero(counts)}
        return _Events(at, source, actor[single], event[single], happened[single], others)

    def _actors_of(self, accounts: frozenset[str]) -> Ints:
        """Return the actors whose events may count for some accounts."""
        if not accounts:
            return np.zeros(0, dtype=np.int64)
        wanted = sorted(accounts)
        named = exp.column("account_id").isin(*(exp.Literal.string(name) for name in wanted))
        select = exp.select("actor").from_("actors").where(named)
        found = [read_frame(self.project.warehouse, select)["actor"].cast(pl.Int64)]
        base = self.project.live.base if self.project.live is not None else None
        if base is not None:
            ids = base.filing.accounts.filter(pl.col("account_id").is_in(wanted))["account"]
            own = base.filing.filings.filter(pl.col("account").is_in(ids.implode()))
            found.append(own["actor"].cast(pl.Int64))
        return pl.concat(found).unique().to_numpy()

    def _add(self, notices: Sequence[Notice]) -> None:
        """Add notices of one kind; too many of them as one, beside those that are asked for."""
        if not notices:
            return
        if len(notices) <= MOST:
            self.feed.add(_Worded(tuple(notices)))
            return
        wanted = self.feed.asked_for
        single = [item for item in notices if item.account in wanted][:MOST]
        told = {id(item) for item in single}
        rest = Counter(item.what for item in notices if id(item) not in told)
        first = notices[0]
        many = Notice(
            first.kind, first.at, "many", _listed(rest, f"{first.kind}s"), count=rest.total()
        )
        self.feed.add(_Worded((*single, many) if rest else tuple(single)))

    # --- wording --------------------------------------------------------------------------------

    def _word(self, drafts: Iterable[Numbered]) -> Iterable[tuple[int, Notice]]:
        listed = list(drafts)
        events = [item.draft for item in listed if isinstance(item.draft, _Events)]
        people = self._people(events)
        self._know_names(events)
        for item in listed:
            if isinstance(item.draft, _Events):
                notices = self._of_events(item.draft, people)
            else:
                assert isinstance(item.draft, _Worded), "there is no other"
                notices = item.draft.notices
            yield from enumerate(notices, item.first)

    def _of_events(self, draft: _Events, people: _People) -> Iterable[Notice]:
        for actor, event, happened in zip(
            draft.actor.tolist(), draft.event.tolist(), draft.happened.tolist(), strict=True
        ):
            name = self._names[event]
            happened_at = datetime.fromtimestamp(happened / 1_000_000, tz=UTC)
            sentence = self._meaning_of(name)
            if abs(draft.at - happened_at) > LATE:
                sentence += f" It happened {happened_at:%Y-%m-%d %H:%M}."
            yield Notice(
                "event",
                draft.at,
                name,
                sentence,
                source=draft.source,
                who=people.who.get(actor),
                account=people.account.get(actor),
                happened_at=happened_at,
            )
        if draft.others:
            counted = Counter({self._names[name]: count for name, count in draft.others.items()})
            total = counted.total()
            sentence = _listed(counted, "events")
            yield Notice("event", draft.at, "many", sentence, source=draft.source, count=total)

    def _meaning_of(self, name: str) -> str:
        if name not in self._meaning:
            found = meanings_of(name, self.project.loaded.meanings)
            said = f"Means {', '.join(found)}." if found else "No meaning is mapped to it."
            self._meaning[name] = said
        return self._meaning[name]

    def _know_names(self, events: Sequence[_Events]) -> None:
        most = max((int(item.event.max(initial=-1)) for item in events), default=-1)
        most = max([most, *(number for item in events for number in item.others)])
        if most >= len(self._names):
            self._names = self.project.warehouse.event_names()

    def _people(self, events: Sequence[_Events]) -> _People:
        if not events:
            return _People({}, {})
        actors = np.unique(np.concatenate([item.actor for item in events])).tolist()
        if not actors:
            return _People({}, {})
        among = exp.column("actor").isin(*(exp.Literal.number(actor) for actor in actors))
        columns = ("actor", "user_id", "anonymous_id", "account_id")
        found = read_frame(
            self.project.warehouse, exp.select(*columns).from_("actors").where(among)
        )
        rows = list(found.select(columns).iter_rows())
        who = {actor: user or device for actor, user, device, _ in rows if user or device}
        account = {actor: name for actor, _, _, name in rows if name is not None}
        return _People(who, {**account, **self._filed(actors)})

    def _filed(self, actors: Sequence[int]) -> dict[int, str]:
        """Return the accounts that events of today count for, by actor, of those who were filed."""
        base = self.project.live.base if self.project.live is not None else None
        if base is None:
            return {}
        today = day_number(utc_day(self.project.clock.now()))
        held = (pl.col("from_day") <= today) & (pl.col("until_day") > today)
        shown = (pl.col("visible") <= today) & (pl.col("hidden") > today)
        own = base.filing.filings.filter(pl.col("actor").is_in(list(actors)) & held & shown)
        ids = base.account_ids.gather(own["account"])
        return dict(zip(own["actor"].to_list(), ids.to_list(), strict=True))


def _of_reject(reject: Reject, at: datetime) -> Notice:
    return Notice("reject", at, reject.code, reject.reason, source=reject.source)


def _of_trigger(fired: Fired, at: datetime) -> Notice:
    trigger = fired.trigger
    return Notice("trigger", at, trigger.name, trigger.sentence, account=fired.account_id)


def _of_entry(entry: JournalEntry) -> Notice:
    kind: NoticeKind = "decision" if entry.kind == DECIDED else "crossing"
    what = str(entry.body["motion"]) if kind == "decision" else entry.kind
    sentence = str(entry.body.get("reason", ""))
    if kind == "decision":
        sentence = f"{'Hand over: ' if entry.body['hand_over'] else ''}{sentence}"
    return Notice(kind, entry.at, what, sentence, account=entry.account_id)


def _listed(counts: Counter[str], noun: str) -> str:
    """Say how many there were, and of what most.

    >>> _listed(Counter(Viewed=900, Made=40, Paid=3, Left=1), "events")
    '944 events: Viewed 900, Made 40, Paid 3, 1 other.'
    """
    common = counts.most_common(_SHOWN)
    parts = [f"{what} {count:,}" for what, count in common]
    if len(counts) > _SHOWN:
        parts.append(f"{counts.total() - sum(count for _, count in common):,} other")
    return f"{counts.total():,} {noun}: {', '.join(parts)}."
