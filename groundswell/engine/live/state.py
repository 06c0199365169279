"""The live state of a company: what is known of every account as of today, event by event.

Once a day, and whenever facts came another way, everything is computed as `run` does. In between
an event is counted in constant time for the accounts it touches. Accounts that cannot be followed
so - a person is new, an event is late, a trait changed - are computed anew from the facts around
them. Either way features, scores, triggers and decisions come from the same code as `run`, and
`doctor` compares.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa

from groundswell.clock import utc_day
from groundswell.engine.deciding import note
from groundswell.engine.live.base import Base
from groundswell.engine.live.board import Board
from groundswell.engine.live.firing import Said, runs_of
from groundswell.engine.live.last_known import People
from groundswell.engine.live.moving import Movements, users_at
from groundswell.engine.live.near import compute_near, facts_near, look_near
from groundswell.engine.live.pending import Pending
from groundswell.engine.live.reconciling import reconcile
from groundswell.engine.running import decide_on, run_whole
from groundswell.engine.standing import followed_days, stand, stand_on, stood
from groundswell.engine.telling import find_account, latest_frame, parents_of
from groundswell.features import compute_features
from groundswell.intake import belonging
from groundswell.model import Kind
from groundswell.store.arrays import to_arrow, to_numpy
from groundswell.store.nearby import OF_ACCOUNTS
from groundswell.store.scratch import Scratch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date

    from numpy.typing import NDArray

    from groundswell.clock import Clock
    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.computing import Computer
    from groundswell.engine.doctor.comparing import Differences
    from groundswell.engine.handing.handing import Handing
    from groundswell.engine.live.firing import Fired
    from groundswell.engine.live.last_known import LastKnown
    from groundswell.engine.live.near import Near
    from groundswell.engine.live.rosters import NearRosters
    from groundswell.engine.reports import RunReport
    from groundswell.engine.standing import Standing
    from groundswell.engine.telling import Found
    from groundswell.intake import Filing
    from groundswell.store.ledger import JournalEntry, Ledger
    from groundswell.store.nearby import Rosters
    from groundswell.store.warehouse import Warehouse

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_DAY_MICROS = 86_400_000_000


@dataclass(frozen=True)
class Rescored:
    """Accounts that were scored again.

    Attributes:
        counted: How many by counting.
        recomputed: How many from the facts around them.
        entries: What the journal was given.
        fired: The triggers that began to hold.
        deferred: Whether accounts of what was taken in since the last time wait to be recomputed.
    """

    counted: int
    recomputed: int
    entries: tuple[JournalEntry, ...]
    fired: tuple[Fired, ...] = ()
    deferred: bool = False


@dataclass(frozen=True)
class Rebased:
    """Everything, computed anew.

    Attributes:
        report: What the run did.
        entries: What the journal was given.
        fired: The triggers that began to hold.
        drift: Where the day that ended had been counted otherwise than it is computed; None where
            there was no such day.
    """

    report: RunReport
    entries: tuple[JournalEntry, ...]
    fired: tuple[Fired, ...]
    drift: Differences | None


@dataclass
class _News:
    """What one step brings."""

    entries: list[JournalEntry] = field(default_factory=list["JournalEntry"])
    fired: list[Fired] = field(default_factory=list["Fired"])


class Live:
    """Where every account stands now; one thread at a time may use it."""

    def __init__(
        self,
        loaded: LoadedConfig,
        computer: Computer,
        warehouse: Warehouse,
        ledger: Ledger,
        clock: Clock,
        handing: Handing,
        *,
        before: pl.DataFrame | None = None,
    ) -> None:
        """Use the parts of a project; nothing is computed before `rebase`.

        Args:
            loaded: Of the project, as are the next four.
            computer: Answers for features.
            warehouse: Where facts are appended.
            ledger: Where merges are kept.
            clock: Tells which day it is.
            handing: Writes the journal, and hands accounts over.
            before: Where accounts stood when that was last kept, as `latest` gives it: what held
                then is not news.
        """
        self._loaded, self._computer, self._handing = loaded, computer, handing
        self._warehouse, self._ledger, self._clock = warehouse, ledger, clock
        self._scratch = Scratch(threads=1)
        self._base: Base | None = None
        self._version = ""
        self._pending = Pending()
        self._recomputed: set[str] = set()  # accounts, from the facts around them since `rebase`
        self._movements = Movements()
        self._board: Board | None = None
        self._stale = True
        self._crowded = False
        self._people = People()
        self._said = Said.of(before)

    def close(self) -> None:
        """Let go of what is in memory."""
        self._scratch.close()

    @property
    def base(self) -> Base | None:
        """What counting goes on from; None before the first `rebase`."""
        return self._base

    @property
    def rosters(self) -> Rosters | None:
        """Who and what there is, by all that was taken in; None where facts came another way."""
        base = self._base
        if base is None or self._stale or self._warehouse.version() != self._version:
            return None
        return base.rosters

    @property
    def known(self) -> LastKnown | None:
        """Where accounts stood last, for any thread to read; None before the first `rebase`."""
        return self._board.known if self._board is not None else None

    @property
    def today(self) -> date | None:
        """The day that is followed; None before the first `rebase`."""
        return self._base.today if self._base is not None else None

    @property
    def apart(self) -> int:
        """How many accounts are computed anew whenever they are touched."""
        base = self._base
        if base is None:
            return 0
        return int(base.counters.apart.sum()) + len(self._movements.unknown - base.numbers.keys())

    def adopt(self, loaded: LoadedConfig) -> None:
        """Score by another definition from now on; everything is due to be computed."""
        self._loaded, self._stale = loaded, True

    def is_due(self) -> bool:
        """Tell whether everything has to be computed: the day changed, or facts came otherwise."""
        base = self._base
        return base is None or base.today != utc_day(self._clock.now()) or not self._knows(base)

    def _knows(self, base: Base) -> bool:
        """Tell whether all that came was counted, or waits for it."""
        return (
            not self._stale
            and self._warehouse.version() == self._version
            and base.merges.equals(self._ledger.merges())
        )

    def rebase(self) -> Rebased:
        """Compute everything as `run` does, and count from there on.

        When a day ended, how it was counted is compared with how it is computed.

        Raises:
            UsageError: Nothing is known yet.
        """
        drift = self._reconcile()
        self._base, self._stale, self._crowded = None, True, False
        self._pending, self._movements = Pending(), Movements()
        self._recomputed = set()
        today = utc_day(self._clock.now())
        filing = self._computer.filing()
        computation = self._computer.computation()
        kept = np.zeros((filing.accounts.height, len(computation.setting.axes.window)))
        whole = run_whole(
            self._loaded,
            self._computer,
            self._ledger,
            self._clock,
            day=today,
            kept=kept,
            handing=self._handing,
        )
        self._base = base = Base.of(
            self._loaded,
            self._computer,
            whole,
            today=today,
            steps=kept,
            merges=self._ledger.merges(),
            scratch=self._scratch,
        )
        actors = base.rosters.actors
        self._movements = Movements.over(len(actors))
        self._people = People(belonging(whole.filing, actors, today))
        self._board = Board(whole.latest, self._people)
        self._version, self._stale = self._warehouse.version(), False
        self._said.crossings = set(whole.crossings)
        fired = self._said.fired(self._loaded, runs_of(whole.latest), whole.latest, day=today)
        return Rebased(whole.report, whole.entries, tuple(fired), drift)

    def _reconcile(self) -> Differences | None:
        """Compare the day that ended, as it was counted, with what it is computed to.

        Accounts that were touched and not scored since are left out. Nothing is compared where
        facts came that were not counted: they are what the day is computed anew for.
        """
        base, latest = self._base, self.latest()
        if base is None or latest is None or base.today == utc_day(self._clock.now()):
            return None
        if not self._knows(base):
            return None
        return reconcile(self._loaded, self._computer, latest, day=base.today, but=self.waiting())

    def waiting(self) -> set[str]:
        """Return the accounts that were touched and are not scored yet."""
        base, pending = self._base, self._pending
        if base is None:
            return set()
        moved = self._moved(base, pending, self._warehouse.event_names())
        touched = base.account_ids.gather(sorted(pending.touched))
        return base.merged_with({*pending.accounts, *pending.unsure, *moved, *touched})

    # --- taking in ----------------------------------------------------------------------------

    def take(self, news: Iterable[tuple[Kind, pa.Table]]) -> None:
        """Take in what was appended, in the order it was; all that was since the last `rebase`.

        Args:
            news: Kind and rows, as `store.warehouse.Appended.news` has them.
        """
        base = self._base
        if base is None or self._stale:
            return
        for kind, rows in news:
            if kind is Kind.EVENTS:
                self._take_events(base, rows)
            elif kind in (Kind.USERS, Kind.MEMBERSHIPS):
                users = set[str](rows.column("user_id").to_pylist())
                base.rosters.refresh(kind, "user_id", users)
                self._pending.users |= users
            elif kind is Kind.ACCOUNTS:
                self._take_accounts(base.rosters, rows)
            elif kind in OF_ACCOUNTS and _begins_earlier(base, kind, rows):
                self._stale = True
            elif kind in OF_ACCOUNTS:
                accounts = set[str](rows.column("account_id").to_pylist())
                base.rosters.refresh(kind, "account_id", accounts)
                self._pending.accounts |= accounts
            else:
                self._stale = True
            self._pending.fresh |= kind is not Kind.EVENTS
        self._version = self._warehouse.version()

    def _take_events(self, base: Base, rows: pa.Table) -> None:
        actor = to_numpy(rows.column("actor")).astype(np.int64)
        at = to_numpy(rows.column("occurred_at").cast(pa.int64()))
        known = actor < len(base.first_at)
        day = at // _DAY_MICROS
        # Who is new, comes late or was moved already may belong elsewhere from now on.
        moves = ~known | (day < base.counters.today)
        moves[known] |= at[known] < base.first_at[actor[known]]
        moves |= self._movements.has_moved(actor)
        moved = actor[moves & (day <= base.counters.today)]
        self._pending.actors.update(moved.tolist())
        self._pending.fresh |= bool(len(moved))
        if known.any():
            some = rows if known.all() else rows.filter(to_arrow(known))
            arrived = base.arrivals.read(some, base.counters.today)
            self._pending.touched.update(base.counters.take(arrived).tolist())

    def _take_accounts(self, rosters: NearRosters, rows: pa.Table) -> None:
        """Note accounts that were described; where a domain may pass over, note its people too."""
        ids = set[str](rows.column("account_id").to_pylist())
        domains = rosters.refresh_accounts(ids)
        self._pending.accounts |= ids
        for alias, domain in self._loaded.config.identity.aliases.items():
            domains |= {alias, domain} if {alias, domain} & domains else set()
        self._pending.users |= users_at(rosters, domains)

    # --- scoring ------------------------------------------------------------------------------

    def waits(self) -> bool:
        """Tell whether accounts were touched and not yet scored."""
        return bool(self._pending)

    def rescore(self, *, anew: bool = True) -> Rescored:
        """Score the accounts that were touched, and decide on them.

        Args:
            anew: Whether those that must be computed from facts are too; else they wait.
        """
        base = self._base
        if base is None or self._stale:
            return Rescored(0, 0, ())
        self._stale = True  # unless all of it comes to its end
        rescored = self._rescore(base, anew=anew)
        self._stale = self._crowded
        if self._board is not None:
            self._board.publish()
        return rescored

    def _rescore(self, base: Base, *, anew: bool) -> Rescored:
        pending = self._pending
        touched = np.array(sorted(pending.touched), dtype=np.int64)
        pending.touched = set()
        self._set_apart(base, pending.accounts)
        counters = base.counters
        apart = counters.apart[touched]
        unsure = counters.unsure[touched] & ~apart
        pending.accounts |= set(base.account_ids.gather(touched[apart]).to_list())
        pending.unsure |= set(base.account_ids.gather(touched[unsure]).to_list())
        news = _News()
        pending.fresh |= bool(apart.any() or unsure.any())
        counted = self._count(base, touched[~(apart | unsure)], news)
        recomputed = 0
        if anew and pending.beyond_counting:
            recomputed = self._recompute(base, news)
        deferred, self._pending.fresh = self._pending.fresh, False
        return Rescored(counted, recomputed, tuple(news.entries), tuple(news.fired), deferred)

    def _count(self, base: Base, accounts: Ints, news: _News) -> int:
        if not len(accounts):
            return 0
        frame = base.counters.features(accounts)
        lost = accounts[base.counters.apart[accounts]]
        if len(lost):
            self._pending.accounts |= set(base.account_ids.gather(lost).to_list())
        if not frame.height:
            return 0
        eve = base.eves.of_accounts(accounts)
        standing = stand_on(self._loaded, eve, frame, as_of=base.today)
        self._settle(base, standing, base.accounts.of(accounts), news)
        return frame.height

    def _recompute(self, base: Base, news: _News) -> int:
        """Compute the accounts that wait for it from the facts around them."""
        pending, self._pending = self._pending, Pending()
        names = self._warehouse.event_names()
        moved = self._moved(base, pending, names)
        apart = base.merged_with(pending.accounts | moved)
        self._set_apart(base, apart)
        wanted = apart | base.merged_with(pending.unsure)
        self._recomputed |= wanted
        if not wanted:
            return 0
        near = compute_near(
            self._loaded, self._computer, base, self._movements, wanted, names=names
        )
        if near is None:
            self._crowded = True
            return 0
        self._people.note(near.filing, near.people, base.today)
        self._go_on(base, near, pending.unsure)
        if near.counters is not None and apart:
            self._movements.settle(base.put_back(near, apart))
        present: set[str] = set()
        if near.standing is not None:
            self._settle(base, near.standing, near.filing.accounts, news)
            present = set(near.standing.frame["account_id"])
        if self._board is not None:
            self._board.leave(wanted, present)
        return len(present)

    def _go_on(self, base: Base, near: Near, unsure: set[str]) -> None:
        """Count on from what was computed, for accounts that are as they were but for today."""
        ids = near.filing.accounts["account_id"].to_list()
        steps = dict(zip(ids, near.steps, strict=True))
        for account in unsure:
            number = base.numbers[account]
            if account in steps and not base.counters.apart[number]:
                base.counters.settle(number, steps[account])

    def _moved(self, base: Base, pending: Pending, names: list[str]) -> frozenset[str]:
        """Return the accounts that people who may have moved belong to now, or did before."""
        if not (pending.actors or pending.users):
            return frozenset()
        actors = base.rosters.refresh_actors(pending.actors)
        facts = base.rosters.around(
            self._scratch,
            users=pending.users.union(actors["user_id"].drop_nulls()),
            devices=set(actors["anonymous_id"].drop_nulls()),
            names=names,
        )
        filing = self._computer.resolve(facts, base.merges)
        touched = self._movements.note(base.filing, facts.people, filing)
        nowhere = ~pl.col("actor").is_in(filing.filings["actor"].implode())
        self._movements.settle(base.see(facts.people.filter(nowhere)))
        return touched

    def _set_apart(self, base: Base, accounts: Collection[str]) -> None:
        if not accounts:
            return
        known = [base.numbers[name] for name in accounts if name in base.numbers]
        base.counters.apart[known] = True
        first = base.filing.accounts.height
        self._movements.unknown |= {
            name for name in accounts if base.numbers.get(name, first) >= first
        }

    def _settle(self, base: Base, standing: Standing, accounts: pl.DataFrame, news: _News) -> None:
        """Decide, record, and keep where accounts stand; `accounts` has their names."""
        parents = parents_of(accounts)
        routes, decided = decide_on(
            self._loaded, standing, base.remembered, parents=parents, clock=self._clock
        )
        fresh = self._said.fresh(decided)
        if fresh:
            self._handing.record(fresh, standing.frame, accounts)
            self._said.keep(fresh)
            note(base.remembered, fresh)
            news.entries += fresh
        news.fired += self._said.fired(
            self._loaded, standing.trigger_runs, standing.frame, day=base.today
        )
        if self._board is not None:
            self._board.put(latest_frame(standing, routes, accounts))

    # --- asking -------------------------------------------------------------------------------

    def latest(self) -> pl.DataFrame | None:
        """Return where every account stands, best first; None before the first `rebase`."""
        return self._board.rows() if self._board is not None else None

    def look(self, text: str, day: date) -> tuple[Found, Standing, Filing] | None:
        """Find an account by its id, name or domain, and say where it stands as of a day.

        Args:
            text: What names it.
            day: Today, or one before it.

        Returns:
            The account, where it stands, and who belongs to it; None where that can only be told
            by computing everything.

        Raises:
            UsageError: There is no such account, several are, or it was not known by that day.
        """
        base, latest = self._base, self.latest()
        if base is None or self._stale or latest is None or day > base.today:
            return None
        columns = ("account_id", "name", "domain")
        newer = latest.filter(pl.col("account_id").is_in(list(self._movements.unknown)))
        known = [base.filing.accounts.select(columns)]
        known += [newer.select("account_id", "name", pl.lit(None, pl.String).alias("domain"))]
        found = find_account(pl.concat(known), text)
        together = base.merged_with({found.account_id})
        stays = together <= base.numbers.keys() and not self._pending.beyond_counting
        refiled = not together.isdisjoint(self._recomputed)
        standing = None
        if stays and day == base.today:
            standing = self._counted(base, latest, found.account_id, together)
        elif stays and not refiled and self._computer.activity.fingerprint == base.rolled_up:
            standing = self._as_it_was(base, found.account_id, day)
        if standing is not None and not refiled:
            return found, standing, base.filing
        with Scratch() as scratch:
            names = self._warehouse.event_names()
            facts = facts_near(base, self._movements, together, scratch, names=names)
            if standing is not None:
                return found, standing, self._computer.resolve(facts, base.merges)
            near = look_near(self._loaded, self._computer, base, facts, found.account_id, day=day)
        return None if near is None else (found, near[1], near[0])

    def _counted(
        self, base: Base, latest: pl.DataFrame, account_id: str, together: set[str]
    ) -> Standing | None:
        """Return where an account stands today by what was counted; None where that is not sure.

        Args:
            base: What was counted on from.
            latest: Where accounts stood when they were last scored.
            account_id: The account.
            together: It, and those it was merged with.
        """
        counters, numbers = base.counters, [base.numbers[name] for name in together]
        if counters.apart[numbers].any() or counters.unsure[numbers].any():
            return None
        number = base.numbers[account_id]
        eve = base.eves.of_account(number, account_id)
        if self._pending.touched.isdisjoint(numbers):
            place = latest["account_id"].index_of(account_id)
            return None if place is None else stood(self._loaded, eve, latest[place])
        today = counters.features(np.array([number], dtype=np.int64))
        if not today.height:
            return None
        return stand_on(self._loaded, eve, today, as_of=base.today)

    def _as_it_was(self, base: Base, account_id: str, day: date) -> Standing:
        """Compute an account as of a past day, from the roll-up that everything was computed from.

        What came since is of today, where it is not of an account that was filed anew.
        """
        frames = compute_features(
            base.computation, self._computer.activity, followed_days(day), accounts=[account_id]
        )
        return stand(self._loaded, frames, as_of=day)


def _begins_earlier(base: Base, kind: Kind, rows: pa.Table) -> bool:
    """Tell whether a kind of fact is known from an earlier day on than before."""
    column = {Kind.SUBSCRIPTIONS: "started_at", Kind.OPPORTUNITIES: "created_at"}.get(kind, "at")
    first = pl.Series(rows.column(column)).drop_nulls().dt.epoch("d").min()
    return first is not None and int(str(first)) < base.computation.dimensions.first_known[kind]
