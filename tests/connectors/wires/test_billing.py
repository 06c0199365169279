"""What items come to in a month: exact, and rounded once."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.connectors.wires.billing import Item, monthly
from groundswell.connectors.wires.wire import UnreadableError
from tests.stripe_events import item, price


def items(*told: dict[str, Any]) -> list[Item]:
    return msgspec.json.decode(msgspec.json.encode(told), type=list[Item])


@pytest.mark.parametrize(
    ("told", "currency", "expected"),
    [
        ([item(3)], "usd", "60.00"),
        ([item(1, price(100_000, "year"))], "usd", "83.33"),
        ([item(12, price(100_000, "year"))], "usd", "1000.00"),
        ([item(1, price(3_000, recurring={"interval_count": 3}))], "usd", "10.00"),
        ([item(1, price(60_000, "year", recurring={"interval_count": 2}))], "usd", "25.00"),
        ([item(1, price(1_200, "week"))], "usd", "52.00"),
        ([item(1, price(1_200, "week", recurring={"interval_count": 2}))], "usd", "26.00"),
        ([item(1, price(1_200, "day"))], "usd", "365.00"),
        ([item(1, price(9_900)), item(25, price(1_000))], "usd", "349.00"),
        ([item(3, price(1, "year")) for _ in range(4)], "usd", "0.01"),
        ([item(2, price(1_000, currency="jpy"))], "jpy", "2000.00"),
        ([item(2, price(1_000, currency="JPY"))], None, "2000.00"),
        ([item(2, price(1_000, currency=None))], "krw", "2000.00"),
        ([item(1, price(5_120, currency="kwd"))], "kwd", "5.12"),
        ([item(1, price(500, currency="ugx"))], "ugx", "5.00"),
        ([item(1, price(500, currency="isk"))], "isk", "5.00"),
        ([item(1_000, price(None, unit_amount_decimal="0.05"))], "usd", "0.50"),
        ([item(1_000, price(5, unit_amount_decimal="5.25"))], "usd", "52.50"),
        ([item(0)], "usd", "0.00"),
        ([item(1, price(0))], "usd", "0.00"),
        ([item(None, price(None, recurring={"usage_type": "metered"}))], "usd", "0.00"),
        ([item(None, price(200, recurring={"usage_type": "metered"}))], "usd", "0.00"),
        ([item(9, price(None, billing_scheme="tiered", tiers_mode="volume"))], "usd", "0.00"),
        ([item(11, price(transform_quantity={"divide_by": 5, "round": "up"}))], "usd", "60.00"),
        ([item(11, price(transform_quantity={"divide_by": 5, "round": "down"}))], "usd", "40.00"),
    ],
)  # fmt: skip
def test_what_items_cost_in_a_month(
    told: list[dict[str, Any]], currency: str | None, expected: str
) -> None:
    assert monthly(items(*told), currency) == expected


def test_a_plan_in_the_older_words_is_a_price() -> None:
    plan = {"id": "plan_1", "amount": 12_000, "currency": "usd", "interval": "year"}
    assert monthly(items({"quantity": 5, "plan": plan}), "usd") == "50.00"


@pytest.mark.parametrize(
    "of",
    [
        price(None),
        price(-5),
        price(5, unit_amount_decimal="NaN"),
        price(5, unit_amount_decimal="Infinity"),
        price(5, unit_amount_decimal="1e999999"),
        price(10**60),
    ],
)
def test_an_amount_that_is_none_is_told(of: dict[str, Any]) -> None:
    with pytest.raises(UnreadableError, match="price_1"):
        monthly(items(item(1, of)), "usd")


def test_an_item_without_a_price_is_told() -> None:
    with pytest.raises(UnreadableError, match="no price"):
        monthly(items({"quantity": 1}), "usd")


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**9),
            st.integers(0, 10**6),
            st.sampled_from([("month", Fraction(1)), ("year", Fraction(1, 12))]),
            st.integers(1, 36),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_nothing_is_lost_but_half_a_cent(told: list[Any]) -> None:
    exact = sum(
        (Fraction(a * q, 100) * share / count for a, q, (_, share), count in told), Fraction(0)
    )
    listed = [
        item(q, price(a, interval, recurring={"interval_count": count}))
        for a, q, (interval, _), count in told
    ]
    assert abs(Fraction(monthly(items(*listed), "usd")) - exact) <= Fraction(1, 200)
