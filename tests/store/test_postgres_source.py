"""A table of a real PostgreSQL server as a source."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import TYPE_CHECKING

import pytest

from groundswell.config.schema import SourceDef
from groundswell.connectors.shape import shape_from
from groundswell.errors import LoadError, UsageError
from groundswell.store.postgres_source import read_postgres

if TYPE_CHECKING:
    from groundswell.store.reading import Batch
    from tests.engines import Postgres

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
_NUMBERS = itertools.count()

TABLE = """
CREATE TABLE happenings (
    id uuid, who bigint, what text, happened timestamptz, written timestamp, props jsonb,
    price numeric(10, 2), updated_at timestamptz
);
INSERT INTO happenings
SELECT ('00000000-0000-0000-0000-' || lpad(i::text, 12, '0'))::uuid, i, 'Opened',
       timestamptz '2024-03-01 10:00+00' + i * interval '1 minute', timestamp '2024-03-01 10:00',
       jsonb_build_object('n', i), i + 0.5,
       timestamptz '2024-03-02 00:00+00' + i / 3 * interval '1 hour'
FROM generate_series(1, 10) AS i
"""
COLUMNS = {
    "message_id": "id",
    "user_id": "who",
    "event": "what",
    "timestamp": "happened",
    "properties": "props",
}


@pytest.fixture
def database(postgres: Postgres) -> tuple[Postgres, str]:
    name = f"source_{next(_NUMBERS)}"
    postgres.create(name)
    postgres.run(TABLE, name)
    return postgres, name


def load(
    database: tuple[Postgres, str], *, after: str | None = None, **source: object
) -> list[Batch]:
    server, name = database
    told = SourceDef.model_validate({"kind": "events", "columns": COLUMNS, **source})
    batches = read_postgres(
        told,
        shape_from("events", told),
        dsn=server.url(name),
        name="app",
        after=after,
        received_at=NOW,
        batch_rows=4,
    )
    return list(batches)


def ids(batches: list[Batch]) -> list[int]:
    return [int(text[-4:]) for batch in batches for text in batch.rows["message_id"].to_pylist()]


def test_a_table_is_read_with_its_types(database: tuple[Postgres, str]) -> None:
    rows = load(database, table="happenings")[0].rows.to_pylist()
    assert rows[0]["message_id"] == "00000000-0000-0000-0000-000000000001"
    assert rows[0]["user_id"] == "1"
    assert rows[0]["occurred_at"] == dt.datetime(2024, 3, 1, 10, 1, tzinfo=dt.UTC)
    assert '"n": 1' in rows[0]["properties"] or '"n":1' in rows[0]["properties"]
    assert '"price":"1.50"' in rows[0]["properties"]


def test_a_cursor_rereads_what_lies_a_little_before_and_loses_nothing(
    database: tuple[Postgres, str],
) -> None:
    server, name = database
    first = load(database, table="public.happenings", cursor="updated_at")
    assert ids(first) == list(range(1, 11))
    last = first[-1].cursor
    assert last == "2024-03-02 03:00:00+00"
    late = (
        "INSERT INTO happenings SELECT id, 77, what, happened, written, props, price, {} "
        "FROM happenings WHERE who = 1"
    )
    server.run(late.format("timestamptz '2024-03-02 03:00+00'"), name)
    server.run(
        "UPDATE happenings SET id = '00000000-0000-0000-0000-000000000077' WHERE who = 77", name
    )
    where = {"table": "public.happenings", "cursor": "updated_at", "after": last}
    assert sorted(ids(load(database, overlap="59 minutes", **where))) == [9, 10, 77]
    assert sorted(ids(load(database, overlap="1 hour", **where))) == [6, 7, 8, 9, 10, 77]
    assert load(database, **where)[0].rows.num_rows == 6, "an hour if nothing is said"


def test_a_cursor_may_count_or_be_text(database: tuple[Postgres, str]) -> None:
    counted = load(database, table="happenings", cursor="who", after="10004")
    assert ids(counted) == list(range(4, 11))
    query = "SELECT *, lpad(who::text, 4, '0') AS written_as FROM happenings"
    assert ids(load(database, query=query, cursor="written_as", after="0008")) == [8, 9, 10]


def test_a_load_that_stopped_goes_on_from_the_last_batch_kept(
    database: tuple[Postgres, str],
) -> None:
    whole = load(database, table="happenings", cursor="updated_at")
    kept = whole[0]
    rest = load(database, table="happenings", cursor="updated_at", after=kept.cursor)
    assert set(ids([kept])) | set(ids(rest)) == set(range(1, 11))


def test_rows_without_a_cursor_value_come_every_time(database: tuple[Postgres, str]) -> None:
    server, name = database
    server.run("UPDATE happenings SET updated_at = NULL WHERE who = 5", name)
    again = load(
        database,
        table="happenings",
        cursor="updated_at",
        overlap="1 minute",
        after="2024-03-02 03:00:00+00",
    )
    assert sorted(ids(again)) == [5, 9, 10]


def test_a_query_is_a_source_too(database: tuple[Postgres, str]) -> None:
    batches = load(database, query="SELECT * FROM happenings WHERE who > 8;")
    assert ids(batches) == [9, 10]


def test_a_time_without_zone_is_refused_with_the_lines_to_add(
    database: tuple[Postgres, str],
) -> None:
    with pytest.raises(LoadError) as caught:
        load(database, table="happenings", columns={**COLUMNS, "timestamp": "written"})
    problem = caught.value.problems[0]
    assert problem.code == "time-no-zone"
    assert "times: {timestamp: {zone: UTC}}" in problem.fix


def test_a_bad_row_is_told_without_a_line(database: tuple[Postgres, str]) -> None:
    server, name = database
    server.run("UPDATE happenings SET what = NULL WHERE who = 2", name)
    rejects = [reject for batch in load(database, table="happenings") for reject in batch.rejects]
    assert [(reject.file, reject.line, reject.code) for reject in rejects] == [
        ("happenings", None, "missing-value")
    ]
    assert '"who": 2' in rejects[0].raw


def test_an_unknown_cursor_suggests_a_column(database: tuple[Postgres, str]) -> None:
    with pytest.raises(UsageError, match="Did you mean `updated_at`"):
        load(database, table="happenings", cursor="updated")


def test_both_or_neither_of_table_and_query_is_a_mistake(database: tuple[Postgres, str]) -> None:
    with pytest.raises(UsageError, match="neither"):
        load(database)
    with pytest.raises(UsageError, match="both"):
        load(database, table="happenings", query="SELECT 1")


def test_no_secret_is_told(database: tuple[Postgres, str]) -> None:
    server, name = database
    told = SourceDef(kind="events", table="missing")
    for dsn in (
        server.url(name).replace(server.password, "s3cret-word"),
        server.url(name),
        f"host=127.0.0.1 port=1 user=tests password=s3cret-word dbname={name}",
        "postgresql://tests:s3cret word@127.0.0.1:1/x",
    ):
        with pytest.raises(LoadError) as caught:
            list(
                read_postgres(
                    told, shape_from("events", told), dsn=dsn, name="app", received_at=NOW
                )
            )
        assert "s3cret" not in str(caught.value)
        assert server.password not in str(caught.value)
