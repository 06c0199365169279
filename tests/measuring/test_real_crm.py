"""A real pipeline of 8,800 deals comes to what its source says: counts, value, cycles."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from groundswell.clock import FixedClock
from groundswell.engine import Project

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = Path(__file__).parents[3] / "shared" / "data" / "maven_crm"
LAST = dt.date(2017, 12, 31)
DEALS = {"owner": "sales", "of": "opportunities", "unit": "number"}
METRICS = {
    "deals_won": {**DEALS, "on": "closed_on", "count": "won"},
    "deals_lost": {**DEALS, "on": "closed_on", "count": "closed AND NOT won"},
    "deals_open": {**DEALS, "on": "created_on", "count": "NOT closed"},
    "won_value": {**DEALS, "on": "closed_on", "sum": "amount_cents", "among": "won"},
    "won_cycle": {**DEALS, "on": "closed_on", "mean": "days_to_close", "among": "won"},
    "lost_cycle": {
        **DEALS,
        "on": "closed_on",
        "mean": "days_to_close",
        "among": "closed AND NOT won",
    },
}

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the data set is not here")


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Load the pipeline as it is kept by the CRM.

    A deal of nobody known is of an account of its own; one that nobody engaged with yet was made by
    the last day of the data.
    """
    root = tmp_path_factory.mktemp("maven")
    named = {name: {"title": name, **metric} for name, metric in METRICS.items()}
    (root / "groundswell.yaml").write_text(json.dumps({"metrics": named}), encoding="utf-8")
    deals = pl.read_csv(DATA / "sales_pipeline.csv", try_parse_dates=True)
    won = pl.col("deal_stage").replace_strict(
        {"Won": True, "Lost": False}, default=None, return_dtype=pl.Boolean
    )

    def at(column: pl.Expr) -> pl.Expr:
        return column.dt.strftime("%Y-%m-%dT12:00:00Z")

    deals.select(
        "opportunity_id",
        pl.coalesce("account", pl.concat_str(pl.lit("unnamed "), "opportunity_id")).alias(
            "account_id"
        ),
        at(pl.col("engage_date").fill_null(LAST)).alias("created_at"),
        pl.col("deal_stage").alias("stage"),
        pl.col("close_value").alias("amount"),
        at(pl.col("close_date")).alias("closed_at"),
        won.alias("won"),
        pl.col("sales_agent").alias("owner"),
    ).write_csv(root / "deals.csv")
    clock = FixedClock(dt.datetime(2018, 1, 1, 9, tzinfo=dt.UTC))
    with Project.open(root, clock=clock) as project:
        (report,) = project.load("opportunities", [root / "deals.csv"])
        assert report.rejected == 0
        yield project


def test_the_pipeline_comes_to_what_its_source_says(pipeline: Project) -> None:
    found = pipeline.measuring.figures(as_of=LAST, days=500)
    told = {one.metric: one.estimate.value for one in found.figures}
    assert told["deals_won"] == 4_238
    assert told["deals_lost"] == 2_473
    assert told["deals_open"] == 1_589 + 500
    assert told["won_value"] == 10_005_534 * 100
    assert told["won_cycle"] == pytest.approx(51.8, abs=0.05)
    assert told["lost_cycle"] == pytest.approx(41.5, abs=0.05)


def test_every_deal_behind_a_number_can_be_seen(pipeline: Project) -> None:
    rows = pipeline.measuring.behind("deals_won", as_of=LAST, days=500)
    assert sum(1 for row in rows if row["counted"]) == 4_238
    stages = pipeline.measuring.tables(LAST).deals
    open_ = stages.filter(~pl.col("closed")).group_by("stage").len()
    assert dict(open_.iter_rows()) == {"Engaging": 1_589, "Prospecting": 500}


def test_a_day_of_the_past_knows_only_what_had_closed(pipeline: Project) -> None:
    half = dt.date(2017, 6, 30)
    source = pl.read_csv(DATA / "sales_pipeline.csv", try_parse_dates=True)
    closed = source.filter(pl.col("close_date") <= half, pl.col("deal_stage") == "Won").height
    found = pipeline.measuring.figures(as_of=half, days=500)
    told = {one.metric: one.estimate.value for one in found.figures}
    assert told["deals_won"] == closed
