"""The form by which somebody asks for a person."""

from __future__ import annotations

from typing import Any

import pytest

from groundswell.connectors.wires.form import WIRES
from groundswell.connectors.wires.wire import UnreadableError
from groundswell.model import Kind

from .sending import Sender

(WIRE,) = WIRES
SENDER = Sender(WIRE)
FORM = {"email": "ann@acme.example", "message": "Call me", "elapsed_ms": 9_000, "key": "k"}


def test_asking_is_an_event_of_the_person_and_says_who_it_is() -> None:
    body = {**FORM, "name": "Ann", "account_id": 7, "topic": "pricing"}
    records = SENDER.read("/v1/hand-raise", body)
    (event,) = records.rows[Kind.EVENTS]
    assert (event["event"], event["user_id"], event["account_id"]) == (
        "Hand Raised",
        "ann@acme.example",
        "7",
    )
    assert event["properties"] == '{"topic":"pricing","message":"Call me"}'
    (user,) = records.rows[Kind.USERS]
    assert (user["user_id"], user["email"], user["name"]) == (
        "ann@acme.example",
        "ann@acme.example",
        "Ann",
    )


def test_the_same_words_on_one_day_are_one_request() -> None:
    ids = [
        SENDER.read("/v1/hand-raise", form).rows[Kind.EVENTS][0]["message_id"]
        for form in (FORM, FORM, {**FORM, "message": "Now"}, {**FORM, "id": "x1"})
    ]
    assert ids[0] == ids[1] != ids[2]
    assert ids[3] == "x1"


def test_a_form_of_a_page_is_read_too() -> None:
    body = b"email=ann%40acme.example&message=Hi&elapsed_ms=2000&key=k"
    (event,) = SENDER.read("/v1/hand-raise", body).rows[Kind.EVENTS]
    assert event["properties"] == '{"message":"Hi"}'


@pytest.mark.parametrize("trap", [{"website": "x"}, {"elapsed_ms": 20}, {"elapsed_ms": "soon"}])
def test_what_a_machine_sends_is_quarantined(trap: dict[str, Any]) -> None:
    records = SENDER.read("/v1/hand-raise", {**FORM, **trap})
    assert not any(records.rows.values())
    (fault,) = records.faults
    assert "machine" in fault.what
    assert '"k"' not in fault.raw


@pytest.mark.parametrize(
    "wrong", [{"email": "nobody"}, {"email": 7}, {"message": "x" * 5_000}, {"email": ""}]
)
def test_what_is_no_form_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UnreadableError):
        SENDER.read("/v1/hand-raise", {**FORM, **wrong})
