"""Whole days, and pieces of time as of which a thing holds.

Identity is bitemporal: an event happened on a day, and what it counts for depends on the day one
looks from. A *piece* is a rectangle of both: it covers event days `from_day <= d < until_day`,
seen as of days t with `max(d, visible) <= t < hidden`. Composing two facts is intersecting their
pieces, so nothing here knows what the pieces are about.
"""

from __future__ import annotations

import polars as pl

OPEN = 2**30
"""The day that never comes: no end, never hidden."""

ALWAYS = -OPEN
"""The day before all days: no beginning. Event days and `visible` are cut to 0 on the way out."""

PIECE = ("from_day", "until_day", "visible", "hidden")
INSTANT = pl.Datetime("us", "UTC")
_DAY_US = 86_400_000_000


def day_of(column: str) -> pl.Expr:
    """Return the UTC day an instant falls on, as days since 1970-01-01."""
    return pl.col(column).cast(pl.Date).cast(pl.Int32)


def day_after(column: str) -> pl.Expr:
    """Return the first UTC day that lies wholly at or after an instant."""
    return (-(-pl.col(column).cast(INSTANT).to_physical() // _DAY_US)).cast(pl.Int32)


def day(number: int) -> pl.Expr:
    """Return a literal day, in the type days are stored in."""
    return pl.lit(number, dtype=pl.Int32)


def intersect(pieces: pl.DataFrame, *, suffix: str) -> pl.DataFrame:
    """Cut each row's piece by the other piece the row carries under `suffix`; drop what is empty.

    Args:
        pieces: Rows with the columns of `PIECE`, twice: as they are and with `suffix`.
        suffix: Ending of the other piece's columns; these are dropped.

    Returns:
        The rows that something is left of, with one piece each.
    """
    cut = pieces.with_columns(
        pl.max_horizontal("from_day", f"from_day{suffix}").alias("from_day"),
        pl.min_horizontal("until_day", f"until_day{suffix}").alias("until_day"),
        pl.max_horizontal("visible", f"visible{suffix}").alias("visible"),
        pl.min_horizontal("hidden", f"hidden{suffix}").alias("hidden"),
    ).drop([f"{name}{suffix}" for name in PIECE])
    return drop_empty(cut)


def drop_empty(pieces: pl.DataFrame) -> pl.DataFrame:
    """Keep the pieces that some event day is seen through as of some day.

    An event is never seen before it happened, so the days from `hidden` on are cut off as well.
    """
    return pieces.with_columns(pl.min_horizontal("until_day", "hidden").alias("until_day")).filter(
        (pl.col("from_day") < pl.col("until_day")) & (pl.col("visible") < pl.col("hidden"))
    )


def join_spans(spans: pl.DataFrame, *, by: tuple[str, str]) -> pl.DataFrame:
    """Make one span of those that overlap or touch, within each key.

    Args:
        spans: Rows with the two key columns and `since`, `until` (days, end exclusive).
        by: The key columns, whole numbers.

    Returns:
        The same days covered by as few spans as possible, sorted by key and `since`.
    """
    # Days are counted on one long line, a stretch of it for each key, so that one running
    # maximum tells how far the spans before a row reach, without a pass for every key.
    stretch = 4 * OPEN
    ordered = spans.select(*by, "since", "until").sort(*by, "since")
    same = pl.all_horizontal([pl.col(name) == pl.col(name).shift(1) for name in by])
    line = (~same.fill_null(value=False)).cast(pl.Int64).cum_sum() * stretch
    laid = ordered.with_columns(line.alias("line")).with_columns(
        (pl.col("line") + pl.col("until")).cum_max().alias("reach")
    )
    gap = pl.col("line") + pl.col("since") > pl.col("reach").shift(1)
    laid = laid.with_columns(gap.fill_null(value=True).alias("begins"))
    ends = laid.filter(pl.col("begins").shift(-1).fill_null(value=True))
    return laid.filter("begins").select(
        *by,
        "since",
        (ends["reach"] - ends["line"]).cast(pl.Int32).alias("until"),
    )
