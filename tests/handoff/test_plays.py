"""Which play is suggested, and in which words."""

from __future__ import annotations

import pytest

from groundswell.config import presets
from groundswell.config.explaining import explain_config
from groundswell.handoff.writing import suggest, write_brief

from .conftest import ACME, make_decision, make_score, make_story

PAYING = {"is_paying": True}


CASES = [
    ({"hand_raises_28d": 1}, "hand_raise"),
    ({**PAYING, "usage_trend_28d": 0.5, "seat_ratio": 0.9}, "save"),
    ({"upgrades_abandoned_28d": 1}, "unblock_upgrade"),
    ({"pricing_views_28d": 2, "limit_hits_28d": 1}, "unblock_upgrade"),
    ({"security_asks_28d": 1}, "security_review"),
    ({"enterprise_fit": True, "active_teams_28d": 3}, "enterprise_agreement"),
    ({**PAYING, "seat_ratio": 0.8}, "expand_seats"),
    ({**PAYING, "is_high_potential": True}, "expand_seats"),
    ({"is_paying": False}, "convert_trial"),
    ({}, "convert_trial"),
]


@pytest.mark.parametrize(("values", "play"), CASES)
def test_the_first_play_that_holds_is_suggested(shipped, values, play):
    found = suggest(shipped, None, values)
    assert found is not None
    assert found.name == play


def test_every_shipped_play_is_suggested_in_some_case():
    assert {play for _, play in CASES} == set(presets.shipped_plays())


def test_where_none_holds_none_is_suggested(shipped):
    assert suggest(shipped, None, PAYING) is None


def test_the_rules_play_wins(shipped):
    found = write_brief(
        shipped,
        make_story(values={**ACME, "hand_raises_28d": 1}),
        make_score(),
        make_decision(play="expand_seats"),
    )
    assert found.play is not None
    assert found.play.name == "expand_seats"


def test_a_play_that_was_taken_away_since_is_no_play(configured):
    loaded = configured(plays={"save": None})
    found = suggest(loaded, "save", {"security_asks_28d": 1})
    assert found is not None
    assert found.name == "security_review"


@pytest.mark.parametrize("name", presets.shipped_plays())
def test_a_shipped_play_has_something_to_say_though_nothing_is_known(shipped, name):
    found = suggest(shipped, name, {})
    assert found is not None
    for line in (found.title, found.solving, found.blocker, found.offer, found.opening):
        assert line
    assert found.avoid


def test_the_opening_names_their_own_usage(brief):
    assert brief.play.opening == (
        "Your team of 8 ran into a limit 3 days ago. Want me to lift it while you decide?"
    )
    assert brief.play.offer == "The plan team, which fits what they use."
    assert brief.play.avoid[0] == "No generic demo."


def test_shipped_rules_name_plays_that_are_there():
    named = {rule.play for rule in presets.shipped_rules() if rule.play}
    assert named <= set(presets.shipped_plays())
    assert named


def test_the_first_sentence_that_can_be_said_is(configured):
    loaded = configured(
        plays={
            "ours": {
                "title": "Ours",
                "opening": [
                    {"when": "seat_ratio > 1", "say": "too full"},
                    "{champion}, it is {rep} of {company}",
                    {"when": "seat_ratio > 0.5", "say": "half full"},
                    "hello",
                ],
                "avoid": [
                    {"when": "is_paying", "say": "Do not sell twice."},
                    "Do not write to {admin}.",
                    "Do not shout.",
                ],
            }
        }
    )

    def say(**values):
        found = suggest(loaded, "ours", values)
        return found.opening, found.avoid

    assert say(seat_ratio=2.0, is_paying=True) == (
        "too full",
        ("Do not sell twice.", "Do not shout."),
    )
    assert say(champion="Ann", rep="Rae", company="Boards")[0] == "Ann, it is Rae of Boards"
    assert say(seat_ratio=0.9, champion="Ann") == ("half full", ("Do not shout.",))
    assert say() == ("hello", ("Do not shout.",))


def test_a_play_without_a_condition_waits_for_a_rule_to_name_it(configured):
    loaded = configured(
        plays={"ours": {"title": "Ours"}},
        motions=[{"name": "r", "when": "mrr > 0", "motion": "expansion", "play": "ours"}],
    )
    assert suggest(loaded, None, {}).name == "convert_trial"
    assert suggest(loaded, "ours", {}).opening is None


def test_the_users_play_takes_the_place_of_a_shipped_one_and_is_tried_first(configured):
    loaded = configured(plays={"convert_trial": {"title": "Mine", "when": "TRUE"}, "save": None})
    assert suggest(loaded, None, {"hand_raises_28d": 1}).title == "Mine"
    assert "save" not in loaded.plays


def test_another_line_is_another_configuration(configured, shipped):
    changed = configured(plays={"ours": {"title": "Ours", "avoid": "Do not shout."}})
    assert changed.fingerprint("plays") != shipped.fingerprint("plays")
    assert configured(brief={"most": 2}).fingerprint("brief") != shipped.fingerprint("brief")
    assert configured().fingerprint("plays") == shipped.fingerprint("plays")


def test_every_line_says_where_it_came_from(configured):
    loaded = configured(
        plays={"ours": {"title": "Ours", "when": "mrr > 0", "avoid": ["Do not shout."]}},
        brief={
            "clauses": "is here",
            "rewrite": {"url": "https://m.example/v1", "model": "m", "token": "${KEY}"},
        },
    )
    rows = {row.path: row for row in explain_config(loaded)}
    assert rows["plays.ours.avoid[0]"].value == "Do not shout."
    assert rows["plays.ours.avoid[0]"].origin == "groundswell.yaml:1"
    assert rows["plays.save.avoid[0]"].origin == "default (groundswell)"
    assert rows["plays.save.when"].value == "is_paying AND usage_trend_28d <= 0.7"
    assert rows["brief.clauses[0]"].value == "is here"
    assert rows["brief.clauses[1]"].value.startswith("asked for a person")
    assert rows["brief.rewrite.token"].value == "${KEY}"
    assert rows["brief.rewrite.timeout"].value == 5.0
