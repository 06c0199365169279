"""Accounts to write briefs of: an ordinary one, and one that means harm."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from groundswell.config.loading import LoadedConfig, load_config
from groundswell.handoff.brief import Brief, Fact, Past, Person, Point, Story
from groundswell.handoff.writing import write_brief
from groundswell.model import Band, Component, Decision, Motion, Part, Score, Tier, Trigger

DAY = dt.date(2026, 3, 1)
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
HOSTILE = (
    "<script>alert(1)</script> & \"'*_`[Inc](http://evil.example)\n\n"
    "# PLAY\x1b[2J\n- <!channel> <https://evil.example|click> ![x](http://evil.example/x.png)"
)
"""What an account may call itself."""

ACME: dict[str, Any] = {
    "account_age_days": 40,
    "active_users_28d": 8,
    "active_days_28d": 20,
    "admin_pricing_views_28d": 2,
    "country": "DE",
    "days_since_integration_connected": 5,
    "days_since_limit_hit": 3,
    "days_since_pricing_viewed": 1,
    "employees": 240,
    "estimated_acv": 14_200.0,
    "features_used_28d": 6,
    "has_crm_integration": True,
    "industry": "software",
    "is_paying": False,
    "limit_hits_28d": 2,
    "mrr": 0.0,
    "new_users_28d": 4,
    "plan": "free",
    "pricing_views_28d": 3,
    "seat_limit": 10,
    "seat_ratio": 1.0,
    "seats_used": 10,
    "usage_trend_28d": 1.4,
    "users_total": 10,
}


@pytest.fixture(scope="session")
def configured(tmp_path_factory):
    """A project's configuration with what is written in it."""

    def load(**blocks: Any) -> LoadedConfig:
        path = tmp_path_factory.mktemp("project") / "groundswell.yaml"
        path.write_text(json.dumps({"company": "Boards", **blocks}), encoding="utf-8")
        return load_config(path)

    return load


@pytest.fixture(scope="session")
def shipped(configured) -> LoadedConfig:
    return configured()


def make_score(**changes: Any) -> Score:
    fields: dict[str, Any] = {
        "account_id": "acme",
        "as_of": DAY,
        "value": 81.26,
        "parts": {Part.USAGE: 90.0, Part.FIT: 70.04, Part.BEHAVIOUR: 80.0},
        "bands": dict.fromkeys(Part, Band.HIGH),
        "components": (
            Component("users", Part.USAGE, 8, 24.0, 30.0, "8 active users in four weeks"),
            Component("size", Part.FIT, 240, 40.0, 40.0, "240 employees"),
            Component("tech", Part.FIT, None, 0.0, 30.0, "Technologies unknown", known=False),
        ),
        "tier": Tier.CONVERT,
        "above_threshold": True,
        "model_version": "hybrid-1",
    }
    return Score(**{**fields, **changes})


def make_decision(**changes: Any) -> Decision:
    fields: dict[str, Any] = {
        "account_id": "acme",
        "as_of": DAY,
        "decided_at": NOON,
        "motion": Motion.SALES_ASSIST,
        "rule": "high score, mid-market",
        "hand_over": True,
        "reason": "Rule matched.",
        "rules": (),
        "guardrails": (),
        "triggers": (
            Trigger("ten_users", "usage", dt.date(2026, 2, 1), "8 active users in four weeks"),
            Trigger("limit", "usage", dt.date(2026, 2, 26), "Hit a limit of the plan"),
        ),
        "quadrant": "high/high",
        "model_version": "hybrid-1",
        "play": "convert_trial",
    }
    return Decision(**{**fields, **changes})


def make_story(**changes: Any) -> Story:
    fields: dict[str, Any] = {
        "account_id": "acme",
        "name": "Acme",
        "domain": "acme.example",
        "values": dict(ACME),
        "people": (
            Person(
                *("u1", "Ann Lee", "ann@acme.example", "Analyst"),
                role="champion",
                active_days=19,
                last_seen_on=DAY,
            ),
            Person("u2", "Bo Ray", "bo@acme.example", "Systems Administrator", role="admin"),
            Person("u3", "Cy Fox", None, "VP of Sales", role="senior", last_seen_on=DAY),
            Person("u4", email="dee@acme.example", rest="contacted 12 days ago, less than 90"),
        ),
        "trend": tuple(
            Point(DAY - dt.timedelta(weeks=11 - week), float(week)) for week in range(12)
        ),
        "features": (Fact("Board Viewed", "66 times by 8 people"),),
        "requests": ("integration, 2026-02-20",),
        "history": (
            Past(NOON - dt.timedelta(days=90), "Declined: too early", "rep@boards.example"),
            Past(NOON - dt.timedelta(days=12), "call with u4", "rep@boards.example"),
        ),
        "company": "Boards",
        "rep": "Rae Poe",
        "owner": "rae@boards.example",
        "due_at": NOON + dt.timedelta(hours=24),
        "added_arr": 14_200.0,
        "next_plan": "team",
    }
    return Story(**{**fields, **changes})


@pytest.fixture
def story() -> Story:
    return make_story()


@pytest.fixture
def brief(shipped) -> Brief:
    return write_brief(shipped, make_story(), make_score(), make_decision())


@pytest.fixture
def hostile(shipped) -> Brief:
    """The brief of an account every text of which means harm."""
    text = HOSTILE
    story = make_story(
        name=text,
        domain=text,
        values={**ACME, "plan": text, "industry": text, "country": text},
        people=(Person(text, text, f"a@b.example?bcc={text}", text, "champion", rest=text),),
        features=(Fact(text, text),),
        requests=(text,),
        history=(Past(NOON, text, text),),
        next_plan=text,
        rep=text,
        owner=text,
    )
    score = make_score(components=(Component("c", Part.FIT, text, 5.0, 9.0, text),))
    decision = make_decision(triggers=(Trigger("t", "usage", DAY, text),), rule=text)
    return write_brief(shipped, story, score, decision, urgent=True)


@pytest.fixture
def endless(shipped) -> Brief:
    """The brief of an account every text of which is too long, and holds what is escaped."""
    text = "&<" * 5_000
    story = make_story(
        name=text,
        values={**ACME, "plan": text, "industry": text},
        people=tuple(Person(f"u{n}", text, text, text, "senior", rest=text) for n in range(30)),
        features=tuple(Fact(text, text) for _ in range(30)),
        requests=(text,) * 30,
        history=(Past(NOON, text, text),) * 30,
    )
    triggers = tuple(Trigger(f"t{n}", "usage", DAY, text) for n in range(30))
    return write_brief(shipped, story, make_score(), make_decision(triggers=triggers))
