"""A brief as the HTML of an e-mail, and as the simple HTML of a CRM's note."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from groundswell.handoff.rendering.text import person_line, tier_word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment

    from groundswell.handoff.brief import Brief, Point

_BAR_HEIGHT = 36


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - 0.1 s

    made = Environment(
        loader=PackageLoader("groundswell.handoff", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    own: dict[str, Any] = {"person": person_line, "tier": tier_word, "heights": bar_heights}
    made.filters.update(own)
    return made


def mail_html(brief: Brief, *, news: str = "") -> str:
    """Return the brief as a whole HTML page, styled in place, for a mail program.

    Args:
        brief: The brief.
        news: What happened, in a line above all else.
    """
    return _environment().get_template("brief.html").render(brief=brief, news=news)


def note_html(brief: Brief) -> str:
    """Return the brief as simple HTML, without styles, for a CRM's note."""
    return _environment().get_template("note.html").render(brief=brief)


def news_html(subject: str, lines: Sequence[str]) -> str:
    """Return word of something that has no brief, as a whole HTML page."""
    return _environment().get_template("news.html").render(subject=subject, lines=lines)


def bar_heights(points: Sequence[Point]) -> list[int]:
    """Return the heights of a chart's bars in pixels; at least 1, the tallest 36.

    >>> from datetime import date
    >>> from groundswell.handoff.brief import Point
    >>> bar_heights([Point(date(2026, 1, 5), 2.0), Point(date(2026, 1, 12), 4.0)])
    [18, 36]
    """
    most = max((point.value for point in points), default=0.0)
    if most <= 0:
        return []
    return [max(round(point.value / most * _BAR_HEIGHT), 1) for point in points]
