"""`features:` resolved: the built-in ones with their windows written out, then the user's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from groundswell.config.quantities import parse_window
from groundswell.config.vocabulary import (
    AGGREGATES,
    DIMENSIONS,
    FLAGS,
    MEANINGS,
    READERS,
    SCORE_OUTPUTS,
    ValueType,
    feature_types,
    is_property,
    parse_aggregate,
)
from groundswell.errors import did_you_mean, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from groundswell.config.findings import Findings, Key
    from groundswell.config.resolved import Meaning
    from groundswell.config.schema import FeatureDef

WINDOW = "<w>"
_KINDS: dict[str, frozenset[str]] = {
    "count": frozenset({"of", "within", "ago", "where", "flag"}),
    "sum": frozenset({"of", "within", "ago", "where", "flag"}),
    "days_since": frozenset({"of", "where", "flag"}),
    "members": frozenset({"within"}),
    "trend": frozenset({"of", "within", "where", "flag"}),
    "velocity": frozenset({"of", "within", "where", "flag"}),
    "read": frozenset(),
    "value": frozenset(),
    "when": frozenset(),
}
_ALMOST = 0.9
"""How much like a meaning a name must look to be taken for a misspelt one."""


def expand_windows(features: Mapping[str, Any], windows: Iterable[str]) -> dict[str, Any]:
    """Write out every feature named `..._<w>` for each window.

    >>> expand_windows({"users_<w>": {"count": "users", "within": "<w>"}}, ["7d", "28d"])
    {'users_7d': {'count': 'users', 'within': '7d'}, 'users_28d': {'count': 'users', 'within': '28d'}}
    """  # noqa: E501 - the result of the example stands on one line
    expanded: dict[str, Any] = {}
    for name, definition in features.items():
        for window in windows if WINDOW in name else [""]:
            expanded[name.replace(WINDOW, window)] = _replace(definition, window)
    return expanded


def _replace(value: Any, window: str) -> Any:
    if isinstance(value, str):
        return value.replace(WINDOW, window)
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {key: _replace(item, window) for key, item in items}
    return value


def check_features(
    features: Mapping[str, FeatureDef],
    *,
    builtin: Mapping[str, FeatureDef],
    meanings: Sequence[Meaning],
    findings: Findings,
    at: Key = ("features",),
) -> dict[str, FeatureDef]:
    """Return the features that can be computed, after telling what is wrong with the others.

    Args:
        features: The features to check.
        builtin: Those they are added to.
        meanings: What the events mean, for the names that `meaning:name` may use.
        findings: Told of everything that is wrong.
        at: Where the features stand.
    """
    kept: dict[str, FeatureDef] = {}
    for name, feature in features.items():
        key = (*at, name)
        if name in builtin or name in SCORE_OUTPUTS:
            what = f"`{name}` is built in and cannot be declared again."
            fix = f"Choose another name, such as `our_{name}`."
            findings.tell(key, "config-builtin-feature", what, fix, at_key=True)
            continue
        told = len(findings.problems)
        _check_shape(name, feature, key, findings)
        _check_words(feature, key, meanings, findings)
        if len(findings.problems) > told:
            findings.broken.add(name)
        kept[name] = feature
    _check_formulas(kept, builtin, findings, at)
    return kept


def _check_shape(name: str, feature: FeatureDef, key: Key, findings: Findings) -> None:
    """Check that the feature says one thing, and only what goes with it."""
    said = [kind for kind in _KINDS if getattr(feature, kind) is not None]
    if len(said) != 1:
        listed = " and ".join(f"`{kind}`" for kind in said)
        what = (
            f"`{name}` says several things: {listed}."
            if said
            else f"`{name}` does not say what it measures."
        )
        fix = f"Give exactly one of: {', '.join(_KINDS)}."
        findings.tell(key, "config-feature-shape", what, fix, at_key=True)
        return
    kind = said[0]
    for word in sorted(feature.model_fields_set - {kind, "say", "doc"} - _KINDS[kind]):
        goes = sorted(_KINDS[kind])
        fix = f"With `{kind}` go: {', '.join(goes)}." if goes else "Take it out."
        what = f"`{word}` means nothing beside `{kind}`."
        findings.tell((*key, word), "config-feature-shape", what, fix, at_key=True)
    window = parse_window(feature.within)
    if window is None and (kind in {"trend", "velocity"} or feature.members == "new"):
        what = f"`{name}` needs a window."
        fix = "Add `within`, such as `within: 28d`."
        findings.tell(key, "config-feature-shape", what, fix, at_key=True)
    if feature.ago == "lifetime":
        what = "A window cannot be shifted back by a lifetime."
        fix = "Write a number of days, such as `60d`."
        findings.tell((*key, "ago"), "config-bad-duration", what, fix)


def _check_words(
    feature: FeatureDef, key: Key, meanings: Sequence[Meaning], findings: Findings
) -> None:
    """Check every word that the vocabulary fixes."""
    for kind in ("count", "trend", "velocity"):
        text = cast("str | None", getattr(feature, kind))
        if text is not None:
            _check_aggregate(text, feature, (*key, kind), findings)
    if feature.sum is not None and not is_property(feature.sum):
        what = f"`{feature.sum}` is no property that can be added up."
        fix = "Write `properties.<path>`, such as `properties.amount`."
        findings.tell((*key, "sum"), "config-unknown-aggregate", what, fix)
    if feature.read is not None and feature.read not in DIMENSIONS:
        what = f"Unknown dimension `{feature.read}`."
        fix = did_you_mean(feature.read, DIMENSIONS, noun="Dimensions")
        findings.tell((*key, "read"), "config-unknown-dimension", what, fix)
    if feature.flag is not None and feature.flag not in FLAGS:
        what = f"Unknown flag `{feature.flag}`."
        fix = did_you_mean(feature.flag, FLAGS, noun="Flags")
        findings.tell((*key, "flag"), "config-unknown-flag", what, fix)
    for index, name in enumerate(feature.of):
        spot: Key = (*key, "of", index)
        _check_events(name, spot if spot in findings.spots else spot[:-1], meanings, findings)


def _check_aggregate(text: str, feature: FeatureDef, key: Key, findings: Findings) -> None:
    try:
        aggregate = parse_aggregate(text)
    except ValueError:
        what = f"Unknown aggregate `{text}`."
        words = text.split(maxsplit=1)
        if words[:1] == ["distinct"]:
            fix = f"After `distinct` comes `properties.<path>` or a reader: {', '.join(READERS)}."
        else:
            fix = did_you_mean(text, AGGREGATES, noun="Aggregates")
        findings.tell(key, "config-unknown-aggregate", what, fix)
        return
    if aggregate.property is None or aggregate.property not in READERS:
        return
    for name in feature.of or ["all activity"]:
        meaning = name.split(":", maxsplit=1)[0]
        if aggregate.property not in MEANINGS.get(meaning, ()):
            what = f"`{name}` has no reader `{aggregate.property}`."
            having = [word for word, readers in MEANINGS.items() if aggregate.property in readers]
            fix = f"Use `distinct properties.<path>`, or `of` one of: {', '.join(having)}."
            findings.tell(key, "config-unknown-reader", what, fix)


def _check_events(name: str, key: Key, meanings: Sequence[Meaning], findings: Findings) -> None:
    """Check one entry of `of`: a meaning, a meaning with a name, or one's own event."""
    meaning, colon, label = name.partition(":")
    if meaning in MEANINGS:
        labels = {m.label for m in meanings if m.name == meaning}
        if colon and labels and None not in labels and label not in labels:
            known = sorted(text for text in labels if text)
            what = f"`{meaning}` has no kind named `{label}`."
            fix = did_you_mean(label, known, noun="Named under `events`")
            findings.tell(key, "config-unknown-meaning", what, fix)
        return
    near = nearest(meaning, MEANINGS, cutoff=_ALMOST)
    if near is not None and not any(name in m.events for m in meanings):
        what = f"`{meaning}` is no meaning, and no event named under `events`."
        fix = f"Did you mean `{near}`? An event of that very name has to stand under `events`."
        findings.tell(key, "config-unknown-meaning", what, fix)


def _check_formulas(
    features: Mapping[str, FeatureDef],
    builtin: Mapping[str, FeatureDef],
    findings: Findings,
    at: Key,
) -> None:
    """Check `value` and `when`: names, types, and that nothing is defined by itself."""
    types = feature_types({**builtin, **features})
    reads: dict[str, frozenset[str]] = {}
    for name, feature in features.items():
        for kind, expect in (("value", ValueType.NUMBER), ("when", ValueType.BOOLEAN)):
            text = cast("str | None", getattr(feature, kind))
            if text is None or name in findings.broken:
                continue
            parsed = findings.expression((*at, name, kind), text, types=types, expect=expect)
            if parsed is None:
                findings.broken.add(name)
            else:
                reads[name] = parsed.names
        if feature.say is not None:
            findings.template((*at, name, "say"), feature.say, known=types)
    for round_ in _cycles(reads):
        name = round_[0]
        kind = "value" if features[name].value is not None else "when"
        path = " -> ".join(f"`{step}`" for step in (*round_, name))
        what = f"`{name}` is defined by itself: {path}."
        fix = "Break the circle: let one of them count events instead."
        findings.tell((*at, name, kind), "config-cyclic-feature", what, fix)
        findings.broken.update(round_)


def _cycles(reads: Mapping[str, frozenset[str]]) -> list[tuple[str, ...]]:
    """Return each circle once, beginning at the feature declared first."""
    found: dict[frozenset[str], tuple[str, ...]] = {}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            circle = trail[trail.index(name) :]
            found.setdefault(frozenset(circle), circle)
            return
        if name in done:
            return
        for other in sorted(reads.get(name, frozenset())):
            visit(other, (*trail, name))
        done.add(name)

    for name in reads:
        visit(name, ())
    return list(found.values())
