"""What Segment forwards as a webhook: signed, and read as its libraries' calls are."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from groundswell.connectors.wires.segment import WIRES
from groundswell.connectors.wires.wire import UnreadableError, UnsignedError
from groundswell.model import Kind

from .sending import RECEIVED_AT, Sender, nested, request_of

SENDER = Sender(WIRES[0])
PATH = "/v1/webhooks/segment"
SECRET = "s3cret"
AT = "2026-11-22T08:00:00Z"
TRACK = {
    "type": "track",
    "messageId": "m1",
    "userId": "u1",
    "event": "Signed Up",
    "timestamp": AT,
    "originalTimestamp": "2026-11-22T07:59:00Z",
    "sentAt": "2026-11-22T07:00:00Z",
    "properties": {"plan": "pro"},
    "context": {"groupId": "acme"},
    "projectId": "p1",
    "version": 2,
}
CALLS: list[dict[str, Any]] = [
    TRACK,
    {"type": "identify", "userId": "u1", "anonymousId": "a1", "traits": {"email": "a@b.example"}},
    {"type": "group", "userId": "u1", "groupId": "acme", "traits": {"employees": 40}},
    {"type": "page", "userId": "u1", "name": "Home", "messageId": "m2"},
    {"type": "screen", "userId": "u1", "name": "Home", "messageId": "m3"},
    {"type": "alias", "userId": "u1", "previousId": "a2"},
]


def sign(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()


def verdict(body: bytes, signature: str | None, *secrets: str) -> str | None:
    """Say why a request is not let in; None when it is."""
    check = SENDER.route(PATH).signature
    assert check is not None
    headers = {} if signature is None else {"x-signature": signature}
    try:
        check.check(request_of(PATH, body, headers=headers), secrets or (SECRET,), RECEIVED_AT)
    except UnsignedError as error:
        return str(error)
    return None


def test_the_whole_body_is_signed() -> None:
    for body in (json.dumps(TRACK).encode(), json.dumps(CALLS, indent=1).encode(), b"nonsense"):
        assert verdict(body, sign(body)) is None
        assert verdict(body, sign(body).upper()) is None
        assert verdict(body, sign(body, "0ld"), SECRET, "0ld") is None
        for wrong in (sign(body, "0ld"), sign(body + b" "), "x", "\xe9"):
            assert "does not fit" in str(verdict(body, wrong))
        for none in (None, "", " "):
            assert "no `X-Signature`" in str(verdict(body, none))


def test_a_batch_of_which_only_the_first_message_is_signed_is_refused_with_the_way_out() -> None:
    """As Segment signs batches: whoever holds one message could add any other."""
    first = json.dumps(TRACK, separators=(",", ":")).encode()
    body = b"[" + first + b"," + json.dumps(CALLS[1]).encode() + b"]"
    assert "switch batching off" in str(verdict(body, sign(first)))
    assert verdict(body, sign(body)) is None


def test_a_call_is_read_as_one_of_a_library() -> None:
    for call in CALLS:
        direct = SENDER.read("/v1/batch", {"batch": [call]})
        assert direct.rows
        for body in (call, [call], {"batch": [call]}):
            hooked = SENDER.read(PATH, body)
            assert (hooked.rows, hooked.faults) == (direct.rows, [])
    whole = SENDER.read("/v1/batch", {"batch": CALLS})
    assert SENDER.read(PATH, CALLS).rows == whole.rows
    assert SENDER.read(PATH, {"batch": CALLS}).rows == whole.rows


def test_the_time_that_segment_put_right_stands() -> None:
    (row,) = SENDER.rows(Kind.EVENTS, PATH, TRACK)
    assert row["occurred_at"] == AT


@pytest.mark.parametrize(
    "body",
    [
        *(b"nonsense", b"{}", b"7", b'{"batch": 7}', b'{"sentAt": 7}', b"\xff", nested(2_000)),
        *(b'{"type": "shout"}', b'[{"type": "shout"}]', b'[7]', b'{"type": "track", "userId": '),
    ],
)  # fmt: skip
def test_signed_nonsense_is_kept_to_be_quarantined(body: bytes) -> None:
    (fault,) = SENDER.read(PATH, body).faults
    assert fault.what


def test_a_bad_call_does_not_cost_the_others() -> None:
    records = SENDER.read(PATH, [TRACK, {"type": "shout"}, 7, TRACK])
    assert (len(records.rows[Kind.EVENTS]), len(records.faults)) == (2, 2)


def test_an_empty_body_is_refused_and_an_empty_list_leaves_nothing() -> None:
    with pytest.raises(UnreadableError, match="empty"):
        SENDER.open(PATH, b" ")
    assert SENDER.open(PATH, []).messages == []
