"""A polished opening line stands beside the templated one, if it says nothing that is not known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from groundswell.handoff.rewriting import MOST, numbers_in, rewrite_opening, write_material


def rewritten(brief, answer):
    found = rewrite_opening(brief, lambda *_: answer)
    assert found.play.opening == brief.play.opening
    return found.play.opening_rewritten


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        ("Eight of you hit a limit 3 days ago; may I lift it?", None),
        ('  "All 8 of you hit a limit\n3 days ago."  ', "All 8 of you hit a limit 3 days ago."),
        ("May I lift the limit?", "May I lift the limit?"),
    ],
)
def test_a_line_that_keeps_to_the_brief_is_taken(brief, answer, line):
    assert rewritten(brief, answer) == (line or answer)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "",
        '""',
        " \n ",
        "x" * (MOST + 1),
        "Your team of 9 hit a limit.",
        "Your team grew by 12.5%.",
        "Your team of nineteen hit a limit.",
        "A dozen of you hit a limit.",
        "You could save 14,200 a year.",
        "See https://evil.example for more.",
        "Write to me at me@evil.example.",
        "See evil.example/now for more.",
        "See [this](elsewhere).",
    ],
)
def test_no_other_line_is(brief, answer):
    assert rewritten(brief, answer) is None


def test_the_longest_line_is_taken(brief):
    assert rewritten(brief, "x" * MOST) == "x" * MOST


def test_a_line_is_one_line_of_what_can_be_seen(brief):
    assert rewritten(brief, "May I\x1b[2J help?") == "May I [2J help?"


def test_where_there_is_no_line_nobody_is_asked(brief):
    def refuse(*_: str) -> str:
        raise AssertionError("asked")

    for bare in (replace(brief, play=None), replace(brief, play=replace(brief.play, opening=None))):
        assert rewrite_opening(bare, refuse) is bare


def test_a_model_is_told_what_they_do_and_neither_who_nor_what_we_think(brief):
    material = write_material(brief)
    assert brief.sentence in material
    assert f"The line: {brief.play.opening}" in material
    for person in brief.people:
        assert person.called not in material
    for secret in ("acme.example", "81", "PQL", "14k", "rae@boards.example", "240"):
        assert secret not in material


def test_nothing_from_outside_makes_a_line_of_its_own(hostile):
    labels = [line.split(":")[0] for line in write_material(hostile).splitlines()]
    assert labels[0] == "In short"
    assert labels.count("The line") == 1
    assert "# PLAY" not in "".join(labels)


def test_numbers_are_the_same_however_they_are_written():
    assert list(numbers_in("1,234 or 1234.0, 0.50")) == ["1234", "1234", "0.5"]
    assert set(numbers_in("Twice, two, DOUBLE")) == {"2"}
    assert list(numbers_in("someone, none, tenth")) == []
