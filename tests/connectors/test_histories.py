"""Histories of other systems, as they write them, read by `--format`."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from groundswell.config.schema import SourceDef
from groundswell.connectors.shape import shape_from
from groundswell.errors import LoadError
from groundswell.store.reading import read_files

if TYPE_CHECKING:
    from pathlib import Path

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
TEN = dt.datetime(2024, 3, 1, 10, tzinfo=dt.UTC)


def load(kind: str, file: Path, **source: Any) -> list[dict[str, Any]]:
    shape = shape_from(kind, SourceDef(kind=kind, **source))
    batches = list(read_files(shape, [file], source="history", received_at=NOW, threads=1))
    assert [reject for batch in batches for reject in batch.rejects] == []
    return [row for batch in batches for row in batch.rows.to_pylist()]


def lines(folder: Path, *objects: dict[str, Any], name: str = "history.jsonl") -> Path:
    file = folder / name
    data = "".join(json.dumps(item) + "\n" for item in objects).encode()
    file.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return file


def ids(row: dict[str, Any]) -> tuple[str | None, ...]:
    return tuple(row[n] for n in ("message_id", "user_id", "anonymous_id", "account_id", "event"))


TRACK = {
    "id": "m1",
    "user_id": "u1",
    "anonymous_id": "x1",
    "event": "invite_sent",
    "event_text": "Invite Sent",
    "context_group_id": "acme",
    "timestamp": "2024-03-01 10:00:00.000",
    "received_at": "2024-03-01 10:00:02.000",
    "uuid_ts": "2024-03-01 10:05:00",
}


@pytest.mark.parametrize("system", ["segment", "rudderstack"])
def test_tracks_and_event_tables(system: str, tmp_path: Path) -> None:
    file = tmp_path / "invite_sent.csv"
    row = {**TRACK, "invitee_email": "b@acme.example"}
    file.write_text(f"{','.join(row)}\n{','.join(row.values())}\n")
    found = load("events", file, format=system)[0]
    assert ids(found) == ("m1", "u1", "x1", "acme", "Invite Sent")
    assert found["occurred_at"] == TEN
    assert found["received_at"] == TEN + dt.timedelta(seconds=2)
    assert json.loads(found["properties"]) == {"invitee_email": "b@acme.example"}


def test_tracks_as_parquet_with_times_in_utc(tmp_path: Path) -> None:
    moment = pa.array([TEN.replace(tzinfo=None)], pa.timestamp("us"))
    table = pa.table({"id": ["m1"], "user_id": ["u1"], "event": ["opened"], "timestamp": moment})
    pq.write_table(table, tmp_path / "tracks.parquet")
    found = load("events", tmp_path / "tracks.parquet", format="segment")[0]
    assert (found["event"], found["occurred_at"]) == ("opened", TEN)


def test_pages_and_the_archive_of_calls(tmp_path: Path) -> None:
    page = {
        "id": "p1",
        "anonymous_id": "x1",
        "path": "/pricing",
        "timestamp": "2024-03-01T10:00:00Z",
    }
    found = load("events", lines(tmp_path, page), format="segment")[0]
    assert ids(found) == ("p1", None, "x1", None, "Page")
    assert json.loads(found["properties"]) == {"path": "/pricing"}
    call = {
        "messageId": "c1",
        "userId": "u1",
        "timestamp": "2024-03-01T10:00:00Z",
        "context": {"groupId": "acme"},
    }
    track = {**call, "type": "track", "event": "Opened", "properties": {"n": 1}}
    identify = {**call, "type": "identify", "traits": {"a": 1}}
    found = load("events", lines(tmp_path, identify, track), format="segment")
    assert [ids(row) for row in found] == [("c1", "u1", None, "acme", "Opened")]
    assert found[0]["properties"] == '{"n":1}'


def test_identifies_and_users(tmp_path: Path) -> None:
    identify = {
        "id": "m1", "user_id": "u1", "email": "a@acme.example", "Title": "CTO", "plan": "pro",
        "context_ip": "1.2.3.4", "timestamp": "2024-03-01T10:00:00Z",
    }  # fmt: skip
    found = load("users", lines(tmp_path, identify), format="segment")[0]
    assert (found["user_id"], found["email"], found["title"]) == ("u1", "a@acme.example", "CTO")
    assert found["valid_from"] == TEN
    assert json.loads(found["properties"]) == {"plan": "pro"}
    user = {"id": "u2", "email": "b@acme.example", "created_at": "2024-03-01 10:00:00"}
    found = load("users", lines(tmp_path, user), format="rudderstack")[0]
    assert (found["user_id"], found["created_at"], found["valid_from"]) == ("u2", TEN, None)


@pytest.mark.parametrize("employees", [250, "250"])
def test_groups_are_accounts_and_memberships(employees: int | str, tmp_path: Path) -> None:
    group = {
        "id": "m1", "group_id": "acme", "user_id": "u1", "Name": "Acme", "Employees": employees,
        "website": "https://www.acme.example/about", "createdAt": "2024-03-01T10:00:00Z",
        "plan": "pro", "timestamp": "2024-03-01T10:00:00Z",
    }  # fmt: skip
    account = load("accounts", lines(tmp_path, group), format="segment")[0]
    assert account["account_id"] == "acme"
    assert (account["name"], account["employees"], account["domain"]) == (
        "Acme",
        250,
        "acme.example",
    )
    assert (account["created_at"], account["valid_from"]) == (TEN, TEN)
    assert json.loads(account["properties"]) == {"plan": "pro"}
    link = load("memberships", lines(tmp_path, group), format="segment")[0]
    assert (link["user_id"], link["account_id"], link["since"]) == ("u1", "acme", TEN)
    table = {"id": "acme", "name": "Acme"}
    assert load("accounts", lines(tmp_path, table), format="segment")[0]["account_id"] == "acme"


AMPLITUDE = {
    "$insert_id": "m1",
    "uuid": "z",
    "event_type": "Opened",
    "user_id": "u1",
    "device_id": "x1",
    "event_time": "2024-03-01 10:00:00.000000",
    "server_received_time": "2024-03-01 10:00:01.000000",
    "event_properties": {"n": 1},
    "groups": {"company": ["acme", "other"], "team": "red"},
    "country": "France",
    "app": 5,
}


@pytest.mark.parametrize(
    ("group_type", "account"),
    [("company", "acme"), ("team", "red"), ("region", None), (None, None)],
)
def test_amplitude(group_type: str | None, account: str | None, tmp_path: Path) -> None:
    file = lines(tmp_path, AMPLITUDE, name="export.json.gz")
    found = load("events", file, format="amplitude", group_type=group_type)[0]
    assert ids(found) == ("m1", "u1", "x1", account, "Opened")
    assert found["occurred_at"] == TEN
    assert json.loads(found["properties"]) == {"n": 1, "country": "France"}


def test_amplitude_takes_the_next_id_where_one_is_missing(tmp_path: Path) -> None:
    bare = {k: v for k, v in AMPLITUDE.items() if k not in ("$insert_id", "user_id")}
    found = load("events", lines(tmp_path, bare), format="amplitude")[0]
    assert ids(found) == ("z", None, "x1", None, "Opened")


def mixpanel(**properties: Any) -> dict[str, Any]:
    return {"event": "Opened", "properties": {"time": 1709287200, "$insert_id": "m1", **properties}}


def test_mixpanel(tmp_path: Path) -> None:
    events = [
        mixpanel(distinct_id="u1", company="acme"),
        mixpanel(distinct_id="$device:x1", **{"$device_id": "x1"}),
        mixpanel(distinct_id="u1", **{"$device_id": "x1", "$user_id": "u1"}),
        mixpanel(distinct_id="x1", **{"$device_id": "x1"}),
    ]
    found = load("events", lines(tmp_path, *events), format="mixpanel", group_type="company")
    assert [row["user_id"] for row in found] == ["u1", None, "u1", None]
    assert [row["anonymous_id"] for row in found] == ["u1", "x1", "x1", "x1"]
    assert [row["account_id"] for row in found] == ["acme", None, None, None]
    assert {row["occurred_at"] for row in found} == {TEN}


def test_mixpanel_in_milliseconds_or_in_the_time_of_the_project(tmp_path: Path) -> None:
    exact = lines(tmp_path, mixpanel(distinct_id="u1", time=1709287200000))
    assert load("events", exact, format="mixpanel", time={"unit": "ms"})[0]["occurred_at"] == TEN
    local = lines(tmp_path, mixpanel(distinct_id="u1", time=1709287200 - 8 * 3600))
    time = {"unit": "s", "zone": "US/Pacific"}
    assert load("events", local, format="mixpanel", time=time)[0]["occurred_at"] == TEN


POSTHOG = {
    "uuid": "m1",
    "event": "Opened",
    "distinct_id": "u1",
    "timestamp": "2024-03-01T10:00:00Z",
}
GROUPED = {"$groups": {"company": "acme"}, "$group_0": "acme", "$device_id": "x1", "n": 1}


@pytest.mark.parametrize(
    ("group_type", "account"), [("company", "acme"), ("0", "acme"), (None, None)]
)
def test_posthog(group_type: str | None, account: str | None, tmp_path: Path) -> None:
    event = {**POSTHOG, "properties": GROUPED, "person_properties": {"a": 1}}
    found = load("events", lines(tmp_path, event), format="posthog", group_type=group_type)[0]
    assert ids(found) == ("m1", "u1", "x1", account, "Opened")
    assert json.loads(found["properties"]) == GROUPED
    moment = pa.array([TEN.replace(tzinfo=None)], pa.timestamp("us"))
    typed = {k: [v] for k, v in POSTHOG.items()} | {
        "properties": [json.dumps(GROUPED)],
        "timestamp": moment,
    }
    pq.write_table(pa.table(typed), tmp_path / "e.parquet")
    found = load("events", tmp_path / "e.parquet", format="posthog", group_type=group_type)[0]
    assert ids(found) == ("m1", "u1", "x1", account, "Opened")


def test_posthog_before_anyone_is_known(tmp_path: Path) -> None:
    event = {**POSTHOG, "distinct_id": "x1", "properties": GROUPED}
    assert ids(load("events", lines(tmp_path, event), format="posthog")[0])[1:3] == (None, "x1")


def test_a_file_of_another_system_is_told(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="Amplitude export needs event_type, event_time"):
        load("events", lines(tmp_path, POSTHOG), format="amplitude")


def test_a_user_may_map_over_a_system(tmp_path: Path) -> None:
    event = {**POSTHOG, "properties": {"workspace": "w1"}}
    columns = {"account_id": "properties.workspace"}
    found = load("events", lines(tmp_path, event), format="posthog", columns=columns)[0]
    assert found["account_id"] == "w1"
