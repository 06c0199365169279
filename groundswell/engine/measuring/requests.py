"""Which features accounts asked for, by name, from the events that mean it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import polars as pl
from sqlglot import exp

from groundswell.clock import day_number
from groundswell.features.meanings import meanings_of
from groundswell.features.properties import read_property
from groundswell.store.nearby import read_frame

if TYPE_CHECKING:
    from groundswell.config.loading import LoadedConfig
    from groundswell.config.resolved import Meaning
    from groundswell.engine.computing import Computer

REQUESTED = "feature_requested"
SCHEMA = {"account_id": pl.String, "what": pl.String, "day": pl.Date}


def requests_for_features(
    loaded: LoadedConfig, computer: Computer, *, since: date, as_of: date
) -> pl.DataFrame:
    """Return account_id, what, day of each time that a feature was asked for.

    A matcher of page views tells no name and is left out.

    Args:
        loaded: Which events mean it, and where the name stands in them.
        computer: Its warehouse holds the events.
        since: The first day.
        as_of: The last day; accounts are those that people belonged to as of it.
    """
    names = computer.warehouse.event_names()
    frames = [
        _asked(computer, meaning, ids, since, as_of)
        for meaning in loaded.meanings
        if meaning.name == REQUESTED and not meaning.pages
        if (ids := [n for n, event in enumerate(names) if meanings_of(event, [meaning])])
    ]
    found = [_filed(computer, frame, as_of) for frame in frames if frame.height]
    return pl.concat(found) if found else pl.DataFrame(schema=SCHEMA)


def _asked(
    computer: Computer, meaning: Meaning, ids: list[int], since: date, as_of: date
) -> pl.DataFrame:
    """Return actor, day, what of the events of a matcher."""
    dialect = computer.warehouse.dialect
    instants = [
        exp.cast(exp.Literal.string(datetime.combine(day, time(), UTC).isoformat()), "timestamptz")
        for day in (since, as_of + timedelta(days=1))
    ]
    at = exp.column("occurred_at", table="e")
    reader = meaning.reads.get("name")
    path = reader.path if reader is not None else None
    literal = reader.literal if reader is not None else meaning.label
    what = read_property(path, dialect) if path else exp.Literal.string(literal or "")
    wanted = [exp.Literal.number(number) for number in ids]
    select = (
        exp.select(exp.column("actor", table="e"), at, exp.alias_(what, "what"))
        .from_(exp.to_table("events", alias="e"))
        .where(exp.column("event_id", table="e").isin(*wanted))
        .where(at >= instants[0], at < instants[1])
    )
    for name, texts in meaning.where:
        held = [exp.Literal.string(text) for text in texts]
        select = select.where(read_property(name, dialect).isin(*held))
    return read_frame(computer.warehouse, select).select(
        "actor",
        pl.col("occurred_at").dt.date().alias("day"),
        pl.col("what").str.strip_chars(),
    )


def _filed(computer: Computer, asked: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return account_id, what, day: whose each request was as of a day."""
    filing, today = computer.filing(), day_number(as_of)
    number = pl.col("day").cast(pl.Int32)
    return (
        asked.filter(pl.col("what") != "")
        .join(filing.filings, on="actor")
        .filter(
            (number >= pl.col("from_day"))
            & (number < pl.col("until_day"))
            & (pl.max_horizontal(number, "visible") <= today)
            & (pl.col("hidden") > today)
        )
        .join(filing.accounts.select("account", "account_id"), on="account")
        .select("account_id", "what", "day")
    )
