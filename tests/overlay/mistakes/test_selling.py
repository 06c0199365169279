"""Mistakes of who is sold to, on both sides of every line."""

from __future__ import annotations

import pytest

from tests.overlay.mistakes.company import ago, at, frame, ids, is_seen, look

ATTACK, STAFF = "sales_attacks_self_serve", "refusing_to_staff_sales"


def touched(n: int = 20, *, early: int = 0, **differs):
    """Return touches of PQLs, and of some accounts that never qualified."""
    names, strangers = ids(n - early), ids(early, "s")
    told = {
        "touches": frame("touches", n, account_id=names + strangers, at=at(10)),
        "accounts": frame("accounts", n, account_id=names + strangers, signed_up=ago(60)),
        "pqls": frame("pqls", n - early, account_id=names, qualified_on=ago(20)),
        "handoffs": frame("handoffs"),
        "opportunities": frame("opportunities"),
    }
    return told | differs


@pytest.mark.parametrize(("n", "early", "seen"), [(20, 1, False), (20, 2, True), (19, 19, False)])
def test_touches_with_no_pql(n, early, seen):
    found = look(ATTACK, **touched(n, early=early))
    assert found.is_seen == seen
    if seen:
        assert found.evidence.accounts == tuple(ids(early, "s"))
        assert found.evidence.values["no_pql"] == 2
        assert found.severity == "high"
        assert found.seen_as.startswith("2 of 20 touches in 90 days went to people")
    if n < 20:
        assert "20 touches of users, there are 19" in found.missing_inputs


def test_a_pql_that_came_after_the_touch_is_none():
    told = touched(pqls=frame("pqls", 20, account_id=ids(20), qualified_on=ago(9)))
    assert look(ATTACK, **told).evidence.values["no_pql"] == 20
    assert not is_seen(
        ATTACK, **touched(pqls=frame("pqls", 20, account_id=ids(20), qualified_on=ago(10)))
    )


@pytest.mark.parametrize(("age", "seen"), [(3, True), (4, False)])
def test_touches_in_the_first_days(age, seen):
    accounts = frame("accounts", 20, account_id=ids(20), signed_up=ago(10 + age))
    pqls = frame("pqls", 20, account_id=ids(20), qualified_on=ago(10 + age))
    found = look(ATTACK, **touched(accounts=accounts, pqls=pqls))
    assert found.is_seen == seen
    if seen:
        assert found.evidence.values["first_days"] == 20


@pytest.mark.parametrize(("before", "seen"), [(30, True), (31, False)])
def test_touches_inside_the_cool_down(before, seen):
    handoffs = frame(
        "handoffs",
        20,
        account_id=ids(20),
        opened_at=at(50),
        closed_at=at(10 + before),
        state="declined",
    )
    pqls = frame("pqls", 20, account_id=ids(20), qualified_on=ago(55))
    found = look(ATTACK, **touched(handoffs=handoffs, pqls=pqls))
    assert found.is_seen == seen
    if seen:
        assert found.evidence.values["cool_down"] == 20
    again = frame("pqls", 20, account_id=ids(20), qualified_on=ago(10 + before - 1))
    assert not is_seen(ATTACK, **touched(handoffs=handoffs, pqls=again))


def test_a_release_begins_a_cool_down_too():
    pqls = frame("pqls", 20, account_id=ids(20), qualified_on=ago(55), released_on=ago(20))
    assert look(ATTACK, **touched(pqls=pqls)).evidence.values["cool_down"] == 20


@pytest.mark.parametrize(
    "worked",
    [
        {
            "handoffs": frame(
                "handoffs", 20, account_id=ids(20, "s"), opened_at=at(10), state="working"
            )
        },
        {"opportunities": frame("opportunities", 20, account_id=ids(20, "s"), created_at=at(30))},
        {
            "accounts": frame(
                "accounts", 20, account_id=ids(20, "s"), signed_up=ago(60), hand_raised=ago(10)
            )
        },
        {
            "accounts": frame(
                "accounts", 20, account_id=ids(20, "s"), signed_up=ago(60), paid=ago(10)
            )
        },
        {"accounts": frame("accounts", 20, account_id=ids(20, "s"), signed_up=ago(9))},
    ],
)
def test_who_asked_pays_is_worked_or_no_user_yet_may_be_touched(worked):
    assert is_seen(ATTACK, **touched(early=20))
    assert not is_seen(ATTACK, **touched(early=20, **worked))


@pytest.mark.parametrize(("since", "seen"), [(89, True), (90, False)])
def test_old_touches_do_not_count(since, seen):
    told = touched(
        early=20,
        touches=frame("touches", 20, account_id=ids(20, "s"), at=at(since)),
        accounts=frame("accounts", 20, account_id=ids(20, "s"), signed_up=ago(200)),
    )
    assert is_seen(ATTACK, **told) == seen


def cohort(won_touched: int, won_alone: int, n: int = 30):
    names = ids(n, "t") + ids(100, "u")
    paid = [ago(150)] * won_touched + [None] * (n - won_touched)
    paid += [ago(150)] * won_alone + [None] * (100 - won_alone)
    return {
        "accounts": frame("accounts", n + 100, account_id=names, signed_up=ago(200), paid=paid),
        "touches": frame("touches", n, account_id=ids(n, "t"), at=at(190)),
    }


@pytest.mark.parametrize(("alone", "seen"), [(11, False), (13, True)])
def test_touched_signups_pay_less_often(alone, seen):
    # None of 30 against 11 of 100 can be chance (z = 1.90), against 13 it is not (z = 2.08).
    found = look(ATTACK, **cohort(0, alone))
    assert found.is_seen == seen
    if seen:
        assert found.evidence.values == {"touched_paid": 0.0, "untouched_paid": 0.13}
        assert "of those left alone 13.0%" in found.seen_as
        assert "pqls" in found.missing_inputs  # what else could not be looked for


def test_too_few_touched_signups_say_nothing():
    found = look(ATTACK, **cohort(0, 90, n=29))
    assert not found.is_seen
    assert "30 signups that were touched, there are 29" in found.missing_inputs


def test_effort_under_the_self_serve_line():
    def effort(n, small):
        acv = [4_999.0] * small + [5_000.0] * (n - small)
        return {
            "touches": frame("touches", n, account_id=ids(n), at=at(5)),
            "features": frame("features", n, account_id=ids(n), as_of=ago(0), estimated_acv=acv),
        }

    assert is_seen("sales_too_early", **effort(30, 9))
    assert not is_seen("sales_too_early", **effort(30, 8))
    few = look("sales_too_early", **effort(29, 29))
    assert not few.is_seen
    assert "30 touches of accounts with an estimated ACV, there are 29" in few.missing_inputs
    assert "quarters" in few.missing_inputs


@pytest.mark.parametrize(
    ("more", "n", "seen"),
    [
        ({}, 3, True),
        ({}, 2, False),
        ({"days_at_limit": 59.0}, 3, False),
        ({"days_at_limit": None}, 3, False),
        ({"mrr": 0.0}, 3, False),
    ],
)
def test_stalled_customers_that_nobody_works(more, n, seen):
    told = {"mrr": 100.0, "days_at_limit": 60.0} | more
    known = {
        "features": frame("features", n, account_id=ids(n), as_of=ago(0), **told),
        "accounts": frame("accounts", n, account_id=ids(n)),
        "handoffs": frame("handoffs"),
    }
    assert is_seen("forgetting_expansion", **known) == seen
    owned = frame("accounts", n, account_id=ids(n), owner="csm@acme.example")
    assert not is_seen("forgetting_expansion", **(known | {"accounts": owned}))
    held = frame("handoffs", n, account_id=ids(n), state="assigned", opened_at=at(3))
    assert not is_seen("forgetting_expansion", **(known | {"handoffs": held}))
    closed = frame("handoffs", n, account_id=ids(n), state="declined", opened_at=at(3))
    assert is_seen("forgetting_expansion", **(known | {"handoffs": closed})) == seen


def test_of_features_the_latest_count():
    known = {
        "features": frame(
            "features",
            6,
            account_id=ids(3) * 2,
            as_of=[ago(0)] * 3 + [ago(91)] * 3,
            mrr=100.0,
            days_at_limit=[1.0] * 3 + [99.0] * 3,
        ),
        "accounts": frame("accounts", 3, account_id=ids(3)),
        "handoffs": frame("handoffs"),
    }
    assert look("forgetting_expansion", **known) is None


@pytest.mark.parametrize(
    ("raised", "answered", "n", "seen"),
    [
        (20, None, 3, True),
        (20, None, 2, False),
        (20, 13, 3, False),
        (20, 12, 3, True),
        (6, None, 3, False),
        (7, None, 3, True),
        (90, None, 3, False),
    ],
)
def test_hand_raises_that_nobody_answers(raised, answered, n, seen):
    touches = [at(answered)] * n if answered is not None else [at(300)] * n
    known = {
        "accounts": frame("accounts", n, account_id=ids(n), hand_raised=ago(raised)),
        "touches": frame("touches", n, account_id=ids(n), at=touches),
    }
    found = look(STAFF, **known)
    assert found.is_seen == seen
    assert {"features", "arr"} <= set(found.missing_inputs)


@pytest.mark.parametrize(
    ("asks", "since", "n", "seen"),
    [(1.0, 28, 3, True), (1.0, 27, 3, False), (0.0, 28, 3, False), (1.0, 28, 2, False)],
)
def test_security_asks_that_nobody_answers(asks, since, n, seen):
    known = {
        "features": frame("features", n, account_id=ids(n), as_of=ago(0), security_asks_28d=asks),
        "touches": frame("touches", n, account_id=ids(n), at=at(since)),
    }
    assert is_seen(STAFF, **known) == seen


@pytest.mark.parametrize(
    ("acv", "arr", "owner", "seen"),
    [
        (25_000.0, 0, None, True),
        (24_999.0, 2_499_900, None, False),
        (None, 2_500_000, None, True),
        (90_000.0, 0, "ae@acme.example", False),
    ],
)
def test_whales_without_an_owner(acv, arr, owner, seen):
    known = {
        "accounts": frame("accounts", 1, account_id=ids(1), owner=owner),
        "features": frame("features", 1, account_id=ids(1), as_of=ago(0), estimated_acv=acv),
        "arr": frame("arr", 1, account_id=ids(1), day=ago(9), arr_cents=arr),
    }
    assert is_seen(STAFF, **known) == seen
