"""The ladder of plans: what each costs, who is on it, and how far up it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, cast

import polars as pl

from groundswell.model import Motion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundswell.config.pricing import PricingTerms
    from groundswell.config.resolved import Plan

_ENOUGH = 5


class PriceTier(StrEnum):
    """Where a plan stands on the ladder of prices."""

    FREE = "free"
    SELF_SERVE = "self_serve"
    SALES_ASSIST = "sales_assist"
    ENTERPRISE = "enterprise"


@dataclass
class Ladder:
    """The plans in their order, and who is on them.

    Attributes:
        plans: Cheapest first.
        features: A row for each account.
        terms: Where self-serve, sales-assisted plans and enterprise begin.
        limit_at: From which share of a limit on an account is near it.
    """

    plans: Sequence[Plan]
    features: pl.DataFrame
    terms: PricingTerms
    limit_at: float
    _on: dict[str, pl.DataFrame] = field(default_factory=dict[str, pl.DataFrame], repr=False)

    def on(self, plan: Plan) -> pl.DataFrame:
        """Return the accounts on a plan; with no subscription, on the free one."""
        if plan.name not in self._on:
            is_on = pl.col("plan") == plan.name
            if self.is_free(plan):
                pays_nothing = pl.col("mrr").fill_null(0) == 0
                is_on = is_on | (pl.col("plan").is_null() & pays_nothing)
            self._on[plan.name] = self.features.filter(is_on.fill_null(value=False))
        return self._on[plan.name]

    def is_free(self, plan: Plan) -> bool:
        """Tell whether a plan costs nothing: by its price, or as the first without one."""
        price = plan.price_flat if plan.price_per_seat is None else plan.price_per_seat
        if price is not None:
            return price == 0
        sold = plan.motion in {Motion.SALES_ASSIST, Motion.ENTERPRISE}
        first = self.plans.index(plan) == 0
        return first and not sold and plan.talk_to_sales != "only"

    def near_limit(self) -> pl.Expr:
        """Return whether an account is near a limit."""
        ratio = pl.max_horizontal("seat_ratio", "usage_ratio")
        return (ratio >= self.limit_at).fill_null(value=False)

    def paid(self, plan: Plan) -> Decimal | None:
        """Return the median that accounts on a plan pay a month; None of too few."""
        paid = self.on(plan)["mrr"].drop_nulls()
        paid = paid.filter(paid > 0)
        if len(paid) < _ENOUGH:
            return None
        return Decimal(str(round(cast("float", paid.median()), 2)))

    def typical(self, plan: Plan) -> Decimal | None:
        """Return what a plan costs a month: what accounts pay, or what it begins at."""
        return self.paid(plan) or self.entry(plan, self._seats_before(plan) or 0)

    def entry(self, plan: Plan, seats: int) -> Decimal | None:
        """Return what a plan costs who outgrew so many seats."""
        if plan.price_flat is not None:
            return plan.price_flat
        if plan.price_per_seat is not None:
            return plan.price_per_seat * (seats + 1)
        return self.paid(plan)

    def top(self, plan: Plan) -> Decimal | None:
        """Return what a plan costs just before it is outgrown."""
        if plan.price_flat is not None:
            paid = self.paid(plan) if plan.price_from else None
            return max(plan.price_flat, paid or plan.price_flat)
        if plan.price_per_seat is not None and plan.seats:
            return plan.price_per_seat * plan.seats
        return self.paid(plan)

    def step(self, plan: Plan, following: Plan) -> Decimal | None:
        """Return what the plan that follows costs who outgrew another."""
        seats = plan.seats or self.median_seats(plan)
        if seats is None and following.price_per_seat is not None:
            return None
        return self.entry(following, seats or 0)

    def tier(self, plan: Plan) -> PriceTier | None:
        """Return where a plan stands; None where neither a price nor a motion says."""
        if self.is_free(plan):
            return PriceTier.FREE
        if plan.price_flat is None and plan.price_per_seat is None:
            return None if plan.motion is None else PriceTier(plan.motion)
        cost = self.typical(plan)
        if cost is None:
            return None
        if cost < self.terms.sales_assist_from:
            return PriceTier.SELF_SERVE
        if cost < self.terms.enterprise_from:
            return PriceTier.SALES_ASSIST
        return PriceTier.ENTERPRISE

    def _seats_before(self, plan: Plan) -> int | None:
        place = self.plans.index(plan)
        return self.plans[place - 1].seats if place else None

    def median_seats(self, plan: Plan) -> int | None:
        """Return the seats that accounts on a plan use; None of too few."""
        used = self.on(plan)["seats_used"].drop_nulls()
        return round(cast("float", used.median())) if len(used) >= _ENOUGH else None
