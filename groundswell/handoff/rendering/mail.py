"""A brief as the HTML of an e-mail, and as the simple HTML of a CRM's note."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from groundswell.handoff.rendering.fitting import fit_screen
from groundswell.handoff.rendering.text import barred_line, more_line, person_line, tier_word

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from jinja2 import Environment

    from groundswell.handoff.brief import Brief, Point

_BAR_HEIGHT = 36
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


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
    own: dict[str, Any] = {
        "barred": barred_line,
        "day": day_word,
        "heights": bar_heights,
        "more": _more,
        "person": person_line,
        "tier": tier_word,
    }
    made.filters.update(own)
    return made


def _more(brief: Brief, name: str) -> list[str]:
    line = more_line(brief, name)
    return [line] if line else []


def mail_html(brief: Brief, *, news: str = "") -> str:
    """Return the brief as a whole HTML page, styled in place, for a mail program.

    It fits one screen of 1440 by 900, whatever there is to tell: see `fitting`.

    Args:
        brief: The brief.
        news: What happened, in a line above all else.
    """
    shown, told = fit_screen(brief, news)
    return _environment().get_template("brief.html").render(brief=shown, news=told)


def note_html(brief: Brief) -> str:
    """Return the brief as simple HTML, without styles, for a CRM's note."""
    return _environment().get_template("note.html").render(brief=brief)


def news_html(subject: str, lines: Sequence[str]) -> str:
    """Return word of something that has no brief, as a whole HTML page."""
    return _environment().get_template("news.html").render(subject=subject, lines=lines)


def day_word(day: date, now: date) -> str:
    """Return a day as it is said; the year only where it is another.

    >>> from datetime import date
    >>> day_word(date(2026, 3, 1), date(2026, 7, 1)), day_word(date(2025, 3, 1), date(2026, 7, 1))
    ('1 Mar', '1 Mar 2025')
    """
    said = f"{day.day} {_MONTHS[day.month - 1]}"
    return said if day.year == now.year else f"{said} {day.year}"


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
