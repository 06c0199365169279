"""The quarterly pack in words and tables: what to agree on first, then what it is told by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.web.advice_report import worst_first
from groundswell.web.document import Report, Section, Table
from groundswell.web.feedback_report import report_feedback
from groundswell.web.overlay_report import write_overlay
from groundswell.web.uplift_report import report_uplift
from groundswell.web.weekly_report import (
    OWNERS,
    channel_sections,
    funnel_section,
    misses_goal,
    owned_metrics,
    say_goal,
    score_section,
    title_of,
    write_estimate,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from groundswell.engine.measuring.quarterly import QuarterlyReport

_HOW_SURE = "Even the better end of its interval misses the goal."


def report_quarterly(found: QuarterlyReport) -> Report:
    """Return what product and sales look at together."""
    week = found.week
    about = (
        f"{week.company}, the 13 weeks to {found.as_of}: what product and sales look at together. "
        f"Amounts are in {week.currency}."
    )
    sections = [
        _to_agree_on(found),
        _definition(found),
        *(owned_metrics(week, week.definitions, owner) for owner in OWNERS),
        *(funnel_section(one) for one in week.funnels),
        *channel_sections(week.channels),
        score_section(week),
        *report_uplift(found.uplift).sections[:2],
        *report_feedback(found.feedback).sections,
    ]
    return Report(
        "Quarterly pack",
        about,
        tuple(_verdict(found)),
        tuple(one for one in sections if one is not None),
    )


def _verdict(found: QuarterlyReport) -> Iterator[str]:
    missed, seen = _missed(found), _seen(found)
    yield (
        f"Surely off their goals: {len(missed) or 'no'} metrics. Mistakes that can be seen: "
        f"{len(seen) or 'none'}."
    )
    yield found.uplift.sentence
    yield " ".join(write_overlay(found.overlay).verdict)


def _to_agree_on(found: QuarterlyReport) -> Section:
    items = [
        f"{OWNERS[owner]}: {title} is {value}, {goal}. {_HOW_SURE}"
        for owner, title, value, goal in _missed(found)
    ]
    items += [f"{title}: {mend}" for title, mend in _seen(found)]
    items += [f"Sales beside self-serve: {one}" for one in found.overlay.verdict.would_change[:1]]
    notes = () if items else ("Nothing is surely off its goal, and no mistake can be seen.",)
    return Section("To agree on", notes, items=tuple(items))


def _missed(found: QuarterlyReport) -> list[tuple[str, str, str, str]]:
    """Return the metrics that surely miss their goal: owner, title, value, and the goal."""
    week = found.week
    return [
        (
            week.definitions[one.metric].owner,
            title_of(one, week.definitions[one.metric]),
            write_estimate(one.estimate, week.definitions[one.metric].unit),
            say_goal(week.definitions[one.metric]),
        )
        for one in week.figures
        if misses_goal(one, week.definitions[one.metric])
    ]


def _seen(found: QuarterlyReport) -> list[tuple[str, str]]:
    """Return the mistakes that are seen, the worst first: title, and what to do."""
    told = found.week.mistakes
    seen = worst_first([one for one in told.findings if one.is_seen])
    return [(told.titles[one.name], one.mend) for one in seen]


def _definition(found: QuarterlyReport) -> Section:
    agreed = found.agreed
    edits = ", ".join(str(day) for day in agreed.edits) or "none"
    rows = [
        ("score in use", f"`{agreed.version}`"),
        ("a score qualifies", agreed.threshold),
        ("edits in these 13 weeks", edits),
    ]
    rows += [
        (f"first touch, {team.replace('_', ' ')}", f"within {promise}")
        for team, promise in agreed.promises.items()
    ]
    return Section(
        "What is agreed: the definition of a PQL, and how fast it is answered",
        table=Table(("", ""), tuple(rows), frozenset((1,))),
    )
