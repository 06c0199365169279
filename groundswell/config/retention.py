"""`retention:` resolved: days, none of them fewer than what is counted looks back."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from groundswell.config.quantities import parse_days, parse_window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.config.attribution import AttributionRules
    from groundswell.config.findings import Findings
    from groundswell.config.retention_schema import RetentionBlock
    from groundswell.config.schema import FeatureDef


@dataclass(frozen=True)
class Retention:
    """For how many days what came in is kept as it came; None is for good.

    Attributes:
        events: Events whole; then what they are counted by.
        quarantine: Rows that could not be used.
        audit: What was done, and by whom.
    """

    events: int | None = None
    quarantine: int | None = None
    audit: int | None = None

    def __bool__(self) -> bool:
        return any(getattr(self, one.name) is not None for one in fields(self))


def resolve_retention(
    block: RetentionBlock,
    *,
    features: Mapping[str, FeatureDef],
    attribution: AttributionRules | None,
    warehouse: str,
    findings: Findings,
) -> Retention:
    """Return for how long what is kept.

    Args:
        block: As it is written.
        features: Whose windows are looked back over.
        attribution: How far it looks back, too.
        warehouse: Where events are kept.
        findings: Told of everything that is wrong.
    """
    told = {
        name: None if (text := getattr(block, name)) is None else parse_days(text)
        for name in RETAINED
    }
    for name, days in told.items():
        if days == 0:
            what = "Nothing is dropped on the day that it came."
            findings.tell(("retention", name), "config-retention", what, "Write `1d` or more.")
    if told["events"] is not None:
        _check_events(told["events"], features, attribution, warehouse, findings)
    return Retention(**told)


RETAINED = tuple(one.name for one in fields(Retention))


def _check_events(
    days: int,
    features: Mapping[str, FeatureDef],
    attribution: AttributionRules | None,
    warehouse: str,
    findings: Findings,
) -> None:
    key = ("retention", "events")
    if warehouse.startswith("spark"):
        what = "Nothing is taken out of a warehouse on Spark: its files are only added to."
        fix = "Leave `events` out, or keep them in `duckdb` or on `postgresql://...`."
        findings.tell(key, "config-retention", what, fix)
        return
    backs = {f"feature `{name}`": looks_back(feature) for name, feature in features.items()}
    if attribution is not None:
        rules = attribution.pql_days, attribution.opportunity_days, attribution.touch_days
        backs["attribution"] = max(*rules, attribution.won_days, attribution.footprint_days)
    who, most = max(backs.items(), key=lambda item: item[1], default=("", 0))
    if 0 < days < most:
        what = f"Events are kept for {days} days, and {who} looks back over {most}."
        fix = f"Write `{most}d` or more, or look back over less."
        findings.tell(key, "config-retention", what, fix)


def looks_back(feature: FeatureDef) -> int:
    """Return over how many days a feature looks back; 0 where it does so for good.

    What is counted for good is counted from what stays of events.
    """
    within = parse_window(feature.within) or 0
    ago = (parse_window(feature.ago) or 0) if feature.ago else 0
    twice = 2 if feature.trend or feature.velocity else 1
    return within * twice + ago if within else 0
