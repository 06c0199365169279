"""Mistakes of how accounts are handed over, on both sides of every line."""

from __future__ import annotations

import datetime as dt

import pytest

from groundswell.overlay.findings import Evidence, Finding, not_looked_for
from groundswell.overlay.mistakes import CommissionFacts
from tests.overlay.mistakes.company import AS_OF, ago, at, frame, ids, is_seen, look


def decided(declined: int, n: int = 20, opened: int = 30):
    accepted = [None] * declined + [at(20)] * (n - declined)
    state = ["declined"] * declined + ["working"] * (n - declined)
    return frame(
        "handoffs", n, account_id=ids(n), opened_at=at(opened), accepted_at=accepted, state=state
    )


@pytest.mark.parametrize(
    ("declined", "n", "opened", "seen"),
    [(6, 20, 30, False), (7, 20, 30, True), (19, 19, 30, False), (20, 20, 90, False)],
)
def test_declines_over_30_percent(declined, n, opened, seen):
    found = look("no_handoff_criteria", handoffs=decided(declined, n, opened))
    assert found.is_seen == seen
    assert "edits" in found.missing_inputs
    if seen:
        assert found.evidence.values["declined_share"] == 0.35
        assert found.seen_as == "7 of 20 handoffs were declined, 35%."
        assert found.evidence.accounts == tuple(ids(7))


@pytest.mark.parametrize(("late", "seen"), [(4, False), (5, True)])
def test_handoffs_past_their_service_level(late, seen):
    first = [at(18)] * (late - 1) + [None] + [at(21)] * (20 - late)
    handoffs = frame(
        "handoffs", 20, account_id=ids(20), opened_at=at(22), due_at=at(20), first_touch_at=first
    )
    assert is_seen("no_handoff_criteria", handoffs=handoffs) == seen


def test_what_was_closed_in_time_is_not_late():
    handoffs = frame(
        "handoffs", 20, account_id=ids(20), opened_at=at(22), due_at=at(20), closed_at=at(21)
    )
    assert not is_seen("no_handoff_criteria", handoffs=handoffs)
    still = frame("handoffs", 20, account_id=ids(20), opened_at=at(2), due_at=at(-1))
    assert not is_seen("no_handoff_criteria", handoffs=still)


@pytest.mark.parametrize(
    ("n", "what", "since", "seen"),
    [
        (3, "definition", 80, False),
        (4, "definition", 80, True),
        (4, "definition", 90, False),
        (4, "attribution", 80, False),
    ],
)
def test_a_definition_edited_more_than_monthly(n, what, since, seen):
    edits = frame("edits", n, what=what, at=at(since))
    assert is_seen("no_handoff_criteria", edits=edits) == seen


def converting(won: int, n: int = 30, rest: int = 0, **differs):
    names, others = ids(n), ids(30, "r")
    told = {
        "pqls": frame("pqls", n, account_id=names, qualified_on=ago(200)),
        "accounts": frame("accounts", n + 30, account_id=names + others, signed_up=ago(210)),
        "arr": frame(
            "arr",
            won + rest + 1,
            account_id=names[:won] + others[:rest] + ["far"],
            day=ago(150),
            arr_cents=100_00,
        ),
    }
    return told | differs


@pytest.mark.parametrize(("won", "seen"), [(5, True), (6, False)])
def test_pqls_that_convert_under_20_percent(won, seen):
    found = look("wrong_pql_definition", **converting(won))
    assert found.is_seen == seen
    assert found.missing_inputs == ("score_auc",)


def test_too_few_pqls_say_nothing():
    found = look("wrong_pql_definition", **converting(0, n=29))
    assert not found.is_seen
    assert "30 PQLs that had their time, there are 29" in found.missing_inputs


@pytest.mark.parametrize(("rest", "seen"), [(8, False), (9, True)])
def test_pqls_that_convert_no_better_than_the_rest(rest, seen):
    found = look("wrong_pql_definition", **converting(9, rest=rest))
    assert found.is_seen == seen
    if seen:
        assert found.evidence.values["rest"] == 0.3


@pytest.mark.parametrize(
    ("before", "after", "day", "seen"),
    [
        (100, 120, 150, False),
        (100, 119, 150, True),
        (0, 1, 110, False),
        (0, 1, 109, True),
        (0, 1, 200, True),
    ],
)
def test_a_pql_converts_by_paying_or_growing_by_a_fifth_within_90_days(before, after, day, seen):
    names = ids(30)
    arr = frame(
        "arr",
        60,
        account_id=names * 2,
        day=[ago(300)] * 30 + [ago(day)] * 30,
        arr_cents=[before] * 30 + [after] * 30,
    )
    assert is_seen("wrong_pql_definition", **converting(0, arr=arr)) == seen


def test_who_was_held_out_is_no_test_of_the_definition():
    held = frame("pqls", 30, account_id=ids(30), qualified_on=ago(200), held_out=True)
    assert not is_seen("wrong_pql_definition", **converting(0, pqls=held))


@pytest.mark.parametrize(
    ("auc", "seen"), [((0.6, 0.5, 0.7), True), ((0.6, 0.51, 0.7), False), ((0.4, 0.3, 0.45), True)]
)
def test_a_score_that_tells_nothing(auc, seen):
    assert is_seen("wrong_pql_definition", score_auc=auc) == seen


@pytest.mark.parametrize(
    ("name", "seen"),
    [("dead_zone", True), ("talk_to_sales_too_low", True), ("free_without_limits", False)],
)
def test_gaps_in_prices_come_from_the_price_list(name, seen):
    found = Finding(name, "high", "From here to there.", Evidence({}, ("a1",)), "Mend it.")
    told = look("pricing_gap", pricing=(found,))
    assert (told is not None) == seen
    if seen:
        assert told.evidence.accounts == ("a1",)
        assert told.seen_as == "The price list stands in the way at 1 places: From here to there."


def test_what_the_price_list_lacks_is_lacking():
    told = look("pricing_gap", pricing=(not_looked_for("dead_zone", "plans.team.price"),))
    assert (told.is_seen, told.missing_inputs) == (False, ("plans.team.price",))
    assert look("pricing_gap", pricing=()) is None


@pytest.mark.parametrize(("without", "n", "seen"), [(3, 20, False), (4, 20, True), (19, 19, False)])
def test_accounts_without_a_record(without, n, seen):
    known = {
        "accounts": frame("accounts", n, account_id=ids(n), paid=[ago(9)] * (n - 2) + [None] * 2),
        "pqls": frame("pqls", 2, account_id=ids(n)[-2:]),
        "crm": frame("crm", n - without + 1, account_id=[*ids(n)[without:], "x"]),
    }
    found = look("separate_stacks", **known)
    assert found.is_seen == seen
    if seen:
        assert found.evidence.accounts == tuple(ids(without))


@pytest.mark.parametrize(("unjoined", "seen"), [(1, False), (2, True)])
def test_records_that_no_account_is_joined_to(unjoined, seen):
    known = {
        "accounts": frame(
            "accounts", 20, account_id=ids(20), paid=ago(9), domain=[f"{i}.com" for i in range(20)]
        ),
        "pqls": frame("pqls"),
        "crm": frame(
            "crm",
            10,
            record_id=ids(10, "c"),
            account_id=[None] * unjoined + ids(10 - unjoined),
            domain=[f"{i}.com" for i in range(10)],
        ),
    }
    found = look("separate_stacks", **known)
    assert ("unjoined" in found.evidence.values) == seen


@pytest.mark.parametrize(("unused", "n", "seen"), [(1, 10, False), (2, 10, True), (9, 9, False)])
def test_opportunities_with_no_usage(unused, n, seen):
    known = {
        "opportunities": frame("opportunities", n, account_id=ids(n), created_at=at(300)),
        "usage": frame("usage", n - unused + 1, account_id=[*ids(n)[unused:], "x"]),
    }
    assert is_seen("separate_stacks", **known) == seen


# The second quarter begins on the first of April: 90 days before the end of June.
@pytest.mark.parametrize(("n", "since", "seen"), [(2, 5, False), (3, 5, True), (3, 91, False)])
def test_disputes_inside_the_quarter(n, since, seen):
    assert is_seen("teams_in_friction", disputes=frame("disputes", n, opened=ago(since))) == seen


@pytest.mark.parametrize(
    ("moved", "n", "since", "seen"),
    [(3, 20, 5, False), (4, 20, 5, True), (19, 19, 5, False), (20, 20, 91, False)],
)
def test_reassignments_inside_the_quarter(moved, n, since, seen):
    reassigned = [1] * moved + [0] * (n - moved)
    handoffs = frame("handoffs", n, account_id=ids(n), opened_at=at(since), reassigned=reassigned)
    assert is_seen("teams_in_friction", handoffs=handoffs) == seen


@pytest.mark.parametrize(
    ("what", "since", "seen"),
    [("attribution", 90, True), ("attribution", 91, False), ("definition", 5, False)],
)
def test_edits_of_attribution_inside_the_quarter(what, since, seen):
    edits = frame("edits", 1, what=what, at=at(since))
    assert is_seen("teams_in_friction", edits=edits) == seen
    assert dt.date(2026, 4, 1) == AS_OF - dt.timedelta(days=90)


def test_meanings_that_no_event_carries():
    whole = frozenset({"activated", "limit_hit", "pricing_viewed", "invited"})
    assert look("no_instrumentation", meanings_seen=whole) is None
    found = look("no_instrumentation", meanings_seen=whole - {"limit_hit", "activated"})
    assert found.seen_as == "No event says that somebody is activated, or hits a limit."
    assert look("no_instrumentation").missing_inputs == ("meanings_seen",)


@pytest.mark.parametrize(
    ("facts", "seen"),
    [
        (CommissionFacts(0.0, 0, 200.0, 100.0), False),
        (CommissionFacts(0.01, 0, 200.0, 100.0), True),
        (CommissionFacts(0.0, 1, 200.0, 100.0), True),
        (CommissionFacts(0.0, 0, 100.0, 100.0), True),
        (CommissionFacts(0.0, 0, 100.1, 100.0), False),
    ],
)
def test_commission_on_untouched_revenue(facts, seen):
    assert is_seen("commission_on_untouched", commission=facts) == seen


def test_what_is_not_known_of_commissions_is_missing():
    assert look("commission_on_untouched").missing_inputs == ("commission",)
    found = look("commission_on_untouched", commission=CommissionFacts(untouched_rate=0.0))
    assert found.missing_inputs == (
        "commission.paid_untouched_cents",
        "commission.queue_per_hour_cents",
        "commission.cold_per_hour_cents",
    )
