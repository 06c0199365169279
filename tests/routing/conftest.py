"""Accounts to decide on, with the shipped rules, triggers and guardrails."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from groundswell.config.loading import LoadedConfig, load_config
from groundswell.model import Band, Part, Score, Tier
from groundswell.routing import AccountState, decide

DAY = dt.date(2026, 3, 1)
NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)

CALM = {
    "account_age_days": 60,
    "is_activated": True,
    "days_since_active": 0,
    "is_onboarding": False,
    "has_friction": False,
    "is_paying": False,
    "open_opportunities": 0,
    "owner": None,
    "employees": 20,
    "estimated_acv": 1000,
    "seats_used": 3,
    "mrr": 0,
    "active_users_28d": 2,
    "enterprise_indicators": 0,
    "expansion_potential": 0,
    "is_high_potential": False,
    "is_named_customer": False,
    "hand_raises_28d": 0,
    "procurement_asks_28d": 0,
    "security_asks_28d": 0,
    "has_sso": False,
    "integration_tickets_28d": 0,
    "presales_tickets_28d": 0,
    "pricing_views_28d": 0,
    "upgrades_abandoned_28d": 0,
    "is_high_value": False,
}
"""An account that no rule but the last has anything to say about."""


@pytest.fixture(scope="session")
def configured(tmp_path_factory):
    """A project's configuration with what is written in it."""

    def load(**blocks: Any) -> LoadedConfig:
        path = tmp_path_factory.mktemp("project") / "groundswell.yaml"
        path.write_text(json.dumps(blocks), encoding="utf-8")
        return load_config(path)

    return load


@pytest.fixture(scope="session")
def shipped(configured) -> LoadedConfig:
    return configured()


@pytest.fixture(scope="session")
def calm() -> dict[str, Any]:
    return dict(CALM)


@pytest.fixture(scope="session")
def make_score():
    """A score as scoring would give it, against the lines of `hybrid`."""

    def make(value: float = 30.0, **changes: Any) -> Score:
        fields: dict[str, Any] = {
            "account_id": "acme",
            "as_of": DAY,
            "value": value,
            "parts": dict.fromkeys(Part, value),
            "bands": dict.fromkeys(Part, Band.LOW),
            "components": (),
            "tier": Tier.CONVERT,
            "above_threshold": value > 70,
            "model_version": "hybrid-test",
            "above_enterprise": value > 90,
        }
        return Score(**{**fields, **changes})

    return make


@pytest.fixture(scope="session")
def decided(shipped, make_score):
    """Decide on a calm account with some values changed."""

    def run(score=None, state=None, triggers=(), config=None, **values: Any):
        used = config or shipped
        return decide(
            {"account_id": "acme", "as_of": DAY, **CALM, **values},
            score or make_score(),
            triggers,
            state or AccountState(),
            rules=used.motions,
            guardrails=used.guardrails,
            now=NOW,
        )

    return run
