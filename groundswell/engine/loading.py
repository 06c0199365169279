"""Bringing records in: a source described, read batch by batch, quarantined and appended.

A batch is quarantined first and appended second, both idempotently, so a load that is killed
between any two steps and run again ends with the same rows.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from typing import TYPE_CHECKING

from groundswell.config.secrets import expand
from groundswell.connectors.shape import parse_kind, shape_from
from groundswell.engine.batching import gather
from groundswell.engine.forgetting.sifting import Sieve
from groundswell.engine.reports import LoadReport
from groundswell.errors import Problem, UsageError, did_you_mean
from groundswell.store.ahead import read_ahead
from groundswell.store.ledger import Load
from groundswell.store.reading import expand_paths, read_files
from groundswell.store.reading_replay import replay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from groundswell.clock import Clock
    from groundswell.config.schema import SourceDef
    from groundswell.config.shape import Shape
    from groundswell.model import Kind
    from groundswell.store.ledger import KeptReject, Ledger
    from groundswell.store.reading import Batch
    from groundswell.store.warehouse import Warehouse

    Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Errand:
    """One source to load: its name, its entry in `sources:` if any, and the files."""

    name: str
    kind: Kind
    source: SourceDef | None
    files: tuple[str, ...]


@dataclass
class Loader:
    """Loads sources into the warehouse, and what cannot be used into the quarantine."""

    warehouse: Warehouse
    ledger: Ledger
    clock: Clock
    environ: Mapping[str, str]
    progress: Progress | None = None
    _started: float = field(default=0.0, repr=False)

    def load(
        self, errand: Errand, *, maps: Mapping[str, str], file_format: str | None
    ) -> LoadReport:
        """Load one source, batch by batch.

        Raises:
            UsageError: The mapping cannot be used; all mistakes are told.
            LoadError: A file or a table cannot be read at all.
        """
        shape = shape_from(errand.kind, errand.source, maps, file_format)
        received_at = self.clock.now()
        batches = self._batches(errand, shape, received_at)
        return self._take_in(errand, batches, received_at)

    def _batches(self, errand: Errand, shape: Shape, received_at: datetime) -> Iterator[Batch]:
        source = errand.source
        if source is not None and source.dsn and not errand.files:
            from groundswell.store.postgres_source import read_postgres  # noqa: PLC0415  (loads its driver)

            return read_postgres(
                source,
                shape,
                dsn=expand(source.dsn, self.environ),
                name=errand.name,
                after=self.ledger.cursor(errand.name),
                received_at=received_at,
                progress=self.progress,
            )
        return read_files(
            shape,
            errand.files,
            source=errand.name,
            received_at=received_at,
            progress=self.progress,
        )

    def _take_in(
        self, errand: Errand, batches: Iterable[Batch], received_at: datetime
    ) -> LoadReport:
        started = time.monotonic()
        sieve = Sieve.of(self.ledger)
        load = Load(
            load_id=_load_id(errand, received_at),
            kind=errand.kind,
            source=errand.name,
            files=errand.files,
            started_at=received_at,
        )
        self.ledger.record_load(load)
        added = duplicates = 0
        codes: Counter[str] = Counter()
        for batch in read_ahead(gather(batches), name="load"):
            rejects = sieve.sift_rejects(batch.rejects)
            self.ledger.add_rejects(rejects, load_id=load.load_id)
            codes.update(reject.code for reject in rejects)
            rows = sieve.sift(errand.kind, batch.rows)
            duplicates += batch.rows.num_rows - rows.num_rows  # of people who were forgotten
            if rows.num_rows:
                result = self.warehouse.append(errand.kind, rows, received_at=received_at)
                added, duplicates = added + result.added, duplicates + result.duplicates
            if batch.cursor is not None:
                self.ledger.set_cursor(errand.name, batch.cursor)
        self.ledger.record_load(
            replace(
                load,
                finished_at=self.clock.now(),
                added=added,
                duplicates=duplicates,
                rejected=codes.total(),
            )
        )
        return LoadReport(
            source=errand.name,
            kind=str(errand.kind),
            added=added,
            duplicates=duplicates,
            rejected=codes.total(),
            reject_codes=dict(codes.most_common()),
            seconds=time.monotonic() - started,
        )

    def replay(
        self,
        kept: Sequence[KeptReject],
        sources: Mapping[str, SourceDef],
        *,
        maps: Mapping[str, str],
        file_format: str | None,
    ) -> list[LoadReport]:
        """Read quarantined rows again, source by source; those that pass are loaded and settled.

        Args:
            kept: The rows, open ones.
            sources: Entries of `sources:` as they are now, by name.
            maps: Our column names to theirs, as for `load`.
            file_format: A file format or the name of a system, as for `load`.
        """
        groups: dict[tuple[str, Kind], list[KeptReject]] = {}
        for item in kept:
            groups.setdefault((item.reject.source, item.reject.kind), []).append(item)
        of_kind = {(name, source.kind): source for name, source in sources.items()}
        return [
            self._replay_source(
                name, kind, items, shape_from(kind, of_kind.get((name, kind)), maps, file_format)
            )
            for (name, kind), items in groups.items()
        ]

    def _replay_source(
        self, name: str, kind: Kind, items: Sequence[KeptReject], shape: Shape
    ) -> LoadReport:
        started = time.monotonic()
        now = self.clock.now()
        result = replay([item.reject for item in items], shape, received_at=now)
        rows = Sieve.of(self.ledger).sift(kind, result.rows)
        appended = self.warehouse.append(kind, rows, received_at=now)
        self.ledger.mark_replayed([items[number].id for number in result.passed])
        self.ledger.restate_rejects({items[n].id: why for n, why in result.failed.items()})
        codes = Counter(reject.code for reject in result.failed.values())
        return LoadReport(
            source=name,
            kind=str(kind),
            added=appended.added,
            duplicates=appended.duplicates,
            rejected=codes.total(),
            reject_codes=dict(codes.most_common()),
            seconds=time.monotonic() - started,
        )


def _load_id(errand: Errand, received_at: datetime) -> str:
    text = "|".join((errand.name, str(errand.kind), *errand.files, received_at.isoformat()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def find_errands(
    kind: str,
    files: Sequence[str],
    sources: Mapping[str, SourceDef],
    *,
    name: str | None,
    root: Path,
) -> list[Errand]:
    """Say which sources a `load` means.

    With files, every source of the kind whose `path` names a file of that name applies, or the
    only one without a path; without any, the files are taken in our own words. Without files,
    every source of the kind that has a `path` or a `dsn` applies.

    Args:
        kind: Kind of record, as written.
        files: Files or globs, as written.
        sources: Entries of `sources:`.
        name: The one entry to use, if the user named it.
        root: Folder that a source's `path` is relative to.

    Raises:
        UsageError: There is no such source, or nothing to load.
    """
    parsed = parse_kind(kind)
    of_kind = {key: source for key, source in sources.items() if source.kind == parsed}
    if name is not None:
        of_kind = {name: _named(name, sources, parsed)}
    if not files:
        return _from_their_paths(of_kind, parsed, root)
    expanded = tuple(str(path) for path in expand_paths(files))
    errands = [
        Errand(key, parsed, source, chosen)
        for key, source in of_kind.items()
        if (chosen := _chosen(expanded, source, sole=name is not None or len(of_kind) == 1))
    ]
    return errands or [Errand("files", parsed, None, expanded)]


def _named(name: str, sources: Mapping[str, SourceDef], kind: Kind) -> SourceDef:
    found = sources.get(name)
    if found is not None and found.kind == kind:
        return found
    usable = [key for key, source in sources.items() if source.kind == kind]
    what = f"There is no source `{name}`." if found is None else f"`{name}` is not of {kind}."
    raise UsageError(
        Problem("source-unknown", what, did_you_mean(name, usable, noun=f"Sources of {kind}"))
    )


def _chosen(files: tuple[str, ...], source: SourceDef, *, sole: bool) -> tuple[str, ...]:
    if source.path is None or sole:
        return files
    pattern = source.path.rsplit("/", 1)[-1]
    return tuple(file for file in files if fnmatch(file.rsplit("/", 1)[-1], pattern))


def _from_their_paths(sources: Mapping[str, SourceDef], kind: Kind, root: Path) -> list[Errand]:
    errands = [
        Errand(key, kind, source, (str(root / source.path),) if source.path else ())
        for key, source in sources.items()
        if source.path or source.dsn
    ]
    if not errands:
        raise UsageError(
            Problem(
                code="usage-nothing-to-load",
                what=f"No file is named, and no source of {kind} has a `path` or a `dsn`.",
                fix=f"Name files, `groundswell load {kind} FILE...`, or add a path to a source.",
            )
        )
    return [
        replace(errand, files=tuple(str(path) for path in expand_paths(errand.files)))
        for errand in errands
    ]
