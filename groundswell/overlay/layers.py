"""What can be laid over self-serve, which of it is there, and which is the lightest to add."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from groundswell.model import Motion
from groundswell.overlay.checks import Check
from groundswell.overlay.facts import at_end, is_known, within
from groundswell.overlay.quarters import quarters_until
from groundswell.overlay.signals.usage import stalled_at_limit
from groundswell.overlay.words import said, tell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from groundswell.config.overlay_schema import LayerTerms, OverlayBlock
    from groundswell.overlay.facts import OverlayFacts

LAYERS = ("sales_assist", "sales_led_expansion", "enterprise_overlay")
"""The lightest first."""

_BY_SIGNALS = {
    "sales_assist": ("stalled_at_limit", "rich_unpaid", "security_asks"),
    "sales_led_expansion": (),
    "enterprise_overlay": (
        *("enterprise_inbound", "lost_for_people", "security_asks", "capped_plan"),
    ),
}
_BY_SYMPTOMS = {
    "sales_assist": ("inbound_unanswered",),
    "sales_led_expansion": ("nrr_plateau", "big_accounts_stalled"),
    "enterprise_overlay": (),
}


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of people.

    Attributes:
        name, title, why: What it is.
        people_in_place: How many there are.
        in_place: Whether there is anybody.
        justified_by: What speaks for it: titles of signals and symptoms.
        lacks: What has to be there before it, by name.
        people: How many it takes, from and to.
        acv: What its deals usually are a year, in the company's currency.
        cycle_months: How long they usually take.
    """

    name: str
    title: str
    why: str
    people_in_place: int
    in_place: bool
    justified_by: tuple[str, ...]
    lacks: tuple[str, ...]
    people: tuple[float, float]
    acv: tuple[float, float]
    cycle_months: tuple[float, float]


def weigh_layers(
    facts: OverlayFacts,
    terms: OverlayBlock,
    *,
    lasting: Iterable[str],
    symptoms: Iterable[Check],
) -> tuple[Layer, ...]:
    """Return every layer, with what speaks for it and what it lacks, the lightest first.

    Args:
        facts: What is known.
        terms: What layers are.
        lasting: The signals that fire in the last two quarters.
        symptoms: The symptoms of a ceiling.
    """
    fires = set(lasting)
    seen = {one.name: one.title for one in symptoms if one.holds}
    found: list[Layer] = []
    for name in LAYERS:
        layer: LayerTerms = getattr(terms.layers, name)
        speaks = [said("signals", one) for one in _BY_SIGNALS[name] if one in fires]
        speaks += [seen[one] for one in _BY_SYMPTOMS[name] if one in seen]
        if name == "sales_led_expansion" and (count := _paying_stalled(facts, terms)):
            speaks.append(tell("layers", "paying_stalled", count=count))
        people = sum(one.people for one in facts.teams if one.role in layer.roles)
        found.append(
            Layer(
                name=name,
                title=said("layers", name),
                why=said("layer_why", name),
                people_in_place=people,
                in_place=people > 0,
                justified_by=tuple(speaks),
                lacks=_lacks(facts, terms) if name == "enterprise_overlay" else (),
                people=_span(layer.people),
                acv=_span(layer.acv),
                cycle_months=_span(layer.cycle_months),
            )
        )
    return tuple(found)


def choose_layer(layers: Iterable[Layer]) -> Layer | None:
    """Return the lightest layer that something speaks for, that is not there and lacks nothing."""
    return next(
        (one for one in layers if one.justified_by and not one.in_place and not one.lacks), None
    )


def _paying_stalled(facts: OverlayFacts, terms: OverlayBlock) -> int:
    """Return how many paying accounts stay at their limit; 0 where these are few of them."""
    quarter = quarters_until(facts.as_of, terms.quarters)[-1]
    rows = at_end(facts.features, quarter)
    if not is_known(rows, "account_id", "mrr"):
        return 0
    paying = replace(facts, features=rows.filter(pl.col("mrr") > 0))
    reading, lines = stalled_at_limit(paying, terms, quarter), terms.signals.stalled_at_limit
    is_much = (reading.figure.value or 0.0) >= lines.fires_at and reading.counted >= lines.at_least
    return reading.counted if is_much else 0


def _lacks(facts: OverlayFacts, terms: OverlayBlock) -> tuple[str, ...]:
    """Return what has to be there before people sell to enterprises."""
    found: list[str] = []
    absent = [name for name, is_there in terms.enterprise_ready.items() if is_there is False]
    if absent:
        found.append(tell("layers", "not_ready", names=", ".join(absent)))
    found += not_said(terms)
    pqls = enterprise_pqls(facts, terms)
    if pqls < terms.enterprise_pqls:
        found.append(tell("layers", "few_pqls", count=pqls, least=terms.enterprise_pqls))
    return tuple(found)


def not_said(terms: OverlayBlock) -> tuple[str, ...]:
    """Return what nobody has said of the product."""
    names = [name for name, is_there in terms.enterprise_ready.items() if is_there is None]
    return (tell("layers", "not_said", names=", ".join(names)),) if names else ()


def enterprise_pqls(facts: OverlayFacts, terms: OverlayBlock) -> int:
    """Return how many PQLs of two quarters are worked as enterprises, or are that large."""
    if not is_known(facts.pqls, "account_id", "qualified_on"):
        return 0
    rows = within(facts.pqls, "qualified_on", *quarters_until(facts.as_of, 2))
    if is_known(facts.accounts, "account_id", "employees"):
        large = facts.accounts.filter(
            pl.col("employees") > terms.signals.enterprise_inbound.employees
        )
        is_large = pl.col("account_id").is_in(large["account_id"].to_list())
    else:
        is_large = pl.lit(value=False)
    is_enterprise = is_large
    if "motion" in rows.columns:
        is_enterprise = is_large | (pl.col("motion") == str(Motion.ENTERPRISE))
    return rows.filter(is_enterprise.fill_null(value=False))["account_id"].n_unique()


def _span(values: list[float]) -> tuple[float, float]:
    return (values[0], values[1])
