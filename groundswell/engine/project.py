"""A project: one folder with groundswell.yaml, opened, loaded, computed and asked."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Self, cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from groundswell.clock import Clock, SystemClock, utc_day
from groundswell.config.loading import CONFIG_FILE, LoadedConfig, load_config, load_sources
from groundswell.config.secrets import expand
from groundswell.engine import deciding, loading
from groundswell.engine.computing import Computer, weekly_days
from groundswell.engine.reports import (
    AccountRow,
    Explanation,
    LoadReport,
    RunReport,
    SourceState,
    StoredReject,
)
from groundswell.engine.sources import source_states
from groundswell.engine.standing import Standing, followed_days, stand
from groundswell.engine.telling import (
    account_rows,
    explanation,
    find_account,
    keep_latest,
    parents_of,
    read_latest,
)
from groundswell.errors import Problem, UsageError
from groundswell.intake import explain_account, explain_user
from groundswell.model import Kind, Link
from groundswell.store.activity import open_activity
from groundswell.store.ledger import JournalEntry, Ledger, open_ledger
from groundswell.store.warehouse import Warehouse, open_warehouse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from groundswell.engine.loading import Progress
    from groundswell.store.activity import Activity

STATE_FOLDER = ".groundswell"


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
        self.activity.close()
        self.warehouse.close()
        self.ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

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

    def rejects(self, *, source: str | None = None, limit: int | None = None) -> list[StoredReject]:
        """Return the rows in quarantine, oldest first."""
        kept = self.ledger.rejects(source=source, limit=limit)
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

        Args:
            source: Only rows of this source.
            mapping: YAML file with `sources:`, instead of those in groundswell.yaml.
            maps: Our column names to theirs, when the rows were loaded with such.
            format: A file format or a system, when the rows were loaded with one.
        """
        sources = load_sources(Path(mapping)) if mapping else self.loaded.config.sources
        kept = self.ledger.rejects(source=source)
        return self._loader().replay(kept, sources, maps=maps or {}, file_format=format)

    def sources(self) -> list[SourceState]:
        """Say of every source how much came, when, and what waits or was rejected."""
        return source_states(self.warehouse, self.ledger, now=self.clock.now())

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
            find_account(self._computer().filing(), name)
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
        return explain_user(self._computer().filing(), user, as_of or self.today())

    def _instant(self, day: date | None) -> datetime:
        return datetime.combine(day, time(), UTC) if day else self.clock.now()

    # --- computing ----------------------------------------------------------------------------

    def today(self) -> date:
        """Return the present UTC day, by the clock."""
        return utc_day(self.clock.now())

    def _computer(self) -> Computer:
        if not hasattr(self, "_computing"):
            self._computing = Computer(self.loaded, self.warehouse, self.ledger, self.activity)
        return self._computing

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
        days = weekly_days(as_of or self.today(), weeks)
        return self._computer().collect(days, accounts=accounts, as_known=as_known)

    def write_features(
        self,
        path: str | Path,
        *,
        as_of: date | None = None,
        weeks: int = 1,
        accounts: Sequence[str] | None = None,
        as_known: bool = False,
    ) -> int:
        """Write `features` to a Parquet file, some accounts at a time; return the rows written."""
        if accounts is not None:
            found = self.features(as_of, weeks=weeks, accounts=accounts, as_known=as_known)
            found.write_parquet(path)
            return found.height
        days = weekly_days(as_of or self.today(), weeks)
        rows = 0
        writer: pq.ParquetWriter | None = None
        try:
            computer = self._computer()
            for frame in computer.as_known(days) if as_known else computer.features(days):
                table = cast("pa.Table", frame.to_arrow())
                writer = writer or pq.ParquetWriter(path, table.schema)
                writer.write_table(table)
                rows += table.num_rows
        finally:
            if writer is not None:
                writer.close()
        return rows

    def _standing(self, as_of: date, accounts: Sequence[str] | None = None) -> Standing:
        frames = self._computer().features(followed_days(as_of), accounts=accounts)
        return stand(self.loaded, frames, as_of=as_of)

    def run(self, *, as_of: date | None = None) -> RunReport:
        """Score every account, decide on each, and record it in the journal.

        Running again for the same day, on the same facts, records nothing new.

        Raises:
            UsageError: Nothing was known by that day.
        """
        day = as_of or self.today()
        began = monotonic()
        filing = self._computer().filing()
        identified = monotonic()
        standing = self._standing(day)
        computed = monotonic()
        known = {item.key for item in self.ledger.journal(kinds=("qualified", "released"))}
        remembered = deciding.remember(self.ledger, self.warehouse.read(Kind.TOUCHES), as_of=day)
        states = deciding.states_of(
            standing,
            remembered,
            do_not_contact=self.loaded.guardrails.do_not_contact,
            parents=parents_of(filing.accounts),
        )
        routes, entries = deciding.decide_all(
            self.loaded, standing, states, remembered, clock=self.clock
        )
        written = self.ledger.append_journal(entries)
        keep_latest(self.root / STATE_FOLDER, standing, routes, filing.accounts)
        decided = monotonic()
        return RunReport(
            as_of=day,
            accounts=standing.frame.height,
            qualified=int(standing.frame.get_column("qualified").sum()),
            newly_qualified=deciding.newly(entries, "qualified", known),
            released=deciding.newly(entries, "released", known),
            hand_overs=int(routes.get_column("hand_over").sum()),
            motions=dict(routes.group_by("motion").len().sort("len", descending=True).iter_rows()),
            journal_entries=written,
            seconds={
                "identity": identified - began,
                "features and scores": computed - identified,
                "decisions": decided - computed,
            },
        )

    # --- asking -------------------------------------------------------------------------------

    def accounts(self, *, qualified: bool = False, limit: int | None = None) -> list[AccountRow]:
        """List accounts as of the latest run, best first.

        Args:
            qualified: Only those that are qualified.
            limit: At most so many.

        Raises:
            UsageError: There was no run yet.
        """
        frame = self._latest()
        if qualified:
            frame = frame.filter(pl.col("qualified"))
        return account_rows(self.loaded, frame.head(limit) if limit else frame)

    def _latest(self) -> pl.DataFrame:
        frame = read_latest(self.root / STATE_FOLDER)
        if frame is None:
            raise UsageError(
                Problem(
                    code="no-run",
                    what="Accounts have not been scored yet.",
                    fix="Run `groundswell run` first.",
                )
            )
        return frame

    def explain(
        self, account: str, *, as_of: date | None = None, user: str | None = None
    ) -> Explanation:
        """Explain one account as of a day: every point, rule, guardrail and link.

        Args:
            account: Account id, or its exact name or domain.
            as_of: The day; that of the latest run by default, else today.
            user: Only the links of this user.

        Raises:
            UsageError: No such account is known by that day.
        """
        day = as_of or self._latest_day() or self.today()
        filing = self._computer().filing()
        found = find_account(filing, account)
        standing = self._standing(day, [found.account_id])
        remembered = deciding.remember(self.ledger, self.warehouse.read(Kind.TOUCHES), as_of=day)
        states = deciding.states_of(
            standing,
            remembered,
            do_not_contact=self.loaded.guardrails.do_not_contact,
            parents=parents_of(filing.accounts),
        )
        row = standing.frame.row(0, named=True)
        score, decision = deciding.decide_account(
            self.loaded,
            row,
            states[found.account_id],
            standing.triggers_since().get(found.account_id, {}),
            now=self.clock.now(),
        )
        links = explain_account(filing, found.account_id, day)
        return explanation(
            self.loaded,
            found,
            row,
            score,
            decision,
            links=[link for link in links if user is None or link.user_id == user],
            history=standing.history,
        )

    def _latest_day(self) -> date | None:
        frame = read_latest(self.root / STATE_FOLDER)
        return None if frame is None else cast("date", frame.item(0, "as_of"))

    def journal(
        self, *, account: str | None = None, kind: str | None = None, limit: int | None = None
    ) -> list[JournalEntry]:
        """Return what was decided, newest first."""
        entries = self.ledger.journal(account_id=account, kinds=(kind,) if kind else None)
        newest = entries[::-1]
        return newest[:limit] if limit else newest
