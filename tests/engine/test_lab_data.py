"""The learner on real tables: as good as is known of them, and silent where there is nothing."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from groundswell.engine.lab import study_table
from groundswell.scoring.learning import Asked, Plan

DATA = Path(__file__).parents[2].parent / "shared" / "data"
BANK = DATA / "bank_marketing" / "bank-additional-full.csv.gz"

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not DATA.exists(), reason="the real data sets are not beside the project"),
]


def test_bank_marketing_without_the_leak():
    found = study_table(BANK, Asked("y", drop=["duration"]))
    assert found.verdict == "ok"
    assert found.roc_auc.value >= 0.78
    assert found.ece.value < 0.02
    assert found.alarms == ()


def test_bank_marketing_by_time_names_what_moved():
    found = study_table(BANK, Asked("y", drop=["duration"]), Plan(by_time=True))
    assert {"euribor3m", "nr.employed"} <= {a.feature for a in found.alarms if a.code == "drift"}


def test_bank_marketing_with_the_leak():
    found = study_table(BANK, Asked("y"))
    assert ("removal", "duration") in {(alarm.code, alarm.feature) for alarm in found.alarms}


def test_b2b_sales_by_five_rounds_of_five_folds():
    path = DATA / "salvirt_b2b" / "B2B_dataset.csv"
    found = study_table(path, Asked("Status"), Plan(rounds=5))
    assert found.roc_auc.value >= 0.815
    assert found.verdict == "ok"


def test_ravenstack_has_no_signal():
    found = study_table(
        DATA / "ravenstack" / "ravenstack_accounts.csv",
        Asked("churn_flag", drop=["account_id", "account_name"]),
    )
    assert found.verdict == "no_signal"


def test_maven_crm_has_no_signal(tmp_path):
    folder = DATA / "maven_crm"
    deals = pl.read_csv(folder / "sales_pipeline.csv").filter(
        pl.col("deal_stage").is_in(["Won", "Lost"])
    )
    joined = deals.join(pl.read_csv(folder / "accounts.csv"), on="account", how="left").join(
        pl.read_csv(folder / "products.csv"), on="product", how="left"
    )
    joined.write_csv(tmp_path / "deals.csv")
    unknown_then = ["opportunity_id", "close_date", "close_value"]
    found = study_table(tmp_path / "deals.csv", Asked("deal_stage", drop=unknown_then))
    assert found.verdict == "no_signal"


def test_maven_crm_with_what_is_known_after_is_alarming():
    folder = DATA / "maven_crm"
    found = study_table(
        folder / "sales_pipeline.csv", Asked("deal_stage", positive="Won", drop=["opportunity_id"])
    )
    assert {"close_value", "close_date"} <= {alarm.feature for alarm in found.alarms}
