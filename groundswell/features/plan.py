"""From declared features to the few primitives that the kernel computes.

A `Channel` is one thing measured over one set of rows (all API calls, the people who looked at
pricing); a `Step` reads a channel through one window. Features that share a channel share its
work, and a trend is two steps and a division.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

from groundswell.config.expressions import Expression
from groundswell.config.vocabulary import MEANINGS, ValueType, feature_types, parse_aggregate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from groundswell.config.resolved import Meaning, Plan
    from groundswell.config.schema import Config, FeatureDef

LIFETIME = 1 << 20
"""The window `lifetime` in days: longer than any history."""
NEVER = 1 << 30
"""The day that does not come: what is never hidden, or never ends."""

DYNAMIC_FLAGS: Mapping[str, str | None] = {
    "cross_team": None,
    "uninvited": "invite_accepted",
    "abandoned": "upgrade_completed",
    "admin": "admin_action",
}
"""Row tests that need more than the row, and the meaning whose rows are the evidence."""


class Measure(IntEnum):
    """What a channel counts."""

    EVENTS = 0
    SUM = 1
    USERS = 2
    ACTIVE_DAYS = 3
    USER_DAYS = 4
    TEAMS = 5
    WORKSPACES = 6
    DISTINCT = 7
    FIRST = 8
    LAST = 9


_COUNTED = {
    "events": Measure.EVENTS,
    "users": Measure.USERS,
    "active_days": Measure.ACTIVE_DAYS,
    "user_days": Measure.USER_DAYS,
    "teams": Measure.TEAMS,
    "workspaces": Measure.WORKSPACES,
    "distinct": Measure.DISTINCT,
}


@dataclass(frozen=True, slots=True)
class Rows:
    """Which rows of the activity a channel reads; empty `of` means all of them."""

    of: tuple[str, ...] = ()
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    flag: str | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """One measure over one set of rows; `property` is what is summed or told apart."""

    measure: Measure
    rows: Rows
    property: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A channel through one window: days t-ago-window+1 .. t-ago as of day t."""

    name: str
    channel: int
    window: int
    ago: int


@dataclass(frozen=True, slots=True)
class MemberCount:
    """People who belong to the account; with a window, those who joined within it."""

    name: str
    window: int | None


@dataclass(frozen=True, slots=True)
class Ratio:
    """A trend (now / before) or, with `weeks`, a velocity ((now - before) / weeks)."""

    name: str
    now: str
    before: str
    weeks: float | None


@dataclass(frozen=True, slots=True)
class Derived:
    """A value or a condition over other features."""

    name: str
    expression: Expression


class Loaded(Protocol):
    """The part of a loaded configuration that features need."""

    @property
    def config(self) -> Config:
        """The file as a whole."""
        ...

    @property
    def meanings(self) -> tuple[Meaning, ...]:
        """The matchers of all meanings."""
        ...

    @property
    def features(self) -> Mapping[str, FeatureDef]:
        """Every feature by name, window families written out."""
        ...

    @property
    def plans(self) -> Mapping[str, Plan]:
        """The price list, in order."""
        ...


@dataclass(frozen=True)
class FeaturePlan:
    """Every declared feature, taken apart.

    Attributes:
        names: Features in declared order: the columns of what is computed.
        types: The type of each.
        channels: What is measured.
        steps: Numbers read from channels, grouped by channel and ascending in window.
        members: Numbers of people who belong.
        evidence: Flag to the channel (without steps) whose rows decide it.
        reads: Feature name to the dimension it reads.
        ratios: Trends and velocities.
        aliases: Features that are the same number as another step.
        own: Steps that dimensions are computed from, by what they are for.
        derived: Values and conditions, in waves: each wave reads only what comes before it.
        meanings: The matchers, as configured.
        usage: The feature that counts against a usage limit, if it is one that is counted.
        fingerprint: Changes when anything here, or the prices and limits behind it, does.
    """

    names: tuple[str, ...]
    types: Mapping[str, ValueType]
    channels: tuple[Channel, ...]
    steps: tuple[Step, ...]
    members: tuple[MemberCount, ...]
    evidence: Mapping[str, int]
    reads: Mapping[str, str]
    ratios: tuple[Ratio, ...]
    aliases: Mapping[str, str]
    own: Mapping[str, str]
    derived: tuple[tuple[Derived, ...], ...]
    meanings: tuple[Meaning, ...]
    plans: Mapping[str, Plan]
    config: Config
    usage: str | None
    fingerprint: str = field(compare=False)

    @staticmethod
    def is_unmapped(rows: Rows, mapped: AbstractSet[str]) -> bool:
        """Tell whether rows are of meanings that no event is mapped to: unknown, never zero."""
        return bool(rows.of) and all(
            names_meaning(of) and of.split(":", 1)[0] not in mapped for of in rows.of
        )

    @property
    def coding_fingerprint(self) -> str:
        """Changes when the roll-up would: the rows channels read and how they are told apart."""
        rows = sorted({repr((channel.rows, channel.property)) for channel in self.channels})
        used = [repr(meaning) for meaning in self.meanings]
        return _digest([rows, used])


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def names_meaning(of: str) -> bool:
    """Tell whether `of` names a meaning (or `meaning:name`) rather than an event.

    >>> names_meaning("used_feature:dashboards"), names_meaning("Export Finished")
    (True, False)
    """
    return of.split(":", 1)[0] in MEANINGS


def days(window: str) -> int:
    """Return a window's length in days.

    >>> days("28d"), days("lifetime") == LIFETIME
    (28, True)
    """
    return LIFETIME if window == "lifetime" else int(window.removesuffix("d"))


@dataclass
class _Builder:
    """Collects channels and steps, each once."""

    channels: dict[Channel, int] = field(default_factory=dict[Channel, int])
    steps: dict[tuple[int, int, int], str] = field(default_factory=dict[tuple[int, int, int], str])
    aliases: dict[str, str] = field(default_factory=dict[str, str])
    evidence: dict[str, int] = field(default_factory=dict[str, int])

    def step(self, name: str, channel: Channel, *, window: int, ago: int) -> str:
        """Return the name of the column for this step, a new one if it is the first."""
        if channel.measure in (Measure.FIRST, Measure.LAST):
            window, ago = LIFETIME, 0
        index = self.channels.setdefault(channel, len(self.channels))
        shown_by = DYNAMIC_FLAGS.get(channel.rows.flag or "")
        if channel.rows.flag and shown_by:
            shown = Channel(Measure.EVENTS, Rows((shown_by,)), property=f"for {channel.rows.flag}")
            found = self.channels.setdefault(shown, len(self.channels))
            self.evidence[channel.rows.flag] = found
        return self.steps.setdefault((index, window, ago), name)

    def named(self, name: str, channel: Channel, *, window: int, ago: int) -> None:
        """Make `name` a column; two features of one meaning share the number."""
        found = self.step(name, channel, window=window, ago=ago)
        if found != name:
            self.aliases[name] = found


def rows_of(feature: FeatureDef) -> Rows:
    """Return which rows a declared feature reads."""
    where = tuple(
        (key.removeprefix("properties."), _texts(value))
        for key, value in sorted(feature.where.items())
    )
    return Rows(tuple(feature.of), where, feature.flag)


def _texts(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(_text(item) for item in values)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _counted(aggregate: str, rows: Rows) -> Channel:
    parsed = parse_aggregate(aggregate)
    return Channel(_COUNTED[parsed.kind], rows, parsed.property)


def compile_plan(loaded: Loaded) -> FeaturePlan:
    """Take every declared feature apart into channels, steps, dimensions and expressions.

    Args:
        loaded: The configuration; window families are already written out.

    Returns:
        The plan; it holds nothing of the data, so it serves every warehouse and every day.
    """
    features = loaded.features
    builder = _Builder()
    members: list[MemberCount] = []
    reads: dict[str, str] = {}
    ratios: list[Ratio] = []
    for name, feature in features.items():
        rows = rows_of(feature)
        window, ago = days(feature.within), days(feature.ago) if feature.ago else 0
        if feature.count is not None:
            builder.named(name, _counted(feature.count, rows), window=window, ago=ago)
        elif feature.sum is not None:
            channel = Channel(Measure.SUM, rows, feature.sum.removeprefix("properties."))
            builder.named(name, channel, window=window, ago=ago)
        elif feature.days_since is not None:
            measure = Measure.FIRST if feature.days_since == "first" else Measure.LAST
            builder.named(name, Channel(measure, rows), window=LIFETIME, ago=0)
        elif feature.members is not None:
            members.append(MemberCount(name, window if feature.members == "new" else None))
        elif feature.read is not None:
            reads[name] = feature.read
        elif (moving := feature.trend or feature.velocity) is not None:
            channel = _counted(moving, rows)
            now = builder.step(f"_{name}_now", channel, window=window, ago=ago)
            before = builder.step(f"_{name}_before", channel, window=window, ago=ago + window)
            weeks = None if feature.trend else window / 7
            ratios.append(Ratio(name, now, before, weeks))
    own = _hidden_steps(builder)
    members.append(MemberCount("_joined_60d", 60))
    return _finish(loaded, builder, members=members, reads=reads, ratios=ratios, own=own)


def _hidden_steps(builder: _Builder) -> dict[str, str]:
    """Add the numbers that dimensions are computed from, whatever features are declared."""
    everything = Rows()
    wanted = {
        "first_active": (Channel(Measure.FIRST, everything), LIFETIME, 0),
        "active_users": (Channel(Measure.USERS, everything), 28, 0),
        "user_days": (Channel(Measure.USER_DAYS, everything), 28, 0),
        "user_days_before": (Channel(Measure.USER_DAYS, everything), 28, 28),
        "features": (Channel(Measure.DISTINCT, Rows(("used_feature",)), "name"), 28, 0),
        "tickets": (Channel(Measure.EVENTS, Rows(("support_ticket",))), 28, 0),
        "upgraded": (Channel(Measure.LAST, Rows(("upgrade_completed",))), LIFETIME, 0),
    }
    return {
        name: builder.step(f"_{name}", channel, window=window, ago=ago)
        for name, (channel, window, ago) in wanted.items()
    }


def _finish(
    loaded: Loaded,
    builder: _Builder,
    *,
    members: list[MemberCount],
    reads: dict[str, str],
    ratios: list[Ratio],
    own: dict[str, str],
) -> FeaturePlan:
    features, config = loaded.features, loaded.config
    types = feature_types(features)
    steps = tuple(
        Step(name, index, window, ago)
        for (index, window, ago), name in sorted(builder.steps.items())
    )
    derived = [
        Derived(name, Expression.parse(text, types=types))
        for name, feature in features.items()
        if (text := feature.value if feature.value is not None else feature.when) is not None
    ]
    said = [[name, feature.model_dump(mode="json")] for name, feature in sorted(features.items())]
    prices = [repr(plan) for plan in loaded.plans.values()]
    settings = [config.limits.model_dump(), config.market.model_dump()]
    return FeaturePlan(
        names=tuple(features),
        types=types,
        channels=tuple(builder.channels),
        steps=steps,
        members=tuple(members),
        evidence=builder.evidence,
        reads=reads,
        ratios=tuple(ratios),
        aliases=builder.aliases,
        own=own,
        derived=_in_order(derived),
        meanings=loaded.meanings,
        plans=loaded.plans,
        config=config,
        usage=config.limits.usage if config.limits.usage in features else None,
        fingerprint=_digest([said, prices, settings, [repr(m) for m in loaded.meanings]]),
    )


def _in_order(derived: Sequence[Derived]) -> tuple[tuple[Derived, ...], ...]:
    """Sort into waves that read only earlier ones; the configuration has no cycles."""
    left = {item.name: item for item in derived}
    done: list[tuple[Derived, ...]] = []
    while left:
        ready = tuple(item for item in left.values() if not item.expression.names & left.keys())
        assert ready, f"features that read each other: {sorted(left)}"
        done.append(ready)
        for item in ready:
            del left[item.name]
    return tuple(done)
