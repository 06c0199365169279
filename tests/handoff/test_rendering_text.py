"""A brief as text and as Markdown: what is read, and nothing that is taken for markup."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from markdown_it import MarkdownIt

from groundswell.handoff.brief import Point
from groundswell.handoff.rendering.text import markdown, plain_text, subject_of, trend_bars

from .conftest import DAY

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion


def test_plain_text(brief, snapshot: SnapshotAssertion):
    assert plain_text(brief) == snapshot


def test_markdown(brief, snapshot: SnapshotAssertion):
    assert markdown(brief) == snapshot


def test_a_rewritten_line_stands_first_and_the_templated_one_stays(brief):
    told = replace(brief, play=replace(brief.play, opening_rewritten="Shall I lift the limit?"))
    lines = plain_text(told).splitlines()
    place = lines.index("  Opening line: Shall I lift the limit?")
    assert lines[place + 1] == f"  As templated: {brief.play.opening}"


def test_what_nothing_is_known_of_has_no_heading(brief):
    told = plain_text(replace(brief, people=(), history=(), play=None, due_at=None))
    for heading in ("PEOPLE", "HISTORY", "SUGGESTED PLAY", "TO DO"):
        assert heading in plain_text(brief)
        assert heading not in told


def test_nothing_from_outside_makes_a_line_of_its_own(hostile, brief):
    def headings(text: str) -> list[str]:
        return [line for line in text.splitlines() if line and line == line.upper()]

    assert set(headings(plain_text(hostile))) <= set(headings(plain_text(brief)))
    assert "\x1b" not in plain_text(hostile)


def test_nothing_from_outside_is_taken_for_markup(hostile):
    blocks = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown(hostile))
    kinds = {token.type for token in blocks} | {
        child.type for token in blocks for child in token.children or ()
    }
    assert kinds == {
        *("heading_open", "heading_close", "inline", "text", "paragraph_open", "paragraph_close"),
        *("bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close"),
    }
    assert max(token.level for token in blocks if token.type == "bullet_list_open") == 0


@pytest.mark.parametrize("start", ["1. Acme", "- Acme", "+ Acme", "=== Acme", "# Acme", "> Acme"])
def test_a_name_that_begins_like_a_list_is_a_name(brief, start):
    blocks = MarkdownIt("commonmark").parse(markdown(replace(brief, sentence=start)))
    shown = [
        "".join(child.content for child in token.children)
        for token in blocks
        if token.type == "inline"
    ]
    assert shown[1] == start


def test_the_subject_says_who_and_how_good(brief):
    assert subject_of(brief) == "Acme (convert, score 81)"
    urgent = replace(brief, urgent=True)
    assert subject_of(urgent) == "asked for a person: Acme (convert, score 81)"


def test_the_chart_is_as_tall_as_its_tallest_bar():
    def bars(*values: float) -> str:
        return trend_bars([Point(DAY, value) for value in values])

    assert bars(0, 1, 2, 4) == "▁▃▅█"
    assert bars(0, 0) == ""
    assert bars() == ""


def test_how_many_more_there_are_is_said_at_the_end_of_a_list(brief):
    told = replace(brief, more={"people": 1_200, "usage": 3})
    lines = plain_text(told).splitlines()
    people = lines[lines.index("PEOPLE") + 1 :]
    assert people[len(told.people)] == "  and 1,200 more"
    usage = lines[lines.index("USAGE") + 1 :]
    assert usage[len(told.usage)] == "  and 3 more"
    assert "more" not in [line.split()[-1] for line in plain_text(brief).splitlines() if line]
    assert "- and 1,200 more" in markdown(told).splitlines()


def test_of_an_account_that_nobody_may_contact_that_is_said_first(brief):
    told = replace(brief, do_not_contact="hubspot")
    said = "Nobody may contact Acme (hubspot)."
    assert plain_text(told).splitlines()[2] == f"DO NOT CONTACT. {said}"
    assert markdown(told).splitlines()[2] == rf"> **Do not contact.** {said}"
    assert subject_of(told).startswith("do not contact: Acme")
