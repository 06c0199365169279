"""Sentence templates: `{exports_28d} exports in four weeks`, filled with the values seen.

A placeholder names a value and, after a colon, how to write it: `percent` (0.94 -> 94%), `times`
(4.0 -> 4x), `money` (14000 -> $14k), `ago` (1 -> yesterday) or `often` (2 -> twice); without one, a
number is written as it reads best. The first noun after a value of exactly 1 turns singular;
`{n|child|children}` spells both out.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.model import Scalar

STYLES = frozenset({"ago", "money", "often", "percent", "times"})
"""How a value can be asked to be written."""

UNKNOWN = "unknown"

_PLACEHOLDER = re.compile(
    r"\{(?P<name>[a-z][a-z0-9_]*)(?::(?P<style>[a-z]+))?(?:\|(?P<one>[^{}|]*)\|(?P<many>[^{}|]*))?\}"
)
_WORD = re.compile(r"[A-Za-z-]+")
_NEXT_WORDS = 3
_ENDS_PHRASE = frozenset(
    {"a", "an", "and", "ago", "at", "by", "for", "from", "in", "of", "on", "or", "per", "the", "to"}
    | {"used", "with", "without"}
)
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}
_IRREGULAR = {"people": "person"}
_MIN_PLURAL = 4
_OFTEN: dict[float, str] = {1: "once", 2: "twice"}


def names_in(template: str) -> frozenset[str]:
    """Return the values a template asks for.

    >>> sorted(names_in("{seats_used} of {seat_limit} seats, {seat_ratio:percent}"))
    ['seat_limit', 'seat_ratio', 'seats_used']
    """
    return frozenset(match["name"] for match in _PLACEHOLDER.finditer(template))


def strays_in(template: str) -> frozenset[str]:
    """Return the pieces in braces that are no placeholder, or that ask for an unknown style.

    >>> sorted(strays_in("{seats used} of {seat_limit}, {seat_ratio:percents}"))
    ['{seat_ratio:percents}', '{seats used}']
    """
    known = (match for match in _PLACEHOLDER.finditer(template))
    good = {match[0] for match in known if match["style"] is None or match["style"] in STYLES}
    return frozenset(re.findall(r"\{[^{}]*\}", template)) - good


def fill(template: str, values: Mapping[str, Scalar], *, currency: str = "USD") -> str:
    """Return the template with the values filled in.

    A value that is missing or None is written as `unknown`. What is no placeholder stays.

    >>> fill("{exports_28d} exports in four weeks", {"exports_28d": 8})
    '8 exports in four weeks'
    >>> fill("{exports_28d} exports in four weeks", {"exports_28d": 1})
    '1 export in four weeks'
    >>> fill("Usage at {usage_trend_28d:times} the weeks before", {"usage_trend_28d": 1.41})
    'Usage at 1.4x the weeks before'
    """
    pieces: list[str] = []
    singular = False
    end = 0
    for match in _PLACEHOLDER.finditer(template):
        between = template[end : match.start()]
        pieces.append(_singular_phrase(between) if singular else between)
        value = values.get(match["name"])
        pieces.append(write_value(value, style=match["style"], currency=currency))
        one = _is_one(value) and match["style"] is None
        if match["one"] is not None:
            pieces.append(f" {match['one'] if one else match['many']}")
        singular = one and match["one"] is None
        end = match.end()
    rest = template[end:]
    pieces.append(_singular_phrase(rest) if singular else rest)
    return "".join(pieces)


def write_value(value: Scalar, *, style: str | None = None, currency: str = "USD") -> str:
    """Return a value as a reader wants to see it.

    >>> [write_value(v) for v in (8, 1234.0, 1.44, 0.037, True, None, "EU")]
    ['8', '1,234', '1.4', '0.037', 'yes', 'unknown', 'EU']
    >>> write_value(0.94, style="percent"), write_value(4.0, style="times")
    ('94%', '4x')
    >>> write_value(14_200, style="money"), write_value(14_200, style="money", currency="CHF")
    ('$14k', '14k CHF')
    >>> [write_value(days, style="ago") for days in (0, 1, 40)]
    ['today', 'yesterday', '40 days ago']
    >>> [write_value(count, style="often") for count in (1, 2, 12)]
    ['once', 'twice', '12 times']
    """
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if not math.isfinite(value):
        return UNKNOWN
    if style == "percent":
        return f"{_number(100 * value)}%"
    if style == "times":
        return f"{_number(value)}x"
    if style == "money":
        return _money(value, currency)
    if style == "ago":
        return _ago(value)
    if style == "often":
        return _OFTEN.get(value) or f"{_number(value)} times"
    return _number(value)


def write_amount(amount: float, *, currency: str = "USD") -> str:
    """Return an amount of money to the cent, as on a price list.

    >>> write_amount(12), write_amount(1249.5), write_amount(12, currency="CHF")
    ('$12', '$1,249.50', '12 CHF')
    """
    text = f"{amount:,.2f}".removesuffix(".00")
    symbol = _SYMBOLS.get(currency)
    return f"{symbol}{text}" if symbol else f"{text} {currency}"


def _number(value: float) -> str:
    """Write whole numbers whole, others with one decimal, small ones with two digits that count."""
    if value != 0 and abs(value) < 0.1:
        return f"{value:.2g}"
    rounded = round(value, 1) if abs(value) < 100 else float(round(value))
    return f"{rounded:,.0f}" if rounded == int(rounded) else f"{rounded:,.1f}"


def _money(value: float, currency: str) -> str:
    amount = abs(value)
    for size, letter in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if amount >= size:
            scaled = amount / size
            text = f"{scaled:.1f}" if scaled < 10 else f"{scaled:.0f}"
            text = f"{text.removesuffix('.0')}{letter}"
            break
    else:
        text = _number(amount)
    symbol = _SYMBOLS.get(currency)
    written = f"{symbol}{text}" if symbol else f"{text} {currency}"
    return f"-{written}" if value < 0 else written


def _ago(days: float) -> str:
    if days < 1:
        return "today"
    return "yesterday" if days == 1 else f"{_number(days)} days ago"


def _is_one(value: Scalar) -> bool:
    return not isinstance(value, bool | str) and value == 1


def _singular_phrase(text: str) -> str:
    """Turn the first plural noun right after a value singular; anything else stays.

    >>> _singular_phrase(" active users in four weeks"), _singular_phrase(" of 4 seats")
    (' active user in four weeks', ' of 4 seats')
    """
    if not text.startswith(" "):
        return text
    for index, match in enumerate(_WORD.finditer(text)):
        word = match[0]
        skipped = text[1 : match.start()]
        if index >= _NEXT_WORDS or word.lower() in _ENDS_PHRASE or re.search(r"[^\w -]", skipped):
            return text
        single = _singular(word)
        if single != word:
            return f"{text[: match.start()]}{single}{text[match.end() :]}"
    return text


def _singular(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) < _MIN_PLURAL or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    if word.endswith(("sses", "ches", "shes", "xes")):
        return word[:-2]
    return word[:-1]
