"""Webhooks as their senders meet them: signed is kept, all else is refused with a reason."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import sqlite3
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from structlog.testing import capture_logs

from groundswell.engine import Project
from groundswell.engine.keys import Keys
from groundswell.errors import ConfigError, UsageError
from groundswell.server import Server
from tests.stripe_events import event, item, price, signed, subscription

from .conftest import CONFIG, Served, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.loopback
HOOKS = (
    CONFIG
    + """\
sources:
  billing:
    webhook: {wire: stripe, secret: ["${STRIPE_WEBHOOK_SECRET}", "${STRIPE_OLD_SECRET}"]}
  forwarded:
    group_type: team
    webhook: {wire: segment, secret: "${SEGMENT_SECRET}"}
"""
)
SECRET, OLD, SHARED = "whsec_n3w", "whsec_0ld", "sh4red"
ENVIRON = {"STRIPE_WEBHOOK_SECRET": SECRET, "STRIPE_OLD_SECRET": OLD, "SEGMENT_SECRET": SHARED}
NOW = int(time.time())


@pytest.fixture
def hooked(tmp_path: Path) -> Iterator[Served]:
    """A server that takes webhooks of Stripe and of Segment."""
    with serving(tmp_path, HOOKS, environ=ENVIRON) as running:
        yield running


def stripe_says(
    hooked: Served, body: dict[str, Any] | bytes, *secrets: str, at: float | None = None
) -> httpx.Response:
    content, headers = signed(body, *(secrets or (SECRET,)), at=at)
    url = f"{hooked.url}/v1/webhooks/stripe?source=billing"
    return httpx.post(url, content=content, headers=headers)


def segment_says(hooked: Served, body: Any, secret: str = SHARED) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    mark = hmac.new(secret.encode(), content, hashlib.sha1).hexdigest()
    url = f"{hooked.url}/v1/webhooks/segment?source=forwarded"
    return httpx.post(url, content=content, headers={"x-signature": mark})


def held(hooked: Served) -> list[tuple[Any, ...]]:
    """Return what is known of the subscription, version by version."""
    hooked.settle()
    rows = sorted(hooked.subscriptions(), key=lambda row: row["valid_from"])
    return [(row["plan"], float(row["mrr"]), row["seats"], row["ended_at"]) for row in rows]


# --- Stripe ---------------------------------------------------------------------------------------


def test_a_subscription_is_in_the_warehouse(hooked: Served) -> None:
    told = subscription(item(3, price(nickname="Pro")), start_date=NOW - 60)
    answer = stripe_says(hooked, event(told, created=NOW))
    assert (answer.status_code, answer.json()) == (200, {"received": True})
    hooked.settle()
    (row,) = hooked.subscriptions()
    assert (row["subscription_id"], row["account_id"], row["plan"]) == ("sub_1", "acme", "Pro")
    assert (str(row["mrr"]), row["seats"], row["ended_at"]) == ("60.00", 3, None)
    assert row["started_at"] == dt.datetime.fromtimestamp(NOW - 60, dt.UTC)
    assert row["valid_from"].replace(microsecond=0) == dt.datetime.fromtimestamp(NOW, dt.UTC)
    assert row["properties"] == {"status": "active", "customer": "cus_1", "currency": "usd"}
    assert hooked.rejects() == []


def test_a_subscription_lives_and_ends(hooked: Served) -> None:
    pro, big = price(nickname="Pro"), price(120_000, "year", nickname="Big")
    life = [
        ("created", subscription(item(2, pro), status="trialing", trial_end=NOW), 400),
        ("updated", subscription(item(2, pro)), 300),
        ("updated", subscription(item(5, pro)), 200),
        ("updated", subscription(item(5, big)), 100),
        ("deleted", subscription(item(5, big), status="canceled", ended_at=NOW - 9), 9),
    ]
    for number, (kind, told, ago) in enumerate(life):
        sent = event(told, name=f"evt_{number}", kind=kind, created=NOW - ago)
        assert stripe_says(hooked, sent).status_code == 200
    end = dt.datetime.fromtimestamp(NOW - 9, dt.UTC)
    assert held(hooked) == [
        ("Pro", 0.0, 2, None),
        ("Pro", 40.0, 2, None),
        ("Pro", 100.0, 5, None),
        ("Big", 500.0, 5, None),
        ("Big", 500.0, 5, end),
    ]


def test_an_event_that_comes_late_does_not_move_a_subscription_back(hooked: Served) -> None:
    told = [
        event(subscription(item(seats)), name=f"evt_{seats}", created=NOW - 100 + seats)
        for seats in (1, 2, 3)
    ]
    for number in (2, 0, 1):
        assert stripe_says(hooked, told[number]).status_code == 200
        hooked.settle()
        assert held(hooked)[-1][2] == 3
    assert [version[2] for version in held(hooked)] == [1, 2, 3]


def test_an_event_that_comes_twice_counts_once(hooked: Served) -> None:
    """Also where another of the same second came between, which no time can tell from it."""
    first = event(subscription(item(1)), name="evt_1", created=NOW)
    second = event(subscription(item(2)), name="evt_2", created=NOW)
    for sent in (first, second, second, first):
        assert stripe_says(hooked, sent).status_code == 200
        hooked.settle()
    assert [version[2] for version in held(hooked)] == [2]


@pytest.mark.parametrize(
    ("of", "quantity", "mrr"),
    [
        (price(1_000, currency="jpy"), 2, 2000.0),
        (price(100_000, "year"), 1, 83.33),
        (price(None, recurring={"usage_type": "metered"}), None, 0.0),
    ],
)
def test_money(hooked: Served, of: dict[str, Any], quantity: int | None, mrr: float) -> None:
    stripe_says(hooked, event(subscription(item(quantity, of)), created=NOW))
    assert [version[1] for version in held(hooked)] == [mrr]


@pytest.mark.parametrize(
    ("secrets", "age", "change", "reason"),
    [
        (("whsec_of_another",), 0, b"", "does not fit"),
        ((SECRET,), 0, b" ", "does not fit"),
        ((SECRET,), 301, b"", "more than 300 seconds old"),
    ],
)
def test_what_is_not_signed_well_is_refused_and_not_kept(
    hooked: Served, secrets: tuple[str, ...], age: int, change: bytes, reason: str
) -> None:
    content, headers = signed(event(created=NOW), *secrets, at=time.time() - age)
    url = f"{hooked.url}/v1/webhooks/stripe?source=billing"
    answer = httpx.post(url, content=content + change, headers=headers)
    assert answer.status_code == 400
    assert reason in answer.json()["error"]["message"]
    assert hooked.project.ledger.waiting()[0] == 0
    hooked.settle()
    assert hooked.subscriptions() == []


def test_both_secrets_hold_while_one_takes_the_others_place(hooked: Served) -> None:
    for number, secrets in enumerate([(SECRET,), (OLD,), (OLD, "whsec_gone")]):
        sent = event(subscription(item(number + 1)), name=f"evt_{number}", created=NOW + number)
        assert stripe_says(hooked, sent, *secrets).status_code == 200
    assert [version[2] for version in held(hooked)] == [1, 2, 3]


def test_a_clock_that_is_behind_does_not_refuse_what_is_new(hooked: Served) -> None:
    assert stripe_says(hooked, event(created=NOW), at=time.time() + 9_000).status_code == 200


@pytest.mark.parametrize("query", ["", "?source=", "?source=forwarded", "?source=nobody"])
def test_the_address_has_to_name_a_source_of_that_system(hooked: Served, query: str) -> None:
    content, headers = signed(event(), SECRET, SHARED)
    answer = httpx.post(f"{hooked.url}/v1/webhooks/stripe{query}", content=content, headers=headers)
    assert answer.status_code == 400
    assert "?source=NAME" in answer.json()["error"]["message"]


def test_an_event_that_is_not_used_is_taken_and_leaves_no_record(hooked: Served) -> None:
    for kind in ("invoice.paid", "customer.created", "customer.subscription.trial_will_end"):
        assert stripe_says(hooked, event(kind=kind)).status_code == 200
        assert hooked.project.ledger.waiting()[0] == 0
    assert (held(hooked), hooked.rejects()) == ([], [])


def test_what_is_signed_but_cannot_be_used_is_quarantined_with_its_reason(hooked: Served) -> None:
    wrong = subscription(item(1, price(None)))
    junk = subscription(metadata={"account_id": "null"}, id="sub_2")
    for number, body in enumerate([event(wrong), event(junk), b"nonsense"]):
        if isinstance(body, dict):
            body |= {"id": f"evt_{number}", "created": NOW}
        assert stripe_says(hooked, body).status_code == 200
    assert stripe_says(hooked, event(name="evt_9", created=NOW)).status_code == 200
    assert len(held(hooked)) == 1, "the good one is taken"
    found = {(reject.code, str(reject.kind), reject.source) for reject in hooked.rejects()}
    assert found == {
        ("bad-message", "subscriptions", "billing"),
        ("junk-id", "subscriptions", "billing"),
    }
    said = " ".join(reject.reason for reject in hooked.rejects())
    assert "The price `price_1` says no amount." in said
    assert "no JSON" in said


def test_it_is_answered_only_when_it_is_durable(hooked: Served) -> None:
    other = sqlite3.connect(hooked.folder / ".groundswell" / "ledger.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    content, headers = signed(event(created=NOW), SECRET)
    url = f"{hooked.url}/v1/webhooks/stripe?source=billing"
    answer = httpx.post(url, content=content, headers=headers, timeout=30)
    other.execute("ROLLBACK")
    other.close()
    assert answer.status_code == 503
    assert stripe_says(hooked, event(created=NOW)).status_code == 200, "it was not remembered"
    assert len(held(hooked)) == 1


# --- Segment --------------------------------------------------------------------------------------

TRACK = {"type": "track", "messageId": "m1", "userId": "u1", "event": "Signed Up"}


def test_what_segment_forwards_is_read_as_what_its_libraries_send(hooked: Served) -> None:
    group = {"type": "group", "messageId": "m2", "userId": "u1", "groupId": "acme"}
    for body in (TRACK, [group, {**TRACK, "messageId": "m3"}], TRACK):
        answer = segment_says(hooked, body)
        assert (answer.status_code, answer.json()) == (200, {"success": True})
    hooked.settle()
    assert sorted(found["message_id"] for found in hooked.events()) == ["m1", "m3"]
    assert {found["source"] for found in hooked.events()} == {"forwarded"}
    assert [found["account_id"] for found in hooked.memberships()] == ["acme"]


def test_segments_signature_is_checked(hooked: Served) -> None:
    assert segment_says(hooked, TRACK, "wrong").status_code == 401
    url = f"{hooked.url}/v1/webhooks/segment?source=forwarded"
    answer = httpx.post(url, json=TRACK)
    assert answer.status_code == 401
    assert "`X-Signature`" in answer.json()["message"]
    assert segment_says(hooked, [TRACK, {"type": "shout"}]).status_code == 200
    hooked.settle()
    assert len(hooked.events()) == 1
    assert [reject.code for reject in hooked.rejects()] == ["bad-message"]


# --- secrets --------------------------------------------------------------------------------------


def test_no_secret_is_ever_kept_or_told(hooked: Served, capsys: pytest.CaptureFixture[str]) -> None:
    with capture_logs() as logs:
        answers = [
            stripe_says(hooked, event(created=NOW)),
            stripe_says(hooked, event(created=NOW), "whsec_wrong"),
            stripe_says(hooked, event(created=NOW), at=1),
            stripe_says(hooked, b"nonsense"),
            segment_says(hooked, TRACK),
            segment_says(hooked, TRACK, "wrong"),
            httpx.post(f"{hooked.url}/v1/webhooks/stripe"),
        ]
    entries = hooked.project.ledger.take_entries(limit_bytes=1 << 20)
    hooked.settle()
    stored = b"".join(
        file.read_bytes() for file in hooked.folder.rglob("*") if file.is_file()
    ).decode("latin-1")
    shown = str(logs) + str(entries) + stored + "".join(map(str, capsys.readouterr()))
    shown += "".join(answer.text + str(answer.headers) for answer in answers)
    shown += str(hooked.project.sources()) + httpx.get(f"{hooked.url}/metrics").text
    assert [entry["status"] for entry in logs if entry["event"] == "refused"] == [
        400,
        400,
        401,
        400,
    ]
    assert not any(secret in shown for secret in ENVIRON.values())
    assert "v1=" not in stored, "nor is a signature"


def test_a_server_without_its_secrets_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "groundswell.yaml").write_text(HOOKS, encoding="utf-8")
    environ = {name: value for name, value in ENVIRON.items() if name != "SEGMENT_SECRET"}
    with (
        Project.open(tmp_path, environ=environ) as project,
        pytest.raises(ConfigError, match=r"groundswell\.yaml:10:\d+.*\n.*`SEGMENT_SECRET`"),
    ):
        Server(project)


def test_sources_that_may_send_are_listed(hooked: Served) -> None:
    assert [(state.source, state.wire) for state in hooked.project.sources()] == [
        ("billing", "stripe"),
        ("forwarded", "segment"),
    ]


def test_a_write_key_is_of_no_use_to_stripe(hooked: Served) -> None:
    with Keys.open(hooked.folder, environ=ENVIRON) as keys:
        with pytest.raises(UsageError, match="needs no write key"):
            keys.create("billing", "stripe")
        with pytest.raises(UsageError, match="Did you mean `segment`"):
            keys.create("forms", "segmnt")
