"""Forgetting: a person is erased from the warehouse, the ledger and the kept files.

What accounts are counted by stays under a pseudonym that nothing leads back from, so that the
figures of their accounts stay as they are; see `rows`. What comes of them later is not taken in;
see `sifting`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from groundswell.engine.draining import Drain, hand_raise_of
from groundswell.engine.forgetting.persons import find_person
from groundswell.engine.forgetting.rows import Rows, properties_read
from groundswell.engine.live.last_known import PEOPLE_FILE
from groundswell.engine.telling import LATEST_FILE
from groundswell.errors import Problem, StoreError, UsageError
from groundswell.model import as_plain
from groundswell.store.erasing import Erases
from groundswell.store.ledger import JournalEntry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from groundswell.engine.forgetting.persons import Person
    from groundswell.engine.project import Project
    from groundswell.store.erasing import Eraser, Names

FORGOTTEN = "forgotten"


@dataclass(frozen=True)
class ForgetReport:
    """What came of forgetting a person: the fields of `forget --json`.

    Attributes:
        known: Whether anything was known of them.
        dry_run: Whether all of it is there yet.
        pseudonym: What their rows bear now; None where there are none, or nothing was changed.
        warehouse, ledger: By table, how many rows named them.
        files: Kept files that did.
        before: Whether they had been forgotten before.
    """

    known: bool
    dry_run: bool
    pseudonym: str | None = None
    warehouse: dict[str, int] = field(default_factory=dict[str, int])
    ledger: dict[str, int] = field(default_factory=dict[str, int])
    files: tuple[str, ...] = ()
    before: bool = False


@dataclass(frozen=True)
class Forgetting:
    """Forgets people of a project; see `Project.forget`."""

    project: Project

    def forget(self, user: str, *, dry_run: bool = False) -> ForgetReport:
        """Erase a person, or say what would be erased; see `Project.forget`."""
        project = self.project
        warehouse = self._warehouse()
        before = project.ledger.tombstones().hold(user)
        self._drain()
        with warehouse.erasing() as eraser:
            person = find_person(eraser, user)
            if not person:
                return ForgetReport(known=False, dry_run=dry_run, before=before)
            self._check_nobody_of_ours(person)
            names = person.names()
            rows = self._rows(eraser, person, names)
            if dry_run:
                counts = {kind: found.num_rows for kind, found in rows.own().items()}
                ledger = project.ledger.rows_naming(names)
                told = {table: len(found) for table, found in ledger.items()}
                return ForgetReport(
                    known=True, dry_run=True, warehouse=counts, ledger=told, before=before
                )
            # The ledger first: until the warehouse follows they can be found, and forgotten again.
            ledger = project.ledger.forget(names, person.tombstones(), at=project.clock.now())
            counts = rows.erase()
        files = self._rewrite_files(names)
        self._note(names, counts, ledger)
        self._follow()
        return ForgetReport(
            known=True,
            dry_run=False,
            pseudonym=names.pseudonym,
            warehouse=counts,
            ledger=ledger,
            files=files,
            before=before,
        )

    def export(self, user: str) -> dict[str, list[dict[str, Any]]]:
        """Return every row that is known of a person; see `Project.export_person`."""
        self._drain()
        with self._warehouse().erasing() as eraser:
            person = find_person(eraser, user)
            if not person:
                return {}
            names = person.names()
            rows = self._rows(eraser, person, names)
            found = {kind: told.to_pylist() for kind, told in rows.own().items()}
            own = {f"{kind}_log" for kind in found} | set(found)
            for table, column, texts in rows.mentions():
                if table not in own:
                    found.setdefault(table, []).extend({column: text} for text in texts)
        found |= self.project.ledger.rows_naming(names)
        return {table: [as_plain(row) for row in told] for table, told in found.items()}

    def _warehouse(self) -> Erases:
        warehouse = self.project.warehouse
        if isinstance(warehouse, Erases):
            return warehouse
        raise StoreError(
            Problem(
                "forget-warehouse",
                "Nobody can be erased from a warehouse on Spark: its files are only added to.",
                "Erase them from the sources, and load these into a new folder.",
            )
        )

    def _drain(self) -> None:
        """Take in what waits, so that nothing of them comes later from there."""
        project = self.project
        drain = Drain(
            project.warehouse,
            project.ledger,
            project.clock,
            project.loaded.config.sources,
            hand_raise_of(project.loaded.meanings),
        )
        try:
            while drain.step() is not None:
                pass
        finally:
            drain.close()

    def _check_nobody_of_ours(self, person: Person) -> None:
        ours = {one.email for one in self.project.ledger.colleagues()}
        ours |= {
            member.email for team in self.project.loaded.teams.values() for member in team.members
        }
        if ours & set(person.emails):
            raise UsageError(
                Problem(
                    "forget-colleague",
                    "They are one of us: a colleague who signs in, or a member of a team.",
                    "Take them out of `teams:` and let an admin remove them first.",
                )
            )

    def _rows(self, eraser: Eraser, person: Person, names: Names) -> Rows:
        project = self.project
        events = project.warehouse.event_names()
        reads = properties_read(project.computer.plan, project.loaded.meanings, events)
        return Rows(eraser, person, names, reads)

    def _rewrite_files(self, names: Names) -> tuple[str, ...]:
        """Rewrite what a run kept; what it read from a CRM is dropped, and read again some day."""
        state = self.project.state
        found = [
            name
            for name in (PEOPLE_FILE, LATEST_FILE)
            if _rewrite_parquet(state / name, names.rewrite)
        ]
        for path in sorted((state / "read_back").glob("*")):
            path.unlink()
            found.append(f"read_back/{path.name}")
        return tuple(found)

    def _note(self, names: Names, warehouse: dict[str, int], ledger: dict[str, int]) -> None:
        now, today = self.project.clock.now(), self.project.today()
        body = {"sentence": "A person was forgotten.", "rows": warehouse, "ledger": ledger}
        key = f"{FORGOTTEN}:{names.pseudonym}"
        self.project.ledger.append_journal(
            [JournalEntry(key, FORGOTTEN, FORGOTTEN, now, today, body)]
        )

    def _follow(self) -> None:
        """Let what was computed be computed of what there is now."""
        project = self.project
        if project.live is not None and project.live.today is not None:
            project.live.rebase()
            project.keep_latest()
            return
        day = project.looker.latest_day()
        if day is not None:
            project.features(day)


def _rewrite_parquet(path: Path, rewrite: Callable[[str, str], str]) -> bool:
    """Rewrite the texts of a file; tell whether any were."""
    if not path.exists():
        return False
    frame = pl.read_parquet(path)
    texts = [name for name, of in frame.schema.items() if of == pl.String]
    new = frame.with_columns(
        pl.Series(
            name,
            [text if text is None else rewrite(text, name) for text in frame[name]],
            dtype=pl.String,
        )
        for name in texts
    )
    if new.equals(frame):
        return False
    if path.name == PEOPLE_FILE:
        new = new.sort("person")
    written = path.with_name(f"{path.name}.new")
    new.write_parquet(written)
    written.replace(path)
    return True
