"""`alerts:` edits the signs that ship, and the features that are made of them."""

from __future__ import annotations

import json

import pytest

from groundswell.config.explaining import explain_config
from groundswell.config.loading import load_config
from groundswell.config.presets import shipped_alerts
from groundswell.config.schema import AlertsBlock

WRITTEN = {
    "high": 40,
    "signs": {
        "usage_up": {"when": "usage_trend_28d >= 2  -- twice", "points": 12.5, "say": "twice"},
        "limit_hit": None,
        "exporting": {"when": "exports_28d > 3", "points": 10},
    },
}


@pytest.fixture
def load(tmp_path):
    def write(**blocks):
        (tmp_path / "groundswell.yaml").write_text(json.dumps(blocks), encoding="utf-8")
        return load_config(tmp_path)

    return write


@pytest.fixture
def edited(load):
    exports = {"count": "events", "of": "Export Finished", "within": "28d"}
    return load(alerts=WRITTEN, features={"exports_28d": exports})


def test_what_ships_is_what_the_reference_says():
    written = shipped_alerts().model_dump(exclude={"signs"})
    assert written == AlertsBlock().model_dump(exclude={"signs"})


def test_signs_are_added_replaced_and_taken_away(edited):
    signs = edited.alerts.signs
    assert next(iter(signs)) == "usage_up"
    assert (signs["usage_up"].points, signs["usage_up"].family) == (12.5, "usage_up")
    assert "limit_hit" not in signs
    assert signs["exporting"].say is None
    assert signs["seats_nearly_full"].family == "limit"
    assert (edited.alerts.high, edited.alerts.very_high) == (40, 75)
    assert edited.alerts.again_after_days == 30


def test_the_features_are_made_of_the_signs(edited, load):
    value = edited.features["expansion_potential"].value
    assert "THEN 12.5" in value
    assert "exports_28d > 3" in value
    assert "limit_hits_28d" not in value
    assert edited.features["is_high_potential"].when == "expansion_potential >= 40"
    shipped = load()
    assert shipped.features["is_high_potential"].when == "expansion_potential >= 50"
    assert "cross_team_invites_60d" not in shipped.features["expansion_potential"].value


def test_no_signs_at_all(load):
    signs = dict.fromkeys(shipped_alerts().signs)
    config = load(alerts={"signs": signs})
    assert config.features["expansion_potential"].value == "LEAST(0, 100)"


def test_the_feature_cannot_be_declared_otherwise(load):
    from groundswell.errors import ConfigError

    with pytest.raises(ConfigError, match="is built in"):
        load(features={"expansion_potential": {"value": "mrr"}})


def test_other_signs_are_another_fingerprint(edited, load):
    assert edited.fingerprint("alerts") != load().fingerprint("alerts")


def test_each_value_says_where_it_is_from(edited):
    rows = {row.path: row for row in explain_config(edited)}
    assert rows["alerts.high"].value == 40
    assert rows["alerts.high"].origin.startswith("groundswell.yaml:")
    assert rows["alerts.again_after"].value == "30d"
    assert rows["alerts.for"].value == "active_users_28d > 0"
    assert rows["alerts.signs.exporting.when"].origin.startswith("groundswell.yaml:")
    assert rows["alerts.signs.seats_nearly_full.points"].value == 25
    assert rows["alerts.signs.seats_nearly_full.points"].origin == "default (groundswell)"
    assert "alerts.signs.limit_hit.when" not in rows
