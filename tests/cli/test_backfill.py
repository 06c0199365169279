"""`destinations backfill`: values of accounts into files, again and of all, and only said first."""

from __future__ import annotations

import polars as pl

from tests.cli.conftest import CONFIG, small_history, write_events


def test_a_backfill_sends_what_a_dry_run_says(tmp_path, groundswell):
    lake = tmp_path / "lake"
    block = f"destinations:\n  lake: {{type: export, folder: {lake}}}\n"
    (tmp_path / "groundswell.yaml").write_text(CONFIG + block, encoding="utf-8")
    where = ("--project", tmp_path)
    groundswell("load", "events", write_events(tmp_path / "e.csv", small_history()), *where)
    assert groundswell("destinations", "backfill", "lake", *where).code == 2  # no run yet
    assert groundswell("run", "--as-of", "2026-06-30", *where).code == 0
    asked = ("destinations", "backfill", "lake", "--all", *where)
    dry = groundswell(*asked, "--dry-run", "--json").json()
    assert (dry["backfill"]["accounts"], dry["sent"]) == (2, None)
    assert {one["after"]["state"] for one in dry["backfill"]["changes"]} <= {
        *("monitored", "qualified", "assigned", "routed")
    }
    assert not list(lake.rglob("*.parquet"))
    said = groundswell(*asked, "--dry-run").out
    assert "2 accounts for lake." in said
    assert "score = " in said
    done = groundswell(*asked, "--json").json()
    assert done["sent"]["sent"] == 2
    written = pl.read_parquet(lake / "dim_accounts" / "**" / "*.parquet", hive_partitioning=False)
    assert sorted(written["account_id"].unique()) == ["acme", "idle"]
    assert "2 sent" in groundswell(*asked).out
    unknown = groundswell("destinations", "backfill", "lak", *where)
    assert unknown.code == 2
    assert "Did you mean `lake`" in unknown.err
