"""Sentence templates: how values are written, and how nouns follow them."""

from __future__ import annotations

import pytest

from groundswell.config.sentences import fill, names_in, write_value


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (8, "8"),
        (8.0, "8"),
        (1.44, "1.4"),
        (1.96, "2"),
        (0, "0"),
        (0.037, "0.037"),
        (99.96, "100"),
        (123.4, "123"),
        (1_234_567, "1,234,567"),
        (-2.5, "-2.5"),
        (True, "yes"),
        (False, "no"),
        (None, "unknown"),
        (float("nan"), "unknown"),
        (float("inf"), "unknown"),
        ("EU", "EU"),
    ],
)
def test_values(value, written):
    assert write_value(value) == written


@pytest.mark.parametrize(
    ("value", "style", "written"),
    [
        (0.94, "percent", "94%"),
        (1.125, "percent", "112%"),
        (4.0, "times", "4x"),
        (1.41, "times", "1.4x"),
        (14_200, "money", "$14k"),
        (1400, "money", "$1.4k"),
        (999, "money", "$999"),
        (2_500_000, "money", "$2.5m"),
        (-3000, "money", "-$3k"),
        (0, "ago", "today"),
        (0.4, "ago", "today"),
        (1, "ago", "yesterday"),
        (1200, "ago", "1,200 days ago"),
        (None, "ago", "unknown"),
        (1, "often", "once"),
        (2.0, "often", "twice"),
        (0, "often", "0 times"),
        (3, "often", "3 times"),
    ],
)
def test_styles(value, style, written):
    assert write_value(value, style=style) == written


def test_money_in_another_currency():
    template = "about {estimated_acv:money} a year"
    assert fill(template, {"estimated_acv": 14_000}, currency="EUR") == "about €14k a year"
    assert fill(template, {"estimated_acv": 14_000}, currency="CHF") == "about 14k CHF a year"


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("{n} exports in four weeks", "1 export in four weeks"),
        ("{n} people of the company", "1 person of the company"),
        ("{n} active users in four weeks", "1 active user in four weeks"),
        ("{n} queries run", "1 query run"),
        ("{n} searches, {n} boxes", "1 search, 1 box"),
        ("{n} API calls", "1 API call"),
        ("{n} of 4 seats used", "1 of 4 seats used"),
        ("{n} business reports", "1 business report"),
        ("{n:times} the days before", "1x the days before"),
        ("{n|child|children} at home", "1 child at home"),
        ("version {n}", "version 1"),
    ],
)
def test_one_is_singular(template, sentence):
    assert fill(template, {"n": 1}) == sentence


@pytest.mark.parametrize("count", [0, 2, 1.4])
def test_anything_else_is_plural(count):
    assert fill("{n} exports", {"n": count}) == f"{write_value(count)} exports"
    assert fill("{n|child|children}", {"n": count}) == f"{write_value(count)} children"


def test_what_is_missing_is_said():
    assert fill("last {days} days ago", {}) == "last unknown days ago"


def test_names():
    assert names_in("{a} of {b:percent}, {c|x|y}, {D}") == {"a", "b", "c"}
