"""Ways in which companies fail as a whole, on both sides of every line."""

from __future__ import annotations

import datetime as dt

import pytest

from groundswell.config.findings import Findings
from groundswell.config.mistake_schema import MistakeDef
from groundswell.config.mistakes import resolve_mistakes, shipped_mistakes
from groundswell.model import as_plain
from groundswell.overlay.mistakes import DETECTORS, Known, detect_mistakes
from groundswell.overlay.mistakes.known import COLUMNS, quarter_start
from tests.overlay.mistakes.company import AS_OF, QUARTERS, ago, at, frame, ids, is_seen, look


def quarters(**columns):
    return frame("quarters", 3, quarter=QUARTERS, **columns)


@pytest.mark.parametrize(
    ("cac", "conversion", "seen"),
    [(12_000, 0.045, True), (11_999, 0.045, False), (12_000, 0.0451, False)],
)
def test_cost_creep_with_falling_conversion(cac, conversion, seen):
    told = quarters(cac_cents=[10_000, 1, cac], self_serve_conversion=[0.05, 0.9, conversion])
    assert is_seen("sales_too_early", quarters=told) == seen


def test_a_quarter_that_is_not_known_is_missing():
    told = frame("quarters", 1, quarter=QUARTERS[2:], cac_cents=9, self_serve_conversion=0.1)
    found = look("sales_too_early", quarters=told)
    assert not found.is_seen
    assert "quarters.cac_cents of 2025-10-01" in found.missing_inputs


def test_a_quarter_that_is_running_does_not_count():
    told = quarters(cac_cents=[1, 1, 9], self_serve_conversion=[0.1, 0.1, 0.01])
    spec = {"sales_too_early": shipped_mistakes()["sales_too_early"]}
    (found,) = detect_mistakes(Known(dt.date(2026, 6, 29), quarters=told), spec)
    assert "quarters.cac_cents of 2025-07-01" in found.missing_inputs
    (over,) = detect_mistakes(Known(dt.date(2026, 9, 29), quarters=told), spec)
    assert over.is_seen


@pytest.mark.parametrize(
    ("sellers", "leaders", "ask", "has", "seen"),
    [
        (3, 0, False, False, True),
        (2, 0, False, False, False),
        (0, 1, False, False, True),
        (9, 2, True, False, False),
        (9, 2, False, True, False),
    ],
)
def test_a_team_before_signals_and_pqls(sellers, leaders, ask, has, seen):
    told = {"sellers": sellers, "leaders": leaders, "signals_ask": ask, "has_definition": has}
    assert is_seen("premature_vp_of_sales", **told) == seen


def test_a_team_is_not_premature_where_nobody_knows():
    found = look("premature_vp_of_sales", sellers=9, leaders=1, has_definition=False)
    assert (found.is_seen, found.missing_inputs) == (False, ("signals_ask",))


@pytest.mark.parametrize(
    ("gates", "conversion", "seen"),
    [(1.25, 0.045, True), (1.24, 0.045, False), (1.25, 0.0451, False)],
)
def test_a_war_on_the_free_tier(gates, conversion, seen):
    told = quarters(
        gates_per_free_account=[1.0, 9.0, gates], self_serve_conversion=[0.05, 0.5, conversion]
    )
    assert is_seen("free_tier_war", quarters=told) == seen


def beside(strangers: int, footprint: int, n: int = 10, **differs):
    """Return opportunities of strangers and users, and enterprises that nobody works."""
    names, rich = ids(n), ids(footprint, "f")
    told = {
        "opportunities": frame(
            "opportunities", n, account_id=names, created_at=at(100), amount_cents=100
        ),
        "usage": frame("usage", n - strangers + 1, account_id=[*names[strangers:], "x"]),
        "accounts": frame("accounts", footprint + 1, account_id=[*rich, "x"], employees=501),
        "features": frame(
            "features", footprint + 1, account_id=[*rich, "y"], as_of=ago(0), active_users_28d=10.0
        ),
        "handoffs": frame("handoffs"),
    }
    return told | differs


@pytest.mark.parametrize(
    ("strangers", "footprint", "n", "seen"),
    [(5, 3, 10, True), (4, 3, 10, False), (5, 2, 10, False), (4, 3, 4, False)],
)
def test_an_enterprise_team_without_pqls(strangers, footprint, n, seen):
    found = look("pql_less_enterprise_team", **beside(strangers, footprint, n))
    assert (found is not None and found.is_seen) == seen
    if seen:
        assert found.evidence.accounts == tuple(ids(3, "f"))


@pytest.mark.parametrize(
    "differs",
    [
        {"handoffs": frame("handoffs", 1, account_id=["f000"])},
        {"accounts": frame("accounts", 3, account_id=ids(3, "f"), employees=500)},
        {"accounts": frame("accounts", 3, account_id=ids(3, "f"), employees=900, owner="r")},
        {
            "features": frame(
                "features", 3, account_id=ids(3, "f"), as_of=ago(0), active_users_28d=9.0
            )
        },
    ],
)
def test_enterprises_that_are_worked_or_use_little_are_no_footprint(differs):
    assert not is_seen("pql_less_enterprise_team", **beside(5, 3, **differs))


def war(first: int, second: int, edits: int = 1, lines: int = 20):
    opened = [dt.date(2026, 2, 1)] * first + [dt.date(2026, 5, 1)] * second
    return {
        "disputes": frame("disputes", first + second, opened=opened),
        "edits": frame("edits", edits, what="attribution", at=at(20)),
        "quarters": quarters(commission_lines=[0, lines, lines]),
    }


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        (war(2, 2), True),
        (war(1, 9), False),
        (war(9, 1), False),
        (war(2, 2, edits=0), False),
        (war(9, 9, lines=9), False),
    ],
)
def test_a_civil_war_over_attribution(told, seen):
    assert is_seen("attribution_civil_war", **told) == seen


def pivot(n: int = 3, *, cycle: int = 180, amount: int = 7_500_000, small: int = 0, left: int = 85):
    won = frame(
        "opportunities",
        n + small,
        account_id=ids(n + small),
        created_at=[at(30 + cycle)] * n + [at(60)] * small,
        closed_at=at(30),
        won=True,
        amount_cents=[amount] * n + [7_499_999] * small,
    )
    return {"opportunities": won, "quarters": quarters(self_serve_customers=[100, 1, left])}


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        (pivot(), True),
        (pivot(5), True),
        (pivot(6), False),
        (pivot(cycle=179), False),
        (pivot(amount=7_499_999), False),
        (pivot(3, small=3), True),
        (pivot(3, small=4), False),
        (pivot(left=86), False),
    ],
)
def test_a_vanity_enterprise_pivot(told, seen):
    assert is_seen("vanity_enterprise_pivot", **told) == seen


# --- all of them --------------------------------------------------------------------------------


def test_there_is_a_detector_for_every_mistake_and_the_reverse():
    assert list(DETECTORS) == list(shipped_mistakes())


def test_a_company_that_nobody_knows_is_told_what_is_missing_and_nothing_else():
    found = detect_mistakes(Known(AS_OF), shipped_mistakes())
    assert [one.name for one in found] == list(shipped_mistakes())
    assert not any(one.is_seen for one in found)
    assert all(one.missing_inputs for one in found)
    assert all(one.severity is None and not one.seen_as for one in found)


def test_frames_without_rows_bring_nothing_to_light():
    empty = {name: frame(name) for name in COLUMNS}
    found = detect_mistakes(Known(AS_OF, **empty), shipped_mistakes())
    assert not any(one.is_seen for one in found)
    named = {name for one in found for name in one.missing_inputs}
    assert {"accounts", "touches", "features", "crm", "usage", "arr", "quarters"} <= named


def test_a_column_that_is_not_there_is_missing_by_name():
    touches = frame("touches", 1, account_id=["a"], at=at(1)).drop("at")
    found = look("sales_too_early", touches=touches)
    assert "touches.at" in found.missing_inputs


def test_thresholds_severity_and_mend_can_be_changed_and_a_mistake_taken_away():
    told = {
        "teams_in_friction": MistakeDef(severity="low", at={"disputes": 1}, mend="Talk."),
        "free_tier_war": None,
    }
    specs = resolve_mistakes(told, findings=Findings({}))
    assert "free_tier_war" not in specs
    known = Known(AS_OF, disputes=frame("disputes", 1, opened=ago(1)))
    found = {one.name: one for one in detect_mistakes(known, specs)}["teams_in_friction"]
    assert (found.severity, found.mend) == ("low", "Talk.")
    assert as_plain(found)["evidence"] == {"values": {"disputes": 1}, "accounts": ()}


@pytest.mark.parametrize(
    ("day", "back", "first"),
    [
        (dt.date(2026, 1, 1), 0, dt.date(2026, 1, 1)),
        (dt.date(2025, 12, 31), 0, dt.date(2025, 10, 1)),
        (dt.date(2026, 1, 1), 5, dt.date(2024, 10, 1)),
    ],
)
def test_quarters_begin_in_january_april_july_and_october(day, back, first):
    assert quarter_start(day, back=back) == first
