"""Counting what came lately, and what came of it: events, triggers, rules, plays."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import polars as pl
from sqlglot import exp

from groundswell.config.plays import LINES
from groundswell.config.suggesting import suggest_meaning
from groundswell.config.vocabulary import MEANINGS
from groundswell.engine.signals.answers import (
    EventSeen,
    MeaningSeen,
    PlayUsed,
    RuleSeen,
    TriggerSeen,
)
from groundswell.features.meanings import meanings_of
from groundswell.routing.motions import DEFAULT_MOTION, DEFAULT_RULE
from groundswell.store.nearby import read_frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from groundswell.config.loading import LoadedConfig
    from groundswell.config.resolved import Meaning
    from groundswell.handoff.life import Handoff
    from groundswell.store.warehouse import Warehouse

LATELY_DAYS = 28
Counts = dict[str, tuple[int, int, int]]
"""By the name of an event: how often lately, before that, and ever."""


def count_events(warehouse: Warehouse, today: date) -> Counts:
    """Return how often each event happened."""
    end = datetime.combine(today + timedelta(days=1), time(), UTC)
    lately, before = end - timedelta(days=LATELY_DAYS), end - timedelta(days=2 * LATELY_DAYS)
    select = (
        exp.select(
            "event_id",
            exp.alias_(_counted(lately, end), "lately"),
            exp.alias_(_counted(before, lately), "before"),
            exp.alias_(exp.func("COUNT", exp.Star()), "ever"),
        )
        .from_("events")
        .group_by("event_id")
    )
    names = warehouse.event_names()
    found = read_frame(warehouse, select).select("event_id", "lately", "before", "ever")
    return {names[number]: (new, old, every) for number, new, old, every in found.iter_rows()}


def _counted(first: datetime, end: datetime) -> exp.Func:
    at = exp.column("occurred_at")
    among = exp.and_(exp.GTE(this=at, expression=_instant(first)), at < _instant(end))
    return exp.func("COUNT", exp.case().when(among, exp.Literal.number(1)))


def _instant(moment: datetime) -> exp.Cast:
    return exp.cast(exp.Literal.string(moment.isoformat()), exp.DataType.Type.TIMESTAMPTZ)


def see_events(counts: Counts, meanings: Sequence[Meaning]) -> tuple[EventSeen, ...]:
    """Return every event with what it means, or may, the most frequent lately first."""
    found: list[EventSeen] = []
    for name, (lately, before, ever) in counts.items():
        told = meanings_of(name, meanings)
        suggested = None if told else suggest_meaning(name)
        found.append(EventSeen(name, lately, before, ever, told, suggested))
    return tuple(sorted(found, key=lambda one: (-one.lately, -one.ever, one.name)))


def see_meanings(counts: Counts, meanings: Sequence[Meaning]) -> tuple[MeaningSeen, ...]:
    """Return what events mean, in the order of the configuration."""
    by_name: dict[str, list[Meaning]] = {}
    for meaning in meanings:
        by_name.setdefault(called(meaning), []).append(meaning)
    found: list[MeaningSeen] = []
    for name, matchers in by_name.items():
        carrying = sorted(event for event in counts if meanings_of(event, matchers))
        in_part = all(matcher.where or matcher.pages for matcher in matchers)
        lately, before = (sum(counts[event][place] for event in carrying) for place in (0, 1))
        found.append(MeaningSeen(name, tuple(carrying), lately, before, in_part))
    return tuple(found)


def unmapped(meanings: Iterable[Meaning]) -> tuple[str, ...]:
    """Return the meanings that no event has."""
    mapped = {meaning.name for meaning in meanings}
    return tuple(name for name in MEANINGS if name not in mapped)


def called(meaning: Meaning) -> str:
    """Return the name of a meaning, with its kind."""
    return f"{meaning.name}:{meaning.label}" if meaning.label else meaning.name


def see_triggers(
    loaded: LoadedConfig, latest: pl.DataFrame | None, as_of: date | None
) -> tuple[TriggerSeen, ...]:
    """Return every trigger, for how many accounts it holds, and for how many it began lately."""
    holds, lately = Counter[str](), Counter[str]()
    if latest is not None and as_of is not None:
        first = as_of - timedelta(days=LATELY_DAYS - 1)
        runs = latest.select(pl.col("holding")).drop_nulls().explode("holding").unnest("holding")
        runs = runs.drop_nulls("trigger")
        grouped = runs.group_by("trigger").agg(
            pl.len().alias("holds"), (pl.col("since") >= first).sum().alias("lately")
        )
        for name, every, new in grouped.iter_rows():
            holds[name], lately[name] = every, new
    return tuple(
        TriggerSeen(
            spec.name,
            spec.family,
            spec.when.text,
            spec.say,
            loaded.origin(f"triggers.{spec.name}"),
            holds[spec.name],
            lately[spec.name],
        )
        for spec in loaded.triggers.values()
    )


def see_rules(loaded: LoadedConfig, latest: pl.DataFrame | None) -> tuple[RuleSeen, ...]:
    """Return every rule with how many accounts it decides, and the rest."""
    counts = Counter[str]()
    if latest is not None:
        counts.update(dict(latest.group_by("rule").len().iter_rows()))
    found = [
        RuleSeen(
            rule.name,
            rule.when.text,
            str(rule.motion),
            rule.team,
            rule.play,
            str(rule.place) if rule.place else "default (groundswell)",
            counts[rule.name],
        )
        for rule in loaded.motions
    ]
    rest = RuleSeen(
        DEFAULT_RULE,
        "",
        str(DEFAULT_MOTION),
        None,
        None,
        "default (groundswell)",
        counts[DEFAULT_RULE],
    )
    return (*found, rest)


def see_plays(
    loaded: LoadedConfig,
    rules: Iterable[RuleSeen],
    handoffs: Sequence[Handoff],
    today: date,
) -> tuple[PlayUsed, ...]:
    """Return every play with how often it was used, and what came of it.

    A play that handoffs name and the configuration has no more is told too.
    """
    advised = Counter[str]()
    for rule in rules:
        if rule.play is not None:
            advised[rule.play] += rule.accounts
    by_play: dict[str, list[Handoff]] = {}
    for handoff in handoffs:
        if handoff.play is not None:
            by_play.setdefault(handoff.play, []).append(handoff)
    first = today - timedelta(days=LATELY_DAYS - 1)
    names = dict.fromkeys((*loaded.plays, *sorted(by_play)))
    return tuple(_used(loaded, name, advised[name], by_play.get(name, []), first) for name in names)


def _used(
    loaded: LoadedConfig, name: str, accounts: int, handoffs: Sequence[Handoff], first: date
) -> PlayUsed:
    play = loaded.plays.get(name)
    lines: Mapping[str, tuple[str, ...]] = {}
    if play is not None:
        lines = {
            line: tuple(saying.say for saying in getattr(play, line))
            for line in LINES
            if getattr(play, line)
        }
    ended = Counter(str(handoff.state) for handoff in handoffs if not handoff.is_open)
    return PlayUsed(
        name=name,
        title=play.title if play else name,
        when=play.when.text if play and play.when else "",
        origin=loaded.origin(f"plays.{name}") if play else "not in the configuration any more",
        lines=dict(lines),
        accounts=accounts,
        used=len(handoffs),
        lately=sum(handoff.opened_at.date() >= first for handoff in handoffs),
        open=sum(handoff.is_open for handoff in handoffs),
        outcomes=dict(sorted(ended.items())),
    )
