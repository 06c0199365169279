"""Alerts: each sign at its threshold, what the potential adds up to, what is said and to whom."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.config.expressions import Expression
from groundswell.config.vocabulary import SCORE_OUTPUTS, ValueType
from groundswell.routing import (
    AccountState,
    expansion_rules,
    high_accounts,
    is_held_back,
    news_since,
    tell_alert,
)
from groundswell.routing.alerts import FIRST, estimate_growth, weigh_signs

if TYPE_CHECKING:
    from groundswell.model import Alert

DAY = dt.date(2026, 3, 1)
DTYPES = {ValueType.NUMBER: pl.Float64, ValueType.TEXT: pl.String, ValueType.BOOLEAN: pl.Boolean}
ACV = {
    "acv_arr": pl.Float64,
    "acv_seats": pl.Float64,
    "acv_price": pl.Float64,
    "acv_per_seat": pl.Boolean,
    "acv_next_plan": pl.String,
}

# What makes each sign hold, and what is just not enough.
SIGNS = {
    "usage_up": ({"usage_trend_28d": 1.25}, {"usage_trend_28d": 1.24}, 20),
    "seats_nearly_full": ({"seat_ratio": 0.9}, {"seat_ratio": 0.89}, 25),
    "usage_nearly_full": ({"usage_ratio": 0.9}, {"usage_ratio": 0.89}, 25),
    "limit_hit": ({"limit_hits_28d": 1}, {"limit_hits_28d": 0}, 25),
    "users_added": (
        {"new_users_28d": 3, "users_total": 30},
        {"new_users_28d": 3, "users_total": 31},
        25,
    ),
    "enterprise_features_viewed": (
        {"enterprise_feature_views_28d": 1},
        {"enterprise_feature_views_28d": 0},
        15,
    ),
    "enterprise_features_used": (
        {"enterprise_feature_uses_28d": 1},
        {"enterprise_feature_uses_28d": 0},
        15,
    ),
    "stalled_at_limit": ({"days_at_limit": 60}, {"days_at_limit": 59}, 15),
    "other_teams_invited": ({"cross_team_invites_60d": 1}, {"cross_team_invites_60d": 0}, 0),
    "colleagues_signed_up": ({"domain_signups_60d": 1}, {"domain_signups_60d": 0}, 0),
}
FULL = {"seat_ratio": 0.94, "seats_used": 47, "seat_limit": 50}
GROWING = {"new_users_28d": 9, "users_total": 47}
WORTH = {
    "acv_arr": 7200.0,
    "acv_seats": 100.0,
    "acv_price": 18.0,
    "acv_per_seat": True,
    "acv_next_plan": "business",
}
CUSTOMER = {"active_users_28d": 30, "is_paying": True, "mrr": 600, "open_opportunities": 0}


def make_frame(config, rows):
    """Rows of accounts from dicts of values; everything else is unknown."""
    kinds = {name: DTYPES[kind] for name, kind in config.types.items() if name not in SCORE_OUTPUTS}
    made = {"account_id": pl.String, "as_of": pl.Date, **kinds, **ACV}
    full = [
        {name: {"as_of": DAY, **CUSTOMER, **row}.get(name) for name in made}
        | {"account_id": row.get("account_id", f"a{place}")}
        for place, row in enumerate(rows)
    ]
    frame = pl.DataFrame(full, schema=made)
    for name in ("expansion_potential", "is_high_potential"):
        said = config.features[name].value or config.features[name].when
        made_of = Expression.parse(said, types=config.types)
        frame = frame.with_columns(made_of.to_polars().cast(kinds[name]).alias(name))
    return frame


def tell(config, *rows, names=None) -> list[Alert]:
    rules = expansion_rules(config.motions)
    high = high_accounts(config.alerts, make_frame(config, rows), rules)
    return [
        tell_alert(config.alerts, row, rules, currency=config.config.currency)
        for row in high.iter_rows(named=True)
    ]


def potential_of(config, values) -> float:
    return make_frame(config, [values]).item(0, "expansion_potential")


# --- signs and the potential ----------------------------------------------------------------------


def test_every_shipped_sign_has_a_case(shipped):
    assert list(shipped.alerts.signs) == list(SIGNS)


@pytest.mark.parametrize("name", sorted(SIGNS))
def test_a_sign_at_its_threshold(shipped, name):
    holds, not_yet, points = SIGNS[name]
    by_name = {sign.name: sign for sign in weigh_signs(shipped.alerts, holds)}
    sign = by_name[name]
    assert (sign.matched, sign.points, sign.max) == (True, points, points)
    assert set(sign.values) == shipped.alerts.signs[name].when.names
    assert set(holds.values()) <= set(sign.values.values())
    assert potential_of(shipped, holds) == points
    below = {sign.name: sign for sign in weigh_signs(shipped.alerts, not_yet)}[name]
    assert (below.matched, below.points, below.max) == (False, 0, points)
    assert potential_of(shipped, not_yet) == 0


def test_the_unknown_gives_nothing_and_is_said(shipped):
    signs = weigh_signs(shipped.alerts, {})
    assert {(sign.matched, sign.points) for sign in signs} == {(None, 0.0)}
    assert potential_of(shipped, {}) == 0


def test_signs_of_one_family_count_once(shipped):
    every = {**SIGNS["seats_nearly_full"][0], **SIGNS["limit_hit"][0], "usage_ratio": 1.2}
    signs = [sign for sign in weigh_signs(shipped.alerts, every) if sign.matched]
    assert [(sign.name, sign.points) for sign in signs] == [
        ("seats_nearly_full", 25),
        ("usage_nearly_full", 0),
        ("limit_hit", 0),
    ]
    assert potential_of(shipped, every) == 25


def test_the_strongest_of_a_family_counts(configured):
    signs = {"overfull": {"family": "limit", "when": "seat_ratio > 1", "points": 40}}
    config = configured(alerts={"signs": signs})
    values = {"seat_ratio": 1.2}
    assert potential_of(config, values) == 40
    assert weigh_signs(config.alerts, values)[0].name == "overfull"


ROW = st.fixed_dictionaries(
    {
        "usage_trend_28d": st.sampled_from([None, 0.5, 1.25, 3.0]),
        "seat_ratio": st.sampled_from([None, 0.2, 0.9, 1.1]),
        "usage_ratio": st.sampled_from([None, 0.2, 0.9]),
        "limit_hits_28d": st.sampled_from([None, 0, 2]),
        "new_users_28d": st.sampled_from([None, 2, 3, 40]),
        "users_total": st.sampled_from([30, 31, 50]),
        "enterprise_feature_views_28d": st.sampled_from([None, 0, 1]),
        "enterprise_feature_uses_28d": st.sampled_from([None, 0, 1]),
        "days_at_limit": st.sampled_from([None, 0, 60]),
        "cross_team_invites_60d": st.sampled_from([None, 0, 4]),
        "seats_used": st.just(47),
        "seat_limit": st.just(50),
        "mrr": st.sampled_from([0, 999, 1000]),
        "is_paying": st.sampled_from([None, False, True]),
        "active_users_28d": st.sampled_from([None, 0, 9]),
        "open_opportunities": st.sampled_from([None, 0, 1]),
        "owner": st.sampled_from([None, None, "rep@seller.example"]),
        "acv_arr": st.sampled_from([None, 0.0, 12_000.0]),
        "acv_seats": st.sampled_from([None, 80.0]),
        "acv_price": st.sampled_from([None, 12.5]),
        "acv_per_seat": st.sampled_from([None, True, False]),
    }
)


@given(values=ROW)
def test_the_potential_is_the_sum_of_the_points_to_100(shipped, values):
    total = sum(sign.points for sign in weigh_signs(shipped.alerts, values))
    assert potential_of(shipped, values) == min(total, 100)


def test_the_potential_stops_at_100(configured):
    signs = {f"more_{n}": {"when": "mrr > 0", "points": 60} for n in range(2)}
    config = configured(alerts={"signs": signs})
    assert potential_of(config, {"mrr": 1}) == 100
    (alert,) = tell(config, {"mrr": 1})
    assert (alert.potential, sum(sign.points for sign in alert.signs)) == (100, 120)


@given(rows=st.lists(ROW, min_size=1, max_size=6), random=st.randoms())
def test_the_order_of_rows_does_not_matter(shipped, rows, random):
    named = [{**row, "account_id": f"a{place}"} for place, row in enumerate(rows)]
    mixed = named[:]
    random.shuffle(mixed)
    told = tell(shipped, *named)
    assert tell(shipped, *mixed) == told
    alone = [alert for row in named for alert in tell(shipped, row)]
    assert told == alone


# --- what is said ---------------------------------------------------------------------------------

SENTENCES = [
    (
        {**FULL, **GROWING, **WORTH, "cross_team_invites_60d": 2},
        "47 of 50 seats, 9 users added in four weeks, 2 invitations to other teams: ~ +$14k ARR",
    ),
    (
        {**FULL, **GROWING, "acv_arr": 7200.0},
        "47 of 50 seats, 9 users added in four weeks",
    ),
    (
        {**GROWING, "usage_ratio": 1.04, "usage_trend_28d": 1.41, "enterprise_feature_views_28d": 1}
        | WORTH,
        (
            "104% of the plan's usage, 9 users added in four weeks, "
            "usage 1.4x that of the four weeks before, 1 look at enterprise features: ~ +$14k ARR"
        ),
    ),
    (
        {"limit_hits_28d": 1, "usage_trend_28d": 2.0, "days_at_limit": 71},
        (
            "1 limit hit in four weeks, usage 2x that of the four weeks before, "
            "near the limit for 71 days without an upgrade"
        ),
    ),
    (
        {"usage_trend_28d": 2.0, "enterprise_feature_uses_28d": 3, "days_at_limit": 60}
        | {"domain_signups_60d": 1},
        (
            "Usage 2x that of the four weeks before, 3 uses of enterprise features, "
            "near the limit for 60 days without an upgrade, 1 colleague signed up uninvited"
        ),
    ),
]


@pytest.mark.parametrize(("values", "sentence"), SENTENCES)
def test_the_sentence_is_made_of_the_accounts_own_numbers(shipped, values, sentence):
    (alert,) = tell(shipped, values)
    assert alert.sentence == sentence


def test_a_part_that_would_speak_of_something_unknown_is_left_out(shipped):
    (alert,) = tell(shipped, {**GROWING, "seat_ratio": 1.0})
    assert alert.sentence == "9 users added in four weeks"


def test_signs_that_say_nothing_leave_the_figure(configured):
    quiet = {"quiet": {"when": "mrr > 0", "points": 60}}
    (alert,) = tell(configured(alerts={"signs": quiet}), {})
    assert alert.sentence == "Expansion potential 60"


def test_money_is_in_the_currency_of_the_company(configured):
    (alert,) = tell(configured(currency="EUR"), {**FULL, **GROWING, **WORTH})
    assert alert.sentence.endswith(": ~ +€14k ARR")


@pytest.mark.parametrize(
    ("changes", "added"),
    [
        ({}, Decimal("14400.00")),
        ({"acv_arr": 0.0}, Decimal("21600.00")),
        ({"acv_price": 18.01}, Decimal("14412.00")),
        ({"acv_per_seat": False, "acv_price": 900.0}, Decimal("3600.00")),
        ({"acv_per_seat": False, "acv_price": 900.0, "acv_seats": None}, Decimal("3600.00")),
        ({"acv_arr": 21_600.0}, None),
        ({"acv_arr": 50_000.0}, None),
        ({"acv_arr": None}, None),
        ({"acv_seats": None}, None),
        ({"acv_price": None}, None),
        ({"acv_per_seat": None}, None),
    ],
)
def test_growth_is_likely_seats_at_the_next_price_less_todays_arr(changes, added):
    growth = estimate_growth({**WORTH, **changes})
    assert (growth.added_arr if growth else None) == added
    if growth is not None:
        assert isinstance(growth.price, Decimal)
        assert growth.plan == "business"


# --- who is looked at, and who is told ------------------------------------------------------------


def test_the_threshold(shipped):
    almost = {"limit_hits_28d": 1, "usage_trend_28d": 1.3}
    assert potential_of(shipped, almost) == 45
    assert tell(shipped, almost) == []
    (alert,) = tell(shipped, {**FULL, **GROWING})
    assert (alert.potential, alert.band) == (50, "high")
    most = {"usage_trend_28d": 2.0, "enterprise_feature_views_28d": 2}
    (alert,) = tell(shipped, {**FULL, **GROWING, **most})
    assert (alert.potential, alert.band) == (85, "very_high")


def test_another_threshold_holds_for_the_rules_too(configured):
    config = configured(alerts={"high": 40})
    (alert,) = tell(config, {"limit_hits_28d": 1, "usage_trend_28d": 1.3})
    assert (alert.potential, alert.rule) == (45, "expansion, customer success")
    assert tell(configured(alerts={"high": 60}), {**FULL, **GROWING}) == []


def test_only_active_accounts_are_looked_at(shipped, configured):
    for active in (0, None):
        assert tell(shipped, {**FULL, **GROWING, "active_users_28d": active}) == []
    everyone = configured(alerts={"for": "TRUE"})
    assert len(tell(everyone, {**FULL, **GROWING, "active_users_28d": 0})) == 1


@pytest.mark.parametrize("paying", [False, None])
def test_who_does_not_pay_is_no_expansion(shipped, paying):
    assert tell(shipped, {**FULL, **GROWING, "is_paying": paying}) == []


@pytest.mark.parametrize(
    ("values", "team", "owner", "play"),
    [
        ({"mrr": 999.99}, "customer_success", None, "expand_seats"),
        ({"mrr": 1000}, "expansion", None, "expand_seats"),
        ({"mrr": 10, "owner": "rep@seller.example"}, "owner", "rep@seller.example", None),
        ({"mrr": 1000, "open_opportunities": 1}, "owner", None, None),
    ],
)
def test_who_is_told(shipped, values, team, owner, play):
    (alert,) = tell(shipped, {**FULL, **GROWING, **values})
    assert (alert.team, alert.owner, alert.play) == (team, owner, play)


def test_a_rule_of_ones_own_says_who_is_told_but_never_instead_of_the_owner(configured):
    rule = {"name": "ours", "when": "is_high_potential", "motion": "expansion", "team": "us"}
    config = configured(motions=[rule], teams={"us": {"members": []}})
    (free,) = tell(config, {**FULL, **GROWING})
    (owned,) = tell(config, {**FULL, **GROWING, "owner": "rep@seller.example"})
    assert (free.rule, free.team) == ("ours", "us")
    assert (owned.rule, owned.team, owned.owner) == ("ours", "owner", "rep@seller.example")


# --- guardrails -----------------------------------------------------------------------------------

REP = {"owner": "rep@seller.example"}


@pytest.mark.parametrize(
    ("state", "free", "owned"),
    [
        ({}, False, False),
        ({"do_not_contact": True}, True, True),
        ({"open_handoff": True}, True, False),
        ({"last_touch_on": DAY - dt.timedelta(days=29)}, True, False),
        ({"last_touch_on": DAY - dt.timedelta(days=30)}, False, False),
    ],
)
def test_guardrails(shipped, state, free, owned):
    row = {"account_id": "acme", "as_of": DAY}
    known = AccountState(**state)
    assert is_held_back(shipped.guardrails, row, known) is free
    assert is_held_back(shipped.guardrails, {**row, **REP}, known) is owned


def test_who_is_listed_or_held_out_is_left_alone(configured):
    row = {"account_id": "acme", "as_of": DAY, **REP}
    listed = configured(guardrails={"do_not_contact": ["acme"]})
    assert is_held_back(listed.guardrails, row, AccountState())
    held_out = configured(guardrails={"holdout": "100%"})
    assert is_held_back(held_out.guardrails, row, AccountState())


# --- what is new ----------------------------------------------------------------------------------


def on(alert: Alert, days: int, *families: str, band: str | None = None) -> Alert:
    """The alert so many days later, with points of these families only."""
    signs = tuple(
        replace(sign, points=sign.max if sign.family in families else 0.0) for sign in alert.signs
    )
    later = alert.as_of + dt.timedelta(days=days)
    return replace(alert, as_of=later, signs=signs, band=band or alert.band)


@pytest.mark.parametrize(
    ("last", "now", "news"),
    [
        (None, (0, ("limit",)), FIRST),
        ((0, ("limit", "growth")), (1, ("limit", "growth")), None),
        ((0, ("limit", "growth")), (29, ("limit", "growth")), None),
        ((0, ("limit", "growth")), (30, ("limit", "growth")), "Still so after 30 days."),
        ((0, ("limit", "growth")), (1, ("limit",)), None),
        (
            (0, ("limit", "growth")),
            (1, ("limit", "growth", "stalled")),
            "New since 2026-03-01: stalled_at_limit.",
        ),
        ((0, ("limit",), "high"), (1, ("limit",), "very_high"), "Very high; it was not on"),
        ((0, ("limit",), "very_high"), (1, ("limit",), "high"), None),
        ((0, ("limit",), "very_high"), (1, ("limit",), "very_high"), None),
    ],
)
def test_only_news_is_told_again(shipped, last, now, news):
    (alert,) = tell(shipped, {**FULL, **GROWING})

    def at(days, families, band=None):
        return on(alert, days, *families, band=band)

    told = news_since(at(*now), at(*last) if last else None, again_after_days=30)
    assert told == news if news is None or news.endswith(".") else told.startswith(news)


def test_another_sign_of_the_same_family_is_no_news(shipped):
    (before,) = tell(shipped, {**GROWING, "limit_hits_28d": 2})
    (after,) = tell(shipped, {**GROWING, **FULL})
    assert news_since(replace(after, as_of=DAY), before, again_after_days=30) is None


def test_a_sign_without_points_is_no_news(shipped):
    (before,) = tell(shipped, {**FULL, **GROWING})
    (after,) = tell(shipped, {**FULL, **GROWING, "cross_team_invites_60d": 4})
    assert news_since(after, before, again_after_days=30) is None
