"""Each dollar in its bucket: what decides it, and what its receipt says."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pytest

from groundswell.measure.attribution import commission_receipts, footprint_days
from groundswell.measure.commissions.columns import RECEIPTS, checked_receipts
from tests.measure.attribution.history import (
    ANN,
    BOB,
    deal,
    handed,
    history,
    judged,
    on,
    one,
    shipped,
)

WON = deal(opened=40, closed=95, won=True)
USED = (("a", 39, 2, 5, False),)


def test_alone_is_product_sourced_and_nobody_is_credited():
    told = one(pqls=[("a", 50, None)])
    assert (told.bucket, told.rep, told.self_served) == ("product_sourced", None, True)
    assert (told.is_influenced, told.footprint, told.motion) == (False, None, "self_serve")
    assert (told.product_cents, told.sales_cents) == (12_000, 0)
    assert told.why == (
        "Bought alone: nobody worked an opportunity on it. It was a PQL since 2026-02-20. "
        "Nobody touched it in the 90 days before."
    )


def test_a_touch_is_a_tag_and_leaves_the_bucket_as_it_is():
    told = one(touches=[("a", ANN.upper(), 30), ("a", BOB, 60), ("a", ANN, 5)])
    assert (told.bucket, told.rep, told.is_influenced) == ("product_sourced", BOB, True)
    assert told.evidence.touched_by == (ANN, BOB)
    assert one(touches=[("a", ANN, 9)]).is_influenced is False
    assert one(touches=[("a", ANN, 10)]).is_influenced is True
    assert one(touches=[("a", ANN, 101)]).is_influenced is False


def test_a_rep_who_opened_it_with_nothing_before_sourced_it():
    told = one(deals=[WON], used=[("a", 39, 1, 5, True)], touches=[("a", ANN, 41)])
    assert (told.bucket, told.rep, told.self_served) == ("sales_sourced", ANN, False)
    assert (told.is_influenced, told.footprint) == (False, False)
    assert (told.product_cents, told.sales_cents) == (0, 12_000)
    assert told.why == (
        f"{ANN} opened `o` on 2026-02-10, with no PQL and no meaningful footprint "
        f"before, and it was won on 2026-04-06. {ANN} touched it once in the 90 days before, "
        "last on 2026-02-11. By 2026-02-09 1 person was active on 5 days of the last 90, with the "
        "aha reached."
    )


def test_a_pql_that_a_rep_converted_is_shared():
    told = one(deals=[WON], pqls=[("a", 40, None)])
    assert (told.bucket, told.rep, told.is_influenced) == ("sales_converted", ANN, True)
    assert (told.product_cents, told.sales_cents) == (6_000, 6_000)
    assert told.evidence.qualified_on == on(40)
    assert told.evidence.won_on == on(95)
    assert told.motion == "sales_assist"
    odd = one(shipped(product_share=Fraction(1, 3)), deals=[WON], pqls=[("a", 40, None)])
    assert (odd.product_cents, odd.sales_cents) == (4_000, 8_000)


@pytest.mark.parametrize(
    ("pqls", "bucket"),
    [
        ([("a", 41, None)], "sales_sourced"),
        ([("a", -400, None)], "sales_converted"),
        ([("a", -400, -141)], "sales_sourced"),
        ([("a", -400, -140)], "sales_converted"),
        ([("a", -140, -100)], "sales_converted"),
    ],
)
def test_a_pql_counts_while_it_is_one_and_for_a_time_after(pqls, bucket):
    assert one(deals=[WON], pqls=pqls).bucket == bucket


def test_a_handoff_counts_as_a_pql():
    assert one(deals=[WON], handoffs=[handed(opened=40)]).bucket == "sales_converted"
    assert one(deals=[WON], handoffs=[handed(opened=41)]).bucket == "sales_sourced"
    told = one(deals=[WON], handoffs=[handed(opened=-140)])
    assert told.evidence.handoff_id == "h"
    assert told.why.startswith("Handed over on 2025-08-14; ann@ours.example worked `o`")


def test_a_footprint_without_a_pql_is_shared_too():
    told = one(deals=[WON], used=USED)
    assert (told.bucket, told.footprint) == ("sales_converted", True)
    assert told.why.startswith("No PQL, but a meaningful footprint before;")
    late = one(deals=[WON], used=[("a", 40, 50, 50, True)])
    assert (late.bucket, late.footprint) == ("sales_sourced", False)


def test_a_footprint_is_what_the_rules_ask_for():
    asked = shipped(activated=True)
    assert one(asked, deals=[WON], used=USED).bucket == "sales_sourced"
    assert one(asked, deals=[WON], used=[("a", 39, 2, 5, True)]).bucket == "sales_converted"
    none = shipped(people=None, days=None)
    assert one(none, deals=[WON], used=[("a", 39, 0, 0, False)]).bucket == "sales_converted"
    unknown = one(shipped(footprint_days=45), deals=[WON], used=USED)
    assert (unknown.bucket, unknown.footprint) == ("sales_sourced", None)
    assert unknown.why.endswith("What was used before is not known.")


@pytest.mark.parametrize(
    ("of", "bucket", "self_served"),
    [
        (deal(opened=40, closed=95, won=False), "product_sourced", True),
        (deal(opened=40, closed=101, won=False), "sales_sourced", True),
        (deal(opened=40, closed=130, won=True), "sales_sourced", False),
        (deal(opened=40, closed=131, won=True), "sales_sourced", True),
        (deal(opened=40, closed=70, won=True), "sales_sourced", False),
        (deal(opened=40, closed=69, won=True), "product_sourced", True),
        (deal(opened=40), "sales_sourced", True),
        (deal(opened=101), "product_sourced", True),
        (deal(opened=-265), "sales_sourced", True),
        (deal(opened=-266), "product_sourced", True),
    ],
)
def test_an_opportunity_must_stand_beside_the_revenue(of, bucket, self_served):
    told = one(deals=[of])
    assert (told.bucket, told.self_served) == (bucket, self_served)


def test_an_open_opportunity_counts_only_where_the_rules_say_so():
    assert one(shipped(still_open=False), deals=[deal(opened=40)]).bucket == "product_sourced"
    assert one(shipped(still_open=False), deals=[WON]).bucket == "sales_sourced"


def test_an_opportunity_that_nobody_worked_is_none():
    unowned = deal(opened=40, closed=95, won=True, owner=None)
    assert one(deals=[unowned]).bucket == "product_sourced"
    assert one(deals=[unowned], touches=[("a", BOB, 50)]).rep == BOB
    assert one(deals=[unowned], touches=[("a", BOB, -51)]).bucket == "product_sourced"
    touched = one(deals=[unowned], handoffs=[handed(opened=30, touched=50)])
    assert (touched.bucket, touched.rep) == ("sales_converted", BOB)
    only = shipped(worked_by=("touch",))
    assert one(only, deals=[WON]).bucket == "product_sourced"
    assert one(shipped(not_from=("outbound",)), deals=[WON]).bucket == "product_sourced"


def test_of_several_opportunities_the_won_one_nearest_decides():
    several = [
        deal("open", opened=60, owner=BOB),
        deal("far", opened=40, closed=75, won=True, owner=BOB),
        deal("near", opened=20, closed=110, won=True),
    ]
    told = one(deals=several)
    assert (told.evidence.opportunity_id, told.rep) == ("near", ANN)
    assert one(deals=several[::-1]) == told


def test_deals_are_looked_up_at_the_parent_and_usage_in_the_family():
    family = {"parents": [("a", "p"), ("b", "p"), ("p", "p")]}
    of_parent = deal(account="p", opened=40, closed=95, won=True)
    assert one(**family, deals=[of_parent]).bucket == "sales_sourced"
    assert one(**family, deals=[of_parent], pqls=[("b", 1, None)]).bucket == "sales_converted"
    used = [("b", 39, 9, 9, True)]
    assert one(**family, deals=[of_parent], used=used).evidence.people == 9
    of_sibling = deal(account="b", opened=40, closed=95, won=True)
    assert one(**family, deals=[of_sibling]).bucket == "product_sourced"


def test_of_which_days_footprints_are_asked():
    facts = history(
        arr=[("a", 100, 10), ("b", 50, 10), ("c", 60, 10), ("c", 70, 5)],
        parents=[("b", "p"), ("p", "p")],
        deals=[
            deal(account="p", opened=20),
            deal("lost", "a", opened=30, closed=99, won=False),
            deal("late", "c", opened=65),
            deal("slow", "a", opened=40, closed=145, won=True),
        ],
        touches=[("c", ANN, 1)],
    )
    family = [("b", on(19)), ("p", on(19))]
    closed = shipped(still_open=False)
    assert footprint_days(facts, [closed]).rows() == [("a", on(39)), *family]
    assert footprint_days(facts, [shipped(opportunity_days=25)]).rows() == []
    assert footprint_days(facts, [shipped(opportunity_days=40), closed]).height == 3
    assert footprint_days(facts, []).rows() == []


def test_receipts_are_those_that_commissions_read():
    facts = history(arr=[("a", 100, 12_000), ("a", 150, 20_000), ("a", 160, 0)], deals=[WON])
    receipts = judged(facts)
    told = commission_receipts(receipts, facts.movements)
    assert dict(told.schema) == RECEIPTS
    rows = checked_receipts(told).rows(named=True)
    assert [(row["movement"], row["amount_cents"], row["rep"]) for row in rows] == [
        ("new", 12_000, ANN),
        ("expansion", 8_000, None),
        ("churn", -20_000, None),
    ]
    assert [row["receipt_id"] for row in rows] == ["a@2026-04-11", "a@2026-05-31", "a@2026-06-10"]
    assert rows[0]["opportunity_id"] == "o"
    assert rows[0]["base_churned"] is False
    assert receipts[0].settled_on - receipts[0].day == dt.timedelta(days=31)
