"""Reading files: dialects, formats, times, batches; one event is one event however written."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from groundswell.config.schema import SourceDef
from groundswell.connectors.shape import shape_from
from groundswell.errors import LoadError, UsageError
from groundswell.store.reading import Batch, read_files
from groundswell.store.tables import TABLES

if TYPE_CHECKING:
    from pathlib import Path

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
HEADER = "message_id,user_id,event,timestamp,properties\n"
EVENTS = HEADER + 'm1,u1,Opened,2024-03-01T10:00:00Z,"{""n"": 1}"\n'


def load(kind: str, *files: Path, block_bytes: int = 1 << 20, **source: Any) -> list[Batch]:
    shape = shape_from(kind, SourceDef(kind=kind, **source))
    return list(
        read_files(shape, files, source="app", received_at=NOW, block_bytes=block_bytes, threads=1)
    )


def rows(batches: list[Batch]) -> list[dict[str, Any]]:
    assert [reject for batch in batches for reject in batch.rejects] == []
    return [row for batch in batches for row in batch.rows.to_pylist()]


def written(folder: Path, data: str | bytes, name: str = "events.csv") -> Path:
    file = folder / name
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    return file


def test_an_event_has_the_canonical_columns(tmp_path: Path) -> None:
    batch = load("events", written(tmp_path, EVENTS))[0]
    assert batch.rows.schema.equals(TABLES[shape_from("events").kind])
    assert batch.rows.to_pylist() == [
        {
            "source": "app",
            "message_id": "m1",
            "user_id": "u1",
            "anonymous_id": None,
            "account_id": None,
            "event": "Opened",
            "occurred_at": dt.datetime(2024, 3, 1, 10, tzinfo=dt.UTC),
            "received_at": NOW,
            "properties": '{"n": 1}',
        }
    ]


# --- dialects -----------------------------------------------------------------------------------

PLAIN = "user_id,name\nu1,Ünal\nu2,B\n"


@pytest.mark.parametrize(
    ("data", "dialect"),
    [
        (PLAIN.replace(",", ";"), {"delimiter": ";"}),
        (PLAIN.replace(",", "\t"), {"delimiter": "\t"}),
        ("user_id,name\nu1,'Ünal'\nu2,'B'\n", {"quote": "'"}),
        (PLAIN.encode("latin-1"), {"encoding": "latin-1"}),
        (PLAIN.encode("utf-16"), {"encoding": "utf-16"}),
        (b"\xef\xbb\xbf" + PLAIN.encode(), {}),
        (PLAIN.replace("\n", "\r\n"), {}),
        (PLAIN.replace("\n", "\r"), {}),
        (PLAIN.rstrip("\n"), {}),
        ("\n\n" + PLAIN + "\n\n", {}),
        (PLAIN.replace(",", " , "), {}),
        ("u1,Ünal\nu2,B\n", {"header": False, "columns": ["user_id", "name"]}),
    ],
    ids=[
        "semicolons", "tabs", "single quotes", "latin-1", "utf-16", "byte order mark",
        "carriage returns and line feeds", "carriage returns", "no end of line at the end",
        "blank lines", "spaces around fields", "no header",
    ],
)  # fmt: skip
def test_a_dialect(data: str | bytes, dialect: dict[str, Any], tmp_path: Path) -> None:
    found = rows(load("users", written(tmp_path, data), csv=dialect))
    assert [(row["user_id"], row["name"]) for row in found] == [("u1", "Ünal"), ("u2", "B")]


def test_an_escape(tmp_path: Path) -> None:
    escaped = written(tmp_path, 'user_id,name\nu1,"a \\"b\\" \\\\ c"\n')
    assert rows(load("users", escaped, csv={"escape": "\\"}))[0]["name"] == 'a "b" \\ c'


def test_where_nothing_is_quoted_a_quote_is_a_letter(tmp_path: Path) -> None:
    text = 'user_id,name,size\nu1,"Big" Ann,5"\nu2,"B,1\n'
    found = rows(load("users", written(tmp_path, text), csv={"quote": ""}))
    assert [row["name"] for row in found] == ['"Big" Ann', '"B']
    assert json.loads(found[0]["properties"]) == {"size": '5"'}


def test_quoted_fields_keep_line_breaks_quotes_and_spaces(tmp_path: Path) -> None:
    found = rows(load("users", written(tmp_path, 'user_id,name\nu1," a ""b""\r\nc,d "\n')))
    assert found[0]["name"] == ' a "b"\r\nc,d '


def test_decimal_commas(tmp_path: Path) -> None:
    text = "account_id;plan;mrr;started_at\na1;pro;1234,5;2024-03-01T00:00:00Z\n"
    found = rows(
        load("subscriptions", written(tmp_path, text), csv={"delimiter": ";", "decimal": ","})
    )
    assert found[0]["mrr"] == Decimal("1234.50")


@pytest.mark.parametrize("name", ["e.csv.gz", "e.csv.bz2", "e.csv.zst"])
def test_compressed_files(name: str, tmp_path: Path) -> None:
    data = EVENTS.encode()
    packed = {
        "gz": lambda: gzip.compress(data[:60]) + gzip.compress(data[60:]),
        "bz2": lambda: bz2.compress(data),
        "zst": lambda: pa.compress(data, codec="zstd", asbytes=True),
    }[name.rsplit(".", 1)[1]]()
    assert rows(load("events", written(tmp_path, packed, name)))[0]["message_id"] == "m1"


# --- one event, many ways to write it -------------------------------------------------------------


def test_without_an_id_the_event_itself_is_the_id(tmp_path: Path) -> None:
    """The same on every format, in any order of columns and keys, typed or as text."""
    moment = dt.datetime(2024, 3, 1, 10, tzinfo=dt.UTC)
    nested = {"plan": "pro", "n": 3, "items": [{"b": 1, "a": "x"}]}
    flat = {"plan": "pro", "n": 3, "none": None}
    lines = [
        {
            "user_id": "u1",
            "event": "Opened",
            "timestamp": "2024-03-01T12:00:00+02:00",
            "properties": p,
        }
        for p in (flat, nested)
    ]
    turned = {"items": [{"a": "x", "b": 1}], "n": 3, "plan": "pro"}
    table = pa.table(
        {
            "properties": [json.dumps({"n": 3, "plan": "pro"}), json.dumps(turned)],
            "timestamp": pa.array([moment, moment], pa.timestamp("ms", "UTC")),
            "event": ["Opened", "Opened"],
            "user_id": ["u1", "u1"],
        }
    )
    pq.write_table(table, tmp_path / "e.parquet")
    spread = "timestamp,n,plan,event,user_id\n2024-03-01 10:00:00+00,3,pro,Opened,u1\n"
    jsonl = written(tmp_path, "\n".join(map(json.dumps, lines)) + "\n", "e.jsonl")
    csv = written(tmp_path, spread)
    ids = [
        [row["message_id"] for row in rows(load("events", file))]
        for file in (jsonl, tmp_path / "e.parquet", csv)
    ]
    assert ids[0] == ids[1]
    assert ids[0][:1] == ids[2]
    assert len(set(ids[0])) == 2


@pytest.mark.parametrize(
    "other",
    [
        {"user_id": "u2"},
        {"event": "Closed"},
        {"timestamp": "2024-03-01T10:00:00.000001Z"},
        {"account_id": "a1"},
        {"properties": {"n": 2}},
    ],
)
def test_another_event_has_another_id(other: dict[str, Any], tmp_path: Path) -> None:
    event = {
        "user_id": "u1",
        "event": "Opened",
        "timestamp": "2024-03-01T10:00:00Z",
        "properties": {"n": 1},
    }
    text = f"{json.dumps(event)}\n{json.dumps({**event, **other})}\n"
    found = rows(load("events", written(tmp_path, text, "e.jsonl")))
    assert found[0]["message_id"] != found[1]["message_id"]


def test_unknown_columns_are_properties_with_their_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "user_id": pa.array([10803.0, None]),
            "anonymous_id": ["x", "y"],
            "event": ["Opened", "Opened"],
            "timestamp": pa.array([NOW, NOW], pa.timestamp("us", "UTC")),
            "seats": [5, None],
            "trial": [True, None],
            "tags": [["a"], None],
        }
    )
    pq.write_table(table, tmp_path / "e.parquet")
    typed = rows(load("events", tmp_path / "e.parquet"))
    assert typed[0]["user_id"] == "10803"
    assert json.loads(typed[0]["properties"]) == {"seats": 5, "trial": True, "tags": ["a"]}
    assert typed[1]["properties"] is None
    csv = written(tmp_path, "user_id,event,timestamp,seats\nu1,Opened,2024-03-01T10:00:00Z,5\n")
    assert json.loads(rows(load("events", csv))[0]["properties"]) == {"seats": "5"}


def test_single_properties_and_json_paths(tmp_path: Path) -> None:
    event = {"event": "Invite Sent", "timestamp": "2024-03-01T10:00:00Z", "mail": "m@b.example"}
    line = json.dumps({**event, "who": {"id": 7}, "a.b": "x", "properties": {"keep": 1}})
    columns = {"user_id": "who.id", "account_id": "a.b", "properties.invitee_email": "mail"}
    found = rows(load("events", written(tmp_path, line, "e.jsonl"), columns=columns))[0]
    assert (found["user_id"], found["account_id"]) == ("7", "x")
    properties = json.loads(found["properties"])
    assert properties == {"keep": 1, "invitee_email": "m@b.example", "who": {"id": 7}}


def test_only_filters_rows_before_they_are_judged(tmp_path: Path) -> None:
    text = "user_id,event,timestamp,n\nu1,Opened,2024-03-01T10:00:00Z,9\nu2,Opened,never,10\n"
    text += "u3,Opened,2024-03-01T10:00:00Z,x\n"
    found = rows(load("events", written(tmp_path, text), only="n < 10 AND user_id IS NOT NULL"))
    assert [row["user_id"] for row in found] == ["u1"]
    with pytest.raises(UsageError, match="SELECT"):
        load("events", written(tmp_path, text), only="n IN (SELECT 1)")
    with pytest.raises(UsageError, match="names `m`"):
        load("events", written(tmp_path, text), only="m = 1")
    with pytest.raises(UsageError, match="does not take"):
        load("events", written(tmp_path, text), only="read_text('/etc/passwd') = ''")


# --- times ----------------------------------------------------------------------------------------

TEN = dt.datetime(2024, 7, 1, 10, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2024-07-01T10:00:00Z", None),
        ("2024-07-01T12:00:00+02:00", None),
        ("2024-07-01 12:00:00+02", None),
        ("2024-07-01T12:00+0200", None),
        ("2024-07-01 10:00:00.000 UTC", None),
        ("2024-07-01T12:00:00", {"zone": "Europe/Berlin"}),
        ("2024-07-01T10:00:00Z", {"zone": "Europe/Berlin"}),
        ("01.07.2024 12:00", {"format": "%d.%m.%Y %H:%M", "zone": "Europe/Berlin"}),
        ("01.07.2024 12:00 +0200", {"format": "%d.%m.%Y %H:%M %z"}),
        ("1719828000", {"unit": "s"}),
        ("1719828000.000", {"unit": "s"}),
        ("1719828000000", {"unit": "ms"}),
        ("1719828000000000", {"unit": "us"}),
        ("1719828000000000000", {"unit": "ns"}),
        ("1719802800", {"unit": "s", "zone": "US/Pacific"}),
    ],
)
def test_a_time(text: str, time: dict[str, str] | None, tmp_path: Path) -> None:
    file = written(tmp_path, f"user_id,event,timestamp\nu1,Opened,{text}\n")
    source = {"time": time} if time else {}
    assert rows(load("events", file, **source))[0]["occurred_at"] == TEN


@pytest.mark.parametrize(
    ("type_", "source", "code"),
    [
        (pa.timestamp("us"), {}, "time-no-zone"),
        (pa.date32(), {}, "time-no-zone"),
        (pa.int64(), {}, "time-no-unit"),
        (pa.timestamp("us"), {"time": {"zone": "UTC"}}, None),
        (pa.date32(), {"time": {"zone": "UTC"}}, None),
        (pa.int64(), {"time": {"unit": "us"}}, None),
    ],
)
def test_typed_times_without_enough_said_refuse_the_file(
    type_: pa.DataType, source: dict[str, Any], code: str | None, tmp_path: Path
) -> None:
    moments = pa.array([1719792000000000]).cast(pa.timestamp("us"))
    values = moments.cast(pa.int64() if type_ == pa.int64() else type_)
    pq.write_table(
        pa.table({"user_id": ["u1"], "event": ["E"], "timestamp": values}), tmp_path / "e.parquet"
    )
    if code is None:
        found = rows(load("events", tmp_path / "e.parquet", **source))
        assert found[0]["occurred_at"] == dt.datetime(2024, 7, 1, tzinfo=dt.UTC)
        return
    with pytest.raises(LoadError) as caught:
        load("events", tmp_path / "e.parquet", **source)
    assert caught.value.problems[0].code == code
    assert "times: {timestamp: {" in caught.value.problems[0].fix


def test_a_column_of_times_that_says_nothing_is_told_once(tmp_path: Path) -> None:
    file = written(tmp_path, "user_id,created_at\nu0,\nu1,2024-03-01\nu2,2024-03-02\n", "users.csv")
    with pytest.raises(LoadError) as caught:
        load("users", file)
    problem = caught.value.problems[0]
    assert str(problem.where) == f"{file}:3"
    assert problem.what == (
        "No time of the column can be read: "
        "`created_at` is `2024-03-01`, which does not say its time zone."
    )
    assert problem.fix == (
        "Say how it is written, in the mapping:\nsources:\n  app:\n    kind: users\n"
        "    times: {created_at: {zone: UTC}}"
    )
    assert len(rows(load("users", file, time={"zone": "UTC"}))) == 3


# --- batches --------------------------------------------------------------------------------------


def many(count: int) -> str:
    body = "".join(
        f'm{i},u{i % 7},"Opened\nthe ""{i}"" door",2024-03-01T10:00:00Z,\n' for i in range(count)
    )
    return "message_id,user_id,event,timestamp,properties\n" + body


@pytest.mark.parametrize("block_bytes", [200, 777, 4096])
def test_blocks_of_any_size_give_the_same_rows_and_lines(block_bytes: int, tmp_path: Path) -> None:
    text = many(300) + "m,,Bad,2024-03-01T10:00:00Z,\nshort\n" + many(20).split("\n", 1)[1]
    file = written(tmp_path, text)
    whole = load("events", file)
    parts = load("events", file, block_bytes=block_bytes)
    assert len(parts) >= 5
    together = pa.concat_tables(batch.rows for batch in parts)
    assert together.equals(pa.concat_tables(batch.rows for batch in whole))
    rejects = [(r.line, r.code) for batch in parts for r in batch.rejects]
    assert rejects == [(602, "missing-ids"), (603, "csv-too-few")]
    again = load("events", file, block_bytes=block_bytes)
    assert [b.rows for b in again] == [b.rows for b in parts]


@pytest.mark.parametrize("block_bytes", [64, 300])
def test_blocks_of_lines(block_bytes: int, tmp_path: Path) -> None:
    line = '{{"message_id":"m{0}","user_id":"u","event":"E","timestamp":"2024-03-01T10:00:00Z"}}'
    text = "\n\n".join(line.format(i) for i in range(20)) + "\noops"
    parts = load("events", written(tmp_path, text, "e.jsonl"), block_bytes=block_bytes)
    ids = [row["message_id"] for batch in parts for row in batch.rows.to_pylist()]
    assert ids == [f"m{i}" for i in range(20)]
    assert [(r.line, r.code) for b in parts for r in b.rejects] == [(40, "bad-json")]


def test_a_quote_that_stays_open_costs_one_line_only(tmp_path: Path) -> None:
    text = (
        many(5).replace("\nthe", " the")
        + 'x,u1,"open,2024-03-01T10:00:00Z,\n'
        + "m9,u1,E,2024-03-01T10:00:00Z,\n" * 3
    )
    batches = load("events", written(tmp_path, text))
    assert sum(batch.rows.num_rows for batch in batches) == 8
    assert [(r.line, r.code) for b in batches for r in b.rejects] == [(7, "csv-open-quote")]


def test_progress_counts_the_bytes_of_all_files(tmp_path: Path) -> None:
    first = written(tmp_path, many(100), "a.csv")
    second = written(tmp_path, gzip.compress(many(100).encode()), "b.csv.gz")
    total = first.stat().st_size + second.stat().st_size
    seen: list[tuple[int, int | None]] = []
    shape = shape_from("events")
    glob = str(tmp_path / "*.csv*")
    batches = read_files(
        shape, [glob], source="app", received_at=NOW, block_bytes=1000,
        progress=lambda done, of: seen.append((done, of)), threads=1,
    )  # fmt: skip
    assert sum(batch.rows.num_rows for batch in batches) == 200
    assert seen == sorted(seen)
    assert seen[-1] == (total, total)


# --- files that cannot be read --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("e.csv", b"", "file-empty"),
        ("e.jsonl", b" \n", "file-empty"),
        ("e.json", b'[{"a": 1}]', "file-json-array"),
        ("e.parquet", b"not parquet", "file-damaged"),
        ("e.csv.gz", gzip.compress(EVENTS.encode() * 50)[:-20], "file-damaged"),
        ("e.csv.gz", b"not gzip", "file-damaged"),
        ("e.csv", b"user_id,event,event,timestamp\n", "column-twice"),
        ("e.csv", b"uid,event,timestamp\n", "column-required"),
        ("e.csv", b"user_id,event,when\n", "column-required"),
        ("e.csv", b"user_id;event;timestamp\n", "column-required"),
    ],
)
def test_a_file_that_cannot_be_read(name: str, data: bytes, code: str, tmp_path: Path) -> None:
    with pytest.raises(LoadError) as caught:
        load("events", written(tmp_path, data, name))
    assert caught.value.problems[0].code == code
    assert str(caught.value.problems[0].where).startswith(str(tmp_path / name))


def test_every_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(LoadError) as caught:
        load("events", tmp_path / "a.csv", tmp_path / "*.parquet", tmp_path)
    codes = [problem.code for problem in caught.value.problems]
    assert codes == ["file-missing", "file-missing", "file-is-folder"]


def test_a_mapping_that_does_not_fit_names_near_columns(tmp_path: Path) -> None:
    file = written(tmp_path, "userid,event,timestamp\n")
    with pytest.raises(LoadError, match="Did you mean `userid`"):
        load("events", file, columns={"user_id": "user_idd"})
    with pytest.raises(LoadError, match="--map user_id=userid"):
        load("events", file)


def test_a_name_that_tells_no_format(tmp_path: Path) -> None:
    file = written(tmp_path, EVENTS, "events.dat")
    with pytest.raises(UsageError, match="--format csv"):
        load("events", file)
    assert len(rows(load("events", file, format="csv"))) == 1
