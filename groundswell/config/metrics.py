"""`metrics:` and `funnels:` resolved: every expression checked against the table it reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from groundswell.config.measured import JOURNEY, JOURNEY_DAYS, MEASURED, days_of, readable
from groundswell.config.quantities import parse_days
from groundswell.config.vocabulary import ValueType
from groundswell.errors import did_you_mean, nearest
from groundswell.model import Motion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from groundswell.config.expressions import Expression
    from groundswell.config.findings import Findings, Key
    from groundswell.config.metric_schema import FunnelDef, MetricDef

How = Literal["count", "share", "sum", "mean", "median", "p90", "ratio", "formula"]
HOWS: tuple[How, ...] = ("count", "share", "sum", "mean", "median", "p90", "ratio", "formula")
_CONDITIONS = frozenset({"count", "share"})


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric as it is computed.

    Attributes:
        name, title, owner, doc: What it is, and who answers for it.
        how: How rows become a number.
        table: The table that is read; None for a formula.
        on: The day that puts a row into a period.
        among: Only these rows.
        of: What is counted or summed: none for all rows, two for a ratio.
        by_motion: Whether it is told once for each motion.
        motion: Of this motion alone.
        unit, better, usual, goal: How it is read.
        matures: Days that a row has to be old to count.
        at_end: Whether only rows of the last day of a period count.
    """

    name: str
    title: str
    owner: str
    doc: str
    how: How
    table: str | None
    on: str | None
    among: Expression | None
    of: tuple[Expression, ...]
    by_motion: bool
    motion: Motion | None
    unit: str
    better: str | None
    usual: tuple[float | None, float | None] | None
    goal: float | None
    matures: int
    at_end: bool


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a funnel, and the day of the journey on which it is reached."""

    name: str
    title: str
    on: str


@dataclass(frozen=True, slots=True)
class Funnel:
    """The way of one motion.

    Attributes:
        motion: Whose way it is.
        title: What it is called.
        among: Only these journeys.
        stages: In their order.
        within: Days that an account has, from the first stage on.
    """

    motion: Motion
    title: str
    among: Expression | None
    stages: tuple[Stage, ...]
    within: int


def resolve_metrics(
    metrics: Mapping[str, MetricDef | None],
    *,
    known: Mapping[str, Metric] | None = None,
    findings: Findings,
) -> dict[str, Metric]:
    """Return metrics that can be computed, in order; those that are null were taken away.

    Args:
        metrics: As written.
        known: Others that a formula may name.
        findings: Told of everything that is wrong.
    """
    given = {name: metric for name, metric in metrics.items() if metric is not None}
    names: list[str] = [*(known or {}), *given]
    units = dict.fromkeys(names, ValueType.NUMBER)
    found: dict[str, Metric] = {}
    for name, metric in given.items():
        read = _read(name, metric, units, findings)
        if read is not None:
            found[name] = read
    _tell_circles({**(known or {}), **found}, found, findings)
    return found


def resolve_funnels(
    funnels: Mapping[str, FunnelDef | None], *, findings: Findings
) -> dict[Motion, Funnel]:
    """Return the funnel of each motion that has one."""
    types = {name: kind for name, kind in JOURNEY.items() if isinstance(kind, ValueType)}
    found: dict[Motion, Funnel] = {}
    for name, funnel in funnels.items():
        key: Key = ("funnels", name)
        if name not in list(Motion):
            what = f"There is no motion `{name}`: a funnel is the way of one."
            findings.tell(key, "config-unknown-motion", what, did_you_mean(name, Motion))
            continue
        if funnel is None:
            continue
        among = _condition((*key, "among"), funnel.among, types, findings)
        for place, stage in enumerate(funnel.stages):
            if stage.on not in JOURNEY_DAYS:
                what = f"A journey has no day `{stage.on}`."
                fix = did_you_mean(stage.on, JOURNEY_DAYS)
                findings.tell((*key, "stages", place, "on"), "config-unknown-day", what, fix)
        stages = tuple(Stage(stage.name, stage.title, stage.on) for stage in funnel.stages)
        within = parse_days(funnel.within)
        found[Motion(name)] = Funnel(Motion(name), funnel.title, among, stages, within)
    return found


def _read(
    name: str, metric: MetricDef, units: Mapping[str, ValueType], findings: Findings
) -> Metric | None:
    key: Key = ("metrics", name)
    told: list[How] = [how for how in HOWS if getattr(metric, how) is not None]
    if len(told) != 1:
        said = " and ".join(f"`{how}`" for how in told)
        what = f"It says {said}." if told else "It does not say how it is counted."
        fix = f"Say exactly one of {', '.join(f'`{how}`' for how in HOWS)}."
        findings.tell(key, "config-metric", what, fix)
        return None
    (how,) = told
    motions = metric.motion or []
    if len(motions) > 1:
        what = f"`{name}` is one number over {len(motions)} motions, and says nothing of either."
        fix = "Write `by: motion`, or a metric for each: motions are sold in different ways."
        findings.tell((*key, "motion"), "config-two-motions", what, fix)
    if how == "formula":
        of = findings.expression(
            (*key, how), str(metric.formula), types=units, expect=ValueType.NUMBER
        )
        return None if of is None else _metric(name, metric, how, (of,), None)
    if not _check_table(metric, key, findings):
        return None
    types = readable(str(metric.of))
    among = _condition((*key, "among"), metric.among, types, findings)
    parsed = _parse(metric, how, types, key, findings)
    return None if parsed is None else _metric(name, metric, how, parsed, among)


def _check_table(metric: MetricDef, key: Key, findings: Findings) -> bool:
    """Tell whether the table and its day are there, and the motion where one is asked for."""
    if metric.of not in MEASURED:
        what = f"There is no table `{metric.of}`." if metric.of else "It does not say `of` what."
        fix = did_you_mean(metric.of or "", MEASURED, noun="Tables")
        findings.tell((*key, "of"), "config-unknown-table", what, fix)
        return False
    days = days_of(metric.of)
    if metric.on not in days:
        what = f"`{metric.of}` has no day `{metric.on}`." if metric.on else "It has no `on`."
        findings.tell((*key, "on"), "config-unknown-day", what, did_you_mean(metric.on or "", days))
        return False
    if (metric.by or metric.motion) and "motion" not in MEASURED[metric.of]:
        what = f"The rows of `{metric.of}` belong to no motion."
        findings.tell(key, "config-metric", what, "Leave `by` and `motion` out.")
        return False
    return True


def _parse(
    metric: MetricDef, how: How, types: Mapping[str, ValueType], key: Key, findings: Findings
) -> tuple[Expression, ...] | None:
    """Return what is counted or summed; None after telling what is wrong with it."""
    given = getattr(metric, how)
    if given is True:
        return ()
    texts = cast("Sequence[str]", given if isinstance(given, list) else [str(given)])
    expect = ValueType.BOOLEAN if how in _CONDITIONS else ValueType.NUMBER
    found = [
        findings.expression(
            (*key, how, place) if isinstance(given, list) else (*key, how),
            text,
            types=types,
            expect=expect,
        )
        for place, text in enumerate(texts)
    ]
    return None if None in found else tuple(one for one in found if one is not None)


def _condition(
    key: Key, text: str | None, types: Mapping[str, ValueType], findings: Findings
) -> Expression | None:
    if text is None:
        return None
    return findings.expression(key, text, types=types, expect=ValueType.BOOLEAN)


def _metric(
    name: str, metric: MetricDef, how: How, of: tuple[Expression, ...], among: Expression | None
) -> Metric:
    usual = metric.usual
    return Metric(
        name=name,
        title=metric.title,
        owner=metric.owner,
        doc=metric.doc,
        how=how,
        table=metric.of,
        on=metric.on,
        among=among,
        of=of,
        by_motion=metric.by == "motion",
        motion=Motion(metric.motion[0]) if metric.motion else None,
        unit=metric.unit,
        better=metric.better,
        usual=(usual[0], usual[1]) if usual else None,
        goal=metric.goal,
        matures=parse_days(metric.matures) if metric.matures else 0,
        at_end=metric.at_end,
    )


def _tell_circles(
    known: Mapping[str, Metric], told: Mapping[str, Metric], findings: Findings
) -> None:
    """Tell of formulas that come back to themselves, and of those over several motions."""
    for name, metric in told.items():
        if metric.how != "formula":
            continue
        key: Key = ("metrics", name, "formula")
        parts = _parts(metric, known)
        if name in parts:
            what = f"`{name}` is made of itself."
            findings.tell(key, "config-circle", what, "Let it read other metrics.")
        motions = {known[part].motion for part in parts if known[part].motion is not None}
        apart = any(known[part].by_motion for part in parts)
        if len(motions) > 1 or (apart and not metric.by_motion) or (motions and metric.by_motion):
            what = f"`{name}` is made of metrics of different motions."
            fix = "Let each part be of the same motion, or write `by: motion` with all of them."
            findings.tell(key, "config-two-motions", what, fix)


def _parts(metric: Metric, known: Mapping[str, Metric]) -> set[str]:
    """Return the names of all metrics that a formula is made of, through others too."""
    found: set[str] = set()
    waiting = set(metric.of[0].names)
    while waiting:
        name = waiting.pop()
        if name in found or name not in known:
            continue
        found.add(name)
        if known[name].how == "formula":
            waiting |= set(known[name].of[0].names)
    return found


def tell_unknown_metrics(
    ours: Mapping[str, MetricDef | None], shipped: Mapping[str, Metric], *, findings: Findings
) -> None:
    """Tell of every metric that is to be taken away and does not ship."""
    for name, metric in ours.items():
        if metric is None and name not in shipped:
            near = nearest(name, shipped)
            what = f"There is no shipped metric `{name}` to take away."
            fix = f"Did you mean `{near}`?" if near else "Take the line out."
            findings.tell(("metrics", name), "config-unknown-metric", what, fix, at_key=True)
