"""Stripe's webhooks: who signed them, and what becomes of subscriptions."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from groundswell.connectors.wires.stripe import WIRES
from groundswell.connectors.wires.wire import Refusal, UnreadableError, UnsignedError
from groundswell.model import Kind
from tests.stripe_events import CREATED, event, item, price, signed, subscription

from .sending import JSON, Sender, check_that_nothing_raises, nested, request_of

(WIRE,) = WIRES
SENDER = Sender(WIRE)
PATH = "/v1/webhooks/stripe"
SECRET, OTHER = "whsec_s3cret", "whsec_0ther"
NAN = float("nan")
AT = "2026-05-28T20:26:40"


def row(told: Any = None, **more: Any) -> dict[str, str | None]:
    (found,) = SENDER.rows(Kind.SUBSCRIPTIONS, PATH, event(told, **more))
    return found


def verdict(body: bytes, headers: dict[str, str], *secrets: str, now: float) -> str | None:
    """Say why a request is not let in; None when it is."""
    signature = SENDER.route(PATH).signature
    assert signature is not None
    try:
        moment = datetime.fromtimestamp(now, UTC)
        signature.check(request_of(PATH, body, headers=headers), secrets, moment)
    except UnsignedError as error:
        return str(error)
    return None


# --- signatures -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "reason"), [(0, None), (299, None), (300, None), (301, "300 seconds"), (-9_000, None)]
)
def test_a_signature_is_good_for_five_minutes_of_our_clock(age: int, reason: str | None) -> None:
    body, headers = signed(event(), SECRET, at=CREATED)
    said = verdict(body, headers, SECRET, now=CREATED + age)
    assert said is None if reason is None else reason in str(said)


def test_any_secret_and_any_signature_will_do() -> None:
    one, headers_of_one = signed(event(), OTHER, at=CREATED)
    assert verdict(one, headers_of_one, SECRET, OTHER, now=CREATED) is None
    both, headers_of_both = signed(event(), "whsec_gone", SECRET, at=CREATED)
    assert verdict(both, headers_of_both, SECRET, now=CREATED) is None
    assert "does not fit" in str(verdict(one, headers_of_one, SECRET, now=CREATED))


@pytest.mark.parametrize(
    "header",
    [None, "", "t=1", "v1=00", "t=,v1=00", "t=x,v1=00", "t,v1=00", "t=1,v0=00", "t=1,v1", "=", ","],
)
def test_a_header_that_is_none_is_told(header: str | None) -> None:
    body, _ = signed(event(), SECRET, at=CREATED)
    headers = {} if header is None else {"stripe-signature": header}
    said = verdict(body, headers, SECRET, now=CREATED)
    assert said is not None
    assert "`Stripe-Signature`" in said
    assert SECRET not in said


def test_a_body_that_was_changed_is_refused() -> None:
    body, headers = signed(event(), SECRET, at=CREATED)
    for changed in (body.replace(b"acme", b"evil"), body + b" ", b""):
        assert "does not fit" in str(verdict(changed, headers, SECRET, now=CREATED))


def test_the_time_is_signed_too() -> None:
    body, headers = signed(event(), SECRET, at=CREATED - 1_000)
    fresh = {"stripe-signature": headers["stripe-signature"].replace(str(CREATED - 1_000), "9" * 9)}
    assert verdict(body, fresh, SECRET, now=CREATED) is not None


MEMBERS = st.lists(
    st.sampled_from(["t=T", "v1=GOOD", "v1=OLD", "v0=GOOD", "v1=00", " v1=GOOD", "t= T", "t=x"])
    | st.sampled_from(["v1", "t", "", "v1=GOOD=x", "t=T=1", "x=1", "v1=", "t=", "t=T.0"]),
    max_size=5,
).map(",".join)


@given(MEMBERS | st.text(st.characters(max_codepoint=127), max_size=20), st.integers(-900, 900))
def test_what_stripe_takes_we_take_and_what_it_refuses_we_refuse(header: str, age: int) -> None:
    body, good = signed(event(), SECRET)
    _, old = signed(event(), OTHER)
    now = int(time.time())
    moment = now - age
    marks = {
        "GOOD": signed(body, SECRET, at=moment)[1]["stripe-signature"].partition("v1=")[2],
        "OLD": signed(body, OTHER, at=moment)[1]["stripe-signature"].partition("v1=")[2],
        "T": str(moment),
    }
    assert good != old
    for word, value in marks.items():
        header = header.replace(word, value)
    if 295 < age < 305:  # their clock goes on between the two
        return
    try:
        stripe.Webhook.construct_event(body, header, SECRET)
        theirs = True
    except stripe.SignatureVerificationError:
        theirs = False
    assert (verdict(body, {"stripe-signature": header}, SECRET, now=now) is None) is theirs


# --- what is kept ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["invoice.paid", "customer.created", "trial_will_end", "ping.v2", "source_created"]
)
def test_an_event_that_is_not_used_leaves_nothing_to_keep(kind: str) -> None:
    envelope = SENDER.open(PATH, event(kind=kind))
    assert (envelope.messages, envelope.message_id) == ([], None)


@pytest.mark.parametrize(
    "kind", ["created", "updated", "paused", "resumed", "pending_update_applied", "deleted"]
)
def test_an_event_that_is_used_is_known_by_its_id(kind: str) -> None:
    envelope = SENDER.open(PATH, event(kind=kind, name="evt_9"))
    assert (len(envelope.messages), envelope.message_id, envelope.key) == (1, "evt_9", None)


@pytest.mark.parametrize("name", ["a\0b", "", "\ud800", 7, None])
def test_an_id_that_no_database_keeps_is_none(name: Any) -> None:
    assert SENDER.open(PATH, json.dumps(event(name=name)).encode()).message_id is None


# --- rows -----------------------------------------------------------------------------------------


def test_a_subscription() -> None:
    assert row(subscription(item(3))) == {
        "subscription_id": "sub_1",
        "account_id": "acme",
        "plan": "prod_1",
        "mrr": "60.00",
        "seats": "3",
        "started_at": f"{AT}+00:00",
        "ended_at": None,
        "properties": '{"status":"active","customer":"cus_1","currency":"usd"}',
        "valid_from": f"{AT}.000003+00:00",
    }


@pytest.mark.parametrize(
    ("metadata", "customer", "account"),
    [
        ({"account_id": "a"}, "cus_1", "a"),
        ({"groundswell_account_id": "g"}, "cus_1", "g"),
        ({"account_id": "a", "groundswell_account_id": "g"}, "cus_1", "g"),
        ({"account_id": " "}, "cus_1", "cus_1"),
        ({}, "cus_1", "cus_1"),
        (None, "cus_1", "cus_1"),
        ({}, {"id": "cus_1", "metadata": {"account_id": "c"}}, "c"),
        ({"account_id": "a"}, {"id": "cus_1", "metadata": {"account_id": "c"}}, "a"),
        ({}, {"id": "cus_1", "metadata": {}}, "cus_1"),
        ({}, {"id": "cus_1", "deleted": True}, "cus_1"),
    ],
)
def test_whose_it_is(metadata: Any, customer: Any, account: str) -> None:
    assert row(subscription(metadata=metadata, customer=customer))["account_id"] == account


@pytest.mark.parametrize(
    ("of", "plan"),
    [
        ({"lookup_key": "pro", "nickname": "Pro"}, "pro"),
        ({"nickname": "Pro"}, "Pro"),
        ({}, "prod_1"),
        ({"product": {"id": "prod_1", "name": "The Pro"}}, "The Pro"),
        ({"product": {"id": "prod_1"}}, "prod_1"),
        ({"product": None}, "price_1"),
    ],
)
def test_what_the_plan_is_called(of: dict[str, Any], plan: str) -> None:
    assert row(subscription(item(1, price(**of))))["plan"] == plan


def test_of_several_items_the_oldest_names_the_plan_and_the_largest_number_is_the_seats() -> None:
    base = item(1, price(9_900, nickname="Base"), created=CREATED)
    calls = item(
        None, price(1, nickname="Calls", recurring={"usage_type": "metered"}), created=CREATED - 9
    )
    seats = item(25, price(1_000, nickname="Seat"), created=CREATED + 9)
    for order in ([base, calls, seats], [seats, calls, base]):
        found = row(subscription(*order))
        assert (found["plan"], found["seats"], found["mrr"]) == ("Base", "25", "349.00")
    metered = row(subscription(calls))
    assert (metered["plan"], metered["seats"], metered["mrr"]) == ("Calls", None, "0.00")


@pytest.mark.parametrize(
    ("status", "more", "mrr"),
    [
        ("active", {}, "20.00"),
        ("past_due", {}, "20.00"),
        ("trialing", {"trial_end": CREATED + 99}, "0.00"),
        ("incomplete", {}, "0.00"),
        ("incomplete_expired", {}, "0.00"),
        ("unpaid", {}, "0.00"),
        ("paused", {}, "0.00"),
        ("canceled", {"ended_at": CREATED + 50}, "20.00"),
        ("canceled", {"ended_at": CREATED + 50, "trial_end": CREATED + 99}, "0.00"),
        ("canceled", {"ended_at": CREATED + 50, "trial_end": CREATED + 9}, "20.00"),
        ("whatever comes", {}, "0.00"),
    ],
)
def test_what_recurs_by_status(status: str, more: dict[str, Any], mrr: str) -> None:
    assert row(subscription(status=status, **more))["mrr"] == mrr


@pytest.mark.parametrize(
    ("kind", "more", "seconds"),
    [
        ("deleted", {"status": "canceled", "ended_at": CREATED + 5}, "45"),
        ("deleted", {"status": "canceled", "canceled_at": CREATED + 6}, "46"),
        ("deleted", {"status": "canceled"}, "50"),
        ("updated", {"status": "canceled"}, "50"),
        ("updated", {"cancel_at": CREATED + 99}, None),
    ],
)
def test_when_it_ended(kind: str, more: dict[str, Any], seconds: str | None) -> None:
    ended = f"2026-05-28T20:26:{seconds}+00:00" if seconds else None
    assert row(subscription(**more), kind=kind, created=CREATED + 10)["ended_at"] == ended


def test_when_it_will_end_is_a_property() -> None:
    properties = json.loads(row(subscription(cancel_at=CREATED + 99))["properties"] or "")
    assert properties["cancels_at"] == "2026-05-28T20:28:19+00:00"


def test_within_one_second_life_goes_forward() -> None:
    told = [
        row(subscription(status="incomplete"), kind="created"),
        row(subscription(status="incomplete")),
        row(subscription(status="active")),
        row(subscription(status="paused"), kind="paused"),
        row(subscription(status="canceled"), kind="deleted"),
    ]
    moments = [found["valid_from"] or "" for found in told]
    assert len(set(moments)) == len(told)
    instants = [datetime.fromisoformat(moment) for moment in moments]
    assert instants == sorted(instants)
    assert instants[-1] - instants[0] < timedelta(milliseconds=1)


# --- what cannot be used --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"object": "invoice"}, "object"),
        (None, "data"),
        ("sub_1", "object"),
        (subscription(items={"data": []}), "no items"),
        (subscription(items={"data": [item()], "has_more": True}), "more items"),
        (subscription(item(1, price(None))), "no amount"),
        (subscription(item(-1)), "quantity"),
        (subscription(item(quantity=1.5)), "quantity"),
        (subscription(item(1, price(recurring={"interval": "moon"}))), "interval"),
        (subscription(item(1, price(recurring={"interval_count": 0}))), "interval_count"),
        (subscription(item(1, price(unit_amount=NAN, unit_amount_decimal=None))), "no amount"),
        (subscription(item(1, price(unit_amount_decimal="NaN"))), "amount that is none"),
        (subscription(start_date="soon"), "start_date"),
        (subscription(customer=None), "customer"),
    ],
)
def test_an_odd_subscription_is_a_fault_that_says_why(told: Any, reason: str) -> None:
    body = event()
    body["data"] = None if told is None else {"object": told}
    records = SENDER.read(PATH, json.dumps(body).encode())
    assert not any(records.rows.values())
    (fault,) = records.faults
    assert reason in fault.what
    assert fault.kind is Kind.SUBSCRIPTIONS


def test_one_that_ended_needs_not_all_of_its_items() -> None:
    told = subscription(items={"data": [item()], "has_more": True}, status="canceled")
    assert row(told, kind="deleted")["ended_at"] is not None


def test_a_time_out_of_range_is_a_fault() -> None:
    records = SENDER.read(PATH, event(created=10**30))
    assert "created" in records.faults[0].what


@pytest.mark.parametrize("body", [b"nonsense", b"[]", b"{}", b"7", b"\xff", nested(2_000)])
def test_signed_nonsense_is_kept_to_be_quarantined(body: bytes) -> None:
    (fault,) = SENDER.read(PATH, body).faults
    assert fault.what


def test_an_empty_body_is_refused() -> None:
    with pytest.raises(UnreadableError, match="empty"):
        SENDER.open(PATH, b" \n")


def test_answers() -> None:
    assert SENDER.accept(PATH, event()) == (200, b'{"received":true}')
    said = SENDER.refuse(Refusal(400, "No."), PATH)
    assert said == (400, b'{"error":{"message":"No."}}')


PARTS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("id", "status", "customer", "items", "metadata", "start_date", "ended_at"), JSON
    ),
)


@given(PARTS, st.lists(st.fixed_dictionaries({}, optional={"quantity": JSON, "price": JSON})))
def test_no_event_raises(told: dict[str, Any], items: list[Any]) -> None:
    whole = {**subscription(items={"data": items}), **told}
    check_that_nothing_raises(WIRE, request_of(PATH, event(whole)))


@given(st.binary(min_size=1).filter(bytes.strip))
def test_no_bytes_raise(body: bytes) -> None:
    check_that_nothing_raises(WIRE, request_of(PATH, body))
