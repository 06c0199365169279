"""The memo on sales beside self-serve: from the facts and the journal, as of any day."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from groundswell.engine.measuring.overlay import account_ids, month_ends
from groundswell.engine.measuring.overlay_facts import self_serve_cap
from groundswell.model import as_plain
from groundswell.overlay.quarters import Quarter
from groundswell.web.document import to_html, to_markdown, to_text
from groundswell.web.overlay_report import write_overlay
from tests.measuring.conftest import ACCOUNTS, DAY, EVENTS, at, load

PLANS = {
    "team": {"price": "10 per seat monthly", "seats": 50, "motion": "self_serve"},
    "business": {"price": 2000, "motion": "sales_assist", "talk_to_sales": "optional"},
}
LAST = dt.date(2026, 3, 31)


def signal(found, name: str, quarter: str = "2026-Q2"):
    return next(one for one in found.verdict.signals[quarter] if one.name == name)


def check(checks, name: str):
    return next(one for one in checks if one.name == name)


def signed_up(number: int) -> dt.date:
    return DAY - dt.timedelta(days=max(180 - number * 3, 0))


def test_signals_are_those_of_the_facts(company):
    project = company(plans=PLANS)
    found = project.measuring.overlay(as_of=DAY)
    new = [number for number in range(ACCOUNTS) if signed_up(number) > LAST]
    # More than 500 employees from the 24th on; every tenth asked for a person five days ago.
    shaped = [number for number in new if 40 + number * 20 > 500 or number % 10 == 0]
    inbound = signal(found, "enterprise_inbound")
    assert inbound.value == pytest.approx(len(shaped) / len(new))
    assert {one.account_id for one in inbound.evidence} == {f"a{number:02}" for number in shaped}
    assert inbound.state == "firing"
    assert signal(found, "lost_for_people").value == 0
    assert signal(found, "board_pressure").missing == ("`overlay.board_pressure`",)
    assert list(found.verdict.signals)[-1] == "2026-Q2"
    assert found.names["a30"] == "Firm 30"


def test_what_is_declared_counts(company):
    hints = [
        {"quarter": "2026-Q2", "amount": 60_000, "said_by": f"interview {n}"} for n in range(3)
    ]
    overlay = {"board_pressure": ["2026-Q2"], "willingness_to_pay": hints}
    found = company(plans=PLANS, overlay=overlay).measuring.overlay(as_of=DAY)
    assert signal(found, "board_pressure").is_firing
    assert not signal(found, "board_pressure", "2026-Q1").is_firing
    capped = signal(found, "capped_plan")
    # The plan ends at 50 seats of 10 a month. Three say 60,000, and three large accounts, with a
    # deal of 9,000 each, are as many: the middle is between.
    assert capped.value == pytest.approx((60_000 + 9_000) / 2 / 6_000)
    assert [one.account_id for one in capped.evidence][:3] == ["a30", "a42", "a54"]
    assert capped.evidence[-1].fact == "would pay 60k a year, as declared"


def test_asks_are_known_once_events_mean_them(company):
    events = EVENTS | {"security_asked": "Security Form"}
    unmapped = company().measuring.overlay(as_of=DAY)
    assert signal(unmapped, "security_asks").value is None
    assert any("security_asked" in one for one in unmapped.verdict.missing)
    mapped = company(events=events).measuring.overlay(as_of=DAY)
    assert signal(mapped, "security_asks").value == 0


def test_what_is_missing_is_asked_for_by_name(company):
    found = company(teams={}).measuring.overlay(as_of=DAY).verdict
    missing = " ".join(found.missing)
    for name in ("gross margin", "`overlay.board_pressure`", "NRR", "limits", "`price`"):
        assert name in missing
    assert found.decision == "not_known"
    economics = check(found.counter_cases, "unit_economics")
    assert economics.holds is None
    assert "gross margin: set `measuring.gross_margin`" in economics.missing


def test_people_who_sell_without_pqls_are_told_to_build_the_engine_first(company):
    found = company().measuring.overlay(as_of=DAY).verdict
    assert (found.decision, found.reason) == ("build_engine_first", "no_pql_engine")
    assert found.why[0].startswith(
        "There is no PQL engine to work from for those who sell, 1 in all"
    )


def test_disputes_are_declared_and_asked_for_where_people_sell(company):
    def missing(**blocks) -> str:
        return " ".join(company(**blocks).measuring.overlay(as_of=DAY).verdict.missing)

    assert "`overlay.disputed`" in missing()
    assert "`overlay.disputed`" not in missing(overlay={"disputed": {"2026-Q2": 6}})
    assert "`overlay.disputed`" not in missing(teams={})


def test_teams_are_layers_in_place_and_the_score_is_a_piece_of_maturity(company):
    people = [
        {"name": f"Rep {n}", "email": f"r{n}@ours.example", "role": role, "capacity": 9}
        for n, role in enumerate(("smb_ae", None, "Closer"))
    ]
    teams = {
        "sales_assist": {"members": people[:2], "manager": "vp@ours.example"},
        "enterprise": {"members": people[2:]},
        "customer_success": {
            "members": [{"name": "Sam", "email": "sam@ours.example", "role": "csm"}]
        },
    }
    found = company(teams=teams).measuring.overlay(as_of=DAY).verdict
    assert [one.people_in_place for one in found.layers] == [2, 0, 1]
    assert found.first_hire.is_hired
    assert check(found.maturity.pieces, "fitted_score").holds is False
    assert check(found.maturity.pieces, "asks_answered").holds is True


def test_the_same_day_gives_the_same_answer_whenever_it_is_asked(company, clock):
    project = company(plans=PLANS, measuring={"gross_margin": "80%"})
    before = project.measuring.overlay(as_of=DAY)
    clock.advance(dt.timedelta(days=20))
    late = {"user_id": "new", "account_id": "later", "event": "Signed Up"}
    load(
        project,
        {
            "accounts": [{"account_id": "later", "employees": 9_000, "valid_from": at(-10)}],
            "events": [late | {"message_id": "late", "timestamp": at(-10)}],
            "subscriptions": [
                {
                    "subscription_id": "later",
                    "account_id": "a01",
                    "plan": "team",
                    "mrr": "1000",
                    "started_at": at(-3),
                    "valid_from": at(-3),
                }
            ],
            "opportunities": [
                {
                    "opportunity_id": "later",
                    "account_id": "a40",
                    "created_at": at(-2),
                    "amount": "900000",
                    "stage": "demo",
                    "valid_from": at(-2),
                }
            ],
            "touches": [{"account_id": "a30", "rep": "x", "kind": "call", "at": at(-2)}],
            "tickets": [{"account_id": "a01", "topic": "security review", "at": at(-2)}],
        },
    )
    project.run()
    assert as_plain(project.measuring.overlay(as_of=DAY)) == as_plain(before)
    now = project.measuring.overlay()
    assert now.as_of > DAY
    assert list(now.verdict.signals)[-1] == "2026-Q2"


def test_a_quarter_reads_the_same_once_it_is_over(company, clock):
    project = company(plans=PLANS)
    at_its_end = project.measuring.overlay(as_of=LAST)
    later = project.measuring.overlay(as_of=DAY)
    told = {one.name: one for one in at_its_end.verdict.signals["2026-Q1"]}
    known = [one for one in later.verdict.signals["2026-Q1"] if told[one.name].value is not None]
    assert {one.name for one in known} >= {"enterprise_inbound", "rich_unpaid"}
    for one in known:
        assert (one.value, one.state) == (told[one.name].value, told[one.name].state), one.name


def test_the_memo_is_written_in_every_form_with_the_verdict_first(company):
    product = {"name": "Lens", "minutes_to_value": 5, "needs_services": True}
    found = company(plans=PLANS, overlay={"new_products": [product]}).measuring.overlay(as_of=DAY)
    written = write_overlay(found)
    svgs = written.render_pictures()
    page = to_html(written, svgs)
    assert page.count("<svg") == len(svgs) == 2
    marked = to_markdown(written, {name: f"{name}.svg" for name in svgs})
    text = to_text(written)
    assert written.verdict[0] == f"{found.verdict.title}."
    headings = [one.heading for one in written.sections]
    assert headings[:3] == ["Why", "What would change it", "Signals by quarter"]
    said = ("Readiness", "Counter-cases", "Cost and payback", "Mistakes found", "Firm ", "Lens:")
    for one in (*said, "Maturity and next step", "What is not known", "The price list"):
        assert one in page
        assert one in marked
        assert one in text
    assert "by itself into mid-market" in text.lower()
    told = json.loads(json.dumps(as_plain(found)))
    assert told["verdict"]["decision"] == found.verdict.decision


def test_every_account_behind_a_number_is_one_of_the_company(company):
    found = company(plans=PLANS).measuring.overlay(as_of=DAY)
    assert account_ids(found.verdict)
    assert account_ids(found.verdict) <= {f"a{number:02}" for number in range(ACCOUNTS)}


def test_months_of_a_quarter_end_in_leap_years_too():
    ends = month_ends([Quarter(2024, 1), Quarter(2024, 4)])
    assert [str(day) for day in ends[:3]] == ["2024-01-31", "2024-02-29", "2024-03-31"]
    assert [str(day) for day in ends[3:]] == ["2024-10-31", "2024-11-30", "2024-12-31"]


def test_the_cap_is_that_of_the_dearest_plan_that_nobody_has_to_talk_for(company):
    plans = {
        "free": {"seats": 3},
        "team": {"price": "10 per seat monthly", "seats": 50},
        "pro": {"price": 700, "motion": "self_serve"},
        "business": {"price": 2000, "motion": "sales_assist"},
        "enterprise": {"price": 9000, "talk_to_sales": "only"},
    }
    loaded = company(plans=plans).loaded
    assert self_serve_cap(loaded.plans.values()) == 700 * 12 * 100
    assert self_serve_cap([loaded.plans["free"]]) is None
