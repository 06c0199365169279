"""Templates: one environment, escaping everything, with the words and figures that pages share."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from groundswell.engine.handing.acting import can_do
from groundswell.web.document import html_figure, html_text
from groundswell.web.wording import amount, counted, share

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.resources.abc import Traversable

STATIC = "/static/"
_MINUTES_A_DAY = 24 * 60
_MINUTES_AN_HOUR = 60


@cache
def templates() -> Environment:
    """Return the environment of the pages' templates."""
    made = Environment(
        loader=PackageLoader("groundswell.web.site"),
        autoescape=select_autoescape(default_for_string=True, default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., Any]] = {
        "amount": amount,
        "share": share,
        "words": named_words,
        "day": write_day,
        "instant": write_instant,
        "text": html_text,
        "figure": html_figure,
        "segment": lambda text: quote(str(text), safe=""),
        "away": write_away,
    }
    made.filters.update(filters)
    shared: dict[str, Any] = {"counted": counted, "static": static_address, "can_do": can_do}
    made.globals.update(shared)
    return made


def render(template: str, context: dict[str, Any]) -> str:
    """Return a template with what it shows."""
    return templates().get_template(template).render(context)


def named_words(name: object) -> str:
    """Return a machine's name as words.

    >>> named_words("sales_assist")
    'sales assist'
    """
    return str(name).replace("_", " ").replace("-", " ")


def write_day(day: date | None) -> str:
    """Return a day as a reader writes it, or nothing."""
    return "" if day is None else f"{day:%-d %b %Y}"


def write_instant(moment: datetime | None) -> str:
    """Return an instant to the minute, in UTC."""
    return "" if moment is None else f"{moment.astimezone(UTC):%-d %b %Y, %H:%M} UTC"


def write_away(moment: datetime | None, now: datetime) -> str:
    """Return how far an instant is away, in one unit.

    >>> now = datetime(2026, 6, 30, 12, tzinfo=UTC)
    >>> write_away(datetime(2026, 6, 30, 15, tzinfo=UTC), now)
    'in 3 h'
    >>> write_away(datetime(2026, 6, 28, 12, tzinfo=UTC), now)
    '2 d ago'
    """
    if moment is None:
        return ""
    minutes = round((moment - now).total_seconds() / 60)
    far = abs(minutes)
    if far < _MINUTES_AN_HOUR:
        told = f"{far} min"
    elif far < 2 * _MINUTES_A_DAY:
        told = f"{far // _MINUTES_AN_HOUR} h"
    else:
        told = f"{far // _MINUTES_A_DAY} d"
    return f"in {told}" if minutes > 0 else f"{told} ago"


@cache
def static_files() -> dict[str, tuple[bytes, str]]:
    """Return what pages load beside themselves: by name, the bytes and their digest."""
    folder: Traversable = resources.files("groundswell.web.site") / "static"
    found = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    return {
        name: (content, hashlib.sha256(content).hexdigest()[:16])
        for name, content in found.items()
        if not name.endswith(".txt")
    }


def static_address(name: str) -> str:
    """Return where a static file is; the address changes with the file."""
    return f"{STATIC}{name}?v={static_files()[name][1]}"
