"""What an event stands for: from its name and properties to the channels it counts in.

Events that count in the same channels in the same way get the same *code*, so the roll-up groups
by few small integers. A code is found by the event's name and by *bits*: which of the property
filters that matter to this event hold. What is read from properties travels as a *key*.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from groundswell.config.resolved import Reader
from groundswell.config.vocabulary import READERS
from groundswell.errors import ConfigError, Problem
from groundswell.features.plan import Channel, FeaturePlan, Measure, Rows, names_meaning
from groundswell.features.wording import (
    is_page_event,
    is_presales,
    is_production,
    is_senior,
    like,
    page_pattern,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from groundswell.config.resolved import Meaning

MAX_FILTERS = 12
"""Property filters that may bear on one event name: each doubles the codes it can have."""

SEPARATOR = "\N{SYMBOL FOR UNIT SEPARATOR}"
"""Stands between the values of a key that is read from several properties."""

_READ_BY_FLAG = {
    "senior": "invitee_role",
    "production": "environment",
    "presales": "topic",
    "cross_team": "department",
}
_TEST_OF_FLAG = {"senior": is_senior, "production": is_production, "presales": is_presales}


@dataclass(frozen=True, slots=True, order=True)
class Filter:
    """A test of one event's properties.

    The value equals one of `texts`, or a page view matches `pattern`, or, without either, there
    is no value.
    """

    path: str
    texts: tuple[str, ...] = ()
    pattern: str = ""

    def holds(self, properties: Mapping[str, str | None]) -> bool:
        """Tell whether the properties, texts by path, pass; what is missing does not."""
        if self.pattern:
            page = properties.get("path") or properties.get("url")
            return page is not None and re.fullmatch(self.pattern, page) is not None
        if not self.texts:
            return not properties.get(self.path)
        return properties.get(self.path) in self.texts


def page_filter(globs: Sequence[str]) -> Filter:
    """Return the filter that a page view passes when any glob matches its path."""
    patterns = [page_pattern(glob) for glob in globs]
    joined = patterns[0] if len(patterns) == 1 else "|".join(f"({text})" for text in patterns)
    return Filter("path", pattern=joined)


@dataclass(frozen=True, slots=True)
class Carrier:
    """A reason why an event belongs to a channel.

    Attributes:
        meaning: Position of the matcher among the plan's meanings; -1 when the event's bare
            name is the reason.
        label: The kind of the meaning that the channel asks for, such as `dashboards`.
        filters: What must hold of its properties.
    """

    meaning: int
    label: str | None = None
    filters: tuple[Filter, ...] = ()

    def reader(self, name: str, meanings: Sequence[Meaning]) -> Reader:
        """Return how `name` is read from such an event."""
        if name.startswith("properties."):
            return Reader(path=name.removeprefix("properties."))
        if self.meaning < 0:
            return Reader(path=name)
        meaning = meanings[self.meaning]
        if name == "name" and meaning.label is not None:
            return Reader(literal=meaning.label)
        return meaning.reads.get(name, Reader(path=name))


@dataclass(frozen=True, slots=True)
class EventShape:
    """What must be looked at in the events of one name.

    Attributes:
        filters: Property filters; bit i of an event's bits says that filter i holds.
        paths: Properties that make the key, in the order of its parts.
    """

    filters: tuple[Filter, ...] = ()
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Code:
    """A class of events that count alike.

    Attributes:
        carriers: Channel index to the reasons why such events belong to it; no entry, no part.
        paths: Properties that make the key.
    """

    carriers: tuple[tuple[int, tuple[Carrier, ...]], ...]
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Coding:
    """Codes of all events: what the roll-up groups by, and what the kernel makes of it.

    Attributes:
        shapes: By event id, what must be looked at.
        rows: (event id, bits, code) for every combination that can be.
        codes: What each code counts in; the position is the code.
        timed: Ids of the events whose time of day decides something.
        summed: Ids of the events of which a property is added up.
    """

    shapes: tuple[EventShape, ...]
    rows: tuple[tuple[int, int, int], ...]
    codes: tuple[Code, ...]
    timed: frozenset[int] = frozenset()
    summed: frozenset[int] = frozenset()


def encode(plan: FeaturePlan, event_names: Sequence[str]) -> Coding:
    """Give every event name, with every outcome of its filters, a code.

    Args:
        plan: What is measured.
        event_names: Names of all events; the position of a name is its id.

    Raises:
        ConfigError: More than `MAX_FILTERS` property filters bear on one event name.
    """
    codes: dict[Code, int] = {}
    shapes: list[EventShape] = []
    rows: list[tuple[int, int, int]] = []
    for event_id, event in enumerate(event_names):
        found = {
            index: carriers
            for index, channel in enumerate(plan.channels)
            if (carriers := _carriers(plan, channel.rows, event))
        }
        filters = tuple(sorted({f for some in found.values() for c in some for f in c.filters}))
        if len(filters) > MAX_FILTERS:
            raise ConfigError(_too_many(event, len(filters)))
        shapes.append(EventShape(filters, _paths(plan, found)))
        for outcome in product((False, True), repeat=len(filters)):
            held = {f for f, holds in zip(filters, outcome, strict=True) if holds}
            bits = sum(1 << i for i, holds in enumerate(outcome) if holds)
            code = _code(plan, found, held)
            rows.append((event_id, bits, codes.setdefault(code, len(codes))))
    told = tuple(codes)
    measured = {
        measure: frozenset(
            event_id
            for event_id, _, code in rows
            if any(channel in channels for channel, _ in told[code].carriers)
        )
        for measure, channels in (("timed", _timed(plan)), ("summed", _summed(plan)))
    }
    return Coding(tuple(shapes), tuple(rows), told, **measured)


def _timed(plan: FeaturePlan) -> frozenset[int]:
    """Return the channels for which the order of events within a day matters."""
    proof = plan.evidence.get("abandoned")
    begun = {i for i, channel in enumerate(plan.channels) if channel.rows.flag == "abandoned"}
    return frozenset(begun if proof is None else {*begun, proof})


def _summed(plan: FeaturePlan) -> frozenset[int]:
    return frozenset(i for i, c in enumerate(plan.channels) if c.measure is Measure.SUM)


def _too_many(event: str, found: int) -> Problem:
    return Problem(
        code="features-too-many-filters",
        what=f"{found} different property filters bear on the event `{event}`.",
        fix=f"Use at most {MAX_FILTERS}: merge matchers, or name the events apart at the source.",
    )


def _code(plan: FeaturePlan, found: Mapping[int, tuple[Carrier, ...]], held: set[Filter]) -> Code:
    """Keep the carriers whose filters hold; equal work then makes an equal code."""
    kept: dict[int, tuple[Carrier, ...]] = {}
    for index, carriers in found.items():
        holding = [Carrier(c.meaning, c.label) for c in carriers if held.issuperset(c.filters)]
        if not holding:
            continue
        if not needed_readers(plan.channels[index]) and any(c.label is None for c in holding):
            holding = [Carrier(-1)]
        kept[index] = tuple(dict.fromkeys(holding))
    return Code(tuple(kept.items()), _paths(plan, kept))


def _carriers(plan: FeaturePlan, rows: Rows, event: str) -> tuple[Carrier, ...]:
    filters = tuple(Filter(key, texts) for key, texts in rows.where if key not in READERS)
    if rows.flag == "uninvited":
        filters = (*filters, Filter("invited_by"))
    bare = (Carrier(-1, None, filters),) if rows.flag not in ("paid", "enterprise") else ()
    if not rows.of:
        return bare
    found: list[Carrier] = []
    for of in rows.of:
        if not names_meaning(of):
            found += bare if like(of).match(event) else ()
            continue
        name, _, label = of.partition(":")
        for position, meaning in enumerate(plan.meanings):
            if meaning.name != name or not _has_flag(meaning, rows.flag):
                continue
            if (own := _matches(meaning, event)) is not None:
                found.append(Carrier(position, label or None, (*filters, *own)))
    return tuple(dict.fromkeys(found))


def _has_flag(meaning: Meaning, flag: str | None) -> bool:
    return {"paid": meaning.paid, "enterprise": meaning.enterprise}.get(flag or "", True)


def _matches(meaning: Meaning, event: str) -> tuple[Filter, ...] | None:
    """Return the filters under which an event of this name carries the meaning, if any."""
    named = any(like(glob).match(event) for glob in meaning.events)
    if not named and (meaning.events or not meaning.pages or not is_page_event(event)):
        return None
    filters = tuple(Filter(path, texts) for path, texts in meaning.where)
    return (*filters, page_filter(meaning.pages)) if meaning.pages else filters


def meanings_of(event: str, meanings: Sequence[Meaning]) -> tuple[str, ...]:
    """Return the meanings that events of a name may carry, such as `used_feature:boards`.

    Whether one of them does may also depend on its properties.
    """
    found = (item for item in meanings if _matches(item, event) is not None)
    named = (f"{item.name}:{item.label}" if item.label else item.name for item in found)
    return tuple(dict.fromkeys(named))


def needed_readers(channel: Channel) -> tuple[str, ...]:
    """Return what a channel reads from the properties of its events, besides sums and filters."""
    readers = [key for key, _ in channel.rows.where if key in READERS]
    if channel.rows.flag in _READ_BY_FLAG:
        readers.append(_READ_BY_FLAG[channel.rows.flag])
    if channel.measure is Measure.DISTINCT and channel.property:
        readers.append(channel.property)
    return tuple(dict.fromkeys(readers))


def _paths(plan: FeaturePlan, found: Mapping[int, tuple[Carrier, ...]]) -> tuple[str, ...]:
    paths: set[str] = set()
    for index, carriers in found.items():
        for carrier in carriers:
            names = needed_readers(plan.channels[index])
            for name in (*names, "name") if carrier.label else names:
                path = carrier.reader(name, plan.meanings).path
                if path is not None:
                    paths.add(path)
    return tuple(sorted(paths))


def units(
    plan: FeaturePlan, channel: Channel, carriers: Sequence[Carrier], key: Mapping[str, str]
) -> tuple[str, ...]:
    """Return what an event counts as in a channel: nothing, or the values it is told apart by.

    Args:
        plan: Where the meanings are.
        channel: The channel.
        carriers: Why the event may belong to it.
        key: What was read from its properties: text by path; what was missing is left out.

    Returns:
        Empty when the event does not count. For `distinct` its values; for `cross_team` the
        invitee's departments; otherwise one empty text.
    """
    told: list[str] = []
    for carrier in carriers:

        def read(name: str, by: Carrier = carrier) -> str | None:
            reader = by.reader(name, plan.meanings)
            return reader.literal if reader.path is None else key.get(reader.path)

        if not _passes(channel.rows, carrier, read):
            continue
        if channel.measure is Measure.DISTINCT and channel.property:
            told.append(read(channel.property) or "")
        elif channel.rows.flag == "cross_team":
            told.append(read("department") or "")
        else:
            return ("",)
    return tuple(dict.fromkeys(text for text in told if text))


def _passes(rows: Rows, carrier: Carrier, read: Callable[[str], str | None]) -> bool:
    if carrier.label is not None and (read("name") or "").casefold() != carrier.label.casefold():
        return False
    for key, texts in rows.where:
        if key in READERS and not _same(read(key), texts):
            return False
    test = _TEST_OF_FLAG.get(rows.flag or "")
    return test is None or test(read(_READ_BY_FLAG[rows.flag or ""]))


def _same(value: str | None, texts: Sequence[str]) -> bool:
    """Compare without regard to case, and to what stands between the words."""
    return value is not None and _plain(value) in {_plain(text) for text in texts}


def _plain(text: str) -> str:
    return re.sub(r"[\s_-]+", "_", text.strip().casefold())
