"""From what a user says of a source to its shape: defaults of the system, then the user's words.

Every mistake of a mapping is told at once, with what is allowed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from groundswell.config.columns import (
    COLUMNS,
    ColumnType,
    canonical_name,
    file_name,
)
from groundswell.config.schema import SourceDef, TimeFormat
from groundswell.config.shape import PROPERTY, Column, FileFormat, Shape
from groundswell.errors import Problem, UsageError, did_you_mean, nearest
from groundswell.model import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["Column", "Connector", "Shape", "default_columns", "parse_kind", "shape_from"]

FILE_FORMATS: tuple[str, ...] = get_args(FileFormat)


@dataclass(frozen=True, slots=True)
class Connector:
    """A system whose histories can be loaded: the plugin surface for sources.

    Attributes:
        name: What a user writes: `--format segment`.
        title: Its name in words.
        doc: Where such a history comes from, in one line.
        kinds: The kinds of record it can give.
        shape: Makes the default shape for a kind; the second argument is the `group_type`, which
            says what kind of group is the account (None: the system's own default).
        formats: File formats such a history comes in, the usual one first.
    """

    name: str
    title: str
    doc: str
    kinds: tuple[Kind, ...]
    shape: Callable[[Kind, str | None], Shape]
    formats: tuple[FileFormat, ...]


def default_columns(kind: Kind) -> dict[str, Column]:
    """Return the mapping of a file that uses our names: each column is its own."""
    return {
        name: Column(paths=tuple(dict.fromkeys((name, file_name(kind, name)))))
        for name in COLUMNS[kind]
    }


def parse_kind(text: str) -> Kind:
    """Return the kind a user named.

    Raises:
        UsageError: There is no such kind.
    """
    if text in list(Kind):
        return Kind(text)
    raise UsageError(
        Problem("kind-unknown", f"There is no kind of record `{text}`.", did_you_mean(text, Kind))
    )


def shape_from(
    kind: str,
    source: SourceDef | None = None,
    maps: Mapping[str, str] | None = None,
    format: str | None = None,  # noqa: A002 - the word of the command line and of the mapping
) -> Shape:
    """Return the shape that a user described.

    Args:
        kind: Kind of record the rows become.
        source: The entry of `sources:`, if there is one.
        maps: `--map ours=theirs` pairs; they come before the source's `columns`.
        format: A file format or the name of a system; comes before the source's.

    Raises:
        UsageError: Anything in it cannot be used; all mistakes are told.
    """
    record = parse_kind(kind)
    told = source or SourceDef(kind=record)
    named = format or told.format
    base = _base(record, named, told.group_type)
    mistakes = _Mistakes()
    columns = _columns(record, told, dict(maps or {}), mistakes)
    times = _times(record, told, mistakes)
    _check_dialect(told, mistakes)
    mistakes.raise_if_any()
    return _customised(base, told, columns, times)


def _base(kind: Kind, named: str | None, group_type: str | None) -> Shape:
    """Return the default shape: of plain files, or of the system whose history this is."""
    from groundswell.connectors.registry import connector, names  # noqa: PLC0415 - it knows us

    if named is None or named in FILE_FORMATS:
        base = connector("files").shape(kind, None)
        return replace(base, format=named)  # pyright: ignore[reportArgumentType] - checked above
    known = [name for name in names() if name not in ("files", "postgres")]
    if named not in names():
        raise UsageError(
            Problem(
                "format-unknown",
                f"There is no format `{named}`.",
                did_you_mean(named, [*FILE_FORMATS, *known]),
            )
        )
    found = connector(named)
    if kind not in found.kinds:
        raise UsageError(
            Problem(
                "format-kind",
                f"A history of {found.title} holds no {kind}.",
                f"It holds {', '.join(found.kinds)}; load {kind} from a file of your own.",
            )
        )
    return found.shape(kind, group_type)


class _Mistakes:
    """Collects what is wrong, so that all of it is told at once."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, code: str, what: str, fix: str, *, path: str) -> None:
        self.problems.append(Problem(code=code, what=what, fix=fix, path=path))

    def raise_if_any(self) -> None:
        if self.problems:
            raise UsageError(*self.problems)


def _targets(kind: Kind) -> list[str]:
    return [file_name(kind, name) for name in COLUMNS[kind]]


def _target(kind: Kind, name: str, mistakes: _Mistakes, path: str) -> str | None:
    """Return the warehouse's name for a target of a mapping, or tell that there is none."""
    ours = canonical_name(kind, name)
    if ours in COLUMNS[kind] or (name.startswith(PROPERTY) and len(name) > len(PROPERTY)):
        return ours
    swapped = nearest(name, _targets(kind))
    fix = (
        did_you_mean(name, [*_targets(kind), f"{PROPERTY}<name>"])
        if swapped
        else (f"A mapping is ours to theirs. Ours: {', '.join(_targets(kind))}, {PROPERTY}<name>.")
    )
    mistakes.add("map-unknown-target", f"`{name}` is no column of {kind}.", fix, path=path)
    return None


def _columns(
    kind: Kind, source: SourceDef, maps: dict[str, str], mistakes: _Mistakes
) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for where, pairs in (("columns", source.columns), ("--map", maps)):
        for name, theirs in pairs.items():
            ours = _target(kind, name, mistakes, f"{where}.{name}")
            if not theirs.strip():
                mistakes.add(
                    "map-empty",
                    f"`{name}` is taken from nothing.",
                    "Name a column of theirs, or take the line away.",
                    path=f"{where}.{name}",
                )
            elif ours:
                columns[ours] = Column(paths=(theirs,), asked=True)
    for name, constant in source.constants.items():
        ours = _target(kind, name, mistakes, f"constants.{name}")
        if ours in columns:
            mistakes.add(
                "map-twice",
                f"`{name}` is both taken from a column and given as a constant.",
                "Keep one of the two.",
                path=f"constants.{name}",
            )
        elif ours:
            columns[ours] = Column(constant=constant)
    return columns


# --- times ------------------------------------------------------------------------------------


def _times(kind: Kind, source: SourceDef, mistakes: _Mistakes) -> dict[str, TimeFormat]:
    """Return how each time column is written: the source's `times`, else its `time`."""
    kinds = (ColumnType.TIME, ColumnType.DATE)
    columns = [name for name, column in COLUMNS[kind].items() if column.type in kinds]
    times: dict[str, TimeFormat] = {}
    if source.time:
        _check_time(source.time, mistakes, path="time")
        times = {name: source.time for name in columns if name != "valid_from"}
        times |= {"valid_from": source.time} if "valid_from" in columns else {}
    for name, written in source.times.items():
        ours = canonical_name(kind, name)
        if ours not in columns:
            allowed = [file_name(kind, column) for column in columns]
            mistakes.add(
                "time-unknown-column",
                f"`{name}` is no time column of {kind}.",
                did_you_mean(name, allowed),
                path=f"times.{name}",
            )
            continue
        is_date = COLUMNS[kind][ours].type is ColumnType.DATE
        _check_time(written, mistakes, path=f"times.{name}", needs_zone=not is_date)
        times[ours] = written
    return times


def _check_time(
    written: TimeFormat, mistakes: _Mistakes, *, path: str, needs_zone: bool = True
) -> None:
    if written.format and written.unit:
        mistakes.add(
            "time-both",
            "A time is written in a format or counted in a unit, not both.",
            "Keep `format` for text, `unit` for numbers.",
            path=path,
        )
    names_zone = written.format and ("%z" in written.format or "%Z" in written.format)
    if written.format and "%" not in written.format:
        mistakes.add(
            "time-format",
            f"`{written.format}` is no strptime format.",
            'Write for example `"%d-%m-%Y %H:%M"`.',
            path=f"{path}.format",
        )
    elif written.format and needs_zone and not written.zone and not names_zone:
        mistakes.add(
            "time-no-zone",
            f"`{written.format}` does not say the time zone.",
            f'Add it: `{{format: "{written.format}", zone: UTC}}`.',
            path=path,
        )
    if written.zone and not _is_zone(written.zone):
        near = nearest(written.zone, sorted(available_timezones()))
        mistakes.add(
            "time-unknown-zone",
            f"There is no time zone `{written.zone}`.",
            f"Did you mean `{near}`?" if near else "Write for example `Europe/Berlin` or `UTC`.",
            path=f"{path}.zone",
        )


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


# --- dialect ----------------------------------------------------------------------------------


def _check_dialect(source: SourceDef, mistakes: _Mistakes) -> None:
    marks = {"delimiter": source.csv.delimiter, "quote": source.csv.quote}
    if source.csv.escape is not None:
        marks["escape"] = source.csv.escape
    for name, mark in marks.items():
        if name == "quote" and mark == "":
            continue
        if len(mark) != 1 or not mark.isascii() or mark in "\r\n":
            mistakes.add(
                "csv-dialect",
                f"`{name}` is {mark!r}; it must be one ASCII character.",
                'Write for example `","`, `";"` or `"\\t"`.',
                path=f"csv.{name}",
            )
    if source.csv.delimiter == source.csv.quote:
        mistakes.add(
            "csv-dialect",
            "`delimiter` and `quote` are the same character.",
            'Without quotes, write `quote: ""`.',
            path="csv.quote",
        )
    if source.csv.columns is not None and source.csv.header:
        mistakes.add(
            "csv-dialect",
            "`columns` names the columns of a file that has a header.",
            "Add `header: false`, or take `columns` away.",
            path="csv.columns",
        )


# --- the whole --------------------------------------------------------------------------------


def _customised(
    base: Shape, source: SourceDef, columns: dict[str, Column], times: dict[str, TimeFormat]
) -> Shape:
    """Return the default shape, and every variant of it, with the user's words on top."""
    return replace(
        base,
        columns={**base.columns, **columns},
        times={**base.times, **times},
        dialect=source.csv if source.csv != type(source.csv)() else base.dialect,
        nulls=tuple(source.null),
        only=source.only or base.only,
        needs=_still_needed(base, columns.keys()),
        otherwise=_customised(base.otherwise, source, columns, times) if base.otherwise else None,
    )


def _still_needed(base: Shape, mapped: Iterable[str]) -> tuple[str, ...]:
    """Return the needs of a variant, without those whose column the user takes from elsewhere."""
    replaced = {path for ours in mapped for path in base.columns.get(ours, Column()).paths}
    return tuple(name for name in base.needs if name not in replaced)
