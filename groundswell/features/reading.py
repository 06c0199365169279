"""Dimensions of one shard as of many days: plan, seats, limits, fit, each as a column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from groundswell.features.dimensions import ENTERPRISE_EMPLOYEES
from groundswell.features.plan import NEVER
from groundswell.features.steps import Spans
from groundswell.model import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from groundswell.config.resolved import Plan
    from groundswell.features.dimensions import Dimensions

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

DAYS_IN_MONTH = 30


@dataclass(frozen=True)
class Shard:
    """Some accounts, one after the other, and the days asked for.

    Attributes:
        first: The first account.
        count: How many accounts.
        as_of: Days, ascending.
    """

    first: int
    count: int
    as_of: Ints

    @property
    def cells(self) -> int:
        """Number of (account, day) pairs."""
        return self.count * len(self.as_of)


def free_plan(plans: Mapping[str, Plan]) -> str | None:
    """Return the plan of who bought nothing: the first of the list, when it costs nothing."""
    first = next(iter(plans.values()), None)
    if first is None or first.price_per_seat or first.price_flat:
        return None
    return None if first.talk_to_sales == "only" or first.motion == "enterprise" else first.name


def count_members(dimensions: Dimensions, shard: Shard, *, window: int | None) -> Ints:
    """Return [account, day] of the people who belong; with a window, who joined within it."""
    joined = dimensions.joined.within(shard.first, shard.count)
    until = joined.until
    if window is not None:
        until = np.minimum(until, joined.row + window)
    spans = Spans(joined.account, joined.start, until, joined.row)
    return spans.total(shard.count, shard.as_of)


def exists(dimensions: Dimensions, shard: Shard) -> NDArray[np.bool_]:
    """Return [account, day]: the account is known and stands by itself."""
    spans = dimensions.exists.within(shard.first, shard.count)
    return spans.total(shard.count, shard.as_of) > 0


def read_dimensions(
    dimensions: Dimensions, plans: Mapping[str, Plan], shard: Shard, *, first_active: Floats
) -> pl.DataFrame:
    """Return every dimension that does not depend on features, one row per account and day.

    Args:
        dimensions: What is known.
        plans: The price list.
        shard: Accounts and days.
        first_active: [account, day] of days since anything was first done; NaN before.
    """
    bought = _bought(dimensions, plans, shard)
    company = _company(dimensions, shard)
    day = np.tile(shard.as_of, shard.count)
    since = np.repeat(dimensions.since[shard.first : shard.first + shard.count], len(shard.as_of))
    heard = np.where(since > 0, day - since, first_active.reshape(-1))
    frame = pl.DataFrame([*bought.get_columns(), *company.get_columns()])
    return frame.with_columns(
        (pl.lit(day) - pl.col("_created"))
        .fill_null(pl.Series(heard, nan_to_null=True))
        .cast(pl.Float64)
        .alias("account_age_days"),
        _open_opportunities(dimensions, shard, day),
        _known_subscription(dimensions, day, pl.col("mrr")),
        _known_subscription(dimensions, day, pl.col("mrr") > 0).alias("is_paying"),
    )


@dataclass(frozen=True)
class Allowed:
    """Seats and limits, each [account, day]; NaN for no limit known.

    `risen` is the last day on which the recurring revenue went up, -1 for none.
    """

    seats_used: Ints
    seat_limit: Floats
    usage_limit: Floats
    risen: Ints


def known_limits(dimensions: Dimensions, plans: Mapping[str, Plan], shard: Shard) -> Allowed:
    """Return what `read_dimensions` says of seats and limits, without the rest."""
    at = dimensions.subscriptions.within(shard.first, shard.count).latest(shard.count, shard.as_of)
    free = free_plan(plans)
    terms = dimensions.terms.select("plan", "seats", "seat_limit", "usage_limit")
    nobody = pl.DataFrame(
        [{"plan": free, "seats": None, "seat_limit": None, "usage_limit": None}],
        schema=terms.schema,
    )
    seats = {name: plan.seats for name, plan in plans.items() if plan.seats is not None}
    usage = {name: plan.usage for name, plan in plans.items() if plan.usage is not None}
    # Whoever bought nothing is the last row, which -1 finds.
    terms = pl.concat([terms, nobody]).with_columns(
        _limit("seat_limit", seats), _limit("usage_limit", usage)
    )
    members = count_members(dimensions, shard, window=None)
    bought = terms["seats"].fill_null(0).to_numpy()[at]
    rises = dimensions.rises.within(shard.first, shard.count)
    return Allowed(
        seats_used=np.where(members > 0, members, bought),
        seat_limit=terms["seat_limit"].fill_null(np.nan).to_numpy()[at],
        usage_limit=terms["usage_limit"].fill_null(np.nan).to_numpy()[at],
        risen=rises.latest(shard.count, shard.as_of),
    )


def _bought(dimensions: Dimensions, plans: Mapping[str, Plan], shard: Shard) -> pl.DataFrame:
    """Plan, revenue, seats and limits from the subscriptions, or from the price list."""
    spans = dimensions.subscriptions.within(shard.first, shard.count)
    at = spans.latest(shard.count, shard.as_of).reshape(-1)
    terms = _take(
        dimensions.terms.select("plan", "seats", "seat_limit", "usage_limit", "plan_since"), at
    )
    cents = dimensions.terms["cents"].cast(pl.Int64).to_numpy()
    total = spans.total(shard.count, shard.as_of, cents).reshape(-1)
    rises = dimensions.rises.within(shard.first, shard.count).latest(shard.count, shard.as_of)
    rises = rises.reshape(-1)
    day = np.tile(shard.as_of, shard.count)
    members = count_members(dimensions, shard, window=None).reshape(-1)
    seats = {name: plan.seats for name, plan in plans.items() if plan.seats is not None}
    usage = {name: plan.usage for name, plan in plans.items() if plan.usage is not None}
    return (
        terms.with_columns(
            pl.col("plan").fill_null(pl.lit(free_plan(plans), pl.String)),
            pl.Series("mrr", total / 100),
            ((pl.lit(day) - pl.col("plan_since")) / DAYS_IN_MONTH).alias("months_on_plan"),
            _whole(pl.Series(np.where(rises < 0, -1, day - rises))).alias("_risen"),
            pl.when(pl.lit(members) > 0)
            .then(pl.lit(members))
            .otherwise(pl.col("seats").fill_null(0))
            .cast(pl.Float64)
            .alias("seats_used"),
        )
        .with_columns(_limit("seat_limit", seats), _limit("usage_limit", usage))
        .drop("seats", "plan_since")
    )


def _limit(name: str, by_plan: Mapping[str, int]) -> pl.Expr:
    """Return the subscription's own limit, else that of its plan."""
    own = pl.col(name).cast(pl.Float64)
    if not by_plan:
        return own
    listed = pl.col("plan").replace_strict(by_plan, default=None, return_dtype=pl.Float64)
    return own.fill_null(listed)


def _whole(values: pl.Series) -> pl.Expr:
    """Return values as numbers, -1 as unknown."""
    found = pl.lit(values)
    return pl.when(found >= 0).then(found).cast(pl.Float64)


def _take(frame: pl.DataFrame, at: Ints) -> pl.DataFrame:
    """Return rows of a frame by position; -1 gives nulls."""
    index = pl.Series(at).cast(pl.Int64)
    index = pl.select(pl.when(index >= 0).then(index)).to_series()
    return frame.select(pl.all().gather(index)) if len(frame) else _nulls(frame, len(at))


def _nulls(frame: pl.DataFrame, rows: int) -> pl.DataFrame:
    return pl.DataFrame(
        [
            pl.Series(name, [None], dtype=kind).new_from_index(0, rows)
            for name, kind in frame.schema.items()
        ]
    )


def _company(dimensions: Dimensions, shard: Shard) -> pl.DataFrame:
    """Size, industry, technologies and domain, by the version known on the day."""
    spans = dimensions.versions.within(shard.first, shard.count)
    at = spans.latest(shard.count, shard.as_of).reshape(-1)
    wanted = (
        "employees",
        "industry",
        "country",
        "owner",
        "parent_id",
        "target",
        "tech_overlap",
        "domain",
        "created",
    )
    facts = _take(dimensions.facts.select(wanted), at)
    account = np.repeat(np.arange(shard.first, shard.first + shard.count), len(shard.as_of))
    filed = _take(
        dimensions.filed.select(
            pl.col("domain").alias("_domain"), "is_free_mail", "free_mail_since"
        ),
        account,
    )
    day = pl.lit(np.tile(shard.as_of, shard.count))
    employees = pl.col("employees").cast(pl.Float64)
    large = employees > ENTERPRISE_EMPLOYEES
    listed = pl.col("target").fill_null(value=False)
    named = pl.coalesce("domain", "_domain").is_not_null()
    return (
        pl.DataFrame([*facts.get_columns(), *filed.get_columns()])
        .with_columns(
            (pl.col("is_free_mail") & (pl.col("free_mail_since").fill_null(-NEVER) <= day)).alias(
                "is_free_mail"
            ),
            employees,
            pl.lit(at >= 0).alias("_known"),
        )
        .with_columns(
            pl.when(pl.col("is_free_mail"))
            .then(statement=False)
            .when(named)
            .then(large | listed)
            .alias("is_enterprise_domain"),
            pl.when("_known").then(listed).alias("is_target"),
            pl.when(pl.col("created") <= day).then("created").alias("_created"),
        )
        .drop("target", "domain", "_domain", "free_mail_since", "_known", "created")
    )


def _open_opportunities(dimensions: Dimensions, shard: Shard, day: Ints) -> pl.Expr:
    spans = dimensions.opportunities.within(shard.first, shard.count)
    count = spans.total(shard.count, shard.as_of).reshape(-1).astype(np.float64)
    known = dimensions.first_known[Kind.OPPORTUNITIES] <= day
    return pl.when(pl.lit(known)).then(pl.lit(count)).alias("open_opportunities")


def _known_subscription(dimensions: Dimensions, day: Ints, value: pl.Expr) -> pl.Expr:
    """Before the first subscription of anyone, nothing is known of anyone's revenue."""
    known = dimensions.first_known[Kind.SUBSCRIPTIONS] <= day
    return pl.when(pl.lit(known)).then(value)
