"""Building the roll-up: the working tables, the query, and knowing when nothing has changed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import polars as pl
from sqlglot import exp

from groundswell.features.compile import compile_marks, compile_rollup
from groundswell.features.marks import summed_properties
from groundswell.features.meanings import SEPARATOR, encode
from groundswell.features.packing import lay_out, look_into
from groundswell.features.sorting import roll_up

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from groundswell.features.meanings import Coding
    from groundswell.features.people import Filing
    from groundswell.features.plan import FeaturePlan
    from groundswell.model import Kind

_KEPT_CODINGS = 4

VERSION = 2
"""Raised when the roll-up means something else, so that old ones are built anew."""


class Facts(Protocol):
    """The part of a warehouse that features need."""

    dialect: str
    joins_on_actor: bool

    def read(self, kind: Kind) -> pl.DataFrame:
        """Return every row of a kind."""
        ...

    def actors(self) -> pl.DataFrame:
        """Return actor, user_id, anonymous_id, account_id, first_at."""
        ...

    def event_names(self) -> list[str]:
        """Return every event name; the position is its id."""
        ...

    def put(self, table: str, rows: pa.Table) -> None:
        """Keep a working table."""
        ...

    def query(self, select: exp.Query) -> pa.RecordBatchReader:
        """Run a SELECT."""
        ...

    def version(self) -> str:
        """Return a text that changes whenever the facts do."""
        ...


class Activity(Protocol):
    """Where the roll-up is kept.

    `dialect` is the SQL of the SELECTs that it runs by itself, next to the events.
    """

    dialect: str

    @property
    def fingerprint(self) -> str | None:
        """What the roll-up was made from."""
        ...

    def forget(self) -> None:
        """Let the roll-up there is count as stale, whatever it was made from."""
        ...

    def replace(self, source: exp.Query | pa.RecordBatchReader, *, fingerprint: str) -> int:
        """Put a new roll-up in place of the old; return its rows."""
        ...

    def counts(self, accounts: tuple[int, int]) -> pa.Table:
        """Return account and rows of those accounts, first to last, that have some."""
        ...

    def read(
        self,
        *,
        columns: Sequence[str],
        accounts: tuple[int, int] | None = None,
        where: exp.Expr | None = None,
    ) -> pa.Table:
        """Return columns of the rows of some accounts, first and last, that meet a condition."""
        ...


@dataclass(frozen=True)
class Coded:
    """What the integers of the roll-up stand for.

    Attributes:
        coding: The codes.
        keys: Key k is `keys[k - 1]`: its code and the text read from properties.
        workspaces: Largest number of workspaces in one account.
        marks: event_id, bits, key_text, code, key - a row for all that can be seen in an event.
    """

    coding: Coding
    keys: tuple[tuple[int, str], ...]
    workspaces: int
    marks: pl.DataFrame


def build_activity(warehouse: Facts, activity: Activity, plan: FeaturePlan, filing: Filing) -> bool:
    """Make the roll-up unless it is there already.

    Args:
        warehouse: Where the events are.
        activity: Where the roll-up goes.
        plan: What is measured; only what bears on the roll-up counts as a change.
        filing: Which account events count for.

    Returns:
        True when it was built, False when facts, identity and meanings are as they were.
    """
    if is_current(warehouse, activity, plan, filing):
        return False
    fingerprint = _fingerprint(warehouse, plan, filing)
    # From here on working tables are those of the new roll-up: should this process die before it
    # is written, the old one must not be taken for good.
    activity.forget()
    sums = summed_properties(plan)
    coding = _encode(plan, warehouse.event_names())
    actors = warehouse.actors()
    filed = numbered_workspaces(filing, actors)
    most = filed.select(pl.col("workspace").max().fill_null(0).alias("workspaces"))
    warehouse.put("activity_sizes", most.to_arrow())
    source: exp.Query | pa.RecordBatchReader | None = None
    in_place = warehouse.dialect == activity.dialect
    if in_place and warehouse.dialect == "duckdb":
        source = _packed(warehouse, coding, filed, actors, sums)
    if source is None:
        source = _grouped(warehouse, coding, filed, sums)
        source = source if in_place else warehouse.query(source)
    activity.replace(source, fingerprint=fingerprint)
    return True


def is_current(warehouse: Facts, activity: Activity, plan: FeaturePlan, filing: Filing) -> bool:
    """Tell whether the roll-up is that of these facts, identities and meanings."""
    return activity.fingerprint == _fingerprint(warehouse, plan, filing)


def _packed(
    warehouse: Facts,
    coding: Coding,
    filed: pl.DataFrame,
    actors: pl.DataFrame,
    sums: Sequence[str],
) -> pa.RecordBatchReader | None:
    """Return the roll-up of events that are at hand, in order; None when it cannot be packed."""
    layout = lay_out(warehouse, filed, actors)
    if layout is None:
        return None
    looked = look_into(warehouse, layout, coding, sums)
    marks = _marks(coding, looked.kinds)
    warehouse.put("event_marks", marks.to_arrow())
    return roll_up(warehouse, layout, looked, marks, coding)


def _grouped(
    warehouse: Facts, coding: Coding, filed: pl.DataFrame, sums: Sequence[str]
) -> exp.Query:
    """Return the roll-up as a query, with the working tables it reads."""
    select = compile_marks(coding, dialect=warehouse.dialect)
    seen = _frame(warehouse, select) if select is not None else None
    warehouse.put("event_marks", _marks(coding, seen).to_arrow())
    warehouse.put("filing", filed.to_arrow())
    return compile_rollup(
        coding, dialect=warehouse.dialect, joins_on_actor=warehouse.joins_on_actor, sums=sums
    )


def read_coded(warehouse: Facts, plan: FeaturePlan) -> Coded:
    """Return what the integers of the roll-up stand for, as `build_activity` left it."""
    columns = ("event_id", "bits", "key_text", "code", "key")
    marks = _frame(warehouse, exp.select(*columns).from_("event_marks"))
    keys = marks.filter(pl.col("key") > 0).unique(["key"]).sort("key")
    sizes = _frame(warehouse, exp.select("workspaces").from_("activity_sizes"))
    return Coded(
        coding=_encode(plan, warehouse.event_names()),
        keys=tuple(zip(keys["code"].to_list(), keys["key_text"].to_list(), strict=True)),
        workspaces=int(sizes["workspaces"][0]),
        marks=marks,
    )


_encoded: dict[tuple[str, tuple[str, ...]], Coding] = {}


def _encode(plan: FeaturePlan, names: Sequence[str]) -> Coding:
    """Return the codes of all events; those of the last few plans and lists of names are kept."""
    key = (plan.fingerprint, tuple(names))
    if key not in _encoded:
        while len(_encoded) >= _KEPT_CODINGS:
            _encoded.pop(next(iter(_encoded)))
        _encoded[key] = encode(plan, names)
    return _encoded[key]


def _frame(warehouse: Facts, select: exp.Query) -> pl.DataFrame:
    with warehouse.query(select) as reader:
        frame = pl.from_arrow(reader.read_all())
    assert isinstance(frame, pl.DataFrame)
    return frame


def _marks(coding: Coding, seen: pl.DataFrame | None) -> pl.DataFrame:
    """Return event_id, bits, key_text, code, key: a row for all that can be seen in an event."""
    codes = pl.DataFrame(
        coding.rows,
        schema={"event_id": pl.Int32, "bits": pl.Int32, "code": pl.Int32},
        orient="row",
    )
    empty = codes.select("event_id", "bits", pl.lit("").alias("key_text"), "code")
    if seen is None:
        return empty.with_columns(pl.lit(0, pl.Int32).alias("key"))
    seen = seen.with_columns(pl.col("event_id", "bits").cast(pl.Int32))
    told = seen.join(codes, on=["event_id", "bits"]).select(empty.columns)
    inside = told["event_id"].unique().to_list()
    plain = empty.filter(~pl.col("event_id").is_in(inside))
    keys = (
        told.filter(pl.col("key_text").str.strip_chars(SEPARATOR) != "")
        .select("code", "key_text")
        .unique()
        .sort("code", "key_text")
        .with_row_index("key", offset=1)
    )
    return (
        pl.concat([plain, told])
        .join(keys, on=["code", "key_text"], how="left")
        .with_columns(pl.col("key").fill_null(0).cast(pl.Int32))
        .sort("event_id", "bits", "key_text")
    )


def numbered_workspaces(filing: Filing, actors: pl.DataFrame) -> pl.DataFrame:
    """Add the workspace of each filing: the n-th of its account, 0 where events name none."""
    ids = actors.select("actor", "user_id", "anonymous_id", "account_id")
    joined = filing.filings.join(ids, on="actor", how="left").with_columns(
        pl.when(pl.col("account_id").is_null())
        .then(0)
        .otherwise(pl.col("account_id").rank("dense").over("account").cast(pl.Int32))
        .cast(pl.Int32)
        .alias("workspace")
    )
    return joined.select(
        "actor",
        "user_id",
        "anonymous_id",
        "account_id",
        "from_day",
        "until_day",
        "account",
        "person",
        "workspace",
        "visible",
        "hidden",
    )


def _fingerprint(warehouse: Facts, plan: FeaturePlan, filing: Filing) -> str:
    digest = hashlib.sha256(f"{VERSION}|{warehouse.version()}|{plan.coding_fingerprint}".encode())
    for name in ("actor", "from_day", "until_day", "account", "person", "visible", "hidden"):
        digest.update(filing.filings[name].to_numpy().tobytes())
    return digest.hexdigest()[:24]
