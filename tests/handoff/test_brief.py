"""What stands in a brief: everything that is known and matters, and nothing that is not."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import subprocess
import sys

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundswell.config.vocabulary import ValueType
from groundswell.handoff.brief import Brief, Past, Person
from groundswell.handoff.rendering.text import plain_text
from groundswell.handoff.writing import (
    MOST_HISTORY,
    MOST_REASONS,
    one_line,
    write_brief,
    write_sentence,
)
from groundswell.model import Trigger, as_plain

from .conftest import ACME, DAY, NOON, make_decision, make_score, make_story


def test_the_sentence_says_why_now(brief):
    assert brief.sentence == (
        "Acme has 8 active users, hit the seat limit 3 days ago, connected its CRM "
        "and had an admin view the pricing twice."
    )


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "Nothing stands out of Acme yet."),
        ({"active_users_28d": 1}, "Acme has 1 active user."),
        (
            {"hand_raises_28d": 1, "days_since_hand_raised": 0, "active_users_28d": 2},
            "Acme asked for a person today and has 2 active users.",
        ),
        (
            {"limit_hits_28d": 1, "days_since_limit_hit": 1, "seat_ratio": 1.2},
            "Acme hit the seat limit yesterday.",
        ),
        (
            {"limit_hits_28d": 1, "days_since_limit_hit": 2},
            "Acme hit a limit of its plan 2 days ago.",
        ),
        ({"limit_hits_28d": 1}, "Nothing stands out of Acme yet."),
        ({"seat_ratio": 0.9, "seats_used": 9, "seat_limit": 10}, "Acme uses 9 of 10 seats."),
        (
            {"is_paying": True, "usage_trend_28d": 0.4, "features_used_28d": 3},
            "Acme is down to 40% of its use four weeks before and uses 3 features.",
        ),
    ],
)
def test_the_sentence_is_made_of_the_clauses_that_hold(shipped, values, sentence):
    assert write_sentence(shipped, "Acme", values) == sentence


def test_the_users_clauses_come_first_and_stand_for_shipped_ones_about_the_same(configured):
    loaded = configured(
        brief={
            "most": 2,
            "clauses": [
                {"about": "people", "when": "active_users_28d > 5", "say": "is busy"},
                "is led by {champion}",
                "pays {mrr:money}",
            ],
        }
    )
    known = {"active_users_28d": 8, "champion": "Ann"}
    assert write_sentence(loaded, "Acme", known) == "Acme is busy and is led by Ann."
    fewer = {"active_users_28d": 4, "features_used_28d": 2}
    assert write_sentence(loaded, "Acme", fewer) == "Acme has 4 active users and uses 2 features."


def test_the_newest_reason_comes_first_and_no_more_than_can_be_read(shipped, story):
    triggers = tuple(
        Trigger(f"t{day}", "usage", dt.date(2026, 2, day), f"since the {day}.")
        for day in (3, 9, 1, 7, 5, 2, 8)
    )
    found = write_brief(shipped, story, make_score(), make_decision(triggers=triggers))
    assert [reason.since.day for reason in found.why_now] == [9, 8, 7, 5, 3]
    assert len(found.why_now) == MOST_REASONS


def test_history_is_newest_first_and_no_more_than_can_be_read(shipped):
    past = tuple(Past(NOON - dt.timedelta(days=day), f"{day} days ago") for day in range(20))
    found = write_brief(shipped, make_story(history=past[::-1]), make_score(), make_decision())
    assert [item.what for item in found.history] == [
        f"{day} days ago" for day in range(MOST_HISTORY)
    ]


def test_what_gave_points_is_told_the_most_first(brief):
    assert brief.components == ("240 employees", "8 active users in four weeks")
    assert brief.parts == {"usage": 90.0, "fit": 70.0, "behaviour": 80.0}
    assert brief.score == 81.3


def test_the_facts_are_the_accounts_own(brief):
    facts = {fact.label: fact.value for fact in (*brief.account, *brief.usage, *brief.limits)}
    assert facts["Employees"] == "240"
    assert facts["Could be worth a year"] == "$14k"
    assert facts["Signed up"] == "40 days ago"
    assert facts["Active people"] == "8 in four weeks, on 20 of 28 days"
    assert facts["Seats"] == "10 of 10"
    assert facts["Limits hit"] == "twice in four weeks, last 3 days ago"
    assert "Pays a month" not in facts
    assert [(fact.label, fact.value) for fact in brief.intent] == [
        ("Pricing viewed", "3 times in four weeks, last yesterday"),
        ("Ticket", "integration, 2026-02-20"),
    ]


def test_money_is_in_the_companys_currency(configured):
    loaded = configured(currency="CHF")
    found = write_brief(
        loaded, make_story(values={**ACME, "mrr": 120.5}), make_score(), make_decision()
    )
    facts = {fact.label: fact.value for fact in found.account}
    assert facts["Pays a month"] == "120.50 CHF"
    assert facts["More a year"] == "about 14k CHF"


def test_of_an_account_that_nothing_is_known_of_nothing_is_said(shipped):
    bare = make_story(
        name=None,
        domain=None,
        values={},
        people=(),
        trend=(),
        features=(),
        requests=(),
        history=(),
        added_arr=None,
        next_plan=None,
    )
    score = make_score(components=())
    found = write_brief(shipped, bare, score, make_decision(triggers=(), play=None))
    assert found.name == "acme"
    for section in ("why_now", "components", "account", "usage", "limits", "intent", "people"):
        assert getattr(found, section) == ()
    assert "unknown" not in plain_text(found)


def _rows(types: dict[str, ValueType]) -> st.SearchStrategy[dict[str, object]]:
    number = st.one_of(st.none(), st.integers(0, 100), st.floats(0, 2))
    of = {
        ValueType.NUMBER: number,
        ValueType.TEXT: st.one_of(st.none(), st.sampled_from(["free", "software"])),
        ValueType.BOOLEAN: st.one_of(st.none(), st.booleans()),
    }
    return st.fixed_dictionaries({name: of[type_] for name, type_ in types.items()})


@settings(max_examples=60)
@given(data=st.data())
def test_whatever_is_known_nothing_is_made_up(shipped, data):
    values = data.draw(_rows(shipped.types))
    plays = [*shipped.plays, None]
    decision = make_decision(play=data.draw(st.sampled_from(plays)), triggers=())
    found = write_brief(shipped, make_story(values=values), make_score(), decision)
    told = plain_text(found)
    assert "unknown" not in told
    assert "{" not in told
    assert "None" not in told
    assert found.sentence.endswith(".")
    assert found.sentence.count(",") < shipped.briefing.most
    again = write_brief(shipped, make_story(values=values), make_score(), decision)
    assert again == found


def test_who_is_not_to_be_written_to_says_why(brief):
    resting = [person for person in brief.people if person.rest]
    assert [person.called for person in resting] == ["dee@acme.example"]
    assert "dee@acme.example, not seen yet. Do not write: contacted 12 days ago" in plain_text(
        brief
    )


def test_a_person_is_called_by_the_best_name_there_is():
    assert Person("u1", "Ann", "ann@x.example").called == "Ann"
    assert Person("u1", None, "ann@x.example").called == "ann@x.example"
    assert Person("u1").called == "u1"


def test_a_brief_is_json_and_back(brief):
    kept = json.loads(json.dumps(as_plain(brief)))
    assert msgspec.convert(kept, Brief) == brief
    assert kept["why_now"][0] == {"sentence": "Hit a limit of the plan", "since": "2026-02-26"}


def test_every_text_from_outside_is_one_line(hostile):
    def texts(value: object):
        if isinstance(value, str):
            yield value
        elif dataclasses.is_dataclass(value):
            for one in dataclasses.fields(value):
                yield from texts(getattr(value, one.name))
        elif isinstance(value, tuple):
            for item in value:
                yield from texts(item)

    found = list(texts(hostile))
    assert any("script" in text for text in found)
    assert [text for text in found if "\n" in text or "\x1b" in text] == []


def test_letters_that_some_scripts_need_stay():
    assert one_line("\u0646\u0645\u06cc\u200c\u062e") == "\u0646\u0645\u06cc\u200c\u062e"
    assert one_line("left\u202eright") == "left right"


def test_reading_what_a_brief_is_does_not_load_templates():
    code = (
        "import sys, groundswell.handoff, groundswell.handoff.writing, "
        "groundswell.handoff.rendering.mail; sys.exit('jinja2' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_day_is_that_of_the_score(brief):
    assert brief.as_of == DAY


def test_nothing_is_to_be_written_to_an_account_that_nobody_may_contact(shipped, story):
    told = dataclasses.replace(story, do_not_contact="hub\nspot")
    brief = write_brief(shipped, told, make_score(), make_decision(), urgent=True)
    assert brief.do_not_contact == "hub spot"
    assert (brief.play.opening, brief.due_at) == (None, None)
    assert brief.play.title
    assert [person.rest for person in brief.people] == [
        *("nobody may contact the account",) * 3,
        "contacted 12 days ago, less than 90",
    ]


def test_a_brief_that_was_kept_before_is_read_as_one_that_may_be_contacted(brief):
    kept = as_plain(brief)
    del kept["do_not_contact"], kept["more"]
    assert msgspec.convert(kept, Brief) == brief
