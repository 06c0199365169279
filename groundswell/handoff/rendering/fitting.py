"""A brief cut to what fits one screen of 1440 by 900: of each list what matters most.

The page is measured here as `templates/brief.html` lays it out, with the same widths and heights.
What stands above the two columns is cut to a few lines each; the columns share what is left.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from groundswell.handoff.rendering.measuring import clip, count_lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from groundswell.handoff.brief import Brief, Fact, Past, Person, Reason, Suggestion

SCREEN = 900.0
"""The height that a brief has, in pixels."""

_WHOLE, _BOX, _LEFT, _RIGHT = 660.0, 637.0, 304.0, 320.0
"""Widths: of the page, of a box on it, and of the columns, without their padding."""

_SIZE, _LINE = 13.0, 17.6
_HEADING = 27.4
_CHART = 44.0
_FRAME, _FOOT = 42.0, 26.0
_NAME, _SMALLER = 19.0, 14.0
_LABEL, _VALUE = 0.42, 0.58
_GAP = 8.0
_SHORT, _FACT = 170.0, 220.0


def fit_screen(brief: Brief, news: str = "") -> tuple[Brief, str]:
    """Return the brief and the news, cut to one screen; what is left out is counted in `more`."""
    cut = replace(
        brief,
        name=clip(brief.name, _WHOLE, size=_NAME * 1.1),
        sentence=clip(brief.sentence, _BOX, size=15.0, lines=3),
        rule=clip(brief.rule, _WHOLE, size=12.0, tail="As of 2026-05-26. Rule: ."),
        account=_account(brief.account),
        play=None if brief.play is None else _play(brief.play),
        why_now=tuple(_reason(item, brief.as_of) for item in brief.why_now),
        components=tuple(clip(text, _LEFT, size=_SIZE, lines=2) for text in brief.components),
        limits=_facts(brief.limits, _LEFT),
        usage=_facts(brief.usage, _LEFT),
        people=tuple(map(_person, brief.people)),
        intent=_facts(brief.intent, _RIGHT),
        history=tuple(map(_past, brief.history)),
        do_not_contact=brief.do_not_contact and clip(brief.do_not_contact, _SHORT, size=_SIZE),
    )
    news = clip(news, _WHOLE, size=_SIZE, lines=2)
    return _with_columns(cut, SCREEN - _above(cut, news)), news


@dataclass(frozen=True, slots=True)
class _Stack:
    """A list in a column.

    Attributes:
        name: Of the list of the brief.
        heights: Of its items.
        heading: Height of what stands above the first.
        missing: How many more there are than it holds.
    """

    name: str
    heights: tuple[float, ...]
    heading: float
    missing: int

    def height(self, count: int) -> float:
        """Return the height of the first items, and of the line that says how many follow."""
        if not self.heights:
            return 0.0
        more = _LINE if count < len(self.heights) or self.missing else 0.0
        return self.heading + sum(self.heights[:count]) + more


def _with_columns(brief: Brief, room: float) -> Brief:
    """Return the brief with as much in each of its columns as there is room for."""
    more = brief.more
    chart = _CHART if any(point.value for point in brief.trend) else 0.0
    used = _rows((*brief.limits, *brief.usage), _LEFT)
    columns = (
        [
            _Stack("why_now", _lines_of_reasons(brief), _HEADING, more.get("why_now", 0)),
            _Stack("usage", used, _HEADING + chart, more.get("usage", 0)),
            _Stack("components", _lines_of_scores(brief), _HEADING, more.get("components", 0)),
        ],
        [
            _Stack("people", _lines_of_people(brief), _HEADING, more.get("people", 0)),
            _Stack("intent", _rows(brief.intent, _RIGHT), _HEADING, more.get("intent", 0)),
            _Stack("history", _lines_of_past(brief), _HEADING, more.get("history", 0)),
        ],
    )
    kept: dict[str, int] = {}
    for stacks in columns:
        kept |= _share(stacks, room)
    left_out = {
        stack.name: stack.missing + len(stack.heights) - kept[stack.name]
        for stacks in columns
        for stack in stacks
    }
    return replace(
        brief,
        why_now=brief.why_now[: kept["why_now"]],
        limits=brief.limits[: kept["usage"]],
        usage=brief.usage[: max(0, kept["usage"] - len(brief.limits))],
        components=brief.components[: kept["components"]],
        people=brief.people[: kept["people"]],
        intent=brief.intent[: kept["intent"]],
        history=brief.history[: kept["history"]],
        more={name: count for name, count in left_out.items() if count},
    )


def _share(stacks: Sequence[_Stack], room: float) -> dict[str, int]:
    """Return how many items each list keeps: one after the other takes its next, while it fits."""
    counts = [min(1, len(stack.heights)) for stack in stacks]
    grew = True
    while grew:
        grew = False
        for place, stack in enumerate(stacks):
            tried = [count + (place == other) for other, count in enumerate(counts)]
            height = sum(one.height(count) for one, count in zip(stacks, tried, strict=True))
            if counts[place] < len(stack.heights) and height <= room:
                counts, grew = tried, True
    return {stack.name: count for stack, count in zip(stacks, counts, strict=True)}


# --- above the columns ----------------------------------------------------------------------------


def _above(brief: Brief, news: str) -> float:
    """Return the height of all but the columns."""
    score = _LINE * count_lines(_score(brief), _WHOLE, size=_SIZE)
    height = _FRAME + _FOOT + _NAME * 1.25 + 2 + score
    if news:
        height += _LINE * count_lines(news, _WHOLE, size=_SIZE) + 4
    if brief.do_not_contact:
        said = f"Do not contact. Nobody may contact {brief.name} ({brief.do_not_contact})."
        height += 20 + 19 * count_lines(said, _BOX, size=_SMALLER * 1.1)
    if brief.account:
        told = " · ".join(f"{fact.label}\xa0{fact.value}" for fact in brief.account)
        height += 2 + _LINE * count_lines(told, _WHOLE, size=_SIZE)
    height += 22 + 20.3 * count_lines(brief.sentence, _BOX, size=15.0)
    return height if brief.play is None else height + _play_height(brief.play)


def _score(brief: Brief) -> str:
    parts = ", ".join(f"{part} {value:.0f}" for part, value in brief.parts.items())
    due = " · first touch by 2026-05-26 12:00 UTC___" if brief.due_at else ""
    return f"100 of 100 ({parts}) · tier {brief.tier} · motion {brief.motion}{due}"


def _play_height(play: Suggestion) -> float:
    height = _HEADING
    opening = play.opening_rewritten or play.opening
    if opening:
        height += 18 + 19 * count_lines(opening, _BOX, size=_SMALLER)
    for text in (play.solving, play.blocker, play.offer):
        if text:
            height += _LINE * count_lines(f"{_LONGEST}{text}", _WHOLE, size=_SIZE)
    if play.avoid:
        height += _LINE * count_lines(_avoided(play.avoid), _WHOLE, size=_SIZE)
    return height


_LONGEST = "Probably solving: "


def _play(play: Suggestion) -> Suggestion:
    solving, blocker, offer = (
        text and clip(text, _WHOLE, size=_SIZE, lines=2, tail=_LONGEST)
        for text in (play.solving, play.blocker, play.offer)
    )
    opening, rewritten = (
        text and clip(text, _BOX, size=_SMALLER, lines=3)
        for text in (play.opening, play.opening_rewritten)
    )
    avoid = [clip(text, _WHOLE, size=_SIZE, lines=2) for text in play.avoid]
    while count_lines(_avoided(avoid), _WHOLE, size=_SIZE) > 3:
        avoid.pop()
    return replace(
        play,
        title=clip(play.title, _WHOLE, size=12.5, tail="SUGGESTED PLAY: "),
        solving=solving,
        blocker=blocker,
        offer=offer,
        opening=opening,
        opening_rewritten=rewritten,
        avoid=tuple(avoid),
    )


def _avoided(avoid: Sequence[str]) -> str:
    return " ".join(f"✕\xa0{text}" for text in avoid)


def _account(facts: Sequence[Fact]) -> tuple[Fact, ...]:
    return tuple(replace(fact, value=clip(fact.value, _FACT, size=_SIZE)) for fact in facts)


# --- in the columns -------------------------------------------------------------------------------


def _reason(reason: Reason, now: date) -> Reason:
    tail = f" since\xa0{_day(reason.since, now)}"
    sentence = clip(reason.sentence, _LEFT, size=_SIZE, lines=2, tail=tail)
    return replace(reason, sentence=sentence)


def _day(day: date, now: date) -> str:
    """Return a day that is as wide as how the page says it."""
    return "26\xa0May" if day.year == now.year else "26\xa0May\xa02026"


def _person(person: Person) -> Person:
    width = _RIGHT * 0.8
    return replace(
        person,
        name=clip(person.called, width, size=_SIZE),
        title=person.title and clip(person.title, width, size=_SIZE),
        rest=person.rest and clip(person.rest, width, size=_SIZE),
    )


def _past(past: Past) -> Past:
    who = past.who and clip(past.who, _SHORT, size=_SIZE)
    told = f"26\xa0May\xa02026 {who or ''}"
    return replace(past, what=clip(past.what, _RIGHT, size=_SIZE, lines=2, tail=told), who=who)


def _facts(facts: Sequence[Fact], width: float) -> tuple[Fact, ...]:
    return tuple(
        replace(
            fact,
            label=clip(fact.label, width * _LABEL - _GAP, size=_SIZE, lines=2),
            value=clip(fact.value, width * _VALUE, size=_SIZE, lines=2),
        )
        for fact in facts
    )


def _rows(facts: Sequence[Fact], width: float) -> tuple[float, ...]:
    return tuple(
        _LINE
        * max(
            count_lines(fact.label, width * _LABEL - _GAP, size=_SIZE),
            count_lines(fact.value, width * _VALUE, size=_SIZE),
        )
        for fact in facts
    )


def _lines_of_reasons(brief: Brief) -> tuple[float, ...]:
    return tuple(
        _height(f"{item.sentence} since\xa0{_day(item.since, brief.as_of)}", _LEFT)
        for item in brief.why_now
    )


def _lines_of_scores(brief: Brief) -> tuple[float, ...]:
    return tuple(_height(text, _LEFT) for text in brief.components)


def _lines_of_people(brief: Brief) -> tuple[float, ...]:
    return tuple(_height(_person_text(person), _RIGHT) for person in brief.people)


def _person_text(person: Person) -> str:
    role = f" {person.role.upper()}" if person.role else ""
    title = f", {person.title}" if person.title else ""
    seen = " seen\xa026\xa0May\xa02026" if person.last_seen_on else ""
    rest = f". Do not write: {person.rest}" if person.rest else ""
    return f"{person.called}{role}{title}{seen}{rest}"


def _lines_of_past(brief: Brief) -> tuple[float, ...]:
    return tuple(
        _height(f"26\xa0May\xa02026 {item.what} {item.who or ''}", _RIGHT) for item in brief.history
    )


def _height(text: str, width: float) -> float:
    return _LINE * count_lines(text, width, size=_SIZE)
