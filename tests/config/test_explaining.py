"""explain-config: each effective value once, with its origin, and no secret."""

from pathlib import Path

import pytest

from groundswell.config.explaining import explain_config
from groundswell.config.loading import load_config

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def rows():
    return explain_config(load_config(HERE / "company.yaml"))


@pytest.fixture(scope="module")
def by_path(rows):
    return {row.path: row for row in rows}


def test_every_path_stands_once(rows, by_path):
    assert len(rows) == len(by_path)


@pytest.mark.parametrize(
    ("path", "value", "origin"),
    [
        ("company", "Tidewater", "company.yaml:2"),
        ("warehouse", "duckdb", "default (groundswell)"),
        ("guardrails.min_account_age", "5d", None),
        ("guardrails.max_silence", "180d", "default (groundswell)"),
        ("score.qualified.at_least", 65.0, None),
        ("score.enterprise.above", 90.0, "preset hybrid"),
        ("score.weights.usage", 0.5, None),
        ("score.release.cool_down", "30d", "default (groundswell)"),
        ("events.used_feature.forecasts", "Forecast * (paid)", None),
        ("events.trial_started", "Trial Started", "default (groundswell)"),
        ("features.exports_28d.count", "events", None),
        ("features.active_users_28d.count", "users", "default (groundswell)"),
        ("plans.team.price", "12 per seat monthly", None),
        ("identity.domains", True, "default (groundswell)"),
        ("destinations.slack.webhook", "${SLACK_WEBHOOK}", None),
    ],
)
def test_values_and_origins(by_path, path, value, origin):
    row = by_path[path]
    assert row.value == value
    if origin is None:
        assert row.origin.startswith("company.yaml:")
    else:
        assert row.origin == origin


def test_a_component_is_one_line(by_path):
    exports = by_path["score.usage.exports"]
    assert exports.value == "exports_28d: 0 -> 0, 5 -> 5, 50 -> 10; unknown 0"
    assert by_path["score.behaviour.hot"].value == "15 when heating_up; unknown 2"
    assert by_path["score.fit.tech_stack"].origin == "preset hybrid"
    assert "score.usage.usage_trend" not in by_path


def test_rules_stand_in_the_order_they_are_tried(by_path):
    assert by_path["motions[0]"].origin.startswith("company.yaml:")
    assert by_path["motions[1]"].origin == "default (groundswell)"


def test_a_meaning_with_filters_says_them(by_path):
    assert "Board Shared where audience = team or public and size = 2" in (
        by_path["events.activated"].value
    )


def test_values_are_plain(rows):
    assert all(isinstance(row.value, str | int | float | bool | None) for row in rows)
