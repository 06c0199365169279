"""Whether the first salesperson is due, and who that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundswell.overlay.checks import Check, checked
from groundswell.overlay.figures import Figure, recent
from groundswell.overlay.growth import read_growth
from groundswell.overlay.quarters import quarters_until

if TYPE_CHECKING:
    from groundswell.config.overlay_schema import OverlayBlock
    from groundswell.overlay.facts import OverlayFacts
    from groundswell.overlay.rule import RuleOutcome

_SECTION = "first_hire"
_ARR = "ARR: load `subscriptions` (account_id, plan, mrr, started_at, ended_at)"
_CAC = "CAC payback: load `costs` and `subscriptions`"


@dataclass(frozen=True, slots=True)
class FirstHire:
    """The first person who sells.

    Attributes:
        is_due: Whether all conditions hold and nobody sells; None where one is not known.
        is_hired: Whether somebody sells already.
        title: Whom to hire, exactly one.
        profile: What the person is like.
        conditions: What has to hold.
    """

    is_due: bool | None
    is_hired: bool
    title: str
    profile: tuple[str, ...]
    conditions: tuple[Check, ...]


def advise_first_hire(facts: OverlayFacts, terms: OverlayBlock, *, rule: RuleOutcome) -> FirstHire:
    """Return whether the first salesperson is due."""
    conditions = (
        _arr(facts, terms),
        _growth(facts, terms),
        checked(_SECTION, "signals", holds=rule.is_met, figures={}, lasting=len(rule.lasting)),
        _definition(facts),
    )
    states = [one.holds for one in conditions]
    is_due: bool | None = True
    if False in states:
        is_due = False
    elif None in states:
        is_due = None
    is_hired = bool(facts.teams)
    return FirstHire(
        is_due=False if is_hired else is_due,
        is_hired=is_hired,
        title=terms.first_hire.title,
        profile=tuple(terms.first_hire.profile),
        conditions=conditions,
    )


def _arr(facts: OverlayFacts, terms: OverlayBlock) -> Check:
    quarters = quarters_until(facts.as_of, terms.quarters)
    (now,) = recent(facts.arr_total, quarters[-1:])
    low, high = terms.first_hire.arr
    holds = None if now is None or now.value is None else now.value >= low * 100
    span = {
        "low": Figure(low * 100, unit="money"),
        "high": Figure(high * 100, unit="money"),
    }
    return checked(_SECTION, "arr", holds=holds, figures={"now": now, **span}, missing=(_ARR,))


def _growth(facts: OverlayFacts, terms: OverlayBlock) -> Check:
    """Tell whether ARR grows, and at a cost that comes back soon."""
    quarters = quarters_until(facts.as_of, terms.quarters)
    year = read_growth(facts.arr_total, quarters).year
    cac = next((one for one in reversed(recent(facts.cac_payback, quarters[-2:])) if one), None)
    lines = terms.first_hire
    told = [
        None if year is None or year.value is None else year.value >= lines.growth,
        None if cac is None or cac.value is None else cac.value <= lines.cac_payback_months,
    ]
    holds = False if False in told else (None if None in told else True)
    missing = [name for name, one in ((_ARR, year), (_CAC, cac)) if one is None]
    return checked(
        _SECTION,
        "growth",
        holds=holds,
        figures={"year": year, "cac": cac},
        missing=missing,
        least=f"{lines.growth:.0%}",
        most=f"{lines.cac_payback_months:g}",
    )


def _definition(facts: OverlayFacts) -> Check:
    since = facts.practice.pql_since
    is_defined = since is not None and since <= facts.as_of
    when = f"in use since {since}" if is_defined else "none in use"
    return checked(_SECTION, "definition", holds=is_defined, figures={}, when=when)
