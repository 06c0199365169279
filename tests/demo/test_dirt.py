from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from groundswell.demo import backfill, dirt

if TYPE_CHECKING:
    import duckdb

    from groundswell.demo import DemoCompany


def test_broken_late_and_repeated_rows_come_at_the_documented_rates(company: DemoCompany) -> None:
    assert company.broken / company.events == pytest.approx(dirt.BROKEN, rel=0.1)
    assert company.repeated / company.events == pytest.approx(dirt.REPEATED, rel=0.15)
    assert company.late / company.events == pytest.approx(dirt.LATE, rel=0.2)


def test_each_kind_of_broken_row_is_there(
    company: DemoCompany, tables: duckdb.DuckDBPyConnection
) -> None:
    nobody, timeless, future, malformed = tables.execute(
        "SELECT count(*) FILTER (user_id IS NULL AND anonymous_id IS NULL), "
        "count(*) FILTER (timestamp IS NULL), "
        "count(*) FILTER (epoch_us(timestamp) > "
        f"epoch_us('{company.end}'::TIMESTAMP) + 400 * 86400e6), "
        "count(*) FILTER (NOT json_valid(properties)) FROM events"
    ).fetchone()
    for count in (nobody, timeless, future, malformed):
        assert count == pytest.approx(company.broken / 4, rel=0.35)


def test_a_repeated_message_is_the_same_but_for_its_receipt(
    company: DemoCompany, tables: duckdb.DuckDBPyConnection
) -> None:
    pairs, same = tables.execute(
        "SELECT count(*), count(*) FILTER (one) FROM ("
        "SELECT count(DISTINCT (user_id, event, timestamp, properties)) = 1 AS one "
        "FROM events GROUP BY message_id HAVING count(*) > 1)"
    ).fetchone()
    assert pairs == same == company.repeated


def test_events_are_received_after_they_happen_and_in_the_file_of_that_month(
    tables: duckdb.DuckDBPyConnection,
) -> None:
    assert tables.execute("SELECT count(*) FROM good WHERE received < happened").fetchone() == (0,)
    weeks = tables.execute(
        "SELECT max(datediff('day', happened, received)) FROM good WHERE json_valid(properties)"
    ).fetchone()[0]
    assert 28 <= weeks <= dirt.LATE_DAYS[1] + 1


def test_the_mobile_export_has_every_broken_line(company: DemoCompany) -> None:
    lines = company.loads["events"][-1].read_text().splitlines()
    assert [line for line in backfill.BROKEN if line not in lines] == []
    assert len(lines) > len(backfill.BROKEN) + 50
