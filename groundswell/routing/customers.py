"""Who looks after a customer: somebody named for it, the team together, or the product."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.config.risks import IS_NAMED, IS_POOLED
from groundswell.config.sentences import write_value
from groundswell.model import Care, CareTier
from groundswell.routing.state import number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.config.resolved import CustomerSuccess
    from groundswell.model import Scalar

MONTHS = 12


def care_of(
    terms: CustomerSuccess, values: Mapping[str, Scalar], *, currency: str = "USD"
) -> Care | None:
    """Return who looks after an account, and why; None of one that does not pay.

    Args:
        terms: The thresholds.
        values: Its features.
        currency: ISO code for amounts of money.
    """
    if values.get("is_paying") is not True:
        return None
    if values.get(IS_NAMED) is True:
        return Care(CareTier.NAMED, _why_named(terms, values, currency))
    count, least = number(values, "users_total"), terms.pooled_from_users
    belong = "1 person belongs" if count == 1 else f"{write_value(count)} people belong"
    if values.get(IS_POOLED) is True:
        return Care(CareTier.POOLED, f"{belong} to it, {least} or more.")
    return Care(CareTier.PRODUCT_LED, f"{belong} to it, fewer than {least}.")


def _why_named(terms: CustomerSuccess, values: Mapping[str, Scalar], currency: str) -> str:
    arr, employees = number(values, "mrr") * MONTHS, number(values, "employees")
    reasons: list[str] = []
    if arr >= terms.named_from_arr:
        paid, least = (
            write_value(value, style="money", currency=currency)
            for value in (arr, terms.named_from_arr)
        )
        reasons.append(f"pays {paid} a year, {least} or more")
    if employees > terms.named_above_employees:
        reasons.append(
            f"has {write_value(employees)} employees, more than "
            f"{write_value(float(terms.named_above_employees))}"
        )
    if values.get("plan") in terms.enterprise_plans:
        reasons.append(f"is on the plan {values['plan']}")
    return f"It {' and '.join(reasons)}."
