from __future__ import annotations

import hashlib
from datetime import date
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from groundswell.demo import eventfiles, generate
from groundswell.demo.archetypes import ARCHETYPES

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from groundswell.demo import DemoCompany

SMALL = {"accounts": 60, "months": 4, "end": date(2025, 12, 31)}


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_same_seed_gives_the_same_bytes_and_another_seed_another_company(tmp_path: Path) -> None:
    for name, seed in (("one", 3), ("two", 3), ("other", 4)):
        generate(tmp_path / name, seed=seed, **SMALL)
    one, two, other = (digests(tmp_path / name) for name in ("one", "two", "other"))
    assert one == two
    assert one.keys() == other.keys()
    same = {name for name in one if one[name] == other[name]}
    assert not same


def test_generating_again_into_a_folder_leaves_nothing_of_the_company_before(
    tmp_path: Path,
) -> None:
    generate(tmp_path / "again", accounts=60, months=6, seed=3, end=date(2026, 3, 31))
    generate(tmp_path / "again", seed=3, **SMALL)
    generate(tmp_path / "fresh", seed=3, **SMALL)
    assert digests(tmp_path / "again") == digests(tmp_path / "fresh")


def test_events_come_to_about_the_number_asked_for(tmp_path: Path) -> None:
    company = generate(tmp_path, events=60_000, seed=3, **SMALL)
    assert company.events == pytest.approx(60_000, rel=0.08)


def test_events_are_written_in_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generate(tmp_path / "whole", seed=3, **SMALL)
    monkeypatch.setattr(eventfiles, "SLICE", 500)
    company = generate(tmp_path / "sliced", seed=3, **SMALL)
    files = [path for path in company.loads["events"] if path.suffix == ".parquet"]
    assert len(files) == SMALL["months"]
    for path in files:
        written = pq.ParquetFile(path)
        sizes = [
            written.metadata.row_group(n).num_rows for n in range(written.metadata.num_row_groups)
        ]
        assert max(sizes) <= 500
        assert written.read() == pq.read_table(tmp_path / "whole" / "events" / path.name)


def test_the_report_says_what_the_files_hold(
    company: DemoCompany, tables: duckdb.DuckDBPyConnection
) -> None:
    rows, ids = tables.execute("SELECT count(*), count(DISTINCT message_id) FROM events").fetchone()
    assert rows == company.events
    assert rows - ids == company.repeated
    assert tables.execute("SELECT count(*) FROM truth").fetchone() == (company.accounts,)
    assert all(path.exists() for paths in company.loads.values() for path in paths)
    assert company.truth not in {path for paths in company.loads.values() for path in paths}


def test_the_truth_has_the_documented_shares(
    company: DemoCompany, tables: duckdb.DuckDBPyConnection
) -> None:
    counted = dict(
        tables.execute("SELECT archetype, count(*) FROM truth GROUP BY archetype").fetchall()
    )
    for archetype in ARCHETYPES:
        assert counted[archetype.name] == pytest.approx(archetype.share * company.accounts, abs=1)
    assert sum(archetype.share for archetype in ARCHETYPES) == pytest.approx(1)


def test_the_truth_says_when_each_paying_account_pays(
    company: DemoCompany, tables: duckdb.DuckDBPyConnection
) -> None:
    wrong = tables.execute(
        "SELECT count(*) FROM truth WHERE will_convert <> (converts_on IS NOT NULL)"
    ).fetchone()
    assert wrong == (0,)
    paid = tables.execute(
        "SELECT account_id, min(TRY_CAST(started_at AS TIMESTAMP))::DATE FROM subscriptions "
        "WHERE plan IN ('team', 'business', 'enterprise') "
        "AND subscription_id NOT LIKE 'sub-9000%' GROUP BY 1 ORDER BY 1"
    ).fetchall()
    true = tables.execute(
        f"SELECT account_id, converts_on FROM truth WHERE converts_on <= '{company.end}' ORDER BY 1"
    ).fetchall()
    assert paid == true


def test_no_file_that_is_loaded_names_an_archetype(company: DemoCompany) -> None:
    words = [archetype.name for archetype in ARCHETYPES] + ["archetype", "is_bot", "will convert"]
    texts = [
        path.read_text()
        for paths in company.loads.values()
        for path in paths
        if path.suffix == ".csv"
    ]
    texts.append(company.config.read_text())
    for path in company.loads["events"]:
        if path.suffix == ".parquet":
            table = pq.read_table(path, columns=["event", "properties"])
            texts += [str(table["event"].unique()), str(table["properties"].unique().to_pylist())]
    for text in texts:
        assert not [word for word in words if word in text]


def test_nobody_acts_before_signing_up(tables: duckdb.DuckDBPyConnection) -> None:
    early = tables.execute(
        "SELECT count(*) FROM good JOIN users USING (user_id) "
        "WHERE good.happened < TRY_CAST(users.created_at AS TIMESTAMP)"
    ).fetchone()
    assert early == (0,)
    before_the_account = tables.execute(
        "SELECT count(*) FROM good "
        "JOIN (SELECT account_id, min(TRY_CAST(created_at AS TIMESTAMP)) AS made "
        "FROM accounts GROUP BY 1) "
        "USING (account_id) WHERE happened < made"
    ).fetchone()
    assert before_the_account == (0,)


def test_visitors_read_the_site_before_they_are_known(tables: duckdb.DuckDBPyConnection) -> None:
    known, pricing = tables.execute(
        "SELECT count(DISTINCT visit.anonymous_id), "
        "count(*) FILTER (visit.properties LIKE '%/pricing%') "
        "FROM good AS visit JOIN good AS signup USING (anonymous_id) "
        "WHERE visit.user_id IS NULL AND signup.event = 'Signed Up' "
        "AND visit.happened < signup.happened"
    ).fetchone()
    assert known > 100
    assert pricing > 50


def test_every_name_is_under_a_reserved_domain(tables: duckdb.DuckDBPyConnection) -> None:
    for query in (
        "SELECT email FROM users WHERE email NOT LIKE '%.example'",
        "SELECT domain FROM accounts WHERE domain IS NOT NULL AND domain NOT LIKE '%.example'",
    ):
        assert tables.execute(query).fetchall() == []
    repeated = tables.execute(
        "SELECT email FROM users WHERE email IS NOT NULL GROUP BY email HAVING count(*) > 1"
    ).fetchall()
    assert repeated == []
    shared = tables.execute(
        "SELECT domain FROM accounts WHERE domain IS NOT NULL "
        "GROUP BY domain HAVING count(DISTINCT account_id) > 1"
    ).fetchall()
    assert shared == []
