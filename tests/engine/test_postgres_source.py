"""A table in PostgreSQL as a source: read once, then only what is new."""

from __future__ import annotations

import datetime as dt

import psycopg

from groundswell.clock import FixedClock
from groundswell.engine import Project
from groundswell.model import Kind

NOON = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)

CONFIG = """\
company: Small Co
events:
  signed_up: Signed Up
sources:
  product:
    kind: events
    dsn: ${PRODUCT_DSN}
    table: tracked
    cursor: stored_at
    columns: {message_id: id, user_id: who, account_id: org, event: what, timestamp: at}
"""


def test_only_what_is_new_is_read_again(postgres, tmp_path):
    url = postgres.create("product")
    (tmp_path / "groundswell.yaml").write_text(CONFIG, encoding="utf-8")
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(
            "CREATE TABLE tracked (id text, who text, org text, what text,"
            " at timestamptz, stored_at timestamptz)"
        )

        def track(first: int, last: int, stored: str) -> None:
            for number in range(first, last):
                database.execute(
                    "INSERT INTO tracked VALUES (%s, %s, 'acme', 'Signed Up', %s, %s)",
                    (f"m{number}", f"u{number % 4}", "2026-06-01T00:00:00Z", stored),
                )

        track(0, 10, "2026-06-01T01:00:00Z")
        with Project.open(
            tmp_path, clock=FixedClock(NOON), environ={"PRODUCT_DSN": url}
        ) as project:
            (first,) = project.load("events")
            assert (first.source, first.added, first.duplicates) == ("product", 10, 0)
            track(10, 13, "2026-06-01T01:00:00Z")
            track(13, 15, "2026-06-02T01:00:00Z")
            (second,) = project.load("events")
            assert second.added == 5, "rows with the last cursor value are read again"
            (third,) = project.load("events")
            assert (third.added, third.duplicates) == (0, 2)
            with psycopg.connect(url) as slow:
                slow.execute(
                    "INSERT INTO tracked VALUES ('late', 'u0', 'acme', 'Signed Up',"
                    " '2026-06-01T00:00:00Z', '2026-06-02T02:00:00Z')"
                )
                track(15, 16, "2026-06-02T02:30:00Z")
                (fourth,) = project.load("events")
                assert fourth.added == 1
            (fifth,) = project.load("events")
            assert fifth.added == 1, "a transaction that ended late is not passed over"
            events = project.warehouse.read(Kind.EVENTS)
            assert events.height == 17
            features = project.features(dt.date(2026, 6, 2))
            assert features.get_column("users_total").to_list() == [4.0]
