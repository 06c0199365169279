"""From steps and dimensions to the frame of features: one row per account and day."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow as pa

from groundswell.clock import day_from_number
from groundswell.config.vocabulary import ValueType
from groundswell.features import derived
from groundswell.features.entries import Rows, join
from groundswell.features.exact import Entries
from groundswell.features.limits import days_at_limit
from groundswell.features.meanings import Carrier, units
from groundswell.features.plan import DYNAMIC_FLAGS, Channel, FeaturePlan, Measure
from groundswell.features.reading import Shard, count_members, exists, read_dimensions
from groundswell.features.shard import Setting, compute_steps
from groundswell.model import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from groundswell.features.dimensions import Dimensions

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

TICKET = "support_ticket"
"""The meaning that rows of the kind `tickets` carry."""

_POLARS = {
    ValueType.NUMBER: pl.Float64,
    ValueType.TEXT: pl.String,
    ValueType.BOOLEAN: pl.Boolean,
}


@dataclass(frozen=True)
class Computation:
    """All that is needed to compute the features of any shard of accounts."""

    setting: Setting
    dimensions: Dimensions

    def compute(self, rows: Rows, shard: Shard) -> pl.DataFrame:
        """Return the features of a shard: account_id, as_of and every feature, in order.

        An account has a row as of a day when it is known by then (a member, activity, or a row
        in a table of accounts) and is not merged into another.

        Args:
            rows: The shard's rows of the roll-up.
            shard: Accounts and days.
        """
        plan = self.setting.plan
        steps = compute_steps(
            rows,
            self.setting,
            accounts=shard.count,
            as_of=shard.as_of,
            more=self._tickets(shard),
        )
        there = exists(self.dimensions, shard).reshape(-1)
        there = None if there.all() else there
        dimensions = read_dimensions(
            self.dimensions,
            plan.plans,
            shard,
            first_active=steps[_position(plan, plan.own["first_active"])],
        )
        if "days_at_limit" in plan.reads.values():
            run = days_at_limit(rows, self.setting, self.dimensions, shard, steps)
            dimensions = dimensions.with_columns(
                pl.Series("days_at_limit", run.reshape(-1), nan_to_null=True)
            )
        if there is not None:
            dimensions = dimensions.filter(pl.Series(there))
        frame = self._counted(steps, shard, there)
        read = self._read(frame, dimensions)
        frame = frame.with_columns(
            read.get_column(dimension).cast(_POLARS[plan.types[name]]).alias(name)
            for name, dimension in plan.reads.items()
        )
        frame = frame.with_columns(
            *(derived.ratio(item) for item in plan.ratios),
            *(pl.col(found).alias(name) for name, found in plan.aliases.items()),
        )
        for wave in self._waves:
            frame = frame.with_columns(wave)
        return self._named(frame, shard, there)

    @cached_property
    def _waves(self) -> list[list[pl.Expr]]:
        """Values and conditions in waves; made once, since making them takes longer than using."""
        types = self.setting.plan.types
        return [
            [
                item.expression.to_polars().cast(_POLARS[types[item.name]]).alias(item.name)
                for item in wave
            ]
            for wave in self.setting.plan.derived
        ]

    def _counted(self, steps: Floats, shard: Shard, there: Bools | None) -> pl.DataFrame:
        """Name steps and members, for the rows that exist, without copying where all do.

        What no event is mapped to is unknown, never zero.
        """
        plan = self.setting.plan
        mapped = {meaning.name for meaning in plan.meanings}
        ticketed = np.tile(shard.as_of >= self.dimensions.first_known[Kind.TICKETS], shard.count)
        columns: dict[str, pa.Array] = {}

        def existing(values: NDArray[Any]) -> NDArray[Any]:
            flat = values.reshape(-1)
            return flat if there is None else flat[there]

        for position, step in enumerate(plan.steps):
            channel = plan.channels[step.channel]
            values = existing(steps[position])
            if not plan.is_unmapped(channel.rows, mapped):
                dated = channel.measure in (Measure.FIRST, Measure.LAST)
                columns[step.name] = _column(values, np.isnan(values) if dated else None)
            elif TICKET in channel.rows.of:
                unknown = ~existing(ticketed) | np.isnan(values)
                columns[step.name] = _column(values, unknown)
            else:
                columns[step.name] = pa.nulls(len(values), pa.float64())
        for item in plan.members:
            members = count_members(self.dimensions, shard, window=item.window)
            columns[item.name] = _column(existing(members).astype(np.float64), None)
        return pl.DataFrame(pa.table(columns))

    def _read(self, frame: pl.DataFrame, dimensions: pl.DataFrame) -> pl.DataFrame:
        """Add the dimensions that are computed from features."""
        plan = self.setting.plan
        wanted = set(plan.reads.values())
        own = [name for name in frame.columns if name in plan.own.values()]
        whole = dimensions.with_columns(
            *(frame.get_column(name) for name in own),
            frame.get_column("_joined_60d"),
        )
        upgraded = pl.col(plan.own["upgraded"])
        whole = whole.with_columns(
            derived.share(pl.col("seats_used"), pl.col("seat_limit")).alias("seat_ratio"),
            pl.min_horizontal(upgraded, "_risen").alias("days_since_upgrade"),
            derived.health(plan.own),
            *derived.acv_inputs(plan),
        ).with_columns(derived.estimated_acv())
        if "usage_ratio" in wanted:
            usage = (
                frame.get_column(plan.aliases.get(plan.usage or "", plan.usage or ""))
                if (plan.usage in plan.aliases or plan.usage in frame.columns)
                else pl.Series([None], dtype=pl.Float64).new_from_index(0, len(frame))
            )
            whole = whole.with_columns(
                derived.share(pl.lit(usage), pl.col("usage_limit")).alias("usage_ratio")
            )
        return whole

    def _named(self, frame: pl.DataFrame, shard: Shard, there: Bools | None) -> pl.DataFrame:
        """Say which account and day each row is."""
        names = self.dimensions.filed["account_id"][shard.first : shard.first + shard.count]
        days = pl.Series([day_from_number(int(day)) for day in shard.as_of], dtype=pl.Date)
        cell = np.arange(shard.cells) if there is None else np.flatnonzero(there)
        return pl.DataFrame(
            [
                names.gather(cell // len(days)).alias("account_id"),
                days.gather(cell % len(days)).alias("as_of"),
                *(frame.get_column(name) for name in self.setting.plan.names),
            ]
        )

    def _tickets(self, shard: Shard) -> Entries | None:
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


def _position(plan: FeaturePlan, step: str) -> int:
    return next(i for i, item in enumerate(plan.steps) if item.name == step)
