"""From steps and dimensions to the frame of features: one row per account and day."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow as pa

from groundswell.config.nodes import POLARS
from groundswell.features import derived
from groundswell.features.entries import join
from groundswell.features.exact import Entries, add_entries, blank
from groundswell.features.health import health_of
from groundswell.features.limits import days_at_limit, limit_marks
from groundswell.features.meanings import Carrier, units
from groundswell.features.plan import DYNAMIC_FLAGS, Channel, FeaturePlan, Measure
from groundswell.features.reading import Known, Shard
from groundswell.features.shard import Left, Piece, Setting, walk_piece
from groundswell.model import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from groundswell.features.dimensions import Dimensions
    from groundswell.features.source import Source

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

TICKET = "support_ticket"
"""The meaning that rows of the kind `tickets` carry."""

_MADE_AGAIN = ("_waves", "_readings")


@dataclass(frozen=True)
class Computation:
    """All that is needed to compute the features of any shard of accounts."""

    setting: Setting
    dimensions: Dimensions

    def compute(self, source: Source, shard: Shard) -> pl.DataFrame:
        """Return the features of a shard: account_id, as_of and every feature, in order.

        An account has a row as of a day when it is known by then (a member, activity, or a row
        in a table of accounts) and is not merged into another.

        Args:
            source: Where the rows of the roll-up come from.
            shard: Accounts and days.
        """
        work = Work.of(self, source, shard)
        return work.frame([work.walk(shard.first, shard.first + shard.count)])

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is made again, and what cannot go to another process."""
        return {name: value for name, value in self.__dict__.items() if name not in _MADE_AGAIN}

    @cached_property
    def limit_marks(self) -> Bools | None:
        """By mark, whether days at a limit are counted from its rows; None when they are not."""
        read = "days_at_limit" in self.setting.plan.reads.values()
        return limit_marks(self.setting) if read else None

    @cached_property
    def _waves(self) -> list[list[pl.Expr]]:
        """Values and conditions in waves; made once, since making them takes longer than using."""
        plan = self.setting.plan
        ratios = [derived.ratio(item) for item in plan.ratios]
        again = [pl.col(found).alias(name) for name, found in plan.aliases.items()]
        return [
            [*ratios, *again],
            *(
                [
                    item.expression.to_polars().cast(POLARS[plan.types[item.name]]).alias(item.name)
                    for item in wave
                ]
                for wave in plan.derived
            ),
        ]

    def over(self, dimensions: Dimensions, setting: Setting | None = None) -> Computation:
        """Return the same plan over other dimensions, and other rows; expressions are kept."""
        made = Computation(setting or self.setting, dimensions)
        for name in _MADE_AGAIN:  # they take longer to make than to use
            made.__dict__[name] = getattr(self, name)
        return made

    def assemble(self, known: Known, steps: Floats, *, at_limit: Floats | None) -> pl.DataFrame:
        """Return the features of some accounts and days, given all that is counted.

        Args:
            known: What is known beside it.
            steps: [step, account, day].
            at_limit: [account, day] of days at a limit; None when no feature reads them.
        """
        dimensions = known.dimensions
        if at_limit is not None:
            run = pl.Series("days_at_limit", known.cells.pick(at_limit), nan_to_null=True)
            dimensions = dimensions.with_columns(run)
        derived = self.derive(self.counted(steps, known), dimensions)
        day = pl.Series("as_of", known.cells.day.astype(np.int32)).cast(pl.Date)
        return pl.DataFrame([known.account_id.alias("account_id"), day, *derived.get_columns()])

    def counted(self, steps: Floats, known: Known) -> pl.DataFrame:
        """Name steps and members, for the pairs of account and day that there are.

        What no event is mapped to is unknown, never zero.
        """
        plan, cells = self.setting.plan, known.cells
        mapped = {meaning.name for meaning in plan.meanings}
        ticketed = cells.day >= self.dimensions.first_known[Kind.TICKETS]
        columns: dict[str, pa.Array] = {}
        for step, values in zip(plan.steps, cells.pick(steps), strict=True):
            channel = plan.channels[step.channel]
            if not plan.is_unmapped(channel.rows, mapped):
                dated = channel.measure in (Measure.FIRST, Measure.LAST)
                columns[step.name] = _column(values, np.isnan(values) if dated else None)
            elif TICKET in channel.rows.of:
                columns[step.name] = _column(values, ~ticketed | np.isnan(values))
            else:
                columns[step.name] = pa.nulls(len(values), pa.float64())
        for item in plan.members:
            found = known.allowed.members if item.window is None else known.joined[item.window]
            columns[item.name] = _column(cells.pick(found).astype(np.float64), None)
        return pl.DataFrame(pa.table(columns))

    def derive(self, frame: pl.DataFrame, dimensions: pl.DataFrame) -> pl.DataFrame:
        """Add dimensions, ratios, and all that is computed from other features.

        One step after the other: to plan them together takes longer than to take them.
        """
        read = self._read(frame, dimensions)
        whole = pl.DataFrame([*frame.get_columns(), *read.get_columns()])
        for wave in self._waves:
            whole = whole.with_columns(wave)
        return whole.select(self.setting.plan.names)

    def _read(self, frame: pl.DataFrame, dimensions: pl.DataFrame) -> pl.DataFrame:
        """Return the features that are dimensions, computed from features or not."""
        plan = self.setting.plan
        own = [name for name in frame.columns if name in plan.own.values()]
        used = plan.aliases.get(plan.usage or "", plan.usage or "")
        unknown = pl.Series([None], dtype=pl.Float64).new_from_index(0, len(frame))
        usage = frame.get_column(used) if used in frame.columns else unknown
        beside = [frame.get_column(name) for name in (*own, "_joined_60d")]
        whole = pl.DataFrame([*dimensions.get_columns(), *beside, usage.alias("_usage")])
        *stages, last = self._readings
        for stage in stages:
            whole = whole.with_columns(stage)
        return whole.select(last)

    @cached_property
    def _readings(self) -> list[list[pl.Expr]]:
        """What `_read` computes, each stage from the one before."""
        plan = self.setting.plan
        return [
            [
                pl.coalesce("_age", plan.own["first_active"]).alias("account_age_days"),
                derived.share(pl.col("seats_used"), pl.col("seat_limit")).alias("seat_ratio"),
                derived.share(pl.col("_usage"), pl.col("usage_limit")).alias("usage_ratio"),
                pl.min_horizontal(plan.own["upgraded"], "_risen").alias("days_since_upgrade"),
                health_of(plan.own),
                *derived.acv_inputs(plan),
            ],
            [derived.estimated_acv()],
            [
                pl.col(dimension).cast(POLARS[plan.types[name]]).alias(name)
                for name, dimension in plan.reads.items()
            ],
        ]

    def tickets(self, shard: Shard) -> Entries | None:
        """Count the rows of the kind `tickets` as events that carry the meaning."""
        tickets = self.dimensions.tickets.filter(
            pl.col("account").is_between(shard.first, shard.first + shard.count - 1)
        )
        if tickets.is_empty():
            return None
        plan = self.setting.plan
        found: list[Entries] = []
        for index, channel in enumerate(plan.channels):
            if TICKET in channel.rows.of and channel.rows.flag not in DYNAMIC_FLAGS:
                found.append(_ticket_entries(plan, index, channel, tickets, shard))
        return join(found)


@dataclass(frozen=True)
class Work:
    """A shard that is being computed: walked in pieces, by several threads, then assembled.

    Attributes:
        computation: What is computed.
        source: Where the rows come from.
        shard: Accounts and days.
        steps: [step, account, day], filled by `walk`.
        tickets: What counts without being a row.
        kept: [account of all, step], where the steps as of the last day are kept; or None.
    """

    computation: Computation
    source: Source
    shard: Shard
    steps: Floats
    tickets: Entries | None
    kept: Floats | None

    @classmethod
    def of(
        cls, computation: Computation, source: Source, shard: Shard, *, kept: Floats | None = None
    ) -> Work:
        """Lay out a shard in which nothing is counted yet."""
        steps = blank(computation.setting.axes, accounts=shard.count, days=len(shard.as_of))
        return cls(computation, source, shard, steps, computation.tickets(shard), kept)

    def walk(self, first: int, end: int) -> Left:
        """Compute the steps of accounts first .. end-1; return what `frame` still needs."""
        return walk_piece(
            self.source,
            self.computation.setting,
            Piece(first, end, self.shard.first),
            as_of=self.shard.as_of,
            out=self.steps,
            more=self.tickets,
            kept=self.computation.limit_marks,
        )

    def frame(self, left: Sequence[Left]) -> pl.DataFrame:
        """Return the features of all of the shard, given what its pieces left, in order."""
        made, shard, steps = self.computation, self.shard, self.steps
        plan, dimensions = made.setting.plan, made.dimensions
        rest = [piece.entries for piece in left]
        rest += [self.tickets] if self.tickets else []
        add_entries(join(rest), made.setting.axes, shard.as_of, steps)
        if self.kept is not None:
            self.kept[shard.first : shard.first + shard.count] = steps[:, :, -1].T
        known = Known.of(dimensions, plan, shard)
        at_limit = None
        if made.limit_marks is not None:
            rows = [piece.rows for piece in left]
            at_limit = days_at_limit(
                rows, made.setting, dimensions, shard, allowed=known.allowed, steps=steps
            )
        return made.assemble(known, steps, at_limit=at_limit)


def _column(values: Floats, unknown: Bools | None) -> pa.Array:
    """Return numbers as an Arrow array over the same memory; `pa.array` would import pandas."""
    known = None if unknown is None else pa.py_buffer(np.packbits(~unknown, bitorder="little"))
    return pa.Array.from_buffers(pa.float64(), len(values), [known, pa.py_buffer(values)])


def _ticket_entries(
    plan: FeaturePlan, index: int, channel: Channel, tickets: pl.DataFrame, shard: Shard
) -> Entries:
    carrier = Carrier(-1)
    told = {
        topic: units(plan, channel, [carrier], {"topic": topic})
        for topic in tickets["topic"].unique().to_list()
    }
    some = tickets.filter(pl.col("topic").is_in([topic for topic, texts in told.items() if texts]))
    day = some["day"].to_numpy().astype(np.int64)
    person = some["person"].to_numpy().astype(np.int64)
    unit = {
        Measure.USERS: person,
        Measure.ACTIVE_DAYS: day,
        Measure.USER_DAYS: (person << 20) + day,
    }.get(channel.measure, np.zeros(len(day), dtype=np.int64))
    entries = Entries(
        account=some["account"].to_numpy().astype(np.int64) - shard.first,
        channel=np.full(len(day), index, dtype=np.int64),
        unit=unit,
        day=day,
        start=some["start"].to_numpy().astype(np.int64),
        until=some["until"].to_numpy().astype(np.int64),
        value=np.ones(len(day)),
    )
    if channel.measure in (Measure.USERS, Measure.USER_DAYS):
        return entries.only(person >= 0)
    apart = (Measure.SUM, Measure.TEAMS, Measure.WORKSPACES, Measure.DISTINCT)
    return entries.only(np.full(len(day), channel.measure not in apart))
