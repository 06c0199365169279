"""Why a verdict is what it is, and what would change it, in sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundswell.overlay.figures import worded
from groundswell.overlay.signals.signal import KINDS, SignalKind
from groundswell.overlay.words import said, tell

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from groundswell.config.overlay_schema import OverlayBlock
    from groundswell.overlay.checks import Check
    from groundswell.overlay.layers import Layer
    from groundswell.overlay.rule import RuleOutcome
    from groundswell.overlay.signals.signal import Signal

_NEAREST = 3


@dataclass(frozen=True)
class Case:
    """What a verdict is told from.

    Attributes:
        terms: What it is judged by.
        signals: Of the quarters that the rule looks at.
        rule: What they come to.
        readiness, counter_cases: By name.
        layers: Every layer, the lightest first.
        layer: The one to add, if any.
        disputes: How many there were in each of the quarters.
        people: How many people sell.
    """

    terms: OverlayBlock
    signals: Mapping[str, tuple[Signal, ...]]
    rule: RuleOutcome
    readiness: Mapping[str, Check]
    counter_cases: Mapping[str, Check]
    layers: tuple[Layer, ...]
    layer: Layer | None
    disputes: tuple[int, ...]
    people: int

    @property
    def has_disputes(self) -> bool:
        """Whether every quarter had too many disputes over who earned what."""
        return bool(self.disputes) and min(self.disputes) >= self.terms.disputes

    def against(self, name: str) -> bool:
        """Return whether a counter-case is known to hold."""
        return self.counter_cases[name].holds is True

    def check(self, name: str) -> Check | None:
        """Return a check of readiness, or a counter-case."""
        return self.readiness.get(name) or self.counter_cases.get(name)


def say_why(case: Case, decision: str, reason: str) -> tuple[str, ...]:
    """Return why a verdict is what it is, the deciding reason first."""
    return tuple(dict.fromkeys([_deciding(case, decision, reason), *_signals(case), *_more(case)]))


def _deciding(case: Case, decision: str, reason: str) -> str:
    check = case.check(reason)
    if decision == "fix_funnel_first" and check is not None:
        return tell("why", "funnel", why=check.why)
    if reason == "no_pql_engine" and check is not None:
        name = "engine_team" if case.people else "engine"
        return tell("why", name, why=check.why, people=case.people)
    if reason in case.readiness and check is not None:
        return tell("why", "not_ready", title=check.title, why=check.why)
    if check is not None:
        return tell("why", "against", title=check.title, why=check.why)
    if reason == "disputes":
        before, now = case.disputes
        return tell("why", "disputes", before=before, now=now)
    if reason == "team":
        return tell("why", "team", people=case.people)
    if reason == "layer":
        return _layer(case)
    return _rule(case)


def _layer(case: Case) -> str:
    if case.layer is not None:
        because = "; ".join(case.layer.justified_by)
        return tell("why", "layer", title=case.layer.title, why=f"{case.layer.why} ({because})")
    lacking = [one for one in case.layers if one.justified_by and not one.in_place]
    if lacking:
        one = lacking[0]
        return tell("why", "lacks", title=one.title, lacks="; ".join(one.lacks))
    there = [one.title for one in case.layers if one.in_place and one.justified_by]
    if there:
        return tell("why", "in_place", titles=", ".join(there))
    return tell("why", "no_layer")


def _rule(case: Case) -> str:
    if case.rule.is_met:
        count = len(case.rule.lasting)
        least = case.terms.rule.trigger
        return tell("why", "met", count=count) if count >= least else tell("why", "met_each")
    counts = [len(names) for names in case.rule.firing.values()]
    if case.rule.is_watched:
        is_many = min(counts) >= case.terms.rule.trigger
        return tell("why", "no_demand" if is_many else "watched")
    each = ", ".join(f"{n} in {quarter}" for quarter, n in zip(case.signals, counts, strict=True))
    return tell("why", "quiet", counts=each)


def _signals(case: Case) -> Iterator[str]:
    """Yield what the rule says, and which signals fire."""
    yield _rule(case)
    for quarter, told in case.signals.items():
        firing = [f"{one.title} ({one.figure})" for one in told if one.is_firing]
        if firing:
            yield tell("rule", "quarter", quarter=quarter, names="; ".join(firing))
        else:
            yield tell("rule", "none_in", quarter=quarter)


def _more(case: Case) -> Iterator[str]:
    """Yield what else speaks against it, and what nobody knows."""
    for one in case.counter_cases.values():
        if one.holds:
            yield tell("why", "against", title=one.title, why=one.why)
    if case.rule.is_met and not any(one.holds for one in case.counter_cases.values()):
        yield tell("why", "ceiling")
    quarter, unknown = list(case.rule.unknown.items())[-1]
    if unknown:
        names = "; ".join(said("signals", name) for name in unknown)
        yield tell("why", "unknown", quarter=quarter, names=names)
    if case.rule.is_open:
        yield tell("why", "open")


def say_changes(case: Case, decision: str, reason: str) -> tuple[str, ...]:
    """Return what would change a verdict, the most telling first."""
    return tuple(dict.fromkeys(_changes(case, decision, reason)))


def _changes(case: Case, decision: str, reason: str) -> Iterator[str]:
    check = case.check(reason)
    if reason in case.readiness and check is not None:
        yield tell("change", "funnel", title=check.title)
    elif reason == "no_pql_engine":
        yield tell("change", "engine", least=case.terms.counter_cases.pqls)
    elif check is not None:
        yield tell("change", "gone", title=check.title)
    if reason == "disputes":
        yield tell("change", "disputes", least=case.terms.disputes)
    if decision == "trigger":
        yield tell("change", "falls", least=case.terms.rule.trigger)
    if decision == "keep":
        yield tell("change", "keep")
    if not case.rule.is_met:
        yield from _more_signals(case)
    yield from _unknown(case)
    enterprise = case.layers[-1]
    if enterprise.justified_by and enterprise.lacks and not enterprise.in_place:
        yield tell("change", "enterprise", lacks="; ".join(enterprise.lacks))


def _unknown(case: Case) -> Iterator[str]:
    """Yield what nobody knows that the verdict hangs on."""
    looked: list[Signal | Check] = []
    if case.rule.is_met:
        looked += (*case.readiness.values(), *case.counter_cases.values())
    elif case.rule.is_open:
        looked += list(case.signals.values())[-1]
    for what in dict.fromkeys(name for one in looked for name in one.missing):
        yield tell("change", "known", what=what)


def _more_signals(case: Case) -> Iterator[str]:
    """Yield how many more signals it takes, and which are nearest to firing."""
    least = case.terms.rule.trigger
    lowest = min(len(names) for names in case.rule.firing.values())
    latest = list(case.signals.values())[-1]
    quiet = [one for one in latest if not one.is_firing and one.value is not None]
    near = sorted(quiet, key=lambda one: -(one.value or 0.0) / one.threshold)[:_NEAREST]
    nearest = "; ".join(
        tell(
            "change",
            "nearest",
            title=one.title,
            value=str(one.figure),
            threshold=worded(one.threshold, one.figure.unit),
        )
        for one in near
    )
    if lowest < least:
        yield tell("change", "more", count=least - lowest, nearest=nearest or "none is known")
    if not any(KINDS[one] is SignalKind.DEMAND for one in case.rule.lasting):
        titles = [one.title for one in latest if one.kind is SignalKind.DEMAND]
        yield tell("change", "demand", titles="; ".join(titles))
