"""Daily alerts: which customers could take more, what, and who is told.

The potential of every account is a feature, made of the signs of `alerts:`. Here the few that are
high are found at once for all accounts, and each of those is told in a sentence of its own numbers.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, cast

import polars as pl

from groundswell.config.sentences import fill, names_in, write_value
from groundswell.model import Alert, Growth, Motion, Sign
from groundswell.routing.guardrails import DO_NOT_CONTACT, HOLDOUT, Case, check_guardrails
from groundswell.routing.motions import OWNER_TEAM, match_rules
from groundswell.routing.state import is_owned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from groundswell.config.resolved import Alerts, Guardrails, Rule, SignSpec
    from groundswell.model import Scalar
    from groundswell.routing.state import AccountState

HIGH, VERY_HIGH = "high", "very_high"
RULE = "alert_rule"
"""The column with the position of the expansion rule that says who is told."""

FIRST = "First alert."
MONTHS = 12
CENT = Decimal("0.01")

_FOR_EVERYONE = frozenset({DO_NOT_CONTACT, HOLDOUT})
_FOR_THE_UNOWNED = _FOR_EVERYONE | {"account_touch"}


def expansion_rules(rules: Sequence[Rule]) -> list[Rule]:
    """Return the rules that say who works an expansion, in the order they are tried."""
    return [rule for rule in rules if rule.motion is Motion.EXPANSION]


def high_accounts(alerts: Alerts, frame: pl.DataFrame, rules: Sequence[Rule]) -> pl.DataFrame:
    """Find the accounts whose potential is high and that an expansion rule sends to somebody.

    Args:
        alerts: Who is looked at, and from where a potential is high.
        frame: One row per account, in any order: what scoring and features say.
        rules: As `expansion_rules` gives them; the first that matches counts.

    Returns:
        Their rows, by account_id, with the column `alert_rule`.
    """
    looked_at = alerts.who.to_polars().cast(pl.Boolean).fill_null(value=False)
    high = frame.filter((pl.col("expansion_potential") >= alerts.high) & looked_at)
    matched = pl.Series(RULE, match_rules(rules, high), pl.Int64)
    return high.with_columns(matched).filter(pl.col(RULE) < len(rules)).sort("account_id")


def tell_alert(
    alerts: Alerts,
    row: Mapping[str, Scalar | date],
    rules: Sequence[Rule],
    *,
    name: str | None = None,
    currency: str = "USD",
) -> Alert:
    """Return what is told of one account.

    Args:
        alerts: The signs and the bands.
        row: A row of `high_accounts`, with the columns of `features.derived.acv_inputs`.
        rules: As for `high_accounts`.
        name: What the account is called.
        currency: ISO code for amounts of money.
    """
    values = {
        key: value
        for key, value in row.items()
        if value is None or isinstance(value, str | int | float)
    }
    rule = rules[int(cast("int", row[RULE]))]
    owner = values.get("owner")
    potential = float(cast("float", row["expansion_potential"]))
    growth = estimate_growth(values)
    signs = weigh_signs(alerts, values)
    return Alert(
        account_id=str(row["account_id"]),
        name=name,
        as_of=cast("date", row["as_of"]),
        potential=potential,
        band=VERY_HIGH if potential >= alerts.very_high else HIGH,
        sentence=tell_opportunity(alerts, signs, values, growth, currency=currency),
        growth=growth,
        rule=rule.name,
        team=OWNER_TEAM if is_owned(values) else rule.team,
        owner=None if owner is None else str(owner),
        play=rule.play,
        news=FIRST,
        signs=signs,
    )


def weigh_signs(alerts: Alerts, values: Mapping[str, Scalar]) -> tuple[Sign, ...]:
    """Return every sign with the points it gave, in order of weight.

    The points add up to the potential, unless they are more than 100. Of one family the sign of
    most points counts; of equals, the first.
    """
    found: list[Sign] = []
    counted: set[str] = set()
    for spec in _by_weight(alerts):
        seen = {name: values.get(name) for name in sorted(spec.when.names)}
        result = spec.when.evaluate(seen)
        matched = None if result is None else bool(result)
        counts = matched is True and spec.family not in counted
        if counts:
            counted.add(spec.family)
        points = spec.points if counts else 0.0
        condition = " ".join(spec.when.text.split())
        found.append(Sign(spec.name, spec.family, matched, points, spec.points, condition, seen))
    return tuple(found)


def _by_weight(alerts: Alerts) -> list[SignSpec]:
    """Return the signs, those of most points first and those of equal points as declared."""
    return sorted(alerts.signs.values(), key=lambda spec: -spec.points)


def tell_opportunity(
    alerts: Alerts,
    signs: Sequence[Sign],
    values: Mapping[str, Scalar],
    growth: Growth | None,
    *,
    currency: str = "USD",
) -> str:
    """Return the opportunity in one sentence: what the signs that hold say, and what it is worth.

    A sign that would speak of something unknown is left out.
    """
    parts: list[str] = []
    for sign in signs:
        say = alerts.signs[sign.name].say
        if sign.matched and say and all(values.get(name) is not None for name in names_in(say)):
            parts.append(fill(say, values, currency=currency))
    text = ", ".join(parts) or f"Expansion potential {write_value(values['expansion_potential'])}"
    text = text[0].upper() + text[1:]
    if growth is None:
        return text
    worth = write_value(float(growth.added_arr), style="money", currency=currency)
    return f"{text}: ~ +{worth} ARR"


def estimate_growth(values: Mapping[str, Scalar]) -> Growth | None:
    """Return what more a year could be worth: likely seats at the next price, less today's ARR.

    None when something of it is unknown, or when it would be no more than today.
    """
    arr, seats = _money(values.get("acv_arr")), _money(values.get("acv_seats"))
    price, per_seat = _money(values.get("acv_price")), values.get("acv_per_seat")
    if arr is None or price is None or per_seat is None or (per_seat and seats is None):
        return None
    likely = (seats or Decimal(0)) if per_seat else Decimal(1)
    added = (likely * price * MONTHS - arr).quantize(CENT)
    if added <= 0:
        return None
    plan = values.get("acv_next_plan")
    return Growth(
        added_arr=added,
        arr=arr.quantize(CENT),
        seats=None if seats is None else int(seats),
        price=price.quantize(CENT),
        per_seat=bool(per_seat),
        plan=str(plan) if plan else None,
    )


def _money(value: Scalar) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def is_held_back(
    guardrails: Guardrails, row: Mapping[str, Scalar | date], state: AccountState
) -> bool:
    """Tell whether an alert is not told, for the sake of the people of the account.

    Nobody is told of an account that nobody may contact, or that is held out. Whoever works the
    account already is told whatever else was done. Anybody else is not while a handoff is open,
    nor while the account was contacted a short time ago.
    """
    values = {key: row[key] for key in ("owner", "open_opportunities") if key in row}
    owned = is_owned(cast("Mapping[str, Scalar]", values))
    case = Case(
        account_id=str(row["account_id"]),
        as_of=cast("date", row["as_of"]),
        values={},
        triggers=(),
        state=state,
        raised=False,
    )
    asked = _FOR_EVERYONE if owned else _FOR_THE_UNOWNED
    checked = check_guardrails(guardrails, case)
    stopped = any(item.name in asked and not item.passed for item in checked)
    return stopped or (state.open_handoff and not owned)


def news_since(alert: Alert, last: Alert | None, *, again_after_days: int) -> str | None:
    """Say why an alert is told again; None when it says nothing that the last one did not.

    A sign is new when it gives points and nothing of its family did last time.
    """
    if last is None:
        return FIRST
    before = {sign.family for sign in last.signs if sign.points}
    new = [sign.name for sign in alert.signs if sign.points and sign.family not in before]
    if new:
        return f"New since {last.as_of}: {', '.join(new)}."
    if alert.band == VERY_HIGH and last.band != VERY_HIGH:
        return f"Very high; it was not on {last.as_of}."
    days = (alert.as_of - last.as_of).days
    return f"Still so after {days} days." if days >= again_after_days else None
