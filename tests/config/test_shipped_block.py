"""Blocks that are completed from what ships: the file is the only source of a default."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from groundswell.config.explaining import explain_config
from groundswell.config.loading import load_config
from groundswell.config.schema import CommissionsBlock, config_schema
from groundswell.config.shipped_block import shipped_values


@pytest.fixture
def load(tmp_path):
    def read(text: str):
        (tmp_path / "groundswell.yaml").write_text(text, encoding="utf-8")
        return load_config(tmp_path)

    return read


def test_a_file_that_says_nothing_gets_what_ships(load):
    loaded = load("company: Acme\n")
    assert loaded.config.commissions == CommissionsBlock.as_shipped()
    assert loaded.commissions.pql_rate == Fraction(7, 100)
    assert loaded.commissions.usual_rep == (Fraction(12, 100), Fraction(15, 100))
    assert loaded.payback.usual.without_engine == (24, 36)
    assert loaded.pricing.enterprise_from == Decimal(5000)
    assert (loaded.experiments.horizon, loaded.experiments.imbalance) == (90, 0.001)
    assert len(loaded.mistakes) == 16


def test_a_mapping_is_completed_key_by_key_and_a_list_is_replaced(load):
    loaded = load(
        "commissions:\n"
        "  rates: {pql_sourced: 7.5%}\n"
        "  baseline: {sizes: [100]}\n"
        "  reps: {Rep1@Acme.example: {started: 2026-01-15, new_logo: 400000.5}}\n"
        "payback: {with_engine: {acv: [5000, 6000, 9000]}}\n"
    )
    plan = loaded.commissions
    assert (plan.pql_rate, plan.rep_rate) == (Fraction(3, 40), Fraction(13, 100))
    assert (plan.sizes, plan.at_least) == ((100,), 5)
    assert plan.reps["rep1@acme.example"].new_logo == 40_000_050
    acv = loaded.payback.with_engine.acv
    assert (acv.low, acv.likely, acv.high) == (5_000, 6_000, 9_000)
    assert loaded.payback.with_engine.conversion.high == pytest.approx(0.4)
    assert loaded.payback.margin.likely == pytest.approx(0.8)  # the middle, where nothing is said


def test_what_holds_is_explained_with_where_it_came_from(load):
    loaded = load("commissions:\n  rates: {pql_sourced: 8%}\nmistakes: {free_tier_war: null}\n")
    rows = {row.path: row for row in explain_config(loaded)}
    assert (rows["commissions.rates.pql_sourced"].value) == "8%"
    assert rows["commissions.rates.pql_sourced"].origin == "groundswell.yaml:2"
    assert rows["commissions.rates.rep_sourced"].value == "13%"
    assert rows["commissions.rates.rep_sourced"].origin.startswith("default")
    assert rows["mistakes.teams_in_friction.at.disputes"].value == 3
    assert "mistakes.free_tier_war.severity" not in rows


def test_the_schema_lets_every_key_out_and_shows_what_then_holds():
    block = config_schema()["$defs"]["CommissionsBlock"]
    assert "required" not in block
    assert "required" not in config_schema()["$defs"]["RatesDef"]
    assert block["properties"]["rates"]["default"] == shipped_values("commissions")["rates"]
