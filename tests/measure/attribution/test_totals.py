"""Buckets come to the revenue under any history, each cent once; the tag is never added."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundswell.errors import GroundswellError
from groundswell.measure.attribution import (
    BUCKETS,
    Facts,
    attribute,
    commission_receipts,
    compare,
    first_of_quarter,
    total_receipts,
)
from groundswell.measure.commissions.columns import checked_receipts
from groundswell.measure.recurring import Reconciled
from tests.measure.attribution.history import (
    ANN,
    BOB,
    deal,
    handed,
    history,
    judged,
    on,
    shipped,
)

ACCOUNTS = st.sampled_from(["a", "b", "p"])
DAYS = st.integers(0, 400)
REPS = st.sampled_from([ANN, BOB, None])
SOURCES = st.sampled_from(["inbound", "outbound", "trial"])


@st.composite
def deals(draw, name):
    opened = draw(DAYS)
    closed = draw(st.none() | st.integers(opened, 500))
    won = None if closed is None else draw(st.booleans())
    more = {"source": draw(SOURCES), "owner": draw(REPS)}
    return deal(name, draw(ACCOUNTS), opened, closed, won, **more)


@st.composite
def handoffs(draw, name):
    opened = draw(DAYS)
    return handed(name, draw(ACCOUNTS), opened, draw(st.none() | st.integers(opened, 500)))


@st.composite
def histories(draw):
    steps = draw(
        st.dictionaries(st.tuples(ACCOUNTS, DAYS), st.integers(0, 10**7), min_size=4, max_size=25)
    )
    parents = draw(st.sampled_from([(), (("a", "p"), ("b", "p"), ("p", "p"))]))
    crossings = draw(st.lists(st.tuples(ACCOUNTS, DAYS, st.none() | st.integers(400, 500))))
    return history(
        arr=[(account, day, cents) for (account, day), cents in sorted(steps.items())],
        parents=parents,
        deals=[draw(deals(f"o{n}")) for n in range(draw(st.integers(1, 6)))],
        touches=draw(st.lists(st.tuples(ACCOUNTS, st.sampled_from([ANN, BOB]), DAYS), max_size=8)),
        handoffs=[draw(handoffs(f"h{n}")) for n in range(draw(st.integers(0, 4)))],
        pqls=crossings[:6],
        used=draw(
            st.lists(
                st.tuples(ACCOUNTS, DAYS, st.integers(0, 9), st.integers(0, 90), st.booleans()),
                max_size=12,
                unique_by=lambda row: row[:2],
            )
        ),
    )


RULES = st.builds(
    lambda **told: shipped(version="drawn", **told),
    pql_days=st.integers(0, 400),
    opportunity_days=st.integers(0, 400),
    won_days=st.integers(0, 60),
    touch_days=st.integers(0, 120),
    worked_by=st.sampled_from([("owner",), ("handoff", "touch"), ("handoff", "owner", "touch")]),
    still_open=st.booleans(),
    not_from=st.sampled_from([(), ("trial",)]),
    people=st.none() | st.integers(1, 9),
    product_share=st.fractions(0, 1, max_denominator=1000),
)


def periods(facts: Facts) -> list[Reconciled]:
    """Return the quarters, with balances that are told from the steps alone."""
    found, total = [], 0
    moved = facts.movements.select("day", "arr_cents").rows()
    first, last = dt.date(2026, 1, 1), on(500)
    while first <= last:
        end = first_of_quarter(first + dt.timedelta(days=95)) - dt.timedelta(days=1)
        change = sum(cents for day, cents in moved if first <= day <= end)
        found.append(Reconciled(first, end, total, total + change, {}, 0))
        total, first = total + change, end + dt.timedelta(days=1)
    return found


def totals(facts, receipts):
    quarters = periods(facts)
    versions = {one.first: "v" for one in quarters}
    return total_receipts(receipts, facts.movements, quarters, versions=versions, as_of=on(500))


@settings(max_examples=60, deadline=None)
@given(facts=histories(), rules=RULES, later=RULES)
def test_buckets_come_to_the_revenue_under_any_history(facts, rules, later):
    edited = on(181)
    receipts = attribute(facts, lambda quarter: later if quarter >= edited else rules)
    gains = facts.movements.filter(pl.col("arr_cents") > 0)
    assert sum(one.amount_cents for one in receipts) == gains["arr_cents"].sum()
    assert [(one.account_id, one.day) for one in receipts] == sorted(
        gains.select("account_id", "day").rows()
    )
    assert len({one.receipt_id for one in receipts}) == len(receipts)
    for one in receipts:
        assert one.bucket in BUCKETS
        assert one.product_cents + one.sales_cents == one.amount_cents
        assert min(one.product_cents, one.sales_cents) >= 0
        assert (one.rep is None) <= (one.bucket == "product_sourced" or not one.evidence.touches)
        assert not (one.is_influenced and one.bucket == "sales_sourced")
    for quarter in totals(facts, receipts):
        told = sum(total.amount_cents for total in quarter.buckets)
        assert told == quarter.gained_cents
        assert told == sum(total.amount_cents for total in quarter.motions)
        assert quarter.opening_cents + told + quarter.lost_cents == quarter.closing_cents
        assert all(0 <= total.influenced_cents <= total.amount_cents for total in quarter.buckets)


@settings(max_examples=40, deadline=None)
@given(facts=histories(), rules=RULES)
def test_commissions_read_every_cent_once(facts, rules):
    told = checked_receipts(commission_receipts(judged(facts, rules), facts.movements))
    assert told["amount_cents"].sum() == facts.movements["arr_cents"].sum()
    assert told.height == facts.movements.height


@settings(max_examples=60, deadline=None)
@given(facts=histories(), rules=RULES, after=st.integers(0, 400))
def test_what_happens_after_a_receipt_is_settled_never_changes_it(facts, rules, after):
    def known(frame, *columns):
        late = pl.any_horizontal(
            (pl.col(name).cast(pl.Date) > on(after)).fill_null(value=False) for name in columns
        )
        return frame.filter(~late)

    deals_then = facts.opportunities.with_columns(
        closed_at=pl.when(pl.col("closed_at").dt.date() <= on(after)).then("closed_at"),
        won=pl.when(pl.col("closed_at").dt.date() <= on(after)).then("won"),
    )
    then = replace(
        facts,
        movements=known(facts.movements, "day"),
        opportunities=known(deals_then, "created_at"),
        touches=known(facts.touches, "at"),
        handoffs=known(facts.handoffs, "opened_at").with_columns(
            first_touch_at=pl.when(pl.col("first_touch_at").dt.date() <= on(after)).then(
                "first_touch_at"
            )
        ),
        pqls=known(facts.pqls, "qualified_on").with_columns(
            released_on=pl.when(pl.col("released_on") <= on(after)).then("released_on")
        ),
    )
    now = {one.receipt_id: one for one in judged(facts, rules)}
    for one in judged(then, rules):
        if one.settled_on <= on(after + 1):
            assert now[one.receipt_id] == one


def test_the_tag_is_told_beside_and_never_added():
    facts = history(
        arr=[("a", 100, 1_000), ("b", 100, 500), ("c", 100, 70)],
        deals=[deal(opened=40, closed=95, won=True)],
        touches=[("b", BOB, 90), ("a", ANN, 90)],
    )
    receipts = judged(facts)
    quarter = totals(facts, receipts)[1]
    assert [(one.amount_cents, one.influenced_cents) for one in quarter.buckets] == [
        (570, 500),
        (0, 0),
        (1_000, 0),
    ]
    assert quarter.gained_cents == 1_570
    assert {(one.bucket, one.motion) for one in quarter.motions} == {
        ("product_sourced", "self_serve"),
        ("sales_sourced", "sales_assist"),
    }


def test_what_may_still_change_is_said():
    facts = history(arr=[("a", 100, 1_000), ("b", 120, 10)])
    receipts = judged(facts)
    quarters = periods(facts)
    for day, unsettled in ((on(130), 1_010), (on(131), 10), (on(151), 0)):
        told = total_receipts(
            receipts,
            facts.movements,
            quarters,
            versions={one.first: "v" for one in quarters},
            as_of=day,
        )
        assert told[1].unsettled_cents == unsettled


def test_nothing_is_told_where_the_cents_do_not_come_out():
    facts = history(arr=[("a", 100, 1_000), ("b", 120, 10)])
    receipts = judged(facts)
    with pytest.raises(GroundswellError, match="the buckets come to 1,000 cents"):
        totals(facts, receipts[:1])
    wrong = replace(receipts[0], product_cents=1)
    with pytest.raises(GroundswellError, match="shares of product and sales"):
        totals(facts, [wrong, receipts[1]])
    quarters = [replace(one, closing=one.closing + 1) for one in periods(facts)]
    with pytest.raises(GroundswellError, match="attribution-unequal"):
        total_receipts(
            receipts,
            facts.movements,
            quarters,
            versions={one.first: "v" for one in quarters},
            as_of=on(500),
        )


def test_a_comparison_says_what_moves_and_whose_it_is():
    facts = history(
        arr=[("a", 100, 1_000), ("b", 100, 500), ("c", 120, 70)],
        deals=[
            deal(opened=40, closed=95, won=True),
            deal("ob", "b", opened=40, closed=95, won=True, source="trial"),
        ],
        pqls=[("a", 30, None)],
    )
    other = shipped(version="other", not_from=("trial",), product_share=Fraction(1, 4))
    found = compare(judged(facts), judged(facts, other), before_rules="now", after_rules="other")
    assert [(one.before, one.after, one.amount_cents, one.accounts) for one in found.buckets] == [
        ("sales_sourced", "product_sourced", 500, ("b",))
    ]
    assert [(one.before, one.after, one.amount_cents) for one in found.reps] == [(ANN, None, 500)]
    assert found.before_cents["sales_sourced"] == 500
    assert sum(found.before_cents.values()) == sum(found.after_cents.values()) == 1_570
    assert (found.product_before_cents, found.product_after_cents) == (570, 820)
    assert found.tags == ()
