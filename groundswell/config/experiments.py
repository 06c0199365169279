"""`experiments:` resolved: how accounts held out are compared with those handed over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundswell.config.quantities import parse_day, parse_days, parse_share
from groundswell.config.vocabulary import ValueType
from groundswell.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from groundswell.config.experiment_schema import ExperimentsBlock
    from groundswell.config.findings import Findings


@dataclass(frozen=True, slots=True)
class ExperimentTerms:
    """How arms are compared.

    Attributes:
        horizon: Days from qualification on that every account is given.
        since: The first day that counts; None where the data is to tell.
        level: How often an interval holds the truth.
        power: How often the planned effect is to be seen.
        held_out, contacted: The conversion that is expected of each arm.
        imbalance: The chance below which the sizes of the arms are an alarm.
        recent: Days back that tell of how many accounts come in.
        covariates: Features at qualification that comparisons are adjusted by.
    """

    horizon: int
    since: date | None
    level: float
    power: float
    held_out: float
    contacted: float
    imbalance: float
    recent: int
    covariates: tuple[str, ...]


def resolve_experiments(
    block: ExperimentsBlock, *, types: Mapping[str, ValueType], findings: Findings
) -> ExperimentTerms:
    """Return how arms are compared.

    Args:
        block: As written.
        types: The known features.
        findings: Told of everything that is wrong.
    """
    held_out, contacted = parse_share(block.planned.held_out), parse_share(block.planned.contacted)
    if held_out == contacted or not (0 < held_out < 1 and 0 < contacted < 1):
        what = "An experiment cannot be planned with these shares."
        fix = "Let them differ, each between none and all: `{held_out: 5%, contacted: 7.5%}`."
        findings.tell(("experiments", "planned"), "config-bad-plan", what, fix)
    for name in ("confidence", "power"):
        if not _LEAST <= parse_share(getattr(block, name)) <= _MOST:
            what = f"`{name}` of {getattr(block, name)} cannot be planned with."
            findings.tell(
                ("experiments", name), "config-bad-plan", what, "Write from `50%` to `99.9%`."
            )
    for place, name in enumerate(block.covariates):
        if types.get(name) is not ValueType.NUMBER:
            near = nearest(name, [key for key, kind in types.items() if kind is ValueType.NUMBER])
            what = f"`{name}` is no feature that is a number."
            fix = f"Did you mean `{near}`?" if near else "Name one that is, or none: `[]`."
            findings.tell(("experiments", "covariates", place), "config-unknown-feature", what, fix)
    return ExperimentTerms(
        horizon=parse_days(block.horizon),
        since=parse_day(block.since) if block.since is not None else None,
        level=parse_share(block.confidence),
        power=parse_share(block.power),
        held_out=held_out,
        contacted=contacted,
        imbalance=parse_share(block.imbalance),
        recent=parse_days(block.recent),
        covariates=tuple(block.covariates),
    )


_LEAST, _MOST = 0.5, 0.999
