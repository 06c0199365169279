"""`score:` resolved: a preset with the user's edits, every component checked and in one form."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, cast

from groundswell.config.digests import digest
from groundswell.config.quantities import parse_days
from groundswell.config.resolved import Chance, ComponentSpec, PartDef, ScoreDef
from groundswell.config.score_schema import Threshold
from groundswell.config.vocabulary import ValueType
from groundswell.errors import did_you_mean, nearest
from groundswell.model import Part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.config.findings import Findings, Key
    from groundswell.config.schema import ComponentDef, PresetDef, ScoreBlock
    from groundswell.config.score_schema import ChanceDef

_HASH_LENGTH = 8
_CLOSE = 1e-6
_AT: Key = ("score",)
_LEARNED = ("base", "chance", "learned_until")


def resolve_score(
    block: ScoreBlock,
    preset: PresetDef,
    *,
    types: Mapping[str, ValueType],
    findings: Findings,
    at: Key = _AT,
) -> ScoreDef | None:
    """Return the score as it is computed; None after telling why there is none.

    A component of the user's is added to the preset's, or takes the place of the one of its
    name; null takes the preset's away.

    Args:
        block: What the user wrote.
        preset: What it begins with.
        types: The features components may read.
        findings: Told of everything that is wrong.
        at: Where in the file the score stands.
    """
    told = len(findings.problems)
    weights = {**preset.weights, **(block.weights or {})}
    if preset.combine == "weighted" and block.weights is not None:
        _check_weights(weights, findings, at)
    qualified = _threshold(block.qualified or preset.qualified, "qualified", findings, at)
    enterprise = _threshold(block.enterprise or preset.enterprise, "enterprise", findings, at)
    assert qualified is not None, "a preset has one"
    bands = block.bands or preset.bands
    if bands.medium > bands.high:
        what = f"`medium` begins at {bands.medium:g}, after `high` at {bands.high:g}."
        fix = "Let `medium` begin below `high`."
        findings.tell((*at, "bands"), "config-band-order", what, fix)
    parts = {
        part: PartDef(
            weights.get(part.value, 0.0),
            _components(block, preset, part, types, findings, at),
        )
        for part in Part
    }
    if preset.base and preset.combine != "sum":
        what = f"`combine: {preset.combine}` has no base."
        findings.tell((*at, "base"), "config-base", what, "Take `base` out, or write `sum`.")
    chance = _chance(preset.chance, findings, at)
    learned_until = _day(preset.learned_until, findings, at)
    release = preset.release if "release" not in block.model_fields_set else block.release
    if len(findings.problems) > told:
        return None
    score = ScoreDef(
        preset=preset.name,
        version="",
        combine=preset.combine,
        parts=parts,
        qualified=qualified,
        enterprise=enterprise,
        release_below=release.below,
        release_days=parse_days(release.for_),
        cool_down_days=parse_days(release.cool_down),
        bands=bands,
        base=preset.base,
        chance=chance,
        learned_until=learned_until,
    )
    return dataclasses.replace(score, version=version_of(score))


def with_line(score: ScoreDef, at: float) -> ScoreDef:
    """Return a score with another threshold, which is another version of it.

    Args:
        score: The score; whether it has to be passed or only reached stays.
        at: From 0 to 100.
    """
    strictly = score.qualified.above is not None
    qualified = Threshold(above=at) if strictly else Threshold(at_least=at)
    other = dataclasses.replace(score, qualified=qualified)
    return dataclasses.replace(other, version=version_of(other))


def version_of(score: ScoreDef) -> str:
    """Return the preset's name and a short hash of everything that a definition says."""
    said = {item.name: getattr(score, item.name) for item in dataclasses.fields(score)} | {
        "version": ""
    }
    said = {name: value for name, value in said.items() if name not in _LEARNED or value}
    return f"{score.preset}-{digest(said, length=_HASH_LENGTH)}"


def _day(written: str | None, findings: Findings, at: Key) -> date | None:
    if written is None:
        return None
    try:
        return date.fromisoformat(written)
    except ValueError:
        what = f"`{written}` is not a day."
        fix = "Write it as year-month-day, such as 2026-06-30."
        findings.tell((*at, "learned_until"), "config-day", what, fix)
        return None


def _chance(written: ChanceDef | None, findings: Findings, at: Key) -> Chance | None:
    if written is None:
        return None
    pairs = list(itertools.pairwise(written.at))
    if len(written.at) != len(written.give) or not written.at or any(a >= b for a, b in pairs):
        what = "`chance` needs ascending scores, and one chance for each."
        fix = "Write for example `{at: [0, 50, 100], give: [0.01, 0.08, 0.5]}`."
        findings.tell((*at, "chance"), "config-chance", what, fix)
        return None
    return Chance(tuple(written.at), tuple(written.give))


def _check_weights(weights: Mapping[str, float], findings: Findings, at: Key) -> None:
    total = sum(weights.values())
    if abs(total - 1) > _CLOSE:
        listed = " + ".join(f"{name} {weight:g}" for name, weight in weights.items())
        what = f"The weights add up to {total:g}, not to 1: {listed}."
        findings.tell((*at, "weights"), "config-weights", what, "Let them add up to 1.")


def _threshold(
    threshold: Threshold | None, name: str, findings: Findings, at: Key
) -> Threshold | None:
    if threshold is None:
        return None
    said = [word for word in ("above", "at_least") if getattr(threshold, word) is not None]
    if len(said) != 1:
        what = (
            f"`{name}` gives both `above` and `at_least`." if said else f"`{name}` gives no limit."
        )
        fix = "Give one: `above: 70` (more than) or `at_least: 50` (that or more)."
        findings.tell((*at, name), "config-threshold", what, fix)
    return threshold


def _components(
    block: ScoreBlock,
    preset: PresetDef,
    part: Part,
    types: Mapping[str, ValueType],
    findings: Findings,
    at: Key,
) -> tuple[ComponentSpec, ...]:
    shipped = cast("dict[str, ComponentDef | None]", getattr(preset, part.value))
    edits = cast("dict[str, ComponentDef | None]", getattr(block, part.value))
    for name, edit in edits.items():
        if edit is None and name not in shipped:
            what = f"The preset `{preset.name}` has no component `{name}` to take away."
            fix = did_you_mean(name, shipped, noun=f"Components of `{part}`")
            key: Key = (*at, part.value, name)
            findings.tell(key, "config-unknown-component", what, fix, at_key=True)
    merged = shipped | {
        name: _with_sentences(edit, shipped.get(name)) for name, edit in edits.items()
    }
    built = [
        _Builder(name, part, (*at, part.value, name), component, types, findings).build()
        for name, component in merged.items()
        if component is not None
    ]
    return tuple(component for component in built if component is not None)


def _with_sentences(edit: ComponentDef | None, shipped: ComponentDef | None) -> ComponentDef | None:
    """Return an edit that only changes points with the sentences of what it takes the place of."""
    if edit is None or shipped is None or edit.from_ is None or edit.from_ != shipped.from_:
        return edit
    words = ("say", "say_unknown")
    kept = {word: getattr(shipped, word) for word in words if getattr(edit, word) is None}
    return edit.model_copy(update=kept)


@dataclass(frozen=True, slots=True)
class _Builder:
    """Checks one component and brings it into one form."""

    name: str
    part: Part
    key: Key
    written: ComponentDef
    types: Mapping[str, ValueType]
    findings: Findings

    def tell(self, word: str | None, code: str, what: str, fix: str) -> None:
        key = self.key if word is None else (*self.key, word)
        self.findings.tell(key, code, what, fix, at_key=word is None)

    def build(self) -> ComponentSpec | None:
        for word in ("say", "say_unknown"):
            text = cast("str | None", getattr(self.written, word))
            if text is not None:
                self.findings.template((*self.key, word), text, known=self.types)
        if (self.written.when is None) == (self.written.from_ is None):
            self.tell(
                None,
                "config-component-shape",
                f"`{self.name}` needs either `from` or `when`.",
                "Write `from: <feature>` with `at` and `give`, or `when: <condition>` with `give`.",
            )
            return None
        return self._condition() if self.written.when is not None else self._of_feature()

    def _spec(self, **form: object) -> ComponentSpec:
        names = ("feature", "at", "give", "lookup", "when", "points", "feature_type")
        forms: dict[str, object] = {name: form.get(name) for name in names}
        return ComponentSpec(
            name=self.name,
            part=self.part,
            unknown=self.written.unknown,
            say=self.written.say,
            say_unknown=self.written.say_unknown,
            **forms,  # pyright: ignore[reportArgumentType]
        )

    def _condition(self) -> ComponentSpec | None:
        give = self.written.give
        if self.written.at is not None or not isinstance(give, int | float):
            self.tell(
                None,
                "config-component-shape",
                f"`{self.name}` is a condition, which gives one number of points.",
                "Write `give: 20`, and leave `at` out.",
            )
            return None
        when = self.findings.expression(
            (*self.key, "when"), self.written.when or "", types=self.types, expect=ValueType.BOOLEAN
        )
        return self._spec(when=when, points=float(give)) if when else None

    def _of_feature(self) -> ComponentSpec | None:
        feature = self.written.from_ or ""
        kind = self.types.get(feature)
        if kind is None and feature not in self.findings.broken:
            near = nearest(feature, self.types)
            hint = f"Did you mean `{near}`?" if near else "Declare it under `features`."
            self.tell("from", "config-unknown-feature", f"Unknown feature `{feature}`.", hint)
        if isinstance(self.written.give, dict):
            return self._lookup(feature, kind, self.written.give)
        return self._curve(feature, kind)

    def _lookup(
        self, feature: str, kind: ValueType | None, give: Mapping[str, float]
    ) -> ComponentSpec | None:
        if kind is ValueType.NUMBER:
            self.tell(
                "give",
                "config-type",
                f"`{feature}` is a number, which no list of values catches.",
                "Use a curve: `at: [0, 10, 50], give: [0, 5, 10]`.",
            )
            return None
        if kind is ValueType.BOOLEAN and not set(give) <= {"true", "false", "other"}:
            wrong = next(value for value in give if value not in {"true", "false", "other"})
            self.tell(
                "give",
                "config-type",
                f"`{feature}` is true or false, never `{wrong}`.",
                "Write `{true: 20, false: 0}`.",
            )
            return None
        lookup = {value: float(points) for value, points in give.items()}
        return self._spec(feature=feature, lookup=lookup, feature_type=kind)

    def _curve(self, feature: str, kind: ValueType | None) -> ComponentSpec | None:
        at, give = self.written.at, self.written.give
        if at is None or not isinstance(give, list):
            self.tell(
                None,
                "config-component-shape",
                f"`{self.name}` does not say how `{feature}` becomes points.",
                "Write a curve (`at: [0, 10], give: [0, 30]`) or a lookup (`give: {a: 30}`).",
            )
            return None
        if len(at) != len(give):
            self.tell(
                "give",
                "config-curve-length",
                f"`at` has {len(at)} values and `give` has {len(give)}.",
                "Give one number of points for each value.",
            )
            return None
        if any(later <= earlier for earlier, later in itertools.pairwise(at)):
            self.tell(
                "at",
                "config-curve-order",
                f"The values {', '.join(f'{value:g}' for value in at)} do not ascend.",
                "Put them in ascending order, each once.",
            )
            return None
        if kind is not None and kind is not ValueType.NUMBER:
            self.tell(
                "from",
                "config-type",
                f"`{feature}` is {kind.words}, which has no curve.",
                "Use a lookup: `give: {software: 30, other: 0}`.",
            )
            return None
        return self._spec(
            feature=feature,
            at=tuple(float(value) for value in at),
            give=tuple(float(points) for points in give),
            feature_type=kind,
        )
