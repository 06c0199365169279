"""Risk alerts: which customers may be about to leave, by what signs, and what is news of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import polars as pl

from groundswell.config.sentences import fill, names_in
from groundswell.model import Risk, RiskSign
from groundswell.routing.alerts import FIRST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from groundswell.config.resolved import Risks
    from groundswell.model import Care, Scalar

SAVE = "save"
"""The play that is advised for a customer at risk."""


def watched_accounts(risks: Risks, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the customers that are looked at, by account_id."""
    paying = pl.col("is_paying").fill_null(value=False)
    who = risks.who.to_polars().cast(pl.Boolean).fill_null(value=False)
    return frame.filter(paying & who).sort("account_id")


def at_risk(risks: Risks, watched: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of which a sign holds.

    Args:
        risks: The signs.
        watched: As `watched_accounts` gives, with what the daily pass finds out beside.
    """
    held = [
        sign.when.to_polars().cast(pl.Boolean).fill_null(value=False)
        for sign in risks.signs.values()
    ]
    return watched.filter(pl.any_horizontal(held)) if held else watched.clear()


def read_signs(
    risks: Risks, values: Mapping[str, Scalar], *, currency: str = "USD"
) -> tuple[RiskSign, ...]:
    """Return every sign with what it saw; one that would speak of something unknown is silent."""
    found: list[RiskSign] = []
    for spec in risks.signs.values():
        seen = {name: values.get(name) for name in sorted(spec.when.names)}
        result = spec.when.evaluate(seen)
        matched = None if result is None else bool(result)
        known = all(values.get(name) is not None for name in names_in(spec.say))
        said = fill(spec.say, values, currency=currency) if matched and known else None
        condition = " ".join(spec.when.text.split())
        found.append(RiskSign(spec.name, matched, condition, seen, said))
    return tuple(found)


def tell_risk(
    risks: Risks,
    row: Mapping[str, Scalar | date],
    care: Care,
    *,
    inbox: str | None = None,
    name: str | None = None,
    currency: str = "USD",
) -> Risk:
    """Return what is told of one customer.

    Args:
        risks: The signs.
        row: A row of `at_risk`.
        care: Who looks after it.
        inbox: Who is told where nobody is named for it.
        name: What the account is called.
        currency: ISO code for amounts of money.
    """
    values = {
        key: value
        for key, value in row.items()
        if value is None or isinstance(value, str | int | float)
    }
    signs = read_signs(risks, values, currency=currency)
    text = ", ".join(sign.sentence for sign in signs if sign.sentence) or "it shows a sign of risk"
    owner = values.get("owner")
    return Risk(
        account_id=str(row["account_id"]),
        name=name,
        as_of=cast("date", row["as_of"]),
        sentence=f"{text[0].upper()}{text[1:]}.",
        cs_tier=care.tier,
        cs_reason=care.reason,
        csm=care.csm,
        inbox=None if care.csm else inbox,
        owner=None if owner is None else str(owner),
        play=SAVE,
        mrr=_number(values.get("mrr")),
        health=_number(values.get("health")),
        news=FIRST,
        signs=signs,
    )


def risk_news(risk: Risk, last: Risk | None, *, again_after_days: int) -> Risk | None:
    """Return a risk with why it is told now; None when it says nothing new since the last one."""
    if last is None:
        return risk
    new = sorted(_holding(risk.signs) - _holding(last.signs))
    days = (risk.as_of - last.as_of).days
    if new:
        return replace(risk, news=f"New since {last.as_of}: {', '.join(new)}.")
    if days >= again_after_days:
        return replace(risk, news=f"Still so after {days} days.")
    return None


def _holding(signs: Sequence[RiskSign]) -> set[str]:
    return {sign.name for sign in signs if sign.matched}


def _number(value: Scalar) -> float | None:
    return float(value) if isinstance(value, int | float) else None
