"""What speaks against an overlay, though the signals may ask for one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from groundswell.overlay.checks import Check, checked
from groundswell.overlay.deal_size import DEALS, deal_size
from groundswell.overlay.facts import ACCOUNTS, business, is_known, within
from groundswell.overlay.figures import Figure, fell, recent, share_of, worded
from groundswell.overlay.growth import read_growth
from groundswell.overlay.quarters import quarters_until
from groundswell.overlay.signals.signal import Evidence
from groundswell.overlay.words import said, tell

if TYPE_CHECKING:
    from groundswell.config.overlay_schema import LayerTerms, OverlayBlock
    from groundswell.overlay.facts import OverlayFacts
    from groundswell.overlay.quarters import Quarter
    from groundswell.overlay.rule import RuleOutcome

_SECTION = "counter_cases"
_GROWTH = "ARR of seven quarter-ends: load `subscriptions` that go back so far"
_MARGIN = "gross margin: set `measuring.gross_margin`"
_CAC = "CAC payback: load `costs` and `subscriptions`"
_ACTIVATED = "activation of accounts: map the meaning of activation to events"


def read_counter_cases(
    facts: OverlayFacts, terms: OverlayBlock, *, rule: RuleOutcome, layer: str
) -> tuple[Check, ...]:
    """Return which of the six counter-cases hold.

    Args:
        facts: What is known.
        terms: From where on each holds.
        rule: Which signals fire.
        layer: The layer whose costs a deal would have to carry.
    """
    quarters = quarters_until(facts.as_of, terms.quarters)
    return (
        _runway(facts, terms, quarters),
        _activation(facts, terms, quarters[-2:]),
        _unit_economics(facts, terms, quarters, layer),
        _vanity(terms, rule),
        _no_head(facts, terms),
        _no_engine(facts, terms, quarters[-2:]),
    )


def _runway(facts: OverlayFacts, terms: OverlayBlock, quarters: tuple[Quarter, ...]) -> Check:
    growth = read_growth(facts.self_serve_arr, quarters)
    lines = terms.counter_cases
    holds = None
    if growth.now is not None and growth.before is not None:
        now, before = growth.now.value or 0.0, growth.before.value or 0.0
        holds = now >= lines.runway_growth and now <= before * (1 - lines.runway_slowed)
    return checked(
        _SECTION,
        "runway_left",
        holds=holds,
        figures={"now": growth.now, "before": growth.before},
        missing=(_GROWTH,),
        ceiling=f"{lines.runway_growth:.0%}",
    )


def _activation(facts: OverlayFacts, terms: OverlayBlock, quarters: tuple[Quarter, ...]) -> Check:
    """Tell whether fewer new companies reach value than should, or than did."""
    lines = terms.counter_cases
    if not is_known(facts.accounts, "account_id", "signed_up", "activated"):
        return checked(
            _SECTION, "activation_problem", holds=None, figures={}, missing=(_ACTIVATED,)
        )
    if not facts.accounts["activated"].is_not_null().any():
        return checked(
            _SECTION, "activation_problem", holds=None, figures={}, missing=(_ACTIVATED,)
        )
    new = _ripe(facts, terms, quarters)
    now = _activated(new)
    earlier = tuple(one.earlier(2) for one in quarters)
    before = _activated(_ripe(facts, terms, earlier))
    holds = None
    if now.value is not None:
        holds = now.value < lines.activation or fell(now, before, lines.activation_fall)
    return checked(
        _SECTION,
        "activation_problem",
        holds=holds,
        figures={"now": now, "before": before},
        evidence=(
            Evidence(account, f"signed up on {day}, not activated in {lines.activation_days} days")
            for account, day in new.filter(~pl.col("in_time"))
            .select("account_id", "signed_up")
            .iter_rows()
        ),
        missing=(ACCOUNTS,),
        days=lines.activation_days,
        least=f"{lines.activation:.0%}",
    )


def _ripe(facts: OverlayFacts, terms: OverlayBlock, quarters: tuple[Quarter, ...]) -> pl.DataFrame:
    """Return the new companies of quarters that had the time to be activated."""
    days = timedelta(days=terms.counter_cases.activation_days)
    return (
        within(business(facts.accounts), "signed_up", *quarters)
        .filter(pl.col("signed_up") <= facts.as_of - days)
        .with_columns(
            in_time=(pl.col("activated") - pl.col("signed_up") <= days).fill_null(value=False)
        )
        .sort("signed_up", "account_id", descending=[True, False])
    )


def _activated(rows: pl.DataFrame) -> Figure:
    return share_of(int(rows["in_time"].sum()), rows.height, source="accounts: activated")


def _unit_economics(
    facts: OverlayFacts, terms: OverlayBlock, quarters: tuple[Quarter, ...], layer: str
) -> Check:
    """Tell whether what a rep sells is less than what a rep costs, or cash does not last."""
    lines = terms.counter_cases
    ours: LayerTerms = getattr(terms.layers, layer)
    size = deal_size(facts, terms, layer)
    needed = None
    if facts.gross_margin:
        needed = Figure(
            ours.cost / ours.deals / facts.gross_margin * 100, unit="money", source="overlay.layers"
        )
    cac = next((one for one in reversed(recent(facts.cac_payback, quarters[-2:])) if one), None)
    runway = terms.runway_months
    against = [
        None if cac is None or cac.value is None else cac.value > lines.cac_payback_months,
        _too_small(size.figure, needed),
        None if runway is None else runway < lines.runway_months,
    ]
    known = [one for one in against if one is not None]
    # Months of cash are only declared; nobody has to.
    is_told = against[0] is not None and against[1] is not None
    missing = [
        name
        for name, one in ((_CAC, cac), (_MARGIN, facts.gross_margin), (DEALS, size.figure.value))
        if one is None
    ]
    return checked(
        _SECTION,
        "unit_economics",
        holds=True if any(known) else (False if is_told else None),
        figures={
            "deal": size.figure,
            "needed": needed,
            "cac": cac,
        },
        evidence=size.evidence,
        missing=missing,
        layer=said("layers", layer).lower(),
        most=f"{lines.cac_payback_months:g}",
        cash="" if runway is None else tell("layers", "cash", runway=worded(runway, "months")),
    )


def _too_small(deal: Figure, needed: Figure | None) -> bool | None:
    if deal.value is None or needed is None or needed.value is None:
        return None
    return deal.value < needed.value


def _vanity(terms: OverlayBlock, rule: RuleOutcome) -> Check:
    fires = {name for names in rule.firing.values() for name in names}
    holds = None if terms.board_pressure is None else fires == {"board_pressure"}
    missing = ("`overlay.board_pressure`",)
    return checked(_SECTION, "vanity", holds=holds, figures={}, missing=missing, count=len(fires))


def _no_head(facts: OverlayFacts, terms: OverlayBlock) -> Check:
    """Tell whether hardly a company that signs up is large enough to need a person."""
    lines = terms.counter_cases
    if not is_known(facts.accounts, "account_id", "employees"):
        return checked(_SECTION, "no_enterprise_head", holds=None, figures={}, missing=(ACCOUNTS,))
    companies = business(facts.accounts)
    sized = companies.filter(pl.col("employees").is_not_null())
    large = sized.filter(pl.col("employees") > terms.signals.enterprise_inbound.employees)
    middle = sized.filter(pl.col("employees") >= lines.midmarket_employees)
    share = share_of(large.height, sized.height, source="accounts: employees")
    midmarket = share_of(middle.height, sized.height, source="accounts: employees")
    holds = None
    if sized.height and sized.height >= lines.employees_known * companies.height:
        has_head = (
            large.height >= lines.enterprise_accounts
            or (share.value or 0) >= lines.enterprise_share
        )
        holds = not has_head and (midmarket.value or 0) < lines.midmarket_share
    return checked(
        _SECTION,
        "no_enterprise_head",
        holds=holds,
        figures={"large": share, "middle": midmarket},
        evidence=(
            Evidence(account, f"{employees:,.0f} employees")
            for account, employees in large.sort("employees", descending=True)
            .select("account_id", "employees")
            .iter_rows()
        ),
        missing=(f"employees of {lines.employees_known:.0%} of companies: load `accounts`",),
        employees=terms.signals.enterprise_inbound.employees,
        midmarket=lines.midmarket_employees,
        companies=sized.height,
    )


def _no_engine(facts: OverlayFacts, terms: OverlayBlock, quarters: tuple[Quarter, ...]) -> Check:
    lines = terms.counter_cases
    rows = pl.DataFrame()
    if is_known(facts.pqls, "account_id", "qualified_on"):
        rows = within(facts.pqls, "qualified_on", *quarters).sort("qualified_on", "account_id")
    since = facts.practice.pql_since
    is_defined = since is not None and since <= facts.as_of
    return checked(
        _SECTION,
        "no_pql_engine",
        holds=not is_defined or rows.height < lines.pqls,
        figures={"pqls": Figure(float(rows.height), n=rows.height, source="PQLs of two quarters")},
        evidence=(
            Evidence(row["account_id"], f"qualified on {row['qualified_on']}")
            for row in rows.iter_rows(named=True)
        ),
        defined=f"in use since {since}" if is_defined else "none in use",
        least=lines.pqls,
    )
