"""A brief as Slack's Block Kit, with the buttons that a rep answers by."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from groundswell.handoff.life import DECLINE_REASONS
from groundswell.handoff.rendering.text import barred_line, person_line, tier_word, trend_bars

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from groundswell.handoff.brief import Brief

Block = dict[str, Any]
_FIELDS = 8
_HEADER, _SECTION, _FIELD, _BUTTON = 150, 3_000, 2_000, 75
_HALF_ENTITY = re.compile(r"&[a-z]{0,3}$")
_PEOPLE = 5
SNOOZE_DAYS = (3, 7, 14)


def slack_blocks(brief: Brief, *, news: str = "", handoff_id: str | None = None) -> list[Block]:
    """Return the brief as blocks.

    Args:
        brief: The brief.
        news: What happened, in a line above all else.
        handoff_id: What the buttons act on; no buttons without one.
    """
    return list(_blocks(brief, news, handoff_id))


def news_blocks(subject: str, lines: Sequence[str]) -> list[Block]:
    """Return word of something that has no brief."""
    return [_section(f"*{_escaped(subject)}*"), *(_section(_escaped(line)) for line in lines)]


def _blocks(brief: Brief, news: str, handoff_id: str | None) -> Iterator[Block]:
    yield {"type": "header", "text": _plain(brief.name, _HEADER)}
    if news:
        yield {"type": "context", "elements": [_mark(_escaped(news), _SECTION)]}
    if brief.do_not_contact:
        yield _section(f":no_entry: *Do not contact.* {_escaped(barred_line(brief))}")
    yield _section(f"*{_escaped(brief.sentence)}*")
    yield {"type": "section", "fields": [_mark(text, _FIELD) for text in _fields(brief)]}
    if brief.why_now:
        why = "\n".join(f"• {_escaped(item.sentence)} _({item.since})_" for item in brief.why_now)
        yield _section(f"*Why now*\n{why}{_and_more(brief, 'why_now')}")
    play = brief.play
    if play is not None:
        yield _section("\n".join(_play(brief)))
        opening = play.opening_rewritten or play.opening
        if opening:
            yield _section(f">{_escaped(opening)}")
    if brief.people:
        people = "\n".join(
            f"• {_escaped(person_line(person))}" for person in brief.people[:_PEOPLE]
        )
        unlisted = len(brief.people[_PEOPLE:])
        yield _section(f"*People*\n{people}{_and_more(brief, 'people', unlisted)}")
    if handoff_id is not None:
        yield _actions(handoff_id)


def _and_more(brief: Brief, name: str, unlisted: int = 0) -> str:
    """Return the line that says how many more there are than are listed; empty for none."""
    more = brief.more.get(name, 0) + unlisted
    return f"\n_and {more:,} more_" if more else ""


def _fields(brief: Brief) -> list[str]:
    parts = ", ".join(f"{part} {value:.0f}" for part, value in brief.parts.items())
    found = [
        f"*Score*\n{brief.score:.0f} ({_escaped(parts)})",
        f"*Tier*\n{_escaped(tier_word(brief.tier))}, {_escaped(brief.motion.replace('_', ' '))}",
    ]
    if brief.due_at is not None:
        found.append(f"*First touch by*\n{brief.due_at:%Y-%m-%d %H:%M} UTC")
    bars = trend_bars(brief.trend)
    if bars:
        found.append(f"*Active people by week*\n{bars}")
    facts = (*brief.limits, *brief.intent[:2], *brief.account)
    found += [f"*{_escaped(fact.label)}*\n{_escaped(fact.value)}" for fact in facts]
    return found[:_FIELDS]


def _play(brief: Brief) -> Iterator[str]:
    play = brief.play
    assert play is not None, "asked for where there is one"
    yield f"*Suggested play: {_escaped(play.title)}*"
    for label, text in (
        ("Probably solving", play.solving),
        ("Likely blocker", play.blocker),
        ("On offer", play.offer),
    ):
        if text:
            yield f"{label}: {_escaped(text)}"
    if play.avoid:
        yield f"Not: {_escaped(' '.join(play.avoid))}"


def _actions(handoff_id: str) -> Block:
    reasons = [_option(words, f"{handoff_id}|{code}") for code, words in DECLINE_REASONS.items()]
    rests = [_option(f"{days} days", f"{handoff_id}|{days}") for days in SNOOZE_DAYS]
    return {
        "type": "actions",
        "elements": [
            {
                "type": "button",
                "action_id": "groundswell:accept",
                "style": "primary",
                "text": _plain("Accept", _BUTTON),
                "value": handoff_id,
            },
            _menu("groundswell:snooze", "Snooze", rests),
            _menu("groundswell:decline", "Decline because", reasons),
        ],
    }


def _menu(action: str, label: str, options: list[Block]) -> Block:
    return {
        "type": "static_select",
        "action_id": action,
        "placeholder": _plain(label, _BUTTON),
        "options": options,
    }


def _option(text: str, value: str) -> Block:
    return {"text": _plain(text, _BUTTON), "value": value}


def _section(text: str) -> Block:
    return {"type": "section", "text": _mark(text, _SECTION)}


def _plain(text: str, most: int) -> Block:
    return {"type": "plain_text", "text": text[:most], "emoji": False}


def _mark(text: str, most: int) -> Block:
    """Return a text that is escaped already, no escaped letter cut in two.

    Slack turns nothing in it into a link: a name that looks like an address is only a name.
    """
    cut = text if len(text) <= most else _HALF_ENTITY.sub("", text[: most - 1]) + "…"
    return {"type": "mrkdwn", "text": cut, "verbatim": True}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
