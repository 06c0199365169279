"""Fitting a shape to the columns that a file turns out to have."""

# ruff: noqa: S608 - names and texts of users come through quote_name and quote_text only

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from groundswell.config.columns import COLUMNS, ColumnType, file_name
from groundswell.errors import LoadError, Place, Problem, did_you_mean, nearest
from groundswell.model import Kind
from groundswell.store.reading_origin import LINE

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from groundswell.config.shape import Column, Shape

_SAMPLED_LINES = 1_000


def line_keys(duck: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the keys of the first lines of JSON in the table `raw`, sorted."""
    found = duck.sql(
        f"SELECT DISTINCT unnest(json_keys({LINE})) AS key FROM "
        f"(SELECT {LINE} FROM raw WHERE json_valid({LINE}) "
        f"AND starts_with(ltrim({LINE}), '{{') LIMIT {_SAMPLED_LINES}) ORDER BY key"
    ).to_arrow_table()
    return found.column("key").to_pylist()


def resolve_shape(shape: Shape, names: Sequence[str], *, place: str, lines: bool) -> Shape:
    """Return the variant of a shape that fits these columns, cut to what they hold.

    Args:
        shape: The shape, with the variants to try.
        names: Columns of the table, or keys of the first lines.
        place: File or table, for messages.
        lines: True for lines of JSON, where a key that is not seen may still come.

    Raises:
        LoadError: No variant fits, a column that the mapping names is missing, or a needed
            column has nothing to come from; every one is told.
    """
    fitted = _variant(shape, names, place)
    if lines:
        return fitted
    present = _Names(names, ignore_case=fitted.ignore_case)
    problems = _missing_columns(fitted, present, place)
    if problems:
        raise LoadError(*problems)
    return fitted


class _Names:
    """Finds columns the way an origin does: whole, or as the head of a path."""

    def __init__(self, names: Sequence[str], *, ignore_case: bool) -> None:
        self.names = list(names)
        self._ignore_case = ignore_case
        self._keys = {self._key(name) for name in names}

    def _key(self, name: str) -> str:
        return name.lower() if self._ignore_case else name

    def has(self, path: str) -> bool:
        parts = path.split(".")
        return any(
            self._key(".".join(parts[:cut])) in self._keys for cut in range(1, len(parts) + 1)
        )


def _variant(shape: Shape, names: Sequence[str], place: str) -> Shape:
    for variant in shape.variants():
        present = _Names(names, ignore_case=variant.ignore_case)
        if all(present.has(name) for name in variant.needs):
            return replace(variant, otherwise=None, drop=_dropped(variant, names))
    tried = "; ".join(f"{v.name} needs {', '.join(v.needs)}" for v in shape.variants())
    raise LoadError(
        Problem(
            code="format-unfit",
            what=f"The columns fit none of the tables this format knows: {tried}.",
            fix=f"Check `--format` and the kind. Columns found: {_listed(names)}.",
            where=Place(place),
        )
    )


def _dropped(shape: Shape, names: Sequence[str]) -> tuple[str, ...]:
    """Return the columns to drop, with globs (`context_*`) spelled out."""
    globs = [pattern for pattern in shape.drop if "*" in pattern]
    matched = [name for name in names if any(fnmatchcase(name.lower(), glob) for glob in globs)]
    return (*(name for name in shape.drop if "*" not in name), *matched)


def _listed(names: Sequence[str], most: int = 20) -> str:
    shown = ", ".join(names[:most])
    return f"{shown}, ..." if len(names) > most else shown


def _missing_columns(shape: Shape, present: _Names, place: str) -> list[Problem]:
    problems: list[Problem] = []
    for name, column in shape.columns.items():
        if column.asked and not any(present.has(path) for path in column.paths):
            problems.append(
                Problem(
                    code="column-missing",
                    what=f"The mapping takes `{file_name(shape.kind, name)}` from "
                    f"`{column.paths[0]}`, which is not among the columns.",
                    fix=did_you_mean(column.paths[0], present.names[:40], noun="Columns found"),
                    where=Place(place),
                )
            )
    if problems:
        return problems
    for name, wanted in COLUMNS[shape.kind].items():
        if wanted.required and not _supplied(shape.columns.get(name), present):
            problems.append(_required_problem(shape, name, present, place))
    if shape.kind is Kind.EVENTS and not any(
        _supplied(shape.columns.get(name), present) for name in ("user_id", "anonymous_id")
    ):
        problems.append(_required_problem(shape, "user_id", present, place))
    return problems


def _supplied(column: Column | None, present: _Names) -> bool:
    if column is None:
        return False
    return column.constant is not None or any(present.has(path) for path in column.paths)


def _required_problem(shape: Shape, name: str, present: _Names, place: str) -> Problem:
    shown = file_name(shape.kind, name)
    what = f"No column gives `{shown}`, which every row of {shape.kind} needs."
    if name == "user_id" and shape.kind is Kind.EVENTS:
        what = "No column gives `user_id` or `anonymous_id`; every event needs one of them."
    near = nearest(shown, present.names)
    fix = f"Name it: `--map {shown}={near or 'THEIRS'}`. Columns found: {_listed(present.names)}."
    if len(present.names) == 1 and any(mark in present.names[0] for mark in ";\t|,"):
        mark = next(mark for mark in ";\t|," if mark in present.names[0])
        written = "\\t" if mark == "\t" else mark
        fix = (
            f'The file has one column only; name its delimiter: `csv: {{delimiter: "{written}"}}`.'
        )
    elif COLUMNS[shape.kind][name].type is ColumnType.TEXT:
        fix += f" Or give all rows one value: `constants: {{{shown}: ...}}`."
    return Problem(code="column-required", what=what, fix=fix, where=Place(place))
