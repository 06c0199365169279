"""`offers:` resolved and type-checked: what the product shows, when, and in which words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.config.resolved import OfferSpec, Plan
from groundswell.config.sentences import names_in
from groundswell.config.vocabulary import DECISION_OUTPUTS, NOT_TO_SHOW, OFFERED, ValueType
from groundswell.errors import did_you_mean, nearest
from groundswell.model import Motion, OfferKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.config.findings import Findings, Key
    from groundswell.config.offer_schema import OfferDef


def resolve_offers(
    offers: Mapping[str, OfferDef | None],
    *,
    types: Mapping[str, ValueType],
    plans: Mapping[str, Plan],
    findings: Findings,
) -> dict[str, OfferSpec]:
    """Return the offers that can be tried, in order; those that are null were taken away.

    Args:
        offers: As written.
        types: The features and what scoring adds.
        plans: The price list.
        findings: Told of everything that is wrong.
    """
    known = {**types, **DECISION_OUTPUTS}
    found: dict[str, OfferSpec] = {}
    for name, offer in offers.items():
        if offer is None:
            continue
        key: Key = ("offers", name)
        kind = OfferKind(offer.offer)
        _check_say(offer.say, kind, key, types=types, findings=findings)
        _check_plan(offer.plan, kind, (*key, "plan"), plans=plans, findings=findings)
        when = findings.expression(
            (*key, "when"), offer.when, types=known, expect=ValueType.BOOLEAN
        )
        if when is not None:
            found[name] = OfferSpec(name, kind, when, offer.say, offer.plan)
    return found


def tell_unknown_offers(
    ours: Mapping[str, OfferDef | None],
    shipped: Mapping[str, OfferDef | None],
    *,
    findings: Findings,
) -> None:
    """Tell of every offer that is to be taken away and does not ship."""
    for name, offer in ours.items():
        if offer is None and name not in shipped:
            near = nearest(name, shipped)
            what = f"There is no shipped offer `{name}` to take away."
            fix = f"Did you mean `{near}`?" if near else "Take the line out."
            findings.tell(("offers", name), "config-unknown-offer", what, fix, at_key=True)


def is_bought_alone(plan: Plan) -> bool:
    """Tell whether somebody can buy a plan without a person, at a price that is known."""
    priced = plan.price_per_seat is not None or plan.price_flat is not None
    alone = plan.motion in {None, Motion.SELF_SERVE} and plan.talk_to_sales != "only"
    return priced and not plan.price_from and alone


def _check_say(
    say: str | None,
    kind: OfferKind,
    key: Key,
    *,
    types: Mapping[str, ValueType],
    findings: Findings,
) -> None:
    if kind is OfferKind.NONE:
        return
    here = (*key, "say")
    if say is None:
        fix = "Add `say`. The sentence that the account's people read."
        findings.tell(here, "config-missing-key", "`say` is missing.", fix)
        return
    shown = {name: type_ for name, type_ in types.items() if name not in NOT_TO_SHOW}
    inside = {name: type_ for name, type_ in types.items() if name in NOT_TO_SHOW}
    allowed = {**shown, **(OFFERED if kind is OfferKind.UPGRADE else {})}
    named = names_in(say)
    for name in sorted(named & inside.keys()):
        what = f"`{{{name}}}` is what we think of the account, and its people read this."
        fix = "Name what they can see themselves, such as `{seats_used}`."
        findings.tell(here, "config-offer-inside", what, fix)
    if kind is not OfferKind.UPGRADE and (wrong := named & OFFERED.keys()):
        what = f"`{{{min(wrong)}}}` goes with an upgrade, and this is `{kind}`."
        findings.tell(here, "config-offer-plan", what, "Write `offer: upgrade`, or take it out.")
        allowed |= OFFERED
    findings.template(here, say, known={**allowed, **inside})


def _check_plan(
    plan: str | None,
    kind: OfferKind,
    key: Key,
    *,
    plans: Mapping[str, Plan],
    findings: Findings,
) -> None:
    if plan is None:
        return
    if kind is not OfferKind.UPGRADE:
        what = f"`plan` goes with an upgrade, and this is `{kind}`."
        findings.tell(key, "config-offer-plan", what, "Write `offer: upgrade`, or take it out.")
    elif any(found.path.startswith(f"plans.{plan}") for found in findings.problems):
        return  # told already
    elif plan not in plans:
        fix = did_you_mean(plan, plans, noun="Plans") if plans else "Add it to `plans`."
        findings.tell(key, "config-unknown-plan", f"Unknown plan `{plan}`.", fix)
    elif not is_bought_alone(plans[plan]):
        what = f"Nobody can buy `{plan}` alone: it has no fixed price, or is sold by a person."
        fix = "Name a plan with a price and `motion: self_serve`, or offer a `human`."
        findings.tell(key, "config-offer-plan", what, fix)
