"""Companies whose truth is known: the verdict is right, over several seeds, and says why."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import polars as pl
import pytest

from groundswell.config.mistakes import shipped_mistakes
from groundswell.overlay.facts import Practice, TeamInPlace
from groundswell.overlay.mistakes import Known, detect_mistakes
from groundswell.overlay.signals import SignalState
from groundswell.overlay.verdict import judge_overlay
from tests.overlay import mistakes
from tests.overlay.mistakes.company import frame, ids
from tests.overlay.scenarios import (
    AS_OF,
    ASSIST,
    ENGINE,
    LOUD,
    NAMES,
    QUARTERS,
    READY,
    Company,
    quarter,
    simulate,
)

SEEDS = range(3)
DEMAND = ("enterprise_inbound", "rich_unpaid", "lost_for_people")
FRICTION = ("stalled", "rich_unpaid", "willing")
ENTERPRISE = ("enterprise_inbound", "lost_for_people", "asks_a_week", "willing")
ALL = tuple(LOUD)
SELLERS = TeamInPlace("enterprise_ae", dt.date(2026, 1, 1), 3)
HINTS = [
    {"quarter": quarter, "amount": 80_000 + 1_000 * place, "said_by": f"interview {place}"}
    for quarter in ("2026-Q1", "2026-Q2")
    for place in range(9)
]
LEADER = TeamInPlace("manager", dt.date(2026, 1, 1), 1)


@dataclass(frozen=True)
class Scenario:
    """A company, and what is true of it.

    Attributes:
        company: What is simulated.
        decision, reason: What the verdict has to be, and by what.
        says: What the reasons have to say.
        layer: The layer to add.
        applies: The counter-cases that hold.
    """

    company: Company
    decision: str
    reason: str
    says: tuple[str, ...]
    layer: str | None = None
    applies: frozenset[str] = frozenset()


SCENARIOS = {
    # --- what the signals come to -------------------------------------------------------------
    "pure_plg": Scenario(Company(), "stay_plg", "rule", ("Too few signals fire", "none fires")),
    "watch_list": Scenario(
        Company(loud=("stalled", "rich_unpaid")),
        "watch_list",
        "rule",
        ("not enough to act", "Accounts at their limit"),
    ),
    "loud_without_demand": Scenario(
        Company(loud=("stalled", "asks_a_week", "willing")),
        "watch_list",
        "rule",
        ("none of them is demand",),
    ),
    "one_loud_quarter": Scenario(
        Company(loud=ALL, loud_quarters=1), "stay_plg", "rule", ("0 in 2026-Q1, 6 in 2026-Q2",)
    ),
    "trigger_sales_assist": Scenario(
        Company(loud=FRICTION),
        "trigger",
        "layer",
        ("Sales-assist: Friction", "3 signals fire in both", "No counter-case holds"),
        layer="sales_assist",
    ),
    "trigger_expansion": Scenario(
        Company(loud=FRICTION, teams=(ASSIST,), nrr=(1.09,), growth=(0.15, 0.05, 0.05, 0.05, 0.05)),
        "trigger",
        "layer",
        ("Sales-led expansion: Retention on a plateau", "Net revenue retention is stuck"),
        layer="sales_led_expansion",
    ),
    "trigger_enterprise": Scenario(
        Company(loud=ENTERPRISE, teams=(ASSIST,), head=0.002, declared={"enterprise_ready": READY}),
        "trigger",
        "layer",
        ("The enterprise overlay: Enterprises that need a contract", "Six-figure deals lost"),
        layer="enterprise_overlay",
    ),
    "enterprise_not_ready": Scenario(
        Company(
            loud=ENTERPRISE,
            teams=(ASSIST,),
            head=0.002,
            declared={"enterprise_ready": READY | {"sso": False, "soc2": None}},
        ),
        "keep",
        "layer",
        ("The enterprise overlay is spoken for, and lacks", "sso in the product", "has soc2"),
    ),
    "enterprise_without_pqls": Scenario(
        Company(
            loud=ENTERPRISE,
            teams=(ASSIST,),
            head=0.002,
            pqls=(30, 0.0),
            declared={"enterprise_ready": READY, "enterprise_pqls": 20},
        ),
        "keep",
        "layer",
        ("lacks: 20 enterprise PQLs in two quarters",),
    ),
    # --- the engine ---------------------------------------------------------------------------
    "funnel_broken": Scenario(
        Company(loud=ALL, conversion=(0.055, 0.022, 0.02)),
        "fix_funnel_first",
        "conversion",
        ("The engine does not run", "of sign-ups convert"),
    ),
    "time_to_value_lengthens": Scenario(
        Company(loud=ALL, time_to_value=(4.0, 4.0, 7.5, 8.0)),
        "fix_funnel_first",
        "time_to_value",
        ("The engine does not run", "The middle of new accounts takes"),
    ),
    "broken_and_quiet": Scenario(
        Company(conversion=(0.02,)), "fix_funnel_first", "conversion", ("at least 3% is healthy",)
    ),
    # --- what speaks against ------------------------------------------------------------------
    "runway_left": Scenario(
        Company(loud=ALL, growth=(0.18, 0.18, 0.18, 0.15, 0.11, 0.11)),
        "watch_list",
        "runway_left",
        ("Runway is left", "11%"),
        applies=frozenset({"runway_left"}),
    ),
    "activation_problem": Scenario(
        Company(loud=ALL, activation=(0.45, 0.45, 0.2, 0.2)),
        "fix_funnel_first",
        "activation_problem",
        ("of new companies are activated in 14 days",),
        applies=frozenset({"activation_problem"}),
    ),
    "unit_economics": Scenario(
        Company(loud=ALL, cac_payback=33.0),
        "stay_plg",
        "unit_economics",
        ("Unit economics cannot carry it", "CAC comes back after 3"),
        applies=frozenset({"unit_economics"}),
    ),
    "cash_does_not_last": Scenario(
        Company(loud=ALL, declared={"runway_months": 6}),
        "stay_plg",
        "unit_economics",
        ("cash lasts 6 months",),
        applies=frozenset({"unit_economics"}),
    ),
    "vanity": Scenario(
        Company(declared={"board_pressure": ["2026-Q1", "2026-Q2"]}),
        "stay_plg",
        "vanity",
        ("It is vanity",),
        applies=frozenset({"vanity"}),
    ),
    "no_enterprise_head": Scenario(
        Company(loud=FRICTION, head=0.0, midmarket=0.01, declared={"willingness_to_pay": HINTS}),
        "stay_plg",
        "no_enterprise_head",
        ("The market has no head",),
        applies=frozenset({"no_enterprise_head"}),
    ),
    "no_pql_engine": Scenario(
        Company(loud=ALL, pqls=(1, 0.0), practice=Practice(has_events=True)),
        "build_engine_first",
        "no_pql_engine",
        ("People need a PQL engine to work from", "none in use"),
        applies=frozenset({"no_pql_engine"}),
    ),
    # --- how companies fail -------------------------------------------------------------------
    "premature_vp_of_sales": Scenario(
        Company(teams=(LEADER, SELLERS), pqls=(0, 0.0), practice=Practice()),
        "build_engine_first",
        "no_pql_engine",
        ("for those who sell, 4 in all", "Too few signals fire"),
        applies=frozenset({"no_pql_engine"}),
    ),
    "free_tier_war": Scenario(
        Company(teams=(ASSIST,), conversion=(0.05, 0.05, 0.021, 0.018)),
        "fix_funnel_first",
        "conversion",
        ("The engine does not run",),
    ),
    "pql_less_enterprise_team": Scenario(
        Company(loud=ENTERPRISE, teams=(SELLERS,), pqls=(0, 0.0), practice=Practice()),
        "build_engine_first",
        "no_pql_engine",
        ("for those who sell, 3 in all", "0 accounts qualified"),
        applies=frozenset({"no_pql_engine"}),
    ),
    "attribution_civil_war": Scenario(
        Company(loud=ALL, teams=(ASSIST,), disputes=9),
        "keep",
        "disputes",
        ("9 and 9 disputes", "Settle attribution first"),
    ),
    "vanity_enterprise_pivot": Scenario(
        Company(
            loud=("lost_for_people", "willing"),
            teams=(SELLERS,),
            conversion=(0.05, 0.024, 0.02),
            growth=(0.12, 0.12, 0.12, 0.12, 0.02, 0.01),
        ),
        "fix_funnel_first",
        "conversion",
        ("The engine does not run", "would not mend it"),
    ),
    # --- what goes well -----------------------------------------------------------------------
    "healthy_hybrid": Scenario(
        Company(
            loud=("willing",),
            teams=(ASSIST, TeamInPlace("expansion_ae", None, 1), SELLERS),
            declared={"enterprise_ready": READY},
        ),
        "keep",
        "team",
        ("work from a PQL engine that runs",),
    ),
    "everything_in_place": Scenario(
        Company(
            loud=ALL,
            teams=(ASSIST, TeamInPlace("expansion_ae", None, 1), SELLERS),
            declared={"enterprise_ready": READY},
        ),
        "keep",
        "layer",
        ("What the signals speak for is in place",),
    ),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_verdict_is_right_and_says_why(name, seed):
    told = SCENARIOS[name]
    verdict = judge_overlay(simulate(told.company, seed), told.company.terms())
    assert (verdict.decision, verdict.reason) == (told.decision, told.reason), verdict.why
    why = " ".join(verdict.why)
    for phrase in told.says:
        assert phrase in why
    assert (verdict.layer.name if verdict.layer else None) == told.layer
    assert {one.name for one in verdict.counter_cases if one.holds} == told.applies
    assert verdict.would_change


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ALL)
def test_each_signal_fires_where_it_is_loud_and_nowhere_else(name, seed):
    company = Company(loud=(name,), loud_quarters=2)
    signals = judge_overlay(simulate(company, seed), company.terms()).signals
    firing = {
        (quarter, one.name) for quarter, told in signals.items() for one in told if one.is_firing
    }
    assert firing == {("2026-Q1", NAMES[name]), ("2026-Q2", NAMES[name])}
    (told,) = (one for one in signals["2026-Q2"] if one.name == NAMES[name])
    assert told.evidence
    assert told.value >= told.threshold
    assert told.trend is not None


@pytest.mark.parametrize("seed", SEEDS)
def test_a_signal_that_flickers_does_not_flip_the_verdict(seed):
    """Two fire; the third is above its line in every second quarter."""
    company = Company(
        loud=("stalled", "rich_unpaid"), loud_quarters=9, levels={"willing": (1.5, 3.6) * 4}
    )
    assert _decisions(company, seed) == {"watch_list"}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_signal_that_fired_twice_holds_while_it_swings_about_its_line(seed):
    company = Company(
        loud=("stalled", "rich_unpaid"),
        loud_quarters=9,
        levels={"willing": (4.5, 4.5, 4.5, 4.5, 2.9, 3.6, 2.9, 3.6, 2.9)},
    )
    assert _decisions(company, seed) == {"trigger"}


def test_a_quarter_reads_the_same_however_many_are_looked_at():
    levels = {"willing": (4.5, 4.5, 4.5, 4.5, 2.9, 3.6, 2.9, 3.6, 2.9)}
    told = []
    for count in (3, 8):
        company = Company(levels=levels, declared={"quarters": count})
        signals = judge_overlay(simulate(company, 1), company.terms()).signals
        assert len(signals) == count
        told.append([(one.state, one.held) for one in signals["2026-Q2"]])
    assert told[0] == told[1]
    assert (SignalState.FIRING, True) in told[0]


def _decisions(company: Company, seed: int) -> set[str]:
    """Return the verdicts of the last four quarters, each as of its end."""
    facts = simulate(company, seed)
    ends = [quarter(place).last for place in range(QUARTERS - 4, QUARTERS)]
    terms = company.terms()
    return {str(judge_overlay(replace(facts, as_of=end), terms).decision) for end in ends}


def test_the_hybrid_is_at_the_last_stage_and_pure_plg_at_the_first_two():
    hybrid, alone = (SCENARIOS[name].company for name in ("healthy_hybrid", "pure_plg"))
    full = judge_overlay(simulate(hybrid, 0), hybrid.terms()).maturity
    assert (full.stage, full.phase) == (4, "scale")
    assert not [one.piece for one in full.steps if one.piece != "enterprise_grows"]
    unfitted = replace(hybrid, practice=replace(ENGINE, score_is_fitted=False))
    third = judge_overlay(simulate(unfitted, 0), unfitted.terms()).maturity
    assert third.stage == 3
    assert third.steps[-1].piece == "fitted_score"
    plain = replace(alone, answered=0.0, practice=Practice(), pqls=(0, 0.0))
    first = judge_overlay(simulate(plain, 0), plain.terms()).maturity
    assert first.stage == 1
    assert first.phase == "foundation"
    reactive = replace(alone, loud=("enterprise_inbound",), practice=Practice(), pqls=(0, 0.0))
    assert judge_overlay(simulate(reactive, 0), reactive.terms()).maturity.stage == 2


@pytest.mark.parametrize(
    ("differs", "failing"),
    [
        ({}, None),
        ({"arr": 1_500_000}, "arr"),
        ({"growth": (0.03,)}, "growth"),
        ({"cac_payback": 20.0}, "growth"),
        ({"loud": ()}, "signals"),
        ({"practice": Practice()}, "definition"),
        ({"teams": (ASSIST,)}, "hired"),
    ],
)
def test_the_first_hire_is_due_when_everything_holds(differs, failing):
    company = replace(SCENARIOS["trigger_sales_assist"].company, **differs)
    hire = judge_overlay(simulate(company, 1), company.terms()).first_hire
    assert hire.is_due == (failing is None)
    fails = {one.name for one in hire.conditions if one.holds is False}
    assert fails == ({failing} if failing not in {None, "hired"} else set())
    assert hire.is_hired == (failing == "hired")
    assert "One individual contributor" in hire.title


# --- what the mistakes see of the five failures ---------------------------------------------------


def _seen(known: Known) -> set[str]:
    return {one.name for one in detect_mistakes(known, shipped_mistakes()) if one.is_seen}


def _judged(name: str):
    company = SCENARIOS[name].company
    facts = simulate(company, 0)
    return facts, judge_overlay(facts, company.terms())


def _quarters(**columns) -> pl.DataFrame:
    return frame("quarters", 3, quarter=mistakes.company.QUARTERS, **columns)


def test_a_premature_team_is_a_mistake_and_the_same_team_asked_for_is_none():
    _, verdict = _judged("premature_vp_of_sales")
    told = Known(AS_OF, sellers=3, leaders=1, signals_ask=verdict.rule.is_met, has_definition=False)
    assert "premature_vp_of_sales" in _seen(told)
    _, asked = _judged("pql_less_enterprise_team")
    assert "premature_vp_of_sales" not in _seen(replace(told, signals_ask=asked.rule.is_met))


def test_a_war_on_the_free_tier_is_a_mistake_beside_a_funnel_to_fix():
    facts, verdict = _judged("free_tier_war")
    told = [facts.conversion[f"2025-Q{n}"].value for n in (4,)]
    told += [facts.conversion[f"2026-Q{n}"].value for n in (1, 2)]
    war = Known(
        AS_OF,
        quarters=_quarters(gates_per_free_account=[1.0, 1.3, 1.6], self_serve_conversion=told),
    )
    assert "free_tier_war" in _seen(war)
    assert verdict.decision == "fix_funnel_first"


def test_a_team_of_strangers_is_a_mistake_beside_the_footprint_that_nobody_works():
    facts, _ = _judged("pql_less_enterprise_team")
    cold = frame(
        "opportunities",
        20,
        account_id=ids(20, "cold"),
        created_at=dt.datetime(2026, 5, 1, tzinfo=dt.UTC),
        amount_cents=9_000_000,
    )
    features = facts.features.with_columns(
        *(pl.lit(None, dtype=pl.Float64).alias(one) for one in ("security_asks_28d",))
    )
    told = Known(
        AS_OF,
        accounts=facts.accounts,
        features=features,
        opportunities=cold,
        handoffs=frame("handoffs"),
        usage=facts.features.select("account_id").unique(),
    )
    assert "pql_less_enterprise_team" in _seen(told)


def test_disputes_every_quarter_are_a_mistake_beside_a_layer_that_is_not_added():
    facts, verdict = _judged("attribution_civil_war")
    opened = [dt.date(2026, 2, 1)] * facts.disputes["2026-Q1"]
    opened += [dt.date(2026, 5, 1)] * facts.disputes["2026-Q2"]
    told = Known(
        AS_OF,
        disputes=frame("disputes", len(opened), opened=opened),
        edits=frame("edits", 1, what="attribution", at=dt.datetime(2026, 5, 9, tzinfo=dt.UTC)),
        quarters=_quarters(commission_lines=[0, 40, 40]),
    )
    assert "attribution_civil_war" in _seen(told)
    assert verdict.layer is None


def test_few_large_deals_are_a_mistake_beside_an_engine_that_decays():
    _, verdict = _judged("vanity_enterprise_pivot")
    won = frame(
        "opportunities",
        3,
        account_id=ids(3),
        won=True,
        amount_cents=12_000_000,
        created_at=dt.datetime(2025, 8, 1, tzinfo=dt.UTC),
        closed_at=dt.datetime(2026, 5, 1, tzinfo=dt.UTC),
    )
    told = Known(AS_OF, opportunities=won, quarters=_quarters(self_serve_customers=[90, 70, 50]))
    assert "vanity_enterprise_pivot" in _seen(told)
    assert verdict.reason == "conversion"


# --- what is not known ----------------------------------------------------------------------------


def test_what_is_not_known_is_asked_for_by_name_and_never_taken_for_zero():
    company = Company(declared={"board_pressure": None})
    facts = replace(
        simulate(company, 0),
        opportunities=pl.DataFrame(),
        asks=pl.DataFrame(),
        features=pl.DataFrame(),
        nrr={},
        conversion={},
    )
    verdict = judge_overlay(facts, company.terms())
    assert verdict.decision == "not_known"
    unknown = {one.name for one in verdict.signals["2026-Q2"] if one.state is SignalState.UNKNOWN}
    assert unknown == {*NAMES.values(), "board_pressure"} - {"enterprise_inbound"}
    missing = " ".join(verdict.missing)
    for name in ("opportunities", "features", "NRR", "self-serve conversion", "board_pressure"):
        assert name in missing


@pytest.mark.parametrize(
    ("gone", "reason"), [("nrr", "nrr"), ("conversion", "conversion"), ("time_to_value",) * 2]
)
def test_nobody_is_told_to_hire_on_an_engine_that_is_not_known(gone, reason):
    company = SCENARIOS["trigger_sales_assist"].company
    verdict = judge_overlay(replace(simulate(company, 0), **{gone: {}}), company.terms())
    assert (verdict.decision, verdict.reason) == ("watch_list", reason)
    assert any(one.startswith("To know") for one in verdict.would_change)
