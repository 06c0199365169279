"""The shipped YAML, read through the models a user's file is read through."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from groundswell.config.alerts import potential_features, resolve_alerts
from groundswell.config.document import parse_preset
from groundswell.config.features import check_features, expand_windows
from groundswell.config.findings import Findings, Key, Spot
from groundswell.config.meanings import resolve_meanings
from groundswell.config.metrics import resolve_funnels, resolve_metrics
from groundswell.config.resolved import CustomerSuccess
from groundswell.config.risks import customer_features
from groundswell.config.schema import Config, PresetDef
from groundswell.config.validation import validate
from groundswell.config.vocabulary import feature_types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.config.alert_schema import AlertsBlock
    from groundswell.config.customer_schema import RisksBlock
    from groundswell.config.metrics import Funnel, Metric
    from groundswell.config.play_schema import ClauseDef, PlayDef
    from groundswell.config.resolved import Meaning
    from groundswell.config.schema import FeatureDef, MotionRule, OfferDef, TriggerDef
    from groundswell.model import Motion

DEFAULT_WINDOWS: tuple[str, ...] = tuple(Config().windows)
_OF_ONE_BLOCK = ("motions", "triggers", "alerts", "risks", "offers", "guardrails")
SCORE_PRESETS = ("hybrid", "points", "buckets")


@dataclass(frozen=True, slots=True)
class Shipped:
    """The blocks that ship, with the places they stand at."""

    config: Config
    spots: Mapping[Key, Spot]

    def findings(self) -> Findings:
        """Return a fresh collection of mistakes for these blocks."""
        return Findings(self.spots)


@cache
def shipped_blocks() -> Shipped:
    """Return the shipped motions, triggers, alerts, risks, offers, guardrails, plays and more.

    Raises:
        ConfigError: A shipped file is wrong.
    """
    data: dict[str, Any] = {}
    spots: dict[Key, Spot] = {}
    files = [(block, f"{block}.yaml") for block in _OF_ONE_BLOCK]
    for block, name in (*files, (None, "plays.yaml"), (None, "metrics.yaml")):
        document = parse_preset(name, block=block)
        document.findings().raise_any()
        data |= document.data
        spots |= document.spots
    findings = Findings(spots)
    checked = validate(Config, data, findings=findings)
    findings.raise_any()
    assert checked is not None, "Config has a default for every key"
    return Shipped(checked.value, spots)


def shipped_rules() -> list[MotionRule]:
    """Return the routing table that comes after the user's rules."""
    return shipped_blocks().config.motions


def shipped_triggers() -> dict[str, TriggerDef | None]:
    """Return the shipped triggers by name."""
    return dict(shipped_blocks().config.triggers)


def shipped_alerts() -> AlertsBlock:
    """Return the shipped alerts with their signs."""
    return shipped_blocks().config.alerts


def shipped_risks() -> RisksBlock:
    """Return the shipped signs of risk."""
    return shipped_blocks().config.risks


def shipped_offers() -> dict[str, OfferDef | None]:
    """Return the shipped offers by name, in the order they are tried."""
    return dict(shipped_blocks().config.offers)


def shipped_plays() -> dict[str, PlayDef | None]:
    """Return the shipped plays by name, in the order they are tried."""
    return dict(shipped_blocks().config.plays)


def shipped_clauses() -> list[ClauseDef]:
    """Return what the first sentence of a brief may say, in order."""
    return shipped_blocks().config.brief.clauses


@cache
def shipped_metrics() -> Mapping[str, Metric]:
    """Return the shipped metrics by name.

    Raises:
        ConfigError: A shipped metric is wrong.
    """
    shipped = shipped_blocks()
    findings = shipped.findings()
    found = resolve_metrics(shipped.config.metrics, findings=findings)
    findings.raise_any()
    return found


@cache
def shipped_funnels() -> Mapping[Motion, Funnel]:
    """Return the shipped funnel of each motion.

    Raises:
        ConfigError: A shipped funnel is wrong.
    """
    shipped = shipped_blocks()
    findings = shipped.findings()
    found = resolve_funnels(shipped.config.funnels, findings=findings)
    findings.raise_any()
    return found


def shipped_guardrails() -> dict[str, Any]:
    """Return the shipped guardrails as they are written."""
    return shipped_blocks().config.guardrails.model_dump(by_alias=True)


@cache
def shipped_meanings() -> tuple[Meaning, ...]:
    """Return what well-known events mean without a mapping.

    Raises:
        ConfigError: The shipped file is wrong.
    """
    name = "meanings.yaml"
    document = parse_preset(name, block="events")
    findings = document.findings()
    meanings = resolve_meanings(document.data["events"], findings=findings)
    findings.raise_any()
    return meanings


@cache
def shipped_score(name: str) -> PresetDef | None:
    """Return a shipped score; None when none of that name ships.

    Raises:
        ConfigError: The shipped file is wrong.
    """
    if name not in SCORE_PRESETS:
        return None
    document = parse_preset(f"score/{name}.yaml")
    findings = document.findings()
    checked = validate(PresetDef, document.data, findings=findings)
    findings.raise_any()
    assert checked is not None, "what is missing was told"
    return checked.value


@cache
def shipped_features(windows: tuple[str, ...]) -> Mapping[str, FeatureDef]:
    """Return the built-in features, written out for these windows.

    Raises:
        ConfigError: The shipped file is wrong, or `windows` lacks one that a feature reads.
    """
    name = "features.yaml"
    document = parse_preset(name, block="features")
    written = cast("dict[str, Any]", document.data["features"])
    data = {"features": expand_windows(written, windows)}
    findings = document.findings()
    checked = validate(Config, data, findings=findings)
    findings.raise_any()
    assert checked is not None, "Config has a default for every key"
    features = check_features(checked.value.features, builtin={}, meanings=(), findings=findings)
    findings.raise_any()
    block, told = shipped_alerts(), shipped_blocks().findings()
    types = feature_types(features)
    alerts = resolve_alerts(block, block.signs, features=features, types=types, findings=told)
    told.raise_any()
    made = potential_features(alerts.high, alerts.signs.values())
    return {**features, **customer_features(CustomerSuccess()), **made}
