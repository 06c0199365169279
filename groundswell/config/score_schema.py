"""The blocks of groundswell.yaml about the score: components, thresholds, presets."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, Field

from groundswell.config.block import Block, Days, misfit_error
from groundswell.config.quantities import Misfit

Weight = Annotated[float, Field(ge=0)]
PartName = Literal["usage", "fit", "behaviour"]


class Threshold(Block):
    """A limit that a score must pass: strictly `above`, or `at_least`."""

    above: float | None = Field(default=None, description="It must be more than this.")
    at_least: float | None = Field(default=None, description="It must be this or more.")


def _check_give(value: Any) -> Any:
    """Take points in one of three forms; one message instead of one for each form."""

    def is_number(item: object) -> bool:
        return isinstance(item, int | float) and not isinstance(item, bool)

    if value is None or is_number(value):
        return value
    items: list[Any] = []
    if isinstance(value, dict):
        items = list(cast("dict[str, Any]", value).values())
    elif isinstance(value, list):
        items = cast("list[Any]", value)
    if items and all(is_number(item) for item in items):
        return value
    raise misfit_error(
        Misfit(
            "config-bad-points",
            "Points are numbers.",
            "Give a list for a curve (`[0, 5, 10]`), a mapping for a lookup (`{software: 30}`), "
            "or one number for a condition.",
        )
    )


class ComponentDef(Block):
    """How a feature becomes points: a curve, a lookup, or a condition.

    Curve: `from`, `at`, `give` lists of one length. Lookup: `from` and `give` as a mapping of
    values to points (`other` catches the rest). Condition: `when` and `give` as one number.
    """

    from_: str | None = Field(
        default=None, alias="from", description="The feature that gives the points."
    )
    at: list[float] | None = Field(
        default=None, description="Values of the feature, ascending: the corners of the curve."
    )
    give: Annotated[
        list[float] | dict[str, float] | float | None,
        BeforeValidator(
            _check_give,
            json_schema_input_type=list[float] | dict[str, float] | float | None,
        ),
    ] = Field(
        default=None,
        description="Points at each corner; or value -> points; or points when the condition "
        "holds.",
    )
    when: str | None = Field(default=None, description="A condition over features.")
    unknown: float = Field(default=0.0, description="Points when the value is unknown.")
    say: str | None = Field(
        default=None, description="The sentence, such as `{exports_28d} exports in four weeks`."
    )
    say_unknown: str | None = Field(
        default=None, description="The sentence when the value is unknown."
    )


_LONG_KEYS = {"from", "at", "give", "when", "say", "say_unknown"}


def _expand_lookups(value: Any) -> Any:
    """Turn `industry: {software: 30, other: 0, unknown: 5}` into the long form."""
    if not isinstance(value, dict):
        return value
    components = cast("dict[str, Any]", value)
    return {name: _expand_lookup(name, item) for name, item in components.items()}


def _expand_lookup(name: str, item: Any) -> Any:
    if not isinstance(item, dict) or not item:
        return item
    lookup = cast("dict[str, Any]", item)
    if not _LONG_KEYS.isdisjoint(lookup):
        return lookup
    points = {key: given for key, given in lookup.items() if key != "unknown"}
    unknown = {"unknown": lookup["unknown"]} if "unknown" in lookup else {}
    return {"from": name, "give": points, **unknown}


Components = Annotated[
    dict[str, ComponentDef | None],
    BeforeValidator(
        _expand_lookups, json_schema_input_type=dict[str, ComponentDef | dict[str, float] | None]
    ),
]


def _components(what: str) -> Any:
    return Field(
        default_factory=dict[str, ComponentDef | None],
        description=f"Components of the {what} part, by name; null takes the preset's away.",
    )


class Bands(Block):
    """From where a part counts as `medium` and as `high`.

    In percent of the way from the least to the most that the part's components can give.
    """

    medium: float = Field(default=40.0, ge=0, le=100, description="Medium from here on.")
    high: float = Field(default=70.0, ge=0, le=100, description="High from here on.")


class Release(Block):
    """When a qualified account is let go, and when it may qualify again."""

    below: float = Field(default=10.0, ge=0, description="Points below the threshold.")
    for_: Days = Field(default="7d", alias="for", description="How long it must stay there.")
    cool_down: Days = Field(default="30d", description="How long until it may qualify again.")


class ChanceDef(Block):
    """The chance of the outcome at some scores; straight between them."""

    at: list[float] = Field(description="Scores, ascending.")
    give: list[Annotated[float, Field(ge=0, le=1)]] = Field(description="The chance at each.")


class ScoreBlock(Block):
    """The score: a preset, and edits to it."""

    preset: Literal["hybrid", "points", "buckets", "fitted"] = Field(
        default="hybrid",
        description="The definition to begin with; `fitted` is the one that was published last, "
        "and `prior` until there is one.",
    )
    prior: Literal["hybrid", "points", "buckets"] = Field(
        default="hybrid",
        description="With `preset: fitted`: the hand-made score that learning begins with, and "
        "that the edits below are of.",
    )
    weights: dict[PartName, Weight] | None = Field(
        default=None, description="How much each part counts; together 1."
    )
    qualified: Threshold | None = Field(default=None, description="When an account qualifies.")
    enterprise: Threshold | None = Field(
        default=None, description="When its score speaks for the enterprise motion."
    )
    bands: Bands | None = Field(default=None, description="Low, medium and high.")
    release: Release = Field(default_factory=Release, description="When it is let go.")
    usage: Components = _components("usage")
    fit: Components = _components("fit")
    behaviour: Components = _components("behaviour")


class PresetDef(Block):
    """A whole definition of a score: a shipped preset, or a file of one's own."""

    name: str = Field(description="Name of the preset.")
    source: str = Field(default="", description="Where the definition comes from.")
    combine: Literal["weighted", "sum", "multiply"] = Field(
        description="How the parts become the score."
    )
    weights: dict[PartName, Weight] = Field(description="How much each part counts.")
    base: float = Field(
        default=0.0, description="With `combine: sum`: points that every account has."
    )
    qualified: Threshold = Field(description="When an account qualifies.")
    enterprise: Threshold | None = Field(
        default=None, description="When its score speaks for the enterprise motion."
    )
    bands: Bands = Field(default_factory=Bands, description="Low, medium and high.")
    release: Release = Field(default_factory=Release, description="When it is let go.")
    chance: ChanceDef | None = Field(
        default=None, description="The chance of the outcome by score, where it was learned."
    )
    learned_until: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = Field(
        default=None,
        description="The first day of which nothing was learned; what came before cannot prove it.",
    )
    usage: Components = _components("usage")
    fit: Components = _components("fit")
    behaviour: Components = _components("behaviour")


class LearningBlock(Block):
    """What a score is proved by, and learned from: which outcome, and how soon."""

    outcome: Literal["converted", "expanded", "won", "any"] = Field(
        default="converted",
        description="`converted` (pays for the first time), `expanded` (pays a fifth more), `won` "
        "(a deal is won), or `any` of them.",
    )
    horizon: Days = Field(
        default="60d", description="How soon after a snapshot the outcome has to come."
    )
    weeks: Annotated[int, Field(ge=8, le=520)] = Field(
        default=104, description="Weekly snapshots that are learned from."
    )
    capacity: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="Accounts that people can take up in a week; a quarter of what the members of "
        "`teams` can work at a time, if left out.",
    )
    challenger: bool = Field(
        default=True,
        description="With `preset: fitted`: whether a challenger is fitted every week and runs "
        "in shadow.",
    )
    publish: Literal["by_hand", "when_better"] = Field(
        default="by_hand",
        description="Whether a challenger that beat the published definition is published by "
        "itself.",
    )
