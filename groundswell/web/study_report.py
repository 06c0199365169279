"""A study, as a report: what was learned, how good it is, and what to look at first."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from groundswell.web.document import Picture, Report, Section, Table
from groundswell.web.pictures import draw_calibration, draw_gains
from groundswell.web.wording import (
    HOW_TO_READ,
    MEASURES,
    amount,
    counted,
    figure,
    named,
    share,
    signed,
)

if TYPE_CHECKING:
    from groundswell.scoring.learning.scorecard import Line
    from groundswell.scoring.learning.study import Study

_MOST_DRIFT = 10
_ENDS = 7


def report_study(found: Study, *, title: str) -> Report:
    """Say what can be learned from a table, and whether to believe it."""
    shown = [
        _figures(found),
        _learned(found),
        _tenths(found),
        _pictures(found),
        _alarms(found),
        _scorecard(found),
        _drift(found),
        _left_out(found),
    ]
    rows = (
        f"{counted(found.rows, 'row')} with a known outcome, {found.positives:,} of them positive"
    )
    more = f"; {found.unlabelled:,} without one left out" if found.unlabelled else ""
    return Report(title, f"{rows}{more}.", _verdict(found), tuple(part for part in shown if part))


def _verdict(found: Study) -> tuple[str, ...]:
    said = [found.message]
    if found.tenths:
        top = found.tenths[0]
        said.append(
            f"The tenth with the highest scores holds {share(top.gain)} of the outcomes: they come "
            f"to {share(top.observed)} of it, {top.lift:.1f} times as often as on average."
        )
    if found.alarms:
        what = "1 alarm says" if len(found.alarms) == 1 else f"{len(found.alarms)} alarms say"
        said.append(f"{what} below what to look at before this is believed.")
    return tuple(said)


def _figures(found: Study) -> Section:
    rows: list[tuple[str, ...]] = []
    for name, (words, form) in MEASURES.items():
        written = figure(getattr(found, name), form)
        rows.append((words, written.value, written.interval))
    if found.learned is not None:
        inner = figure(found.learned.inner_auc)
        rows.append(("AUC among the rows learned from", inner.value, inner.interval))
    if found.challenge is not None:
        alone, gap = figure(found.challenge.roc_auc), figure(found.challenge.better_by, "+.3f")
        rows.append(("AUC with steps by gradient boosting", alone.value, alone.interval))
        rows.append(("beside lines alone", gap.value, gap.interval))
    table = Table(("measure", "value", "95 of 100 draws"), tuple(rows))
    return Section("Figures", notes=(HOW_TO_READ,), table=table)


def _learned(found: Study) -> Section | None:
    learned = found.learned
    if learned is None:
        return None
    prior = (
        "The hand-made score had no say."
        if learned.prior_scale is None
        else f"The hand-made score is what it leans on, times {learned.prior_scale:.3g}."
    )
    said = (
        f"Learned from {counted(learned.rows, 'row')} ({learned.positives:,} positive) and judged "
        f"by {learned.judged_rows:,} others ({learned.judged_positives:,} positive). Numbers count "
        f"by {learned.shape} lines, the penalty is {learned.penalty:.3g}, and chances were set "
        f"right by {_CALIBRATIONS.get(learned.calibration, named(learned.calibration))}. {prior}"
    )
    challenge = found.challenge
    if challenge is None:
        return Section("How it was learned", notes=(said,))
    verdict = "are on the card" if challenge.promoted else "are not on the card"
    return Section("How it was learned", notes=(said, f"Steps by gradient boosting {verdict}."))


_CALIBRATIONS = {"level": "their level", "slope": "their level and slope"}


def _tenths(found: Study) -> Section | None:
    if not found.tenths:
        return None
    rows = tuple(
        (
            f"{place}",
            f"{tenth.rows:,}",
            share(tenth.expected),
            share(tenth.observed),
            f"{tenth.lift:.1f}",
            share(tenth.gain),
        )
        for place, tenth in enumerate(found.tenths, start=1)
    )
    heads = ("tenth", "rows", "chance said", "came", "lift", "reached so far")
    return Section(
        "By tenths",
        notes=("Rows judged by, from the highest scores down.",),
        table=Table(heads, rows),
    )


def _pictures(found: Study) -> Section | None:
    if not found.tenths:
        return None
    return Section(
        "Pictures",
        pictures=(
            Picture(
                "calibration",
                "Does what is said come?",
                "A point for each tenth of the rows; on the line, what was said is what came. "
                "Both axes are stretched near 0.",
                draw_calibration(found),
            ),
            Picture(
                "gains",
                "How much do the highest scores hold?",
                "Of all outcomes, the share among so many of the highest scores.",
                draw_gains(found),
            ),
        ),
    )


def _alarms(found: Study) -> Section | None:
    if not found.alarms:
        return None
    items = tuple(f"{named(alarm.code)}: {alarm.message}" for alarm in found.alarms)
    return Section("Alarms", items=items)


def _scorecard(found: Study) -> Section | None:
    card = found.scorecard
    if card is None:
        return None
    note = (
        f"An average row has {card.base:.0f} points. {card.doubles:.3g} more double the odds, and "
        f"100 are odds of {card.full_odds:.2g} to 1. Between two values of a number points go "
        "straight. What moves scores most comes first."
    )
    rows = tuple(
        (named(line.feature), _given(line), signed(line.unknown), f"{line.spread:.1f}")
        for line in card.lines
    )
    heads = ("feature", "points above or below an average row", "unknown", "spread of points")
    return Section("Scorecard", (note,), Table(heads, rows, prose=frozenset((1,))))


def _given(line: Line) -> str:
    """Write what each value gives; levels from the most points down, of many those at the ends.

    >>> from groundswell.scoring.learning.scorecard import Line
    >>> _given(Line("seats", (1.0, 10.0), (-8.0, 2.4), 0.0, 9.5))
    '1: -8, 10: +2'
    """
    pairs = list(zip(line.at, line.give, strict=True))
    if any(isinstance(value, str) for value in line.at):
        pairs.sort(key=lambda pair: -pair[1])
    written = [
        f"{value if isinstance(value, str) else amount(value)}: {signed(give, digits=0)}"
        for value, give in pairs
    ]
    between = len(written) - 2 * _ENDS
    if between > 0:
        written[_ENDS:-_ENDS] = [f"{between:,} between"]
    return ", ".join(written)


def _drift(found: Study) -> Section | None:
    if not found.drift:
        return None
    shown = found.drift[:_MOST_DRIFT]
    rows = tuple(
        (named(item.feature), f"{item.psi:.3f}", f"{item.line:.3f}", "yes" if item.warns else "no")
        for item in shown
    )
    note = (
        "How far rows judged by are spread from those learned from, by the population stability "
        f"index (PSI). The {counted(len(shown), 'feature')} that moved most, of "
        f"{len(found.drift):,}; `score` is the score itself."
    )
    heads = ("feature", "PSI", "more than chance above", "moved")
    return Section("Spread", (note,), Table(heads, rows, words=frozenset((3,))))


def _left_out(found: Study) -> Section | None:
    if not found.left_out:
        return None
    by_reason: dict[str, list[str]] = defaultdict(list)
    for name, reason in found.left_out.items():
        by_reason[reason].append(named(name))
    items = tuple(f"{reason} {', '.join(names)}" for reason, names in by_reason.items())
    said = "column was" if len(found.left_out) == 1 else "columns were"
    return Section("Left out", (f"{len(found.left_out):,} {said} not learned from.",), items=items)
