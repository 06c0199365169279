"""From a plain table to examples: which column is the outcome, and what the others are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from groundswell.errors import Problem, UsageError, did_you_mean
from groundswell.scoring.learning.examples import Examples
from groundswell.scoring.learning.leakage import Alarm, alarm_of_later_dates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

POSITIVE = frozenset(("1", "1.0", "true", "t", "yes", "y", "won", "closed won", "converted"))
NEGATIVE = frozenset(
    ("0", "0.0", "-1", "false", "f", "no", "n", "lost", "closed lost", "not converted")
)
"""What an outcome that came, or did not, is called, in small letters."""

LARGEST = 1e100
"""A number beyond that is none that anybody measured."""

LATE_SHARE = 0.01
"""A date that is after its row's time in more than that many of the rows is alarming."""

_TRUTHS = {"true", "false"}
_DAY_US = 86_400_000_000


@dataclass(frozen=True)
class Asked:
    """What a table is asked.

    Attributes:
        label: The column of the outcome; rows where it is empty are left out.
        positive: The value that says that the outcome came; none where it goes without saying.
        time: The column by which rows are ordered: when each was as it is.
        group: The column whose rows belong together, such as an account.
        drop: Columns that are not learned from.
    """

    label: str
    positive: str | None = None
    time: str | None = None
    group: str | None = None
    drop: Sequence[str] = ()


@dataclass(frozen=True)
class Prepared:
    """Examples, and what was seen while they were made.

    Attributes:
        examples: In the order of time, where the column is named; else of the table.
        unlabelled: Rows left out since their outcome is not known.
        left_out: Columns that are not among the features, with the reason.
        alarms: Dates that come after their row's time.
    """

    examples: Examples
    unlabelled: int
    left_out: Mapping[str, str] = field(default_factory=dict[str, str])
    alarms: tuple[Alarm, ...] = ()


def prepare(table: pl.DataFrame, asked: Asked) -> Prepared:
    """Turn a table into examples.

    Truths become 0 and 1, and dates the days from them to the row's time, or since the first of
    them where rows have no time.

    Raises:
        UsageError: A column is not there, or the outcome cannot be told from it.
    """
    _check_columns(table, asked)
    label = table[asked.label]
    known = table.filter(label.is_not_null())
    if asked.time:
        known = known.sort(asked.time, nulls_last=False, maintain_order=True)
    told = {asked.label, asked.time, asked.group, *asked.drop}
    columns: list[pl.Series] = []
    left_out: dict[str, str] = {}
    alarms: list[Alarm] = []
    for column in known.iter_columns():
        if column.name in told:
            continue
        if column.dtype.is_temporal():
            column, alarm = _days(column, known[asked.time] if asked.time else None)  # noqa: PLW2901
            alarms += [alarm] if alarm else []
        feature = as_feature(column)
        if feature is None:
            left_out[column.name] = f"It holds {column.dtype}, which is no number and no text."
        elif feature.dtype != pl.String and (feature.abs() > LARGEST).any():
            left_out[column.name] = f"It holds numbers beyond {LARGEST:g}."
        else:
            columns.append(feature)
    group = known[asked.group].rank("dense") if asked.group else pl.arange(known.height, eager=True)
    examples = Examples(
        pl.DataFrame(columns) if columns else pl.DataFrame(height=known.height),
        _outcome(known[asked.label], asked),
        group.fill_null(0).cast(pl.Int64).to_numpy(),
        np.ones(known.height),
        _times(known, asked.time),
    )
    return Prepared(examples, table.height - known.height, left_out, tuple(alarms))


def _check_columns(table: pl.DataFrame, asked: Asked) -> None:
    named = {"--label": [asked.label], "--time": [asked.time], "--group": [asked.group]}
    problems = [
        Problem(
            code="usage-column",
            what=f"`{option} {name}`: the table has no such column.",
            fix=did_you_mean(name, table.columns, noun="Its columns"),
        )
        for option, names in {**named, "--drop": list(asked.drop)}.items()
        for name in names
        if name is not None and name not in table.columns
    ]
    if not problems and asked.time and table[asked.time].dtype == pl.String:
        problems.append(
            Problem(
                code="usage-time",
                what=f"`--time {asked.time}`: its values are not read as dates, times or numbers.",
                fix="Write them as 2026-06-30 or 2026-06-30T12:00:00Z; or sort the rows by time "
                "and say `--temporal`.",
            )
        )
    if problems:
        raise UsageError(*problems)


def _outcome(label: pl.Series, asked: Asked) -> NDArray[np.bool_]:
    """Return by row whether the outcome came.

    Raises:
        UsageError: It is not said which value tells so.
    """
    texts = label.cast(pl.String).str.strip_chars()
    values = sorted(texts.unique().to_list())
    if asked.positive is not None:
        if asked.positive not in values:
            raise UsageError(
                Problem(
                    code="usage-positive",
                    what=f"`{asked.label}` is never `{asked.positive}`.",
                    fix=did_you_mean(asked.positive, values[:20], noun="Its values"),
                )
            )
        return (texts == asked.positive).to_numpy()
    positive = [value for value in values if value.lower() in POSITIVE]
    others = [value for value in values if value.lower() in NEGATIVE]
    if len(positive) > 1 or len(others) > 1 or len(positive) + len(others) < len(values):
        shown = ", ".join(f"`{value}`" for value in values[:5])
        more = f" and {len(values) - 5} more" if len(values) > 5 else ""
        raise UsageError(
            Problem(
                code="usage-label",
                what=f"`{asked.label}` has {len(values)} values ({shown}{more}), and they do not "
                "tell which of them is the outcome.",
                fix="Name it: `--positive VALUE`; every other value is then no outcome. Leave the "
                "field empty where it is not known yet.",
            )
        )
    return texts.is_in(positive).to_numpy()


def _days(column: pl.Series, time: pl.Series | None) -> tuple[pl.Series, Alarm | None]:
    """Return a date as days before the row's time, or after the first date; alarmed if later."""
    at = _microseconds(column)
    if time is None or not time.dtype.is_temporal():
        return ((at - at.min()) / _DAY_US).alias(column.name), None
    days = ((_microseconds(time) - at) / _DAY_US).alias(column.name)
    late = float((days < 0).sum()) / max(len(days), 1)
    return days, alarm_of_later_dates(column.name, late) if late > LATE_SHARE else None


def _times(known: pl.DataFrame, name: str | None) -> NDArray[np.float64]:
    """Return when each row was, in days where it is a date; the place in the order else."""
    if name is None:
        return np.arange(known.height, dtype=np.float64)
    time = known[name]
    days = _microseconds(time) / _DAY_US if time.dtype.is_temporal() else time.cast(pl.Float64)
    return days.fill_null(-np.inf).to_numpy()


def _microseconds(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Time:
        return column.cast(pl.Int64) // 1000
    if isinstance(column.dtype, pl.Duration):
        return column.dt.total_microseconds()
    return column.cast(pl.Datetime("us")).dt.epoch("us")


def as_feature(column: pl.Series) -> pl.Series | None:
    """Return numbers as Float64 and texts as they are; None for what is neither."""
    if column.dtype.is_numeric() or column.dtype == pl.Boolean:
        numbers = column.cast(pl.Float64)
        return numbers.set(~numbers.is_finite(), None)
    if isinstance(column.dtype, pl.Categorical | pl.Enum):
        return column.cast(pl.String)
    if column.dtype != pl.String:
        return None
    small = column.str.strip_chars().str.to_lowercase()
    if set(small.drop_nulls().unique()) <= _TRUTHS:
        return (small == "true").cast(pl.Float64)
    return column
