"""Whether contact helps, in words, tables and a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt

from groundswell.measure.experiments import UpliftVerdict
from groundswell.web.document import Picture, Report, Section, Table
from groundswell.web.pictures import BLUE, GREY, ORANGE, Row, data_of, themed
from groundswell.web.weekly_report import write_estimate, write_value
from groundswell.web.wording import NOT_KNOWN, counted, share

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from groundswell.engine.measuring.uplift import UpliftReport
    from groundswell.measure.estimates import Estimate
    from groundswell.measure.experiments import Effect, Exposure, Group, Uplift

_SHOWN = 5
_COLOURS = {
    UpliftVerdict.HELPS: BLUE,
    UpliftVerdict.NO_DIFFERENCE_YET: GREY,
    UpliftVerdict.HURTS: ORANGE,
}
_HOW_TO_READ = (
    "In brackets, what holds the number 95 times in 100. The interval of a usual look is for a day "
    "that was fixed before; the one of any day holds however often you look, and the verdict goes "
    "by it."
)


def report_uplift(found: UpliftReport) -> Report:
    """Return whether contact helps."""
    told = found.uplift
    if told.overall is None:
        return Report("Does contact help?", f"As of {found.as_of}.", (found.sentence,), ())
    about = (
        f"{share(told.share)} of accounts are held out, since {told.since}; each account is given "
        f"{told.horizon} days. As of {found.as_of}. Amounts are in {found.currency}."
    )
    sections = [_arms(told.overall), *_groups(told), _time(told), *_done(told.exposure)]
    return Report("Does contact help?", about, (found.sentence,), tuple(sections))


def draw_groups(groups: Sequence[Group]) -> alt.LayerChart:
    """Draw the difference of conversion of each group, with its interval for any day."""
    rows: list[Row] = [
        {
            "group": _name(group),
            "low": 100 * (group.conversion.always_valid.low or 0),
            "middle": 100 * (group.conversion.always_valid.value or 0),
            "high": 100 * (group.conversion.always_valid.high or 0),
            "verdict": _verdict(group),
        }
        for group in groups
        if group.conversion.always_valid.low is not None
    ]
    y = alt.Y("group:N", title=None, sort=None)
    colour = alt.Color(
        "verdict:N",
        title=None,
        scale=alt.Scale(
            domain=[str(verdict).replace("_", " ") for verdict in _COLOURS],
            range=list(_COLOURS.values()),
        ),
    )
    title = "Conversion, points more with contact"
    base = alt.Chart(data_of(rows)).encode(y, colour)
    zero = alt.Chart(data_of([{"middle": 0}])).encode(alt.X("middle:Q"))
    bars = base.mark_rule(strokeWidth=2).encode(alt.X("low:Q", title=title), alt.X2("high"))
    points = base.mark_point(filled=True, size=60).encode(alt.X("middle:Q", title=title))
    return themed(alt.layer(zero.mark_rule(color=GREY, strokeDash=[4, 3]), bars, points))


def _arms(group: Group) -> Section:
    effects = (
        ("conversion", group.conversion, "share"),
        ("ACV of those who buy", group.acv_cents, "money"),
        ("revenue of every account", group.revenue_cents, "money"),
    )
    rows = tuple(
        (
            name,
            write_estimate(effect.contacted, unit),
            write_estimate(effect.held_out, unit),
            _gap(effect.difference, unit),
            _gap(effect.adjusted, unit),
            _gap(effect.always_valid, unit),
        )
        for name, effect, unit in effects
        if not effect.missing
    )
    heads = ("", "contacted", "held out", "difference", "by usage before", "on any day")
    ready = (
        f"{counted(group.contacted, 'account')} contacted and {group.held_out:,} held out had "
        f"their time; {group.waiting:,} more wait for it."
    )
    notes = [ready, _HOW_TO_READ, *_adjusted(group.conversion)]
    missing = sorted({effect.missing for _, effect, _ in effects if effect.missing})
    notes += [f"Nothing is known of money: load `{name}`." for name in missing]
    return Section("The two arms", tuple(notes), Table(heads, rows))


def _adjusted(effect: Effect) -> Iterator[str]:
    if effect.reduction is not None and effect.reduction > 0:
        yield f"Usage before explains {share(effect.reduction)} of the variance of conversion."
    if effect.left_out:
        yield (
            f"{counted(effect.left_out, 'account')} of motions in which an arm has under two "
            "parents are left out."
        )


def _groups(told: Uplift) -> Iterator[Section]:
    if not told.groups:
        return
    rows = tuple(
        (
            _name(group),
            f"{group.contacted:,}",
            f"{group.held_out:,}",
            _gap(group.conversion.always_valid, "share"),
            _gap(group.revenue_cents.always_valid, "money"),
            _verdict(group),
        )
        for group in told.groups
    )
    heads = ("", "contacted", "held out", "conversion", "revenue", "verdict")
    known = [group for group in told.groups if group.conversion.always_valid.low is not None]
    pictures = ()
    if known:
        caption = "The line is what holds the difference on any day, over all groups together."
        pictures = (Picture("groups", "What contact adds, by group", caption, draw_groups(known)),)
    yield Section(
        "By motion and by tier", table=Table(heads, rows, frozenset((5,))), pictures=pictures
    )


def _time(told: Uplift) -> Section:
    group = told.overall
    assert group is not None, "somebody is held out"
    wait = group.wait
    weeks = "none come in" if wait.weeks is None else f"{wait.weeks:,}"
    seen = NOT_KNOWN if group.smallest is None else f"{100 * group.smallest:+.1f} points"
    rows = (
        ("accounts that are needed", f"{wait.needed:,}"),
        ("that take part so far", f"{wait.enrolled:,}"),
        ("that come in a week", f"{wait.weekly:,.1f}"),
        ("weeks to go", weeks),
        ("smallest rise of conversion that is likely seen by now", seen),
        (
            "smallest rise of revenue an account",
            write_value(group.smallest_revenue_cents, "money"),
        ),
    )
    return Section("How long it takes", table=Table(("", ""), rows))


def _done(exposure: Exposure | None) -> Iterator[Section]:
    if exposure is None:
        return
    note = (
        f"{write_estimate(exposure.reached, 'share')} of those to be contacted were; "
        f"{write_estimate(exposure.contaminated, 'share')} of those held out were contacted all "
        "the same. Both stay in their arm."
    )
    items = tuple(
        f"{what}: {', '.join(accounts[:_SHOWN])}{_more(accounts)}"
        for what, accounts in (
            ("Never contacted", exposure.never_contacted),
            ("Held out and contacted", exposure.touched_held_out),
        )
        if accounts
    )
    yield Section("Was it done?", (note,), items=items)


def _more(accounts: Sequence[str]) -> str:
    rest = len(accounts) - _SHOWN
    return f" and {counted(rest, 'other')}" if rest > 0 else ""


def _name(group: Group) -> str:
    return group.name.replace("_", " ")


def _verdict(group: Group) -> str:
    return str(group.verdict).replace("_", " ")


def _gap(difference: Estimate, unit: str) -> str:
    """Write a difference with its interval: of shares in points."""
    if difference.value is None:
        return ""
    if unit == "share":
        ends = [difference.value, difference.low, difference.high]
        said = [NOT_KNOWN if end is None else f"{100 * end:+.1f}" for end in ends]
        return f"{said[0]} [{said[1]}, {said[2]}]" if difference.low is not None else said[0]
    return write_estimate(difference, unit)
