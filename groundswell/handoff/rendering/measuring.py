"""How much room a text takes on a page, by the widths of letters in the fonts of mail programs.

Widths are those of Arial and Helvetica, rounded up: a text is hardly measured too short.
"""

from __future__ import annotations

from functools import cache
from unicodedata import normalize

_ALIKE = {
    0.23: "'ijl",
    0.28: " !,./:;I[\\]ft|",
    0.34: "()-`r{}",
    0.39: '"*',
    0.5: "Jcksvxyz^",
    0.56: "#$0123456789?L_abdeghnopqu",
    0.59: "+<=>~",
    0.62: "FTZ",
    0.67: "&ABEKPSVXY",
    0.73: "CDHNRUw",
    0.78: "GOQ",
    0.84: "Mm",
    0.95: "%W",
    1.02: "@",
}
_WIDTHS = {letter: width for width, letters in _ALIKE.items() for letter in letters}
_NARROWEST, _WIDEST = 0.23, 1.1


def count_lines(text: str, width: float, *, size: float) -> int:
    """Return how many lines a text takes.

    Args:
        text: In one paragraph.
        width: Of the lines, in pixels.
        size: Of the letters, in pixels.

    >>> count_lines("one two three", 60, size=13), count_lines("incomprehensible", 60, size=13)
    (2, 2)
    """
    most, lines, used = width / size, 1, 0.0
    space = _letter_width(" ")
    for word in text.split(" "):
        wide = sum(map(_letter_width, word))
        if not used or used + space + wide <= most:
            used += wide + (space if used else 0.0)
        else:
            lines, used = lines + 1, wide
        if used > most:  # one word alone, which is broken anywhere
            more, used = _broken(word, most)
            lines += more
    return lines


def clip(text: str, width: float, *, size: float, lines: int = 1, tail: str = "") -> str:
    """Return a text that takes so many lines at most, cut short with an ellipsis where it must be.

    Args:
        text: In one paragraph.
        width: Of the lines, in pixels.
        size: Of the letters, in pixels.
        lines: At most so many.
        tail: What stands after it and is not cut.

    >>> clip("Nobody expects such a name", 80, size=13)
    'Nobody ex…'
    """
    if count_lines(text + tail, width, size=size) <= lines:
        return text
    fits, beyond = 0, min(len(text), int(lines * width / size / _NARROWEST) + 1)
    while fits < beyond - 1:
        tried = (fits + beyond) // 2
        if count_lines(f"{text[:tried]}…{tail}", width, size=size) <= lines:
            fits = tried
        else:
            beyond = tried
    return f"{text[:fits].rstrip()}…"


def _broken(word: str, most: float) -> tuple[int, float]:
    """Return how many lines a word begins that is longer than a line, and how full the last is."""
    lines, used = 0, 0.0
    for letter in word:
        wide = _letter_width(letter)
        if used + wide > most:
            lines, used = lines + 1, 0.0
        used += wide
    return lines, used


@cache
def _letter_width(letter: str) -> float:
    """Return the width of a letter in shares of its size."""
    known = _WIDTHS.get(letter)
    if known is not None:
        return known
    # With an accent it is as wide as without one; what else there is may be as wide as high.
    return _WIDTHS.get(normalize("NFD", letter)[0], _WIDEST)
