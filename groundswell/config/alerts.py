"""`alerts:` resolved: the signs of expansion, and the features that are made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.config.expressions import Expression
from groundswell.config.quantities import parse_days
from groundswell.config.resolved import Alerts, SignSpec
from groundswell.config.schema import FeatureDef
from groundswell.config.vocabulary import ValueType
from groundswell.errors import ConfigError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from groundswell.config.alert_schema import AlertsBlock, SignDef
    from groundswell.config.findings import Findings, Key

POTENTIAL, IS_HIGH = "expansion_potential", "is_high_potential"
"""The features that are made of the signs; no sign may read them."""


def resolve_alerts(
    block: AlertsBlock,
    signs: Mapping[str, SignDef | None],
    *,
    features: Mapping[str, FeatureDef],
    types: Mapping[str, ValueType],
    findings: Findings,
) -> Alerts:
    """Return what is told, and by which signs; those that are null were taken away.

    Args:
        block: The thresholds that hold.
        signs: Those that `findings` knows the places of.
        features: What conditions may read, as declared.
        types: The same, by type.
        findings: Told of everything that is wrong.
    """
    if block.very_high < block.high:
        what = f"`very_high` begins at {block.very_high:g}, before `high` at {block.high:g}."
        fix = "Let `very_high` begin at `high` or above."
        key: Key = ("alerts", "very_high" if ("alerts", "very_high") in findings.spots else "high")
        findings.tell(key, "config-band-order", what, fix)
    boolean = ValueType.BOOLEAN
    who = findings.expression(("alerts", "for"), block.for_, types=types, expect=boolean)
    found: list[SignSpec] = []
    for name, sign in signs.items():
        if sign is None:
            continue
        key = ("alerts", "signs", name)
        if sign.say is not None:
            findings.template((*key, "say"), sign.say, known=types)
        when = findings.expression((*key, "when"), sign.when, types=types, expect=boolean)
        if when is None:
            continue
        if by := _made_of_signs(when.names, features, types):
            what = f"`{name}` is defined by itself: `{by}` is made of the signs."
            fix = "Let the condition read other features."
            findings.tell((*key, "when"), "config-cyclic-feature", what, fix)
        found.append(SignSpec(name, sign.family or name, when, sign.points, sign.say))
    return Alerts(
        who=who or Expression.parse("TRUE", types=types),
        high=block.high,
        very_high=block.very_high,
        again_after_days=parse_days(block.again_after),
        signs={sign.name: sign for sign in found},
    )


def tell_unknown_signs(
    written: Mapping[str, object | None],
    shipped: Iterable[str],
    *,
    findings: Findings,
    block: str = "alerts",
) -> None:
    """Tell of signs that are to be taken away and do not ship."""
    known = list(shipped)
    for name in sorted(name for name, sign in written.items() if sign is None):
        if name not in known:
            near = nearest(name, known)
            what = f"There is no shipped sign `{name}` to take away."
            fix = f"Did you mean `{near}`?" if near else "Take the line out."
            key: Key = (block, "signs", name)
            findings.tell(key, "config-unknown-sign", what, fix, at_key=True)


def potential_features(high: float, signs: Iterable[SignSpec]) -> dict[str, FeatureDef]:
    """Return the features that are made of the signs.

    `expansion_potential` adds up what each family gives at most, to 100; what is unknown gives
    nothing. `is_high_potential` says whether that is `high` or more.
    """
    families: dict[str, list[str]] = {}
    for sign in signs:
        if not sign.points:
            continue
        # The line break ends a comment that the condition may end with.
        term = f"CASE WHEN ({sign.when.text.strip()}\n) THEN {sign.points:.10g} ELSE 0 END"
        families.setdefault(sign.family, []).append(term)
    terms = [
        terms[0] if len(terms) == 1 else f"GREATEST({', '.join(terms)})"
        for terms in families.values()
    ]
    return {
        POTENTIAL: FeatureDef(
            value=f"LEAST({' + '.join(terms) or '0'}, 100)",
            doc="0 to 100: what the signs under `alerts` give, those of one family once",
        ),
        IS_HIGH: FeatureDef(
            when=f"{POTENTIAL} >= {high:g}",
            doc="The expansion potential is at `alerts.high` or above",
        ),
    }


def _made_of_signs(
    names: Iterable[str], features: Mapping[str, FeatureDef], types: Mapping[str, ValueType]
) -> str | None:
    """Return the feature by which these come back to the signs; None when none does."""
    for first in sorted(names):
        seen: set[str] = set()
        ahead = {first}
        while ahead:
            name = ahead.pop()
            if name in {POTENTIAL, IS_HIGH}:
                return first
            seen.add(name)
            ahead |= _read_by(features.get(name), types) - seen
    return None


def _read_by(feature: FeatureDef | None, types: Mapping[str, ValueType]) -> frozenset[str]:
    text = None if feature is None else feature.value or feature.when
    if text is None:
        return frozenset()
    try:
        return Expression.parse(text, types=types).names
    except ConfigError:  # that was told where the feature stands
        return frozenset()
