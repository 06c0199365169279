"""A brief as plain text and as Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from groundswell.handoff.brief import Brief, Fact, Person, Point

_BARS = "▁▂▃▄▅▆▇█"
_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~&])")
_LIST_MARK = re.compile(r"^(\d*)([.)+=-])")
_LISTS = {
    "Why now": "why_now",
    "People": "people",
    "Intent": "intent",
    "Score": "components",
    "History": "history",
}
"""The list of a brief that each heading ends with."""

Lines = list[tuple[str, list[str]]]


def plain_text(brief: Brief) -> str:
    """Return the brief as plain text, for a terminal, a note or a task."""
    barred = ["", f"DO NOT CONTACT. {barred_line(brief)}"] if brief.do_not_contact else []
    head = [_title(brief), *barred, "", brief.sentence]
    body = [
        line
        for heading, lines in _sections(brief)
        for line in ("", heading.upper(), *(f"  {text}" for text in lines))
    ]
    return "\n".join([*head, *body]) + "\n"


def markdown(brief: Brief) -> str:
    """Return the brief as Markdown; nothing that came from outside is taken for markup."""
    barred = (
        ["", f"> **Do not contact.** {_marked(barred_line(brief))}"] if brief.do_not_contact else []
    )
    head = [f"# {_marked(_title(brief))}", *barred, "", _marked(brief.sentence)]
    body = [
        line
        for heading, lines in _sections(brief)
        for line in ("", f"## {heading}", "", *(f"- {_marked(text)}" for text in lines))
    ]
    return "\n".join([*head, *body]) + "\n"


def subject_of(brief: Brief) -> str:
    """Return the brief in the line that a message is found again by."""
    asked = "asked for a person: " if brief.urgent else ""
    barred = "do not contact: " if brief.do_not_contact else ""
    return f"{barred}{asked}{brief.name} ({tier_word(brief.tier)}, score {brief.score:.0f})"


def barred_line(brief: Brief) -> str:
    """Return that nobody may contact the account, and who says so."""
    return f"Nobody may contact {brief.name} ({brief.do_not_contact})."


def more_line(brief: Brief, name: str) -> str:
    """Return how many more there are than a list of the brief holds; empty where it holds all."""
    more = brief.more.get(name, 0)
    return f"and {more:,} more" if more > 0 else ""


def tier_word(tier: str) -> str:
    """Return a tier without what all of them have.

    >>> tier_word("PQL-Convert")
    'convert'
    """
    return tier.removeprefix("PQL-").lower()


def trend_bars(points: Sequence[Point]) -> str:
    """Return a little chart of bars; empty where there is nothing to draw."""
    most = max((point.value for point in points), default=0.0)
    if most <= 0:
        return ""
    top = len(_BARS) - 1
    return "".join(_BARS[round(point.value / most * top)] for point in points)


def person_line(person: Person) -> str:
    """Return somebody in a line: what to call them, why they matter, when they were last seen."""
    told = [text for text in (person.title, person.role, person.email) if text]
    if person.name is None and person.email is not None:
        told.remove(person.email)
    seen = f"last seen {person.last_seen_on}" if person.last_seen_on else "not seen yet"
    inside = f" ({', '.join(told)})" if told else ""
    line = f"{person.called}{inside}, {seen}"
    return f"{line}. Do not write: {person.rest}" if person.rest else line


def _title(brief: Brief) -> str:
    return f"{brief.name}: {tier_word(brief.tier)}, score {brief.score:.0f}"


def _sections(brief: Brief) -> Iterator[tuple[str, list[str]]]:
    """Yield what there is to tell, by heading; what nothing is known of is left out."""
    if brief.due_at is not None:
        owner = brief.owner or "nobody yet"
        yield "To do", [f"First touch by {brief.due_at:%Y-%m-%d %H:%M} UTC, {owner}"]
    found: Lines = [
        ("Why now", [f"{item.sentence} (since {item.since})" for item in brief.why_now]),
        ("Suggested play", list(_play(brief))),
        ("People", [person_line(person) for person in brief.people]),
        ("Account", _facts(brief.account)),
        ("Usage", _usage(brief)),
        ("Intent", _facts(brief.intent)),
        ("Score", list(_score(brief))),
        ("History", [_past(brief, place) for place in range(len(brief.history))]),
    ]
    for heading, lines in found:
        if lines:
            more = more_line(brief, _LISTS[heading]) if heading in _LISTS else ""
            yield heading, [*lines, more] if more else lines


def _facts(facts: Sequence[Fact]) -> list[str]:
    return [f"{fact.label}: {fact.value}" for fact in facts]


def _usage(brief: Brief) -> list[str]:
    more = more_line(brief, "usage")
    used = [*_facts(brief.usage), more] if more else _facts(brief.usage)
    return [*used, *_trend(brief), *_facts(brief.limits)]


def _trend(brief: Brief) -> list[str]:
    bars = trend_bars(brief.trend)
    return [f"Active people by week: {bars}"] if bars else []


def _play(brief: Brief) -> Iterator[str]:
    play = brief.play
    if play is None:
        return
    yield play.title
    for label, text in (
        ("Probably solving", play.solving),
        ("Likely blocker", play.blocker),
        ("On offer", play.offer),
        ("Opening line", play.opening_rewritten or play.opening),
    ):
        if text:
            yield f"{label}: {text}"
    if play.opening_rewritten and play.opening:
        yield f"As templated: {play.opening}"
    yield from (f"Not: {text}" for text in play.avoid)


def _score(brief: Brief) -> Iterator[str]:
    parts = ", ".join(f"{part} {value:.0f}" for part, value in brief.parts.items())
    yield f"{brief.score:.1f} of 100 ({parts}); rule: {brief.rule}"
    yield from brief.components


def _past(brief: Brief, place: int) -> str:
    item = brief.history[place]
    who = f" ({item.who})" if item.who else ""
    return f"{item.at:%Y-%m-%d} {item.what}{who}"


def _marked(text: str) -> str:
    r"""Return a text with a backslash before whatever Markdown would take for its own.

    >>> _marked("- *Acme*"), _marked("1. [R&D]")
    ('\\- \\*Acme\\*', '1\\. \\[R\\&D\\]')
    """
    return _LIST_MARK.sub(r"\1\\\2", _MARKS.sub(r"\\\1", text))
