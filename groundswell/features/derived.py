"""Numbers made of other numbers: trends, ratios, likely value, and declared expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from groundswell.config.quantities import parse_price

if TYPE_CHECKING:
    from decimal import Decimal

    from groundswell.config.resolved import Plan
    from groundswell.features.plan import FeaturePlan, Ratio

GROWTH_DAYS = 60
"""The growth curve: people who joined in so many days, carried on for a year."""
YEAR_DAYS = 365
MONTHS = 12
UNKNOWN_SIZE_GROWTH = 2
"""Of a company of unknown size no more than so many times today's seats are expected."""


def ratio(item: Ratio) -> pl.Expr:
    """Return a trend, unknown without a before, or a velocity per week."""
    now, before = pl.col(item.now), pl.col(item.before)
    if item.weeks is not None:
        return ((now - before) / item.weeks).alias(item.name)
    return pl.when(before != 0).then(now / before).alias(item.name)


def share(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """Return part / whole; unknown when the whole is unknown or nothing."""
    return pl.when(whole > 0).then(part / whole)


def next_prices(plan: FeaturePlan) -> dict[str, tuple[str, Decimal, bool]]:
    """Return for each plan the next tier that has a price: its name, price, and if per seat.

    Above the last priced tier there is none, and an account there is worth its own tier's price.
    `market.seat_price` stands in where no tier has a price. The key "" is for accounts whose
    plan is unknown.
    """
    ladder = list(plan.plans.values())
    fixed = plan.config.market.seat_price
    found: dict[str, tuple[str, Decimal, bool]] = {}
    if fixed is not None and (price := parse_price(fixed)).per_seat is not None:
        found = dict.fromkeys(["", *plan.plans], ("", price.per_seat, True))
    for position, tier in enumerate(ladder):
        later = [price for above in ladder[position + 1 :] if (price := _price(above))]
        chosen = later[0] if later else _price(tier)
        if chosen is not None:
            found[tier.name] = chosen
    first = next((price for tier in ladder if (price := _price(tier))), None)
    return {"": first, **found} if first is not None else found


def _price(tier: Plan) -> tuple[str, Decimal, bool] | None:
    if tier.price_per_seat:
        return tier.name, tier.price_per_seat, True
    if tier.price_flat:
        return tier.name, tier.price_flat, False
    return None


def acv_inputs(plan: FeaturePlan, *, joined: str = "_joined_60d") -> list[pl.Expr]:
    """Return what the likely yearly value is made of, for showing beside it.

    Columns: acv_arr (12 x mrr), acv_seats (likely in 12 months), acv_price (a month, of the next
    tier), acv_per_seat (whether that is for one seat), acv_next_plan.

    Seats grow as they grew in the last 60 days, up to the share of employees who could use the
    product; without a known size, to twice today's. Source: MODELS 6.

    Args:
        plan: Prices and the addressable share.
        joined: Column with the people who joined in 60 days.
    """
    seats = pl.col("seats_used")
    grown = seats + pl.col(joined) * (YEAR_DAYS / GROWTH_DAYS)
    reachable = pl.col("employees") * plan.config.market.addressable_share
    cap = pl.max_horizontal(reachable.fill_null(seats * UNKNOWN_SIZE_GROWTH), seats)
    prices = next_prices(plan)
    key = pl.col("plan").fill_null("")

    def listed(values: dict[str, Any], kind: pl.DataType) -> pl.Expr:
        if not values:
            return pl.lit(None, kind)
        return key.replace_strict(values, default=None, return_dtype=kind)

    cents = {name: int(price * 100) / 100 for name, (_, price, _) in prices.items()}
    return [
        (pl.col("mrr") * MONTHS).alias("acv_arr"),
        pl.min_horizontal(grown, cap).round().alias("acv_seats"),
        listed(cents, pl.Float64()).alias("acv_price"),
        listed({name: seat for name, (_, _, seat) in prices.items()}, pl.Boolean()).alias(
            "acv_per_seat"
        ),
        listed({name: tier for name, (tier, _, _) in prices.items()}, pl.String()).alias(
            "acv_next_plan"
        ),
    ]


def estimated_acv() -> pl.Expr:
    """Return the larger of the current ARR and the likely seats at the next tier's price.

    Reads the columns of `acv_inputs`. Of an account that pays nothing, where no price is known,
    it is unknown.
    """
    seats = pl.when("acv_per_seat").then("acv_seats").otherwise(1.0)
    likely = (seats * pl.col("acv_price") * MONTHS).round(2)
    paid = pl.when(pl.col("acv_arr") > 0).then("acv_arr")
    return pl.max_horizontal(paid, likely).alias("estimated_acv")
