"""What is sent may come in any order, twice, and late: the same is known in the end."""

from __future__ import annotations

import datetime as dt
import json
import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundswell.clock import FixedClock
from groundswell.engine import Project
from groundswell.engine.draining import Drain
from groundswell.engine.judging import Judge, Judged
from groundswell.model import Kind
from groundswell.store.inbox import InboxEntry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundswell.engine.judging import Parcel

NOON = dt.datetime(2026, 6, 30, 12, tzinfo=dt.UTC)
TODAY = NOON.date()
CONFIG = """\
company: Small Co
events:
  signed_up: Signed Up
  used_feature: {boards: Board Viewed}
  invited: Invite Sent
  hand_raised: Demo Requested
"""
KINDS = (Kind.EVENTS, Kind.USERS, Kind.MEMBERSHIPS, Kind.ACCOUNTS)
USERS, ACCOUNTS = ("u0", "u1", "u2"), ("acme", "globex")
EMAILS = ("ann@acme.example", "bob@globex.example", "cy@gmail.com")


def _message(number: int, draw: st.DrawFn) -> dict[str, Any]:
    user = draw(st.sampled_from(USERS))
    at = NOON - dt.timedelta(days=draw(st.integers(0, 40)), seconds=number)
    message = {"messageId": f"m{number}", "timestamp": at.isoformat()}
    match draw(st.sampled_from(("track", "track", "track", "identify", "group", "alias"))):
        case "track":
            name = draw(st.sampled_from(("Signed Up", "Board Viewed", "Demo Requested")))
            who = draw(st.sampled_from(({"userId": user}, {"anonymousId": f"d-{user}"})))
            account = draw(st.sampled_from((None, *ACCOUNTS)))
            context = {"groupId": account} if account else {}
            return {**message, **who, "type": "track", "event": name, "context": context}
        case "identify":
            email, title = st.sampled_from((*EMAILS, None)), st.sampled_from(("CTO", None))
            given_ = {"email": draw(email), "title": draw(title)}
            traits = {name: value for name, value in given_.items() if value}
            ids = {"userId": user, "anonymousId": f"d-{user}"}
            return {**message, **ids, "type": "identify", "traits": traits}
        case "group":
            traits = {"employees": draw(st.sampled_from((40, 800)))}
            account = draw(st.sampled_from(ACCOUNTS))
            return {
                **message, "type": "group", "userId": user, "groupId": account, "traits": traits
            }  # fmt: skip
        case _:
            return {**message, "type": "alias", "userId": user, "previousId": f"d-{user}"}


@st.composite
def messages(draw: st.DrawFn) -> list[dict[str, Any]]:
    return [_message(number, draw) for number in range(draw(st.integers(1, 14)))]


def known_of(
    batches: Sequence[Sequence[dict[str, Any]]], wire: str = "segment", path: str = "/v1/batch"
) -> dict[str, Any]:
    """Take requests in, one after the other, and return everything that is known then."""
    with tempfile.TemporaryDirectory() as name:
        Path(name, "groundswell.yaml").write_text(CONFIG, encoding="utf-8")
        with Project.open(name, clock=FixedClock(NOON)) as project:
            drain = Drain(project.warehouse, project.ledger, project.clock)
            for batch in batches:
                body = json.dumps({"batch": batch} if wire == "segment" else batch).encode()
                entry = InboxEntry("app", wire, "POST", path, {}, {}, body, NOON)
                project.ledger.put_entries([entry])
                drain.step()
            assert drain.step() is None
            drain.close()
            assert project.rejects() == []
            rows = {kind: project.warehouse.read(kind).to_dicts() for kind in KINDS}
            project.run(as_of=TODAY)
            decided = [(item.account_id, item.kind, item.body) for item in project.journal()]
            return {
                **{kind: sorted(found, key=repr) for kind, found in rows.items()},
                "features": project.features(TODAY, weeks=4).to_dicts(),
                "decided": sorted(decided, key=repr),
            }


@settings(max_examples=6, suppress_health_check=list(HealthCheck))
@given(sent=messages(), seed=st.integers(0, 1_000))
def test_any_order_any_delay_and_any_repeat_come_to_the_same(
    sent: list[dict[str, Any]], seed: int
) -> None:
    chance = random.Random(seed)
    again = [*sent, *chance.choices(sent, k=3)]
    chance.shuffle(again)
    cuts = sorted(chance.choices(range(len(again) + 1), k=3))
    pieces = [again[a:b] for a, b in zip([0, *cuts], [*cuts, len(again)], strict=True)]
    whole, mixed = known_of([sent]), known_of(pieces)
    for part, expected in whole.items():
        assert mixed[part] == expected, part


PROFILE = [
    ("$set", {"$email": "ann@acme.example", "color": "red"}),
    ("$set_once", {"color": "blue", "campaign": "spring"}),
    ("$add", {"logins": 1}),
    ("$set_once", {"campaign": "summer", "title": "CTO"}),
    ("$append", {"tags": "new"}),
    ("$set", {"title": "CEO"}),
    ("$unset", ["color"]),
]


@pytest.mark.parametrize("order", [(6, 5, 4, 3, 2, 1, 0), (3, 0, 6, 2, 5, 1, 4, 1, 3)])
def test_operations_on_a_profile_come_to_the_same_in_any_order(order: tuple[int, ...]) -> None:
    started = NOON.timestamp() - 1_000
    sent: list[dict[str, Any]] = [
        {"$distinct_id": "u1", "$time": started + number, name: said}
        for number, (name, said) in enumerate(PROFILE)
    ]
    whole = known_of([sent], "mixpanel", "/engage")
    mixed = known_of([[sent[number]] for number in order], "mixpanel", "/engage")
    for part, expected in whole.items():
        assert mixed[part] == expected, part
    assert sorted(event["event"] for event in whole[Kind.EVENTS]) == ["$add", "$append"]
    latest = max(whole[Kind.USERS], key=lambda row: row["valid_from"])
    assert (latest["email"], latest["title"]) == ("ann@acme.example", "CEO")
    known = {"campaign": "spring", "$set_once": ["campaign"], "$unset": ["color"]}
    assert json.loads(latest["properties"]) == known


def test_a_message_that_ends_in_an_error_is_found_by_halves(tmp_path, monkeypatch):
    judge = Judge.judge
    looked: list[int] = []

    def spoiled(self: Judge, parcels: Sequence[Parcel]) -> Judged:
        looked.append(len(parcels))
        if any(b"poison" in bytes(raw) for parcel in parcels for raw in parcel.envelope.messages):
            raise KeyError("poison")
        return judge(self, parcels)

    monkeypatch.setattr(Judge, "judge", spoiled)
    (tmp_path / "groundswell.yaml").write_text(CONFIG, encoding="utf-8")
    with Project.open(tmp_path, clock=FixedClock(NOON)) as project:
        drain = Drain(project.warehouse, project.ledger, project.clock)
        sent = [
            {"type": "track", "event": "Board Viewed", "messageId": f"m{n}", "userId": "u0"}
            for n in range(64)
        ]
        sent[37]["event"] = "poison"
        bodies = [json.dumps({"batch": sent[n : n + 16]}).encode() for n in range(0, 64, 16)]
        project.ledger.put_entries(
            [
                InboxEntry("app", "segment", "POST", "/v1/batch", {}, {}, body, NOON)
                for body in bodies
            ]
        )
        done = drain.step()
        drain.close()
        assert done is not None
        assert (done.entries, done.added, done.rejected) == (4, 63, 1)
        (kept,) = project.ledger.rejects()
        assert '"m37"' in kept.reject.raw
        assert project.warehouse.read(Kind.EVENTS).height == 63
        assert len(looked) < 20
