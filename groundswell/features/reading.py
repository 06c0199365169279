"""Dimensions of one shard as of many days: plan, seats, limits, fit, each as a column."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from groundswell.features.dimensions import ENTERPRISE_EMPLOYEES
from groundswell.features.plan import NEVER
from groundswell.features.renewals import days_to_renewal
from groundswell.features.steps import Spans
from groundswell.model import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from groundswell.config.resolved import Plan
    from groundswell.features.dimensions import Dimensions
    from groundswell.features.plan import FeaturePlan

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
    def size(self) -> int:
        """Number of (account, day) pairs."""
        return self.count * len(self.as_of)


@dataclass(frozen=True)
class Cells:
    """The pairs of account and day of a shard that there are, one row of a frame each.

    Attributes:
        shard: Accounts and days.
        at: Positions of the pairs in [account, day], ascending; None for all of them.
    """

    shard: Shard
    at: Ints | None

    @classmethod
    def of(cls, dimensions: Dimensions, shard: Shard) -> Cells:
        """Return the pairs whose account is known on the day and stands by itself."""
        spans = dimensions.exists.within(shard.first, shard.count)
        there = spans.total(shard.count, shard.as_of).reshape(-1) > 0
        return cls(shard, None if there.all() else np.flatnonzero(there))

    def __len__(self) -> int:
        return self.shard.size if self.at is None else len(self.at)

    @cached_property
    def account(self) -> Ints:
        """The account of each pair, counted from the shard's first."""
        return self.pick(np.repeat(np.arange(self.shard.count), len(self.shard.as_of)))

    @cached_property
    def day(self) -> Ints:
        """The day of each pair."""
        return self.pick(np.tile(self.shard.as_of, self.shard.count))

    def pick(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return what stands at the pairs in [..., account, day], or in the same laid flat."""
        flat = values.reshape(-1, self.shard.size)
        picked = flat if self.at is None else np.take(flat, self.at, axis=1)
        return picked if values.ndim > 2 else picked[0]


def free_plan(plans: Mapping[str, Plan]) -> str | None:
    """Return the plan of who bought nothing: the first of the list, when it costs nothing."""
    first = next(iter(plans.values()), None)
    if first is None or first.price_per_seat or first.price_flat:
        return None
    return None if first.talk_to_sales == "only" or first.motion == "enterprise" else first.name


def _count_members(dimensions: Dimensions, shard: Shard, *, window: int | None) -> Ints:
    """Return [account, day] of the people who belong; with a window, who joined within it."""
    joined = dimensions.joined.within(shard.first, shard.count)
    until = joined.until
    if window is not None:
        until = np.minimum(until, joined.row + window)
    spans = Spans(joined.account, joined.start, until, joined.row)
    return spans.total(shard.count, shard.as_of)


@dataclass(frozen=True)
class Allowed:
    """What an account bought and may use, each [account, day].

    Attributes:
        bought: Position of the subscription in `Dimensions.terms`; -1 for none.
        members: People who belong.
        seats_used: Members, or where nobody is known to be one, the seats bought.
        seat_limit, usage_limit: NaN where none is known.
        risen: The last day on which the recurring revenue went up; -1 for none.
    """

    bought: Ints
    members: Ints
    seats_used: Ints
    seat_limit: Floats
    usage_limit: Floats
    risen: Ints

    @classmethod
    def of(cls, dimensions: Dimensions, plans: Mapping[str, Plan], shard: Shard) -> Allowed:
        """Look up seats and limits: the subscription's own, else those of its plan."""
        spans = dimensions.subscriptions.within(shard.first, shard.count)
        at = spans.latest(shard.count, shard.as_of)
        terms = dimensions.terms.select("plan", "seats", "seat_limit", "usage_limit")
        free = {"plan": free_plan(plans), "seats": None, "seat_limit": None, "usage_limit": None}
        seats = {name: plan.seats for name, plan in plans.items() if plan.seats is not None}
        usage = {name: plan.usage for name, plan in plans.items() if plan.usage is not None}
        # Whoever bought nothing is the last row, which -1 finds.
        terms = pl.concat([terms, pl.DataFrame([free], schema=terms.schema)]).with_columns(
            _limit("seat_limit", seats), _limit("usage_limit", usage)
        )
        members = _count_members(dimensions, shard, window=None)
        bought = terms["seats"].fill_null(0).to_numpy()[at]
        rises = dimensions.rises.within(shard.first, shard.count)
        return cls(
            bought=at,
            members=members,
            seats_used=np.where(members > 0, members, bought),
            seat_limit=terms["seat_limit"].fill_null(np.nan).to_numpy()[at],
            usage_limit=terms["usage_limit"].fill_null(np.nan).to_numpy()[at],
            risen=rises.latest(shard.count, shard.as_of),
        )

    def only(self, accounts: Ints) -> Allowed:
        """Return those of some accounts; the n-th of them is account n."""
        return Allowed(
            self.bought[accounts],
            self.members[accounts],
            self.seats_used[accounts],
            self.seat_limit[accounts],
            self.usage_limit[accounts],
            self.risen[accounts],
        )


@dataclass(frozen=True)
class Known:
    """All that is known of some accounts beside what is counted, as of some days.

    Attributes:
        cells: The pairs of account and day that there are.
        allowed: What the accounts may use.
        joined: By length of a window in days, [account, day] of the people who joined in it.
        account_id: By pair, the account.
        dimensions: By pair, every dimension that does not depend on what is counted, and `_age`,
            the account's age in days as far as it is told.
    """

    cells: Cells
    allowed: Allowed
    joined: dict[int, Ints]
    account_id: pl.Series
    dimensions: pl.DataFrame

    @classmethod
    def of(cls, dimensions: Dimensions, plan: FeaturePlan, shard: Shard) -> Known:
        """Look it up.

        Args:
            dimensions: What is known.
            plan: What is measured, and the price list.
            shard: Accounts and days.
        """
        cells = Cells.of(dimensions, shard)
        allowed = Allowed.of(dimensions, plan.plans, shard)
        windows = {item.window for item in plan.members if item.window is not None}
        return cls(
            cells=cells,
            allowed=allowed,
            joined={days: _count_members(dimensions, shard, window=days) for days in windows},
            account_id=dimensions.filed["account_id"].gather(cells.account + shard.first),
            dimensions=_read_dimensions(dimensions, plan.plans, cells, allowed),
        )


def _read_dimensions(
    dimensions: Dimensions, plans: Mapping[str, Plan], cells: Cells, allowed: Allowed
) -> pl.DataFrame:
    bought = _bought(dimensions, plans, cells, allowed)
    company = _company(dimensions, cells)
    day = cells.day
    since = dimensions.since[cells.shard.first :][cells.account]
    heard = pl.Series(np.where(since > 0, (day - since).astype(np.float64), np.nan))
    frame = pl.DataFrame([*bought.get_columns(), *company.get_columns()])
    return frame.with_columns(
        pl.coalesce(pl.lit(day) - pl.col("_created"), pl.lit(heard.fill_nan(None)))
        .cast(pl.Float64)
        .alias("_age"),
        _open_opportunities(dimensions, cells),
        _admin_departures(dimensions, cells),
        _to_renewal(dimensions, plans, cells),
        _known_subscription(dimensions, day, pl.col("mrr")),
        _known_subscription(dimensions, day, pl.col("mrr") > 0).alias("is_paying"),
    )


def _bought(
    dimensions: Dimensions, plans: Mapping[str, Plan], cells: Cells, allowed: Allowed
) -> pl.DataFrame:
    """Plan, revenue, seats and limits from the subscriptions, or from the price list."""
    shard = cells.shard
    spans = dimensions.subscriptions.within(shard.first, shard.count)
    terms = _take(dimensions.terms.select("plan", "plan_since"), cells.pick(allowed.bought))
    cents = dimensions.terms["cents"].cast(pl.Int64).to_numpy()
    total = cells.pick(spans.total(shard.count, shard.as_of, cents))
    risen = cells.pick(allowed.risen)
    return terms.select(
        pl.col("plan").fill_null(pl.lit(free_plan(plans), pl.String)),
        pl.Series("mrr", total / 100),
        ((pl.lit(cells.day) - pl.col("plan_since")) / DAYS_IN_MONTH).alias("months_on_plan"),
        _whole(pl.Series(np.where(risen < 0, -1, cells.day - risen))).alias("_risen"),
        pl.Series("seats_used", cells.pick(allowed.seats_used).astype(np.float64)),
        pl.Series("seat_limit", cells.pick(allowed.seat_limit), nan_to_null=True),
        pl.Series("usage_limit", cells.pick(allowed.usage_limit), nan_to_null=True),
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


def _company(dimensions: Dimensions, cells: Cells) -> pl.DataFrame:
    """Size, industry, technologies and domain, by the version known on the day."""
    shard = cells.shard
    spans = dimensions.versions.within(shard.first, shard.count)
    at = cells.pick(spans.latest(shard.count, shard.as_of))
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
    filed = _take(
        dimensions.filed.select(
            pl.col("domain").alias("_domain"), "is_free_mail", "free_mail_since"
        ),
        cells.account + shard.first,
    )
    day = pl.lit(cells.day)
    employees = pl.col("employees").cast(pl.Float64)
    large = employees > ENTERPRISE_EMPLOYEES
    listed = pl.col("target").fill_null(value=False)
    named = pl.coalesce("domain", "_domain").is_not_null()
    free_mail = pl.col("is_free_mail") & (pl.col("free_mail_since").fill_null(-NEVER) <= day)
    return pl.DataFrame([*facts.get_columns(), *filed.get_columns()]).select(
        employees,
        "industry",
        "country",
        "owner",
        "parent_id",
        "tech_overlap",
        free_mail.alias("is_free_mail"),
        pl.when(free_mail)
        .then(statement=False)
        .when(named)
        .then(large | listed)
        .alias("is_enterprise_domain"),
        pl.when(pl.lit(at) >= 0).then(listed).alias("is_target"),
        pl.when(pl.col("created") <= day).then("created").alias("_created"),
    )


def _open_opportunities(dimensions: Dimensions, cells: Cells) -> pl.Expr:
    shard = cells.shard
    spans = dimensions.opportunities.within(shard.first, shard.count)
    count = cells.pick(spans.total(shard.count, shard.as_of)).astype(np.float64)
    known = dimensions.first_known[Kind.OPPORTUNITIES] <= cells.day
    return pl.when(pl.lit(known)).then(pl.lit(count)).alias("open_opportunities")


def _admin_departures(dimensions: Dimensions, cells: Cells) -> pl.Series:
    shard = cells.shard
    spans = dimensions.departures.within(shard.first, shard.count)
    count = cells.pick(spans.total(shard.count, shard.as_of))
    return pl.Series("admin_departures_28d", count.astype(np.float64))


def _to_renewal(dimensions: Dimensions, plans: Mapping[str, Plan], cells: Cells) -> pl.Series:
    """Return the days to the renewal of the latest subscription that costs something."""
    shard = cells.shard
    paid = dimensions.paid.within(shard.first, shard.count)
    at = cells.pick(paid.latest(shard.count, shard.as_of))
    found = days_to_renewal(dimensions.terms, plans, at=at, day=cells.day)
    return pl.Series("days_to_renewal", found, nan_to_null=True)


def _known_subscription(dimensions: Dimensions, day: Ints, value: pl.Expr) -> pl.Expr:
    """Before the first subscription of anyone, nothing is known of anyone's revenue."""
    known = dimensions.first_known[Kind.SUBSCRIPTIONS] <= day
    return pl.when(pl.lit(known)).then(value)
