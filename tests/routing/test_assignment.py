"""Who gets an account, in every way that MODELS section 9 names; and that turns are fair."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.config.expressions import Expression
from groundswell.config.resolved import Member, Team
from groundswell.config.vocabulary import ValueType
from groundswell.routing.assignment import Applicant, Desk, assign, settle, shares

NOW = dt.datetime(2026, 3, 4, 10, tzinfo=dt.UTC)
TYPES = {"employees": ValueType.NUMBER, "country": ValueType.TEXT}


def member(name: str, **changes) -> Member:
    territory = changes.pop("territory", None)
    if territory is not None:
        changes["territory"] = Expression.parse(territory, types=TYPES, expect=ValueType.BOOLEAN)
    plain = Member(name.title(), f"{name}@x.example", None, "UTC", 10, None)
    return replace(plain, **changes)


def given_to(*members: Member, desks=None, applicant=None, everybody=(), **team):
    return assign(
        applicant or Applicant("acme", "acme.example", None, {"employees": 80, "country": "de"}),
        Team("sales_assist", tuple(members), **team),
        desks or {},
        now=NOW,
        everybody=everybody,
    )


ANN, BOB, CAT = member("ann"), member("bob"), member("cat")


def test_the_owner_in_the_crm_comes_first_on_whichever_team():
    applicant = Applicant("acme", owner="CAT@x.example")
    found = given_to(ANN, BOB, applicant=applicant, everybody=(CAT,))
    assert (found.email, found.how) == (CAT.email, "owner")
    by_name = given_to(ANN, BOB, applicant=replace(applicant, owner="bob"))
    assert (by_name.email, by_name.how) == (BOB.email, "owner")
    unknown = given_to(ANN, applicant=replace(applicant, owner="gone@x.example"))
    assert (unknown.email, unknown.how) == (ANN.email, "turn")


@pytest.mark.parametrize("named", ["acme", "acme.example"])
def test_a_named_account_goes_to_whose_it_is_before_territory_and_turn(named):
    bob = replace(BOB, accounts=(named,))
    found = given_to(member("ann", territory="employees > 50"), bob)
    assert (found.email, found.how) == (BOB.email, "named")
    full = given_to(ANN, bob, desks={BOB.email: Desk(10)})
    assert (full.email, full.how) == (ANN.email, "turn")


def test_a_territory_comes_before_who_has_none():
    found = given_to(ANN, member("bob", territory="country = 'de' AND employees >= 50"), CAT)
    assert (found.email, found.how) == (BOB.email, "territory")
    other = given_to(ANN, member("bob", territory="country = 'fr'"), CAT)
    assert other.email in {ANN.email, CAT.email}
    reasons = {candidate.email: candidate.why for candidate in other.candidates}
    assert reasons[BOB.email] == "The account is not in their territory."


def test_who_is_on_leave_or_full_is_skipped_and_said_to_be():
    away = replace(ANN, leave=((NOW.date(), NOW.date()),))
    found = given_to(away, BOB, CAT, desks={BOB.email: Desk(10)})
    assert found.email == CAT.email
    reasons = {candidate.email: candidate.why for candidate in found.candidates}
    assert reasons[ANN.email] == "On leave."
    assert reasons[BOB.email] == "Works 10 accounts, all they can."


def test_nobody_free_falls_back_or_waits():
    full = {one.email: Desk(10) for one in (ANN, BOB)}
    waits = given_to(ANN, BOB, desks=full)
    assert (waits.email, waits.how) == (None, "nobody")
    assert waits.reason == "Nobody of sales_assist is free: it waits until somebody is."
    falls = given_to(ANN, BOB, desks=full, fallback=CAT.email, everybody=(CAT,))
    assert (falls.email, falls.how) == (CAT.email, "fallback")
    assert given_to().reason == "Nobody is on the team sales_assist: it waits."


def test_who_had_it_and_did_not_answer_is_passed_over():
    found = assign(Applicant("acme"), Team("t", (ANN, BOB)), {}, now=NOW, passed_over={ANN.email})
    assert found.email == BOB.email


def test_shares_follow_free_capacity():
    small = replace(BOB, capacity=5)
    desks = {ANN.email: Desk(open=2)}
    assert shares([ANN, small], desks) == pytest.approx({ANN.email: 8 / 13, BOB.email: 5 / 13})
    boundless = replace(CAT, capacity=None)
    assert shares([ANN, boundless], {}) == pytest.approx({ANN.email: 0.5, CAT.email: 0.5})
    assert shares([boundless], {}) == {CAT.email: 1.0}


@given(weights=st.lists(st.integers(1, 40), min_size=1, max_size=7), count=st.integers(1, 150))
def test_nobody_is_ever_a_whole_account_from_what_is_fair(weights, count):
    """Accounts are closed as soon as they are given, so that shares stay as they are."""
    people = [member(f"m{k}", capacity=weight) for k, weight in enumerate(weights)]
    team = Team("t", tuple(people))
    desks: dict[str, Desk] = {}
    got = dict.fromkeys((one.email for one in people), 0)
    for number in range(1, count + 1):
        found = assign(Applicant(f"a{number}"), team, desks, now=NOW)
        assert found.email is not None
        got[found.email] += 1
        settled = settle(desks, found)
        desks = {email: replace(desk, open=0) for email, desk in settled.items()}
        for one, weight in zip(people, weights, strict=True):
            fair = number * weight / sum(weights)
            assert abs(got[one.email] - fair) < 1.0


@given(
    weights=st.lists(st.integers(1, 12), min_size=1, max_size=6),
    closes=st.lists(st.booleans(), min_size=1, max_size=120),
)
def test_nobody_is_ever_over_capacity_or_a_whole_account_ahead(weights, closes):
    people = [member(f"m{k}", capacity=weight) for k, weight in enumerate(weights)]
    team = Team("t", tuple(people))
    desks: dict[str, Desk] = {}
    fair = dict.fromkeys((one.email for one in people), 0.0)
    got = dict.fromkeys(fair, 0)
    for number, closing in enumerate(closes):
        found = assign(Applicant(f"a{number}"), team, desks, now=NOW)
        if found.email is None:
            assert all(desks[one.email].open >= one.capacity for one in people)
        else:
            got[found.email] += 1
            for candidate in found.candidates:
                fair[candidate.email] += candidate.share
            assert got[found.email] - fair[found.email] < 1.0
            desks = settle(desks, found)
        assert all(desks.get(one.email, Desk()).open <= one.capacity for one in people)
        held = [one.email for one in people if desks.get(one.email, Desk()).open]
        if closing and held:
            email = held[number % len(held)]
            desks[email] = replace(desks[email], open=desks[email].open - 1)


def test_credits_are_what_is_still_owed():
    team = Team("t", (ANN, BOB))
    first = assign(Applicant("a"), team, {}, now=NOW)
    desks = settle({}, first)
    assert desks[first.email].credit == pytest.approx(-0.5)
    second = assign(Applicant("b"), team, desks, now=NOW)
    assert {first.email, second.email} == {ANN.email, BOB.email}
