"""A project: one folder with groundswell.yaml, opened, loaded, computed and asked."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from groundswell.clock import Clock, SystemClock, utc_day
from groundswell.config.loading import (
    CONFIG_FILE,
    FITTED,
    LoadedConfig,
    load_config,
    load_sources,
)
from groundswell.config.secrets import expand
from groundswell.engine import alerting, loading
from groundswell.engine.computing import Computer, weekly_days
from groundswell.engine.desk import Desk
from groundswell.engine.destination_blocks import check_destinations
from groundswell.engine.destinations import Destinations
from groundswell.engine.doctor.doctoring import run_checks
from groundswell.engine.draining import Drain, hand_raise_of
from groundswell.engine.forgetting.forgetting import ForgetReport, Forgetting
from groundswell.engine.handing.briefing import Briefer, Polisher
from groundswell.engine.handing.handing import Handing
from groundswell.engine.handing.handoffs import Handoffs
from groundswell.engine.handing.reading_back import fetch, take_in, write_rows
from groundswell.engine.handing.simulating import Simulation, simulate_policy
from groundswell.engine.handing.telling import Teller
from groundswell.engine.jobs import Jobs, JobState
from groundswell.engine.live.last_known import keep_people
from groundswell.engine.live.state import Live
from groundswell.engine.looking import Looker
from groundswell.engine.measuring.disputing import Disputes
from groundswell.engine.offering import Offering
from groundswell.engine.registry import Models, definition_of
from groundswell.engine.replaying import replay_messages
from groundswell.engine.reports import (
    AccountRow,
    Check,
    DismissalReport,
    Explanation,
    LoadReport,
    OfferReport,
    RunReport,
    SourceState,
    StoredReject,
)
from groundswell.engine.retaining import Retaining, RetainReport
from groundswell.engine.risks import dearest_first, risks_told
from groundswell.engine.running import Whole, run_whole, score_warnings
from groundswell.engine.signals import Signals
from groundswell.engine.sources import source_states
from groundswell.engine.telling import (
    account_rows,
    find_account,
    keep_latest,
    read_latest,
)
from groundswell.errors import Problem, UsageError, page_gone
from groundswell.intake import belonging, explain_user
from groundswell.model import Kind
from groundswell.store.activity import open_activity
from groundswell.store.ledger import JournalEntry, Ledger, open_ledger
from groundswell.store.warehouse import Warehouse, open_warehouse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from groundswell.engine.administering import Administration
    from groundswell.engine.handing.reading_back import Fetched, ReadBack
    from groundswell.engine.lab import Lab
    from groundswell.engine.live.last_known import LastKnown, People
    from groundswell.engine.loading import Progress
    from groundswell.engine.measuring.measuring import Measuring
    from groundswell.handoff.brief import Brief
    from groundswell.model import Alert, Link, Risk
    from groundswell.store.activity import Activity

STATE_FOLDER = ".groundswell"
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)
"""Days between which anything can be asked for."""


@dataclass
class Project:
    """A folder with groundswell.yaml and what was loaded into it.

    Use it as a context manager, or call `close`; one process at a time may hold a project whose
    warehouse is DuckDB.
    """

    root: Path
    loaded: LoadedConfig
    clock: Clock
    warehouse: Warehouse
    ledger: Ledger
    activity: Activity
    environ: Mapping[str, str] = field(repr=False)
    _live: Live | None = field(default=None, repr=False)
    _people_kept: People | None = field(default=None, repr=False)
    _adopted: int = field(default=-1, repr=False)

    def __post_init__(self) -> None:
        """Let the published definition score, where the configuration asks for it."""
        self._hand_made = self.loaded.score
        self.jobs = Jobs(self.clock)
        self.adopt()

    @classmethod
    def open(
        cls,
        folder: str | Path = ".",
        *,
        clock: Clock | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Self:
        """Open the project in `folder`, making its stores when they are not there yet.

        Args:
            folder: The folder that holds groundswell.yaml.
            clock: What tells the time; the machine's by default.
            environ: Where `${NAME}` is looked up; the process's environment by default.

        Raises:
            ConfigError: The configuration cannot be used; every mistake is told.
            StoreError: A store cannot be opened.
        """
        root = Path(folder)
        loaded = load_config(root / CONFIG_FILE)
        check_destinations(loaded)
        state = root / STATE_FOLDER
        state.mkdir(exist_ok=True)
        chosen_clock = clock or SystemClock()
        names = os.environ if environ is None else environ
        warehouse = open_warehouse(expand(loaded.config.warehouse, names), state)
        ledger = open_ledger(expand(loaded.config.ledger, names), state, clock=chosen_clock)
        return cls(
            root=root,
            loaded=loaded,
            clock=chosen_clock,
            warehouse=warehouse,
            ledger=ledger,
            activity=open_activity(warehouse, state),
            environ=names,
        )

    def close(self) -> None:
        """Let go of the stores."""
        self.stop_following()
        if "destinations" in self.__dict__:
            self.destinations.close()
        self._polisher.close()
        self.activity.close()
        self.warehouse.close()
        self.ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- the score ----------------------------------------------------------------------------

    @cached_property
    def lab(self) -> Lab:
        """What definitions of the score are learned, proved and published by."""
        from groundswell.engine.lab import Lab  # noqa: PLC0415 - it takes a second to import

        return Lab(
            loaded=lambda: self.loaded,
            hand_made=self._hand_made,
            computer=lambda: self.computer,
            models=Models(self.ledger, self.clock),
            day=self._day,
            adopt=self.adopt,
            latest=self.looker.latest,
        )

    @property
    def administration(self) -> Administration:
        """Who may send, sign in and ask."""
        from groundswell.engine.administering import Administration  # noqa: PLC0415 - it imports us

        return Administration(self.ledger, self.clock)

    @cached_property
    def measuring(self) -> Measuring:
        """What came of it: metrics, funnels, forecasts and reports."""
        from groundswell.engine.measuring.measuring import Measuring  # noqa: PLC0415 - half a second

        return Measuring(
            loaded=lambda: self.loaded,
            computer=self.computer,
            day=lambda asked: self._day(asked or self.looker.latest_day()),
            warnings=lambda day: score_warnings(self.loaded, day),
        )

    @cached_property
    def desk(self) -> Desk:
        """What the assistant of a colleague asks, within what that colleague may see."""
        return Desk(self)

    @cached_property
    def signals(self) -> Signals:
        """What is listened for, what came of it lately, and what a change of it does."""
        return Signals(self)

    @cached_property
    def disputes(self) -> Disputes:
        """What people do about lines of commission."""
        return Disputes(
            lambda: self.loaded, self.ledger, self.clock, lambda: self.measuring.credited().lines
        )

    @cached_property
    def handoffs(self) -> Handoffs:
        """What people ask of handoffs and do with them, and what is delivered because of it."""
        return Handoffs(
            self.handing,
            self.ledger,
            self.clock,
            self.destinations,
            self.looker.abouts,
            lambda text: self.looker.find(text).account_id,
            self.looker.latest,
            self.looker.accounts,
            self._polisher.polish,
        )

    def simulate(self, policy: str | Path, *, since: date, until: date | None = None) -> Simulation:
        """Replay the past under another policy, and say which decisions change.

        Args:
            policy: A groundswell.yaml that differs in score, motions, triggers or guardrails.
            since: The first day that counts.
            until: The last one; today by default.

        Raises:
            ConfigError: The policy cannot be used.
            UsageError: It would need other features, or the days are out of order.
        """
        return simulate_policy(
            self.loaded,
            Path(policy),
            self.computer,
            Models(self.ledger, self.clock).published(),
            since=self._day(since),
            until=self._day(until),
        )

    def read_back(self, destination: str) -> ReadBack:
        """Take in what changed in a CRM: opportunities, touches, owners, who is not contacted.

        Args:
            destination: Its name in `destinations:`.

        Raises:
            UsageError: Nothing comes back from such a destination, or there is none.
            DestinationError: It cannot be reached.
        """
        return self.take_in(fetch(destination, self.destinations, until=self.clock.now()))

    def take_in(self, fetched: Fetched) -> ReadBack:
        """Take in what was read from a CRM; see `read_back`."""
        folder = self.state / "read_back"

        def load(kind: Kind, frame: pl.DataFrame) -> list[LoadReport]:
            return self.load(str(kind), [write_rows(frame, kind, folder)])

        return take_in(fetched, self.handing, self.warehouse.read(Kind.ACCOUNTS), load)

    @cached_property
    def looker(self) -> Looker:
        """What looks accounts up."""
        return Looker(
            loaded=lambda: self.loaded,
            live=lambda: self._live,
            computer=self.computer,
            clock=self.clock,
            state=self.state,
        )

    @cached_property
    def _briefer(self) -> Briefer:
        return Briefer(self.looker, self.handing.book, self._polisher)

    @cached_property
    def _polisher(self) -> Polisher:
        return Polisher(lambda: self.loaded, self.environ, self.clock)

    @cached_property
    def handing(self) -> Handing:
        """What hands accounts over, and records what comes of it."""
        handing = Handing(self.loaded, self.ledger, self.clock)
        if self.destinations.names():
            handing.teller = Teller(
                self.loaded,
                self.ledger,
                handing.book,
                self.destinations,
                self.looker.gatherer,
            )
        return handing

    @cached_property
    def destinations(self) -> Destinations:
        """Where decisions are sent."""
        return Destinations(self.loaded, self.ledger, self.clock, self.environ)

    def brief(self, account: str, *, as_of: date | None = None) -> Brief:
        """Write the brief of an account: why now, whom to write to, and what to say.

        Args:
            account: Account id, or its exact name or domain.
            as_of: The day; that of the latest run by default, else today.

        Raises:
            UsageError: No such account is known by that day.
        """
        return self._briefer.brief(account, self._day(as_of or self.looker.latest_day()))

    def adopt(self) -> None:
        """Score by what is published now, where `score.preset` is `fitted`.

        Nothing is done where nothing happened in the registry since the last time.

        Raises:
            ConfigError: The published definition reads a feature that is not there any more.
        """
        if self.loaded.config.score.preset != FITTED:
            return
        last = self.ledger.last_model_event()
        if last == self._adopted:
            return
        model = Models(self.ledger, self.clock).published()
        score = definition_of(model, self.loaded) if model is not None else self._hand_made
        self._adopted = last
        if score.version == self.loaded.score.version:
            return
        self.loaded = replace(self.loaded, score=score)
        if "computer" in self.__dict__:
            self.computer.loaded = self.loaded
        if self._live is not None:
            self._live.adopt(self.loaded)
        if "handing" in self.__dict__:
            self.handing.adopt(self.loaded)

    # --- bringing records in ------------------------------------------------------------------

    def load(
        self,
        kind: str,
        files: Sequence[str | Path] = (),
        *,
        mapping: str | Path | None = None,
        source: str | None = None,
        maps: Mapping[str, str] | None = None,
        format: str | None = None,  # noqa: A002 - the word of the command line and of the mapping
        progress: Progress | None = None,
    ) -> list[LoadReport]:
        """Load records of one kind from files or a database; twice changes nothing.

        Args:
            kind: `events`, `users`, `memberships`, `accounts`, ...
            files: Files or globs; none: the sources of that kind that say where they are.
            mapping: YAML file with `sources:`, instead of those in groundswell.yaml.
            source: Name of the one source to use.
            maps: Our column names to theirs.
            format: A file format, or a system whose export this is.
            progress: Called with bytes done and bytes in all.

        Raises:
            UsageError: The mapping cannot be used.
            LoadError: A file or a table cannot be read at all.
        """
        sources = load_sources(Path(mapping)) if mapping else self.loaded.config.sources
        errands = loading.find_errands(
            kind,
            [str(file) for file in files],
            sources,
            name=source,
            root=Path(mapping).parent if mapping else self.root,
        )
        loader = self._loader(progress)
        return [loader.load(errand, maps=maps or {}, file_format=format) for errand in errands]

    def _loader(self, progress: Progress | None = None) -> loading.Loader:
        return loading.Loader(self.warehouse, self.ledger, self.clock, self.environ, progress)

    def rejects(
        self, *, source: str | None = None, limit: int | None = None, after: str | None = None
    ) -> list[StoredReject]:
        """Return the rows in quarantine, oldest first.

        Args:
            source: Only of this source.
            limit: At most so many.
            after: Only those that came after the row of this id.

        Raises:
            StoreError: There is no such row.
        """
        kept = self.ledger.rejects(source=source, limit=limit or None, after=after)
        return [StoredReject(item.id, item.added_at, item.reject) for item in kept]

    def reject(self, reject_id: str) -> StoredReject:
        """Return one row in quarantine by its id, or by the beginning of it.

        Raises:
            UsageError: There is none, or several.
        """
        found = [item for item in self.rejects() if item.id.startswith(reject_id)]
        if len(found) != 1:
            raise UsageError(
                Problem(
                    code="quarantine-unknown",
                    what=f"{len(found) or 'No'} rows in quarantine begin with `{reject_id}`.",
                    fix="See `groundswell quarantine list` for the ids.",
                )
            )
        return found[0]

    def replay(
        self,
        *,
        source: str | None = None,
        mapping: str | Path | None = None,
        maps: Mapping[str, str] | None = None,
        format: str | None = None,  # noqa: A002 - as in `load`
    ) -> list[LoadReport]:
        """Read quarantined rows again with the present mapping; those that pass are loaded.

        What live sources sent is read again as it came, by their wire and by what `sources:` says
        of them now; it counts from when it came.

        Args:
            source: Only rows of this source.
            mapping: YAML file with `sources:`, instead of those in groundswell.yaml.
            maps: Our column names to theirs, when the rows were loaded with such.
            format: A file format or a system, when the rows were loaded with one.
        """
        sources = load_sources(Path(mapping)) if mapping else self.loaded.config.sources
        kept = self.ledger.rejects(source=source)
        sent = [item for item in kept if item.reject.sending is not None]
        rows = [item for item in kept if item.reject.sending is None]
        hand_raise = hand_raise_of(self.loaded.meanings)
        drain = Drain(self.warehouse, self.ledger, self.clock, sources, hand_raise, maps or {})
        try:
            reports = replay_messages(drain, sent)
        finally:
            drain.close()
        return reports + self._loader().replay(rows, sources, maps=maps or {}, file_format=format)

    def sources(self) -> list[SourceState]:
        """Say of every source how much came, when, and what waits or was rejected."""
        told = self.loaded.config.sources
        return source_states(self.warehouse, self.ledger, now=self.clock.now(), sources=told)

    # --- people -------------------------------------------------------------------------------

    def forget(self, user: str, *, dry_run: bool = False) -> ForgetReport:
        """Erase a person from the warehouse, the ledger and the kept files.

        What accounts are counted by stays, under a pseudonym that nothing leads back from, so that
        their figures stay as they are. What comes of the person later is not taken in. Forgetting
        them again changes nothing.

        Args:
            user: Their user id, or their e-mail address.
            dry_run: Change nothing, and say what would be.

        Raises:
            UsageError: They are a colleague, or a member of a team.
            StoreError: The warehouse cannot be rewritten, or refused.
        """
        return Forgetting(self).forget(user, dry_run=dry_run)

    def job_states(self) -> list[JobState]:
        """Return what this process does by itself, and how each job went; none but in a server."""
        return self.jobs.states()

    def retain(self, *, dry_run: bool = False) -> RetainReport:
        """Take out what is older than `retention:` keeps it; every figure stays as it is.

        Args:
            dry_run: Change nothing, and say what would go.

        Raises:
            StoreError: A store refused.
        """
        return Retaining(self).retain(dry_run=dry_run)

    def export_person(self, user: str) -> dict[str, list[dict[str, Any]]]:
        """Return every row that is known of a person, by table; of others' rows what names them.

        Args:
            user: Their user id, or their e-mail address.

        Raises:
            StoreError: The warehouse cannot be asked so.
        """
        return Forgetting(self).export(user)

    # --- who belongs where --------------------------------------------------------------------

    def merge(
        self, account: str, *, into: str, since: date | None = None, reason: str = "by hand"
    ) -> None:
        """File an account's people and history under another account from a day on.

        Raises:
            UsageError: One of the accounts is not known.
            StoreError: It is merged already, or the merge would close a circle.
        """
        for name in (account, into):
            find_account(self.computer.filing().accounts, name)
        self.ledger.merge_accounts(account, into, since=self._instant(since), reason=reason)

    def unmerge(
        self, account: str, *, into: str, until: date | None = None, reason: str = "by hand"
    ) -> None:
        """End a merge: the account stands for itself again from a day on.

        Raises:
            StoreError: No such merge holds.
        """
        self.ledger.unmerge_accounts(account, into, until=self._instant(until), reason=reason)

    def links(self, user: str, *, as_of: date | None = None) -> list[Link]:
        """Say which accounts a user belongs to as of a day, since when, and why."""
        return explain_user(self.computer.filing(), user, self._day(as_of))

    def _instant(self, day: date | None) -> datetime:
        return datetime.combine(self._day(day), time(), UTC) if day else self.clock.now()

    # --- computing ----------------------------------------------------------------------------

    def today(self) -> date:
        """Return the present UTC day, by the clock."""
        return utc_day(self.clock.now())

    def _day(self, asked: date | None) -> date:
        """Return the day that was asked for, else the present one.

        Raises:
            UsageError: It is so far away that what lies before or after it has no date.
        """
        day = asked or self.today()
        if FIRST_DAY <= day <= LAST_DAY:
            return day
        raise UsageError(
            Problem(
                code="day-range",
                what=f"{day} is out of range.",
                fix=f"Name a day from {FIRST_DAY} to {LAST_DAY}.",
            )
        )

    @cached_property
    def computer(self) -> Computer:
        """What answers for features."""
        return Computer(self.loaded, self.warehouse, self.ledger, self.activity)

    def features(
        self,
        as_of: date | None = None,
        *,
        weeks: int = 1,
        accounts: Sequence[str] | None = None,
        as_known: bool = False,
    ) -> pl.DataFrame:
        """Return every feature of every account as of one day, or of several weekly days.

        Args:
            as_of: The last day; today by default.
            weeks: How many weekly days, the last included.
            accounts: Only these account ids.
            as_known: Leave out, for each day, the events that arrived after it.

        Returns:
            account_id, as_of, and a column per feature; by account_id and as_of.
        """
        days = weekly_days(self._day(as_of), weeks)
        return self.computer.collect(days, accounts=accounts, as_known=as_known)

    def write_features(
        self,
        path: str | Path,
        *,
        as_of: date | None = None,
        weeks: int = 1,
        accounts: Sequence[str] | None = None,
        as_known: bool = False,
    ) -> int:
        """Write `features` to a Parquet file, some accounts at a time; return the rows written.

        Raises:
            UsageError: The file cannot be written.
        """
        rows = 0
        writer: pq.ParquetWriter | None = None
        try:
            for frame in self._feature_frames(as_of, weeks, accounts, as_known=as_known):
                table = cast("pa.Table", frame.to_arrow())
                writer = writer or _parquet_writer(path, table.schema)
                writer.write_table(table)
                rows += table.num_rows
        finally:
            if writer is not None:
                writer.close()
        return rows

    def _feature_frames(
        self, as_of: date | None, weeks: int, accounts: Sequence[str] | None, *, as_known: bool
    ) -> Iterable[pl.DataFrame]:
        if accounts is not None:
            return [self.features(as_of, weeks=weeks, accounts=accounts, as_known=as_known)]
        days = weekly_days(self._day(as_of), weeks)
        computer = self.computer
        return computer.as_known(days) if as_known else computer.features(days)

    def run(self, *, as_of: date | None = None) -> RunReport:
        """Score every account, decide on each, and record it in the journal.

        Running again for the same day, on the same facts, records nothing new. Where that day is
        followed as events come, they are counted from here on.

        Raises:
            UsageError: Nothing was known by that day.
        """
        if self._live is None or self._live.today != self._day(as_of):
            return self.run_whole(as_of=as_of).report
        done = self._live.rebase()
        self.keep_latest()
        return done.report

    def run_whole(self, *, as_of: date | None = None) -> Whole:
        """Do what `run` does, and return all that came of it.

        Raises:
            UsageError: Nothing was known by that day.
        """
        whole = run_whole(
            self.loaded,
            self.computer,
            self.ledger,
            self.clock,
            day=self._day(as_of),
            handing=self.handing,
        )
        people = belonging(whole.filing, self.warehouse.actors(), whole.report.as_of)
        keep_people(self.root / STATE_FOLDER, people)
        keep_latest(self.root / STATE_FOLDER, whole.latest)
        return whole

    @property
    def state(self) -> Path:
        """The folder in which stores and what was computed last are kept."""
        return self.root / STATE_FOLDER

    @property
    def live(self) -> Live | None:
        """What keeps every account's standing up to date, while it is followed."""
        return self._live

    def doctor(self, *, quick: bool = False) -> list[Check]:
        """Check that the project is sound: stores, facts, numbers, the journal, the sources.

        Args:
            quick: Leave out what reads everything.
        """
        return run_checks(self, quick=quick)

    def follow(self) -> Live:
        """Return what keeps every account's standing up to date as events come.

        From then on the project answers from it, until `stop_following`.
        """
        self._live = Live(
            self.loaded,
            self.computer,
            self.warehouse,
            self.ledger,
            self.clock,
            self.handing,
            before=read_latest(self.root / STATE_FOLDER),
        )
        return self._live

    def keep_latest(self) -> None:
        """Keep where accounts stand now, for whoever opens the project next."""
        frame = self._live.latest() if self._live is not None else None
        if frame is not None:
            keep_latest(self.root / STATE_FOLDER, frame)
        known = self._last_known()
        if known is not None and known.people is not self._people_kept:
            keep_people(self.root / STATE_FOLDER, known.people.everybody)
            self._people_kept = known.people

    def _last_known(self) -> LastKnown | None:
        live = self._live
        return live.known if live is not None else None

    def stop_following(self) -> None:
        """Keep where accounts stand, and let go of what followed them."""
        self.keep_latest()
        known = self._last_known()
        if known is not None:
            keep_people(self.root / STATE_FOLDER, known.people.now())
        if self._live is not None:
            self._live.close()
            self._live = None

    # --- asking -------------------------------------------------------------------------------

    def accounts(
        self, *, qualified: bool = False, limit: int | None = None, after: str | None = None
    ) -> list[AccountRow]:
        """List accounts as of the latest run, best first.

        Args:
            qualified: Only those that are qualified.
            limit: At most so many.
            after: Only those that come after the account of this id.

        Raises:
            UsageError: There was no run yet, or there is no such account.
        """
        frame = self.looker.latest()
        if qualified:
            frame = frame.filter(pl.col("qualified"))
        if after is not None:
            place = frame.get_column("account_id").index_of(after)
            if place is None:
                raise UsageError(page_gone())
            frame = frame.slice(place + 1)
        return account_rows(self.loaded, frame.head(limit) if limit else frame)

    def explain(
        self,
        account: str,
        *,
        as_of: date | None = None,
        user: str | None = None,
        model: str | None = None,
    ) -> Explanation:
        """Explain one account as of a day: every point, rule, guardrail and link.

        Args:
            account: Account id, or its exact name or domain.
            as_of: The day; that of the latest run by default, else today.
            user: Only the links of this user.
            model: A version of the score, or the beginning of it: what it would say, or said.

        Raises:
            UsageError: No such account is known by that day, or there is no such version.
        """
        day = self._day(as_of or self.looker.latest_day())
        loaded = None
        if model is not None:
            loaded = replace(self.loaded, score=self.lab.definition(model))
        return self.looker.explain(account, day, user=user, loaded=loaded)

    def tell(self, account: str, *, as_of: date | None = None) -> tuple[Explanation, Brief]:
        """Return `explain` and `brief` of one account, which is looked up once.

        No language model is asked to polish the opening line, as somebody waits for it.

        Raises:
            UsageError: No such account is known by that day.
        """
        seen = self.looker.look(account, self._day(as_of or self.looker.latest_day()))
        return self.looker.explain_looked(seen), self._briefer.brief_looked(seen)

    def alerts(self, *, account: str | None = None, every: bool = False) -> list[Alert]:
        """List the alerts that stand as of the latest run, one for each account, best first.

        Args:
            account: Only of this account, by its id.
            every: All that were ever told, those that are over too.
        """
        if every:
            return alerting.best_first(
                alerting.told_by(self.ledger, before=date.max, account_id=account)
            )
        return self.looker.alerts(self.looker.latest_day() or self.today(), account)

    def risks(self, *, account: str | None = None, every: bool = False) -> list[Risk]:
        """List the customers at risk as of the latest run, those that pay most first.

        Args:
            account: Only this account, by its id.
            every: All that were ever told, those that are over too.
        """
        if every:
            return dearest_first(risks_told(self.ledger, before=date.max, account_id=account))
        return self.looker.risks(self.looker.latest_day() or self.today(), account)

    def offer(
        self,
        *,
        account_id: str | None = None,
        user_id: str | None = None,
        anonymous_id: str | None = None,
    ) -> OfferReport:
        """Say which offer the product shows now, to an account or to a person of it; if any.

        The answer is only what to show beside: nothing is ever withheld. It is told from what is
        known already, without waiting for what is being computed, and asking changes nothing. An
        account or a person that is not known is shown nothing.

        Args:
            account_id: The account; that of the person, if left out.
            user_id: Who is asked about; what they dismissed is not shown.
            anonymous_id: The same, by their device.
        """
        return self._offering.offer(
            account_id=account_id, user_id=user_id, anonymous_id=anonymous_id
        )

    def dismiss_offer(
        self,
        offer: str,
        *,
        user_id: str | None = None,
        anonymous_id: str | None = None,
        days: int | None = None,
    ) -> DismissalReport:
        """Remember that a person dismissed an offer: none of its kind is shown to them for a time.

        Dismissing it again never makes the time shorter.

        Args:
            offer: The `id` of the offer, or its kind.
            user_id: Who dismissed it.
            anonymous_id: The same, by their device.
            days: For how long; as `guardrails.dismissed_offer` says, if left out.

        Raises:
            UsageError: It is no offer, or nobody is named.
            StoreError: It could not be kept.
        """
        return self._offering.dismiss_offer(
            offer, user_id=user_id, anonymous_id=anonymous_id, days=days
        )

    @cached_property
    def _offering(self) -> Offering:
        folder = self.root / STATE_FOLDER
        return Offering(self.loaded, self.ledger, self.clock, folder, self._last_known)

    def journal(
        self,
        *,
        account: str | None = None,
        kind: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> list[JournalEntry]:
        """Return what was decided, newest first.

        Args:
            account: Only of this account, by its id.
            kind: Only entries of this kind.
            limit: At most so many.
            after: Only those that are older than the entry of this key.

        Raises:
            StoreError: There is no such entry.
        """
        return self.ledger.latest_journal(
            account_id=account, kind=kind, limit=limit or None, after=after
        )


def _parquet_writer(path: str | Path, schema: pa.Schema) -> pq.ParquetWriter:
    try:
        return pq.ParquetWriter(path, schema)
    except (OSError, pa.ArrowInvalid) as error:  # the latter for a name that no file can have
        raise UsageError(
            Problem(
                code="out-file",
                what=f"The file cannot be written: {error}.",
                fix="Name a file in a folder that is there, and that you may write to.",
            )
        ) from None
