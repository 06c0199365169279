"""The health of an account: what it is made of, as expressions and in words.

Source: MODELS 13.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from groundswell.features.derived import share
from groundswell.model import HealthPart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.model import Scalar

RENEWAL_DAYS = 90
"""From how many days before its end a term is near."""
RENEWAL_COST = 20
"""Points that a renewal on the next day takes from an account without any usage."""

_WEIGHTS = {"adoption": 0.35, "breadth": 0.25, "trend": 0.25, "support": 0.15}
_OF_USAGE = ("adoption", "breadth", "trend")
_FEATURES_OF_A_HEALTHY_ACCOUNT = 5
_TICKET_COST = 20
_READ = {
    "adoption": ("active_users_28d", "seats_used"),
    "breadth": ("features_used_28d",),
    "trend": ("usage_trend_28d",),
    "support": ("tickets_28d",),
    "renewal": ("days_to_renewal",),
}


def health_of(own: Mapping[str, str]) -> pl.Expr:
    """Return the health of an account, 0 to 100.

    - adoption (35%): active people of 28 days / people who belong;
    - breadth (25%): features used in 28 days, five being full marks;
    - trend (25%): user-days of 28 days / the 28 before; steady or growing is full marks;
    - support (15%): 100, less 20 for each ticket of 28 days;
    - renewal: from 90 days before the end of the term on it takes up to 20 points away, the more
      the nearer the end is and the lower adoption, breadth and trend are.

    A part that is unknown is left out and the others weigh more; a renewal that is unknown takes
    nothing. An account that was never active has no health.

    Args:
        own: Columns by what they are for, as in `FeaturePlan.own`.
    """
    parts = _parts(
        active_users=pl.col(own["active_users"]),
        features=pl.col(own["features"]),
        trend=share(pl.col(own["user_days"]), pl.col(own["user_days_before"])),
        tickets=pl.col(own["tickets"]),
    )
    active = pl.col(own["first_active"]).is_not_null()
    whole = 100 * _mean(parts, tuple(_WEIGHTS)) - _renewal_cost(parts)
    return pl.when(active).then(whole.clip(0.0, 100.0).round(2)).alias("health")


def tell_health(row: Mapping[str, Scalar]) -> tuple[HealthPart, ...]:
    """Return what the health of an account is made of, from its features.

    The points add up to the health, unless a renewal would take it below 0. Of an account without
    a health there is nothing to tell.
    """
    names = [name for read in _READ.values() for name in read]
    if row.get("health") is None:
        return ()
    frame = pl.DataFrame({name: [row.get(name)] for name in names}).cast(pl.Float64)
    parts = _parts(
        active_users=pl.col("active_users_28d"),
        features=pl.col("features_used_28d"),
        trend=pl.col("usage_trend_28d"),
        tickets=pl.col("tickets_28d"),
    )
    cost = _renewal_cost(parts).alias("renewal")
    shares = frame.select(*(part.alias(name) for name, part in parts.items()), cost).row(
        0, named=True
    )
    known = sum(weight for name, weight in _WEIGHTS.items() if shares[name] is not None)
    found: list[HealthPart] = []
    for name, read in _READ.items():
        weight = _WEIGHTS.get(name)
        values = {feature: row.get(feature) for feature in read}
        value, most = shares[name], 0.0
        if weight is None:
            value = None if row.get(read[0]) is None else 0.0 - value
        elif value is not None:
            most = 100 * weight / known
            value *= most
        points = None if value is None else round(value, 2) + 0.0
        found.append(HealthPart(name, points, round(most, 2), values))
    return tuple(found)


def _parts(
    *, active_users: pl.Expr, features: pl.Expr, trend: pl.Expr, tickets: pl.Expr
) -> dict[str, pl.Expr]:
    """Return the parts as shares of full marks; null where unknown."""
    parts = {
        "adoption": share(active_users, pl.col("seats_used")),
        "breadth": features / _FEATURES_OF_A_HEALTHY_ACCOUNT,
        "trend": trend,
        "support": 1 - tickets * _TICKET_COST / 100,
    }
    return {name: part.clip(0.0, 1.0) for name, part in parts.items()}


def _mean(parts: Mapping[str, pl.Expr], names: tuple[str, ...]) -> pl.Expr:
    """Return the weighted mean of some parts, of those that are known."""
    scored = pl.sum_horizontal((parts[name] * _WEIGHTS[name]).fill_null(0.0) for name in names)
    weighed = pl.sum_horizontal(parts[name].is_not_null() * _WEIGHTS[name] for name in names)
    return pl.when(weighed > 0).then(scored / weighed)


def _renewal_cost(parts: Mapping[str, pl.Expr]) -> pl.Expr:
    near = (1 - pl.col("days_to_renewal") / RENEWAL_DAYS).clip(0.0, 1.0)
    unused = 1 - _mean(parts, _OF_USAGE)
    return (RENEWAL_COST * near * unused).fill_null(0.0)
