"""`mistakes:` resolved: the thresholds, sentences and mends of every mistake watched for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Literal

from groundswell.config.shipped_block import shipped_values
from groundswell.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.config.findings import Findings
    from groundswell.config.mistake_schema import MistakeDef

Severity = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class MistakeSpec:
    """A mistake that is watched for.

    Attributes:
        name, title: What it is called.
        severity: How bad it is.
        at: Its thresholds by name.
        say: What is said of each way in which it is seen, with `{numbers}` to fill in.
        mend: What to do about it.
    """

    name: str
    title: str
    severity: Severity
    at: dict[str, float]
    say: dict[str, str]
    mend: str


@cache
def shipped_mistakes() -> Mapping[str, MistakeSpec]:
    """Return the mistakes that are watched for, by name, as they ship."""
    return {
        name: MistakeSpec(
            name=name,
            title=told["title"],
            severity=told["severity"],
            at={key: float(value) for key, value in told["at"].items()},
            say=dict(told["say"]),
            mend=told["mend"],
        )
        for name, told in shipped_values("mistakes").items()
    }


def resolve_mistakes(
    told: Mapping[str, MistakeDef | None], *, findings: Findings
) -> dict[str, MistakeSpec]:
    """Return what is watched for; what is null was taken away.

    Args:
        told: What differs from what ships.
        findings: Told of everything that is wrong.
    """
    found = dict(shipped_mistakes())
    for name, one in told.items():
        if name not in found:
            fix = did_you_mean(name, found, noun="Mistakes")
            what = f"There is no mistake `{name}`."
            findings.tell(("mistakes", name), "config-unknown-mistake", what, fix, at_key=True)
            continue
        if one is None:
            del found[name]
            continue
        spec = found[name]
        for key in sorted(one.at.keys() - spec.at.keys()):
            what = f"`{name}` has no threshold `{key}`."
            fix = did_you_mean(key, spec.at) if spec.at else "Take it out: it has none."
            findings.tell(
                ("mistakes", name, "at", key), "config-unknown-key", what, fix, at_key=True
            )
        at = spec.at | {key: value for key, value in one.at.items() if key in spec.at}
        severity, mend = one.severity or spec.severity, one.mend or spec.mend
        found[name] = replace(spec, at=at, severity=severity, mend=mend)
    return found
