"""What a live source sent and nobody could use: mended, it is read again as it came."""

from __future__ import annotations

import base64
import datetime as dt
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from groundswell.clock import FixedClock
from groundswell.connectors.wires import catalogue
from groundswell.connectors.wires.wire import BLOT, UnreadableError
from groundswell.engine import Project
from groundswell.engine.draining import Drain, hand_raise_of
from groundswell.model import Kind
from groundswell.store.inbox import InboxEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NOON = dt.datetime(2026, 6, 10, 12, tzinfo=dt.UTC)
LATER = NOON + dt.timedelta(days=9)
CONFIG = "company: Small Co\nevents:\n  signed_up: Signed Up\n"
TRACK = {"type": "track", "messageId": "m1", "userId": "u1", "event": "Signed Up"}


class Live:
    """A project to which a source sends, on a day; on a later one it is replayed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.configure()

    def configure(self, **sources: dict[str, Any]) -> None:
        said = f"sources: {json.dumps(sources)}\n" if sources else ""
        (self.folder / "groundswell.yaml").write_text(CONFIG + said, encoding="utf-8")

    def open(self, at: dt.datetime = LATER) -> Project:
        return Project.open(self.folder, clock=FixedClock(at))

    def send(
        self,
        body: Any,
        *,
        wire: str = "segment",
        path: str = "/v1/batch",
        at: dt.datetime = NOON,
        **more: Any,
    ) -> None:
        """Take a request in, as it lies in the inbox, and drain it."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        entry = InboxEntry("app", wire, "POST", path, {}, {}, data, at)
        with self.open(at) as project:
            project.ledger.put_entries([replace(entry, **more)])
            meanings = project.loaded.meanings
            drain = Drain(
                project.warehouse,
                project.ledger,
                project.clock,
                project.loaded.config.sources,
                hand_raise_of(meanings),
            )
            while drain.step() is not None:
                pass
            drain.close()

    def replay(self, **arguments: Any) -> tuple[int, int, int]:
        """Replay, and return what was new, there already and refused again."""
        with self.open() as project:
            reports = project.replay(**arguments)
        return (
            sum(report.added for report in reports),
            sum(report.duplicates for report in reports),
            sum(report.rejected for report in reports),
        )

    def rows(self, kind: Kind = Kind.EVENTS) -> list[dict[str, Any]]:
        with self.open() as project:
            return project.warehouse.read(kind).to_dicts()

    def rejects(self) -> list[Any]:
        with self.open() as project:
            return [kept.reject for kept in project.rejects()]


@pytest.fixture
def live(tmp_path: Path) -> Live:
    return Live(tmp_path)


@pytest.fixture
def mend(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Put parts in place of those of a route, or leave it be."""
    whole = catalogue.routes()

    def change(wire: str = "segment", path: str = "/v1/batch", **parts: Any) -> None:
        routes = {place: dict(found) for place, found in whole.items()}
        if parts:
            old = routes["POST", path][wire]
            routes["POST", path][wire] = replace(old, **parts)
        monkeypatch.setattr("groundswell.engine.judging.routes", lambda: routes)

    yield change
    change()


def _raising(error: Exception) -> Callable[..., None]:
    def read(*_: object) -> None:
        raise error

    return read


def test_a_fault_is_taken_in_once_its_wire_can_read_it(live: Live, mend: Any) -> None:
    said = {**TRACK, "type": "shout", "properties": {"token": "a user's", "n": 1}}
    live.send({"batch": [said], "writeKey": BLOT})
    (reject,) = live.rejects()
    assert (reject.code, json.loads(reject.raw)) == ("bad-message", said)
    assert (reject.sending.wire, reject.sending.received_at) == ("segment", NOON)
    assert live.replay() == (0, 0, 1)

    mend(read=_shouted)
    assert live.replay() == (1, 0, 0)
    (event,) = live.rows()
    assert (event["message_id"], event["user_id"], event["event"]) == ("m1", "u1", "Signed Up")
    assert json.loads(event["properties"]) == {"token": "a user's", "n": 1}
    assert (event["occurred_at"], event["received_at"]) == (NOON, NOON)
    assert live.rejects() == []
    assert live.replay() == (0, 0, 0)
    live.send({"batch": [{**said, "type": "track", "timestamp": NOON.isoformat()}]})
    assert len(live.rows()) == 1


def _shouted(envelope: Any, context: Any, records: Any) -> None:
    """Read calls of the type `shout` as well."""
    calm = [bytes(raw).replace(b"shout", b"track") for raw in envelope.messages]
    route = catalogue.routes()["POST", "/v1/batch"]["segment"]
    route.read(replace(envelope, messages=calm), context, records)


def test_a_clock_is_corrected_by_when_the_message_came(live: Live, mend: Any) -> None:
    ahead = (NOON + dt.timedelta(hours=1)).isoformat()
    said = {**TRACK, "type": "shout", "timestamp": ahead}
    live.send({"batch": [said], "sentAt": ahead})
    mend(read=_shouted)
    assert live.replay() == (1, 0, 0)
    (event,) = live.rows()
    assert (event["occurred_at"], event["received_at"]) == (NOON, NOON)


def test_what_is_the_same_without_an_id_is_as_many_events_as_came(live: Live, mend: Any) -> None:
    said = {"type": "shout", "userId": "u1", "event": "Signed Up"}
    for minutes in (0, 1, 1):
        live.send({"batch": [said]}, at=NOON + dt.timedelta(minutes=minutes))
    assert len(live.rejects()) == 2
    mend(read=_shouted)
    assert live.replay()[0] == 2
    assert len(live.rows()) == 2


def test_a_message_that_makes_the_reading_fail_costs_no_other(live: Live, mend: Any) -> None:
    route = catalogue.routes()["POST", "/v1/batch"]["segment"]

    def read(envelope: Any, context: Any, records: Any) -> None:
        if any(b"m2" in bytes(raw) for raw in envelope.messages):
            raise ZeroDivisionError("oh")
        route.read(envelope, context, records)

    mend(read=read)
    live.send({"batch": [{**TRACK, "messageId": f"m{n}"} for n in range(4)]})
    assert sorted(row["message_id"] for row in live.rows()) == ["m0", "m1", "m3"]
    (reject,) = live.rejects()
    assert (reject.code, json.loads(reject.raw)["messageId"]) == ("bad-request", "m2")
    live.send({"batch": [{**TRACK, "messageId": "m9", "userId": "null"}]})
    assert live.replay() == (0, 0, 2)
    mend()
    assert live.replay() == (1, 0, 1)
    assert len(live.rows()) == 4


def test_a_request_that_opens_no_more_is_kept_whole(live: Live, mend: Any) -> None:
    mend(open=_raising(UnreadableError("It is of an old form.")))
    body = {"batch": [TRACK, {**TRACK, "messageId": "m2", "userId": "null"}]}
    live.send(body, query={"a": "b"}, headers={"content-type": "text/plain"})
    (reject,) = live.rejects()
    assert json.loads(reject.raw) == body
    assert (reject.sending.query, reject.code) == ({"a": "b"}, "bad-request")
    assert live.replay() == (0, 0, 1)
    assert "old form" in live.rejects()[0].reason
    mend()
    live.replay()
    assert [row["message_id"] for row in live.rows()] == ["m1"]
    (reject,) = live.rejects()
    assert (reject.code, json.loads(reject.raw)["messageId"]) == ("junk-id", "m2")


@pytest.mark.parametrize("letters", [b"\xff\xfe", b"\x00"])
def test_bytes_that_are_no_text_are_kept_as_they_are(live: Live, letters: bytes) -> None:
    message = b'{"type": "track", "userId": "u1", "event": "' + letters + b'"}'
    live.send(b'{"type":"track"}' + message, path="/v1/track")
    (reject,) = live.rejects()
    assert message in base64.b64decode(reject.raw.removeprefix("base64:"))
    assert live.replay() == (0, 0, 1)
    assert len(live.rejects()) == 1


def test_rows_are_read_by_the_mapping_there_is_now(live: Live) -> None:
    wrong = [
        {**TRACK, "messageId": "m1", "timestamp": "01.06.2026 10:00"},
        {**TRACK, "messageId": "m2", "userId": "n/a-null", "properties": {"who": "u2"}},
        {**TRACK, "messageId": "m3", "userId": "null", "anonymousId": "x1"},
        {**TRACK, "messageId": "m4", "event": "x" * 2000},
    ]
    live.send({"batch": [*wrong, {**TRACK, "messageId": "m0"}]})
    assert {reject.code for reject in live.rejects()} == {
        *("time-unreadable", "junk-id", "too-long"),
    }
    before = [json.loads(reject.raw)["messageId"] for reject in live.rejects()]
    assert before == ["m1", "m3", "m4"]
    live.configure(
        app={
            "kind": "events",
            "format": "segment",
            "path": "old/*.gz",
            "constants": {"account_id": "acme"},
            "null": ["", "null"],
            "times": {"timestamp": {"format": "%d.%m.%Y %H:%M", "zone": "UTC"}},
        }
    )
    assert live.replay() == (1, 0, 2)
    live.configure(
        app={
            "kind": "events",
            "null": ["", "null"],
            "columns": {"user_id": "properties.who"},
        }
    )
    assert live.replay() == (1, 0, 1)
    events = {row["message_id"]: row for row in live.rows()}
    assert events["m1"]["occurred_at"] == dt.datetime(2026, 6, 1, 10, tzinfo=dt.UTC)
    assert (events["m3"]["user_id"], events["m3"]["anonymous_id"]) == (None, "x1")
    assert {row["account_id"] for row in events.values()} == {None}
    assert {row["received_at"] for row in events.values()} == {NOON}
    assert [reject.code for reject in live.rejects()] == ["too-long"]
    assert live.replay() == (0, 0, 1)


def test_what_the_mapping_mends_is_mended_as_it_comes(live: Live) -> None:
    live.configure(
        app={"kind": "events", "columns": {"user_id": "properties.who"}, "null": ["", "null"]}
    )
    said = {**TRACK, "userId": "null", "properties": {"who": "u7"}}
    live.send({"batch": [said, {**TRACK, "messageId": "m2", "properties": {"who": "u8"}}]})
    assert {row["message_id"]: row["user_id"] for row in live.rows()} == {"m1": "u7", "m2": "u1"}
    assert live.rejects() == []


def test_a_mapping_that_does_not_fit_costs_nothing(live: Live) -> None:
    live.configure(app={"kind": "events", "columns": {"user_id": "uid", "event": "name"}})
    live.send({"batch": [TRACK, {**TRACK, "messageId": "m2", "userId": "null"}]})
    assert [row["message_id"] for row in live.rows()] == ["m1"]
    assert [reject.code for reject in live.rejects()] == ["junk-id"]
    assert live.replay() == (0, 0, 1)
    live.configure(app={"kind": "users", "columns": {"user_id": "uid", "title": "job"}})
    assert live.replay() == (0, 0, 1)


def test_a_map_of_the_command_counts_for_messages_too(live: Live) -> None:
    live.send({"batch": [{**TRACK, "userId": "null", "properties": {"who": "u2"}}]})
    assert live.replay(maps={"user_id": "properties.who"}) == (1, 0, 0)
    assert [row["user_id"] for row in live.rows()] == ["u2"]


def test_the_kind_of_group_that_is_the_account_may_be_told_later(live: Live) -> None:
    said = {
        "event": "$groupidentify",
        "distinct_id": "$org_acme",
        "uuid": "6229d6f3-847d-4c72-9191-88be8db84650",
        "timestamp": NOON.isoformat(),
        "properties": {
            "$group_type": "org",
            "$group_key": "acme",
            "$group_set": {"name": "Acme"},
        },
    }
    live.send({"api_key": BLOT, "batch": [said]}, wire="posthog", path="/batch/")
    assert [reject.code for reject in live.rejects()] == ["other-group"]
    assert live.replay() == (0, 0, 1)
    live.configure(app={"kind": "events", "group_type": "org"})
    assert live.replay() == (1, 0, 0)
    assert [(row["account_id"], row["name"]) for row in live.rows(Kind.ACCOUNTS)] == [
        ("acme", "Acme")
    ]


def test_each_record_of_a_message_leaves_by_itself(live: Live) -> None:
    said = {
        "type": "identify",
        "messageId": "m1",
        "userId": "u1",
        "anonymousId": "null",
        "traits": {"email": "nobody", "title": "CTO"},
    }
    live.send({"batch": [{**TRACK, "messageId": "m0"}, said]})
    assert {(reject.kind, reject.code) for reject in live.rejects()} == {
        (Kind.EVENTS, "junk-id"),
        (Kind.USERS, "bad-email"),
    }
    live.configure(app={"kind": "users", "null": ["", "nobody"]})
    assert live.replay() == (1, 0, 1)
    assert [row["title"] for row in live.rows(Kind.USERS)] == ["CTO"]
    assert [reject.kind for reject in live.rejects()] == [Kind.EVENTS]
    live.configure(app={"kind": "events", "null": ["", "null"]})
    assert live.replay() == (1, 0, 0)
    assert sorted(row["event"] for row in live.rows()) == ["Identify", "Signed Up"]


def test_what_was_known_then_stays_what_was_known_then(live: Live, mend: Any) -> None:
    live.send({"batch": [{**TRACK, "timestamp": NOON.isoformat()}]})
    late = {**TRACK, "messageId": "m2", "userId": "u2", "type": "shout"}
    live.send({"batch": [late]}, at=NOON + dt.timedelta(days=3))
    mend(read=_shouted)
    assert live.replay() == (1, 0, 0)
    assert {row["message_id"]: row["received_at"] for row in live.rows()} == {
        "m1": NOON,
        "m2": NOON + dt.timedelta(days=3),
    }


def test_a_time_beyond_its_arrival_stays_refused(live: Live) -> None:
    ahead = {**TRACK, "timestamp": (NOON + dt.timedelta(days=4)).isoformat()}
    live.send({"batch": [ahead]})
    assert live.replay() == (0, 0, 1)
    assert [reject.code for reject in live.rejects()] == ["time-in-future"]


def test_a_replay_that_dies_can_be_repeated(
    live: Live, mend: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.send({"batch": [{**TRACK, "type": "shout"}]})
    mend(read=_shouted)
    with live.open() as project, monkeypatch.context() as patched:
        patched.setattr(type(project.ledger), "mark_replayed", _raising(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            project.replay()
    assert len(live.rejects()) == 1
    assert live.replay() == (0, 1, 0)
    assert len(live.rows()) == 1


def test_nothing_to_replay(live: Live) -> None:
    assert live.replay() == (0, 0, 0)
