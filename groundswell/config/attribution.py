"""`attribution:` resolved: days, exact shares, and a version that names all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from groundswell.config.attribution_schema import AttributionBlock
from groundswell.config.commissions import exact_share
from groundswell.config.digests import digest
from groundswell.config.quantities import parse_days

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from fractions import Fraction

    from groundswell.config.attribution_schema import WorkedBy
    from groundswell.config.findings import Findings, Key


@dataclass(frozen=True, slots=True)
class AttributionRules:
    """Which bucket a dollar is in.

    Attributes:
        version: Names everything that is said here.
        pql_days: From a PQL or a handoff to the opportunity.
        opportunity_days: From the opening of an opportunity to the revenue.
        won_days: Between the winning of an opportunity and the revenue, before or after.
        touch_days: From a touch to the revenue.
        worked_by: What makes an opportunity one that a person worked; any of them.
        still_open: Whether one counts that is not won yet.
        not_from: Sources of opportunities that nobody opened, in lower case.
        people, days: What a footprint needs at least; None asks for none.
        footprint_days: Within so many days.
        activated: Whether a footprint needs the aha.
        product_share: Of shared revenue, what is credited to the product.
    """

    version: str
    pql_days: int
    opportunity_days: int
    won_days: int
    touch_days: int
    worked_by: tuple[WorkedBy, ...]
    still_open: bool
    not_from: tuple[str, ...]
    people: int | None
    days: int | None
    footprint_days: int
    activated: bool
    product_share: Fraction

    @property
    def people_feature(self) -> str:
        """The feature that counts the people of a footprint."""
        return f"active_users_{self.footprint_days}d"

    @property
    def days_feature(self) -> str:
        """The feature that counts the days of a footprint."""
        return f"active_days_{self.footprint_days}d"


def resolve_attribution(
    block: AttributionBlock, *, windows: Sequence[str], findings: Findings
) -> AttributionRules:
    """Return which bucket a dollar is in.

    Args:
        block: As it is written.
        windows: The windows that features are counted over.
        findings: Told of everything that is wrong.
    """
    rules = _rules(block)
    if f"{rules.footprint_days}d" not in windows:
        what = f"Nothing is counted over `{block.footprint.within}`."
        fix = (
            f"Write one of {', '.join(f'`{window}`' for window in windows if window[0].isdigit())}."
        )
        key: Key = ("attribution", "footprint", "within")
        findings.tell(key, "config-missing-window", what, fix)
    return rules


def keep_attribution(block: AttributionBlock) -> dict[str, Any]:
    """Return everything that a block says, as `restore_attribution` takes it."""
    return block.model_dump(mode="json")


def restore_attribution(kept: Mapping[str, Any]) -> AttributionRules:
    """Return the rules that were kept; what they did not know of yet is as it ships."""
    return _rules(AttributionBlock.model_validate(dict(kept)))


def _rules(block: AttributionBlock) -> AttributionRules:
    within, worked, footprint = block.within, block.worked, block.footprint
    said: dict[str, Any] = {
        "pql_days": parse_days(within.pql),
        "opportunity_days": parse_days(within.opportunity),
        "won_days": parse_days(within.won),
        "touch_days": parse_days(within.touch),
        "worked_by": tuple(sorted(set(worked.by))),
        "still_open": worked.still_open,
        "not_from": tuple(sorted({source.strip().lower() for source in worked.not_from})),
        "people": footprint.people,
        "days": footprint.days,
        "footprint_days": parse_days(footprint.within),
        "activated": footprint.activated,
        "product_share": exact_share(block.product_share),
    }
    return AttributionRules(version=digest(said, length=12), **said)
