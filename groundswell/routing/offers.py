"""What the product shows an account: the first offer whose condition holds and that may be shown.

An offer is shown beside what the product does; it never withholds anything. Conditions are of the
configuration. What may be shown at all is not: a human only where the decision brings one in, or
would but for how lately somebody was contacted; an upgrade only where nobody works the account and
a plan fits that can be bought alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from groundswell.config.offers import is_bought_alone
from groundswell.config.sentences import fill, names_in, write_amount
from groundswell.model import OfferedPrice, OfferKind, OfferTrace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from groundswell.config.resolved import OfferSpec, Plan
    from groundswell.model import Scalar

SHOWN = "Shown."


@dataclass(frozen=True, slots=True)
class OfferCase:
    """One account, and one person of it, as the offers see it.

    Attributes:
        values: Features, what scoring adds, and `vocabulary.DECISION_OUTPUTS`.
        offer_human: Whether the decision allows to offer a human.
        plans: The price list, cheapest first.
        usage: The feature that the plans' `usage` limits.
        currency: ISO code of the prices.
        dismissed: What the person has dismissed, and until when, in words.
    """

    values: Mapping[str, Scalar]
    offer_human: bool
    plans: Mapping[str, Plan]
    usage: str
    currency: str = "USD"
    dismissed: Mapping[OfferKind, str] = field(default_factory=dict["OfferKind", str])


@dataclass(frozen=True, slots=True)
class ChosenOffer:
    """What is shown, and every offer that was tried, the one that is shown last.

    Attributes:
        offer: The offer; None where none may be shown.
        sentence: What it says.
        plan: The plan of an upgrade.
        price: What it costs.
        tried: Those tried, in order.
    """

    offer: OfferSpec | None = None
    sentence: str | None = None
    plan: Plan | None = None
    price: OfferedPrice | None = None
    tried: tuple[OfferTrace, ...] = ()


def choose_offer(offers: Iterable[OfferSpec], case: OfferCase) -> ChosenOffer:
    """Try offers in order until one may be shown; the same arguments give the same answer."""
    tried: list[OfferTrace] = []
    for offer in offers:
        seen = {name: case.values.get(name) for name in sorted(offer.when.names)}
        result = offer.when.evaluate(seen)
        matched = None if result is None else bool(result)
        plan = _plan_of(offer, case) if matched else None
        why = _why_not(offer, case, plan) if matched else _UNMATCHED[matched]
        tried.append(
            OfferTrace(offer.name, offer.kind, matched, offer.when.text, seen, why or SHOWN)
        )
        if why is None:
            return ChosenOffer(
                offer=offer,
                sentence=_sentence(offer, case, plan),
                plan=plan,
                price=_price(plan, case.currency) if plan else None,
                tried=tuple(tried),
            )
    return ChosenOffer(tried=tuple(tried))


def fitting_plan(plans: Mapping[str, Plan], values: Mapping[str, Scalar], *, usage: str) -> str:
    """Return the cheapest plan above an account's own that has room for more; "" where none has.

    Only plans that can be bought alone count. What is unknown takes no room, and a plan that says
    no limit has none. Of an account that pays for a plan that is not on the list, nobody knows
    what is above it.

    Args:
        plans: The price list, cheapest first.
        values: The account's features.
        usage: The feature that the plans' `usage` limits.
    """
    ladder, own = list(plans), values.get("plan")
    if own not in plans and own is not None and values.get("is_paying") is not False:
        return ""
    above = ladder[ladder.index(str(own)) + 1 :] if own in plans else ladder
    for name in above:
        plan = plans[name]
        roomy = _has_room(plan.seats, values.get("seats_used")) and _has_room(
            plan.usage, values.get(usage)
        )
        if roomy and is_bought_alone(plan):
            return name
    return ""


def _has_room(limit: int | None, used: Scalar) -> bool:
    return limit is None or not isinstance(used, int | float) or used < limit


_UNMATCHED = {
    False: "The condition is not true.",
    None: "The condition needs a value that is unknown.",
}


def _plan_of(offer: OfferSpec, case: OfferCase) -> Plan | None:
    if offer.kind is not OfferKind.UPGRADE:
        return None
    name = offer.plan or fitting_plan(case.plans, case.values, usage=case.usage)
    return case.plans.get(name)


def _why_not(offer: OfferSpec, case: OfferCase, plan: Plan | None) -> str | None:
    """Say why an offer whose condition is true may not be shown; None where it may."""
    if offer.kind is OfferKind.HUMAN and not case.offer_human:
        return "The decision brings nobody in: see its motion, its reason and its guardrails."
    if offer.kind is OfferKind.UPGRADE:
        if case.values.get("worked"):
            return "Somebody works the account: there is no second pitch."
        if plan is None:
            return "No plan that can be bought alone goes beyond what is used."
        if plan.name == case.values.get("plan"):
            return f"The account is on {plan.name} already."
    if offer.kind in case.dismissed:
        return f"Dismissed until {case.dismissed[offer.kind]}."
    said = _named(case, plan)
    unknown = sorted(name for name in names_in(offer.say or "") if said.get(name) is None)
    return f"The sentence names what is unknown: {', '.join(unknown)}." if unknown else None


def _named(case: OfferCase, plan: Plan | None) -> dict[str, Scalar]:
    """Return what a sentence may name."""
    if plan is None:
        return dict(case.values)
    price = _price(plan, case.currency)
    amount = write_amount(price.amount, currency=price.currency)
    offered: dict[str, Scalar] = {
        "offered_plan": plan.name,
        "offered_price": f"{amount} {'per seat a month' if price.per_seat else 'a month'}",
        "offered_seats": plan.seats,
        "offered_usage": plan.usage,
    }
    return {**case.values, **offered}


def _sentence(offer: OfferSpec, case: OfferCase, plan: Plan | None) -> str | None:
    if offer.say is None or offer.kind is OfferKind.NONE:
        return None
    return fill(offer.say, _named(case, plan), currency=case.currency)


def _price(plan: Plan, currency: str) -> OfferedPrice:
    if plan.price_per_seat is not None:
        return OfferedPrice(_cents(plan.price_per_seat), currency, per_seat=True)
    assert plan.price_flat is not None, "a plan that is bought alone has a price"
    return OfferedPrice(_cents(plan.price_flat), currency, per_seat=False)


def _cents(amount: Decimal) -> float:
    return float(round(amount, 2))
