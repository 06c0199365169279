"""What a definition would have done, and how it compares with another, as reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from groundswell.web.document import Picture, Report, Section, Table
from groundswell.web.pictures import (
    capacities_of,
    draw_calibration,
    draw_distribution,
    draw_gains,
    draw_precision,
    draw_weeks,
)
from groundswell.web.wording import (
    HOW_TO_READ,
    MEASURES,
    NOT_KNOWN,
    Written,
    amount,
    counted,
    figure,
    known,
    named,
    share,
    share_figure,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundswell.scoring.learning.backtest import Backtest
    from groundswell.scoring.learning.comparison import Comparison, Mover, Won
    from groundswell.scoring.learning.measures import Figure

_FEW = 20
_CHANCE = 0.5
_GAINS = "Of all outcomes, the share among so many of the highest scores."
_PRECISION = (
    "Of the accounts taken up, the highest scores of each week first, the share to which the "
    "outcome came, with what holds it in 95 of 100 draws. One that was taken is not taken again "
    "for four weeks."
)


def report_backtest(found: Backtest, *, title: str) -> Report:
    """Say how a definition would have done."""
    rows = tuple((words, said.value, said.interval) for words, said in _measures(found))
    return Report(
        title,
        _about(found, named(found.version)),
        _verdict(found),
        (
            Section(
                "Figures",
                (HOW_TO_READ, _rows_are(found)),
                Table(("measure", "value", "95 of 100 draws"), rows),
            ),
            Section("By accounts taken up a week", table=_capacities([found])),
            Section("By tenths", _borrowed([found]), table=_tenths(found)),
            Section("Pictures", pictures=_pictures(found)),
        ),
    )


def report_comparison(found: Comparison, *, title: str) -> Report:
    """Say how two definitions compare on the same weeks."""
    first, second = found.first, found.second
    both = zip(_measures(first), _measures(second), strict=True)
    rows = tuple((words, str(said), str(other)) for (words, said), (_, other) in both)
    heads = ("measure", f"first: {named(first.version)}", f"second: {named(second.version)}")
    sections = [
        Section("At the same capacity", table=_won(found)),
        Section(
            "Figures",
            (HOW_TO_READ, *_borrowed([first, second]), _rows_are(first)),
            Table(heads, rows),
        ),
        Section("By accounts taken up a week", table=_capacities([first, second])),
        Section(
            "Pictures",
            pictures=(
                Picture("gains", "How much do the highest scores hold?", _GAINS, draw_gains(found)),
                Picture(
                    "precision",
                    "How many of those taken up are right?",
                    _PRECISION,
                    draw_precision(found),
                ),
            ),
        ),
        _movers(found, found.entering, "Entering", "the second definition lists"),
        _movers(found, found.leaving, "Leaving", "only the first definition lists"),
    ]
    return Report(
        title,
        _about(first, f"{named(first.version)} and {named(second.version)}"),
        _verdict_of_two(found),
        tuple(section for section in sections if section is not None),
    )


def _about(found: Backtest, who: str) -> str:
    left_out = (
        f" {counted(found.left_out, 'week')} before are left out: a definition learned from them."
        if found.left_out
        else ""
    )
    return (
        f"{who}: {named(found.outcome)} within {counted(found.horizon, 'day')}, looked at in "
        f"{counted(found.weeks, 'week')} from {found.first} to {found.last}. It came to "
        f"{found.came:,} of {counted(found.accounts, 'account')}.{left_out}"
    )


def _verdict(found: Backtest) -> tuple[str, ...]:
    group, rest = found.qualified, found.rest
    if group.accounts:
        than = figure(found.conversion_ratio, ".1f")
        times = f", {than} times as often" if than.value != NOT_KNOWN else ""
        qualified = (
            f"after an account qualified ({counted(group.accounts, 'account')}), the outcome came "
            f"in {share_figure(group.conversion)} of cases, against {share_figure(rest.conversion)}"
            f" among the rest{times}"
        )
    else:
        qualified = "no account qualified, so the threshold cannot be judged"
    queue = found.at_capacity
    return (
        f"{_ranks(found.roc_auc)}; {qualified}.",
        (
            f"With {counted(found.capacity, 'account')} taken up a week, {share(queue.reached)} of "
            f"the {counted(found.came, 'account')} to which the outcome came would have been taken "
            f"up before it; of those taken up, it came to {share_figure(queue.precision)}."
        ),
        *_cautions(found),
    )


def _ranks(auc: Figure | None) -> str:
    of = known(auc)
    if of is None:
        return "How well scores rank accounts is not known"
    said = f"AUC {figure(of)}"
    if of.high < _CHANCE:
        return f"Scores rank accounts the wrong way around: {said}"
    if of.low <= _CHANCE:
        return f"Scores cannot be told from chance: {said}"
    return f"Scores tell the outcome: {said}"


def _cautions(found: Backtest) -> tuple[str, ...]:
    few: list[str] = []
    if 0 < found.qualified.accounts < _FEW:
        few.append(f"{counted(found.qualified.accounts, 'account')} qualified")
    if found.came < _FEW:
        few.append(f"the outcome came to {counted(found.came, 'account')}")
    if not few:
        return ()
    return (f"Mind how few they are: {' and '.join(few)}.",)


def _verdict_of_two(found: Comparison) -> tuple[str, ...]:
    won, lost, both = found.won, found.lost, found.both
    return (
        (
            f"With {counted(found.first.capacity, 'account')} taken up a week, the second "
            f"definition would have reached {_worth(won)} that the first misses, and missed "
            f"{_worth(lost)} that the first reaches; both reach {both.accounts:,}."
        ),
        (
            f"Second less first, AUC: {_gain(figure(found.auc_gain, '+.3f'), found.auc_gain)}; "
            f"precision: {_gain(_precision_gain(found), found.precision_gain)}."
        ),
        *(
            (f"Mind how few they are: the outcome came to {counted(found.first.came, 'account')}.",)
            if found.first.came < _FEW
            else ()
        ),
    )


def _gain(said: Written, gain: Figure | None) -> str:
    of = known(gain)
    if of is None:
        return NOT_KNOWN
    if of.low > 0:
        return f"{said}, better, as the whole interval is above 0"
    if of.high < 0:
        return f"{said}, worse, as the whole interval is below 0"
    return f"{said}, no difference shown, as the interval holds 0"


def _precision_gain(found: Comparison) -> Written:
    said = figure(found.precision_gain, "+.1f", scale=100)
    return Written(f"{said.value} points", said.low, said.high) if said.low else said


def _worth(won: Won) -> str:
    return f"{counted(won.accounts, 'account')} ({amount(won.acv)} a year)"


def _measures(found: Backtest) -> list[tuple[str, Written]]:
    """Return every figure of a backtest in words."""
    queue, group, rest = found.at_capacity, found.qualified, found.rest
    return [
        *((words, figure(getattr(found, name), form)) for name, (words, form) in MEASURES.items()),
        (f"precision at {found.capacity:,} a week", share_figure(queue.precision)),
        (f"reached before it came, at {found.capacity:,} a week", Written(share(queue.reached))),
        ("accounts that qualified", Written(f"{group.accounts:,}")),
        ("came after qualifying", share_figure(group.conversion)),
        ("came to the rest", share_figure(rest.conversion)),
        ("times as often", figure(found.conversion_ratio, ".1f")),
        ("worth a year, after qualifying", figure(group.acv, ",.0f")),
        ("worth a year, of the rest", figure(rest.acv, ",.0f")),
        ("times as much", figure(found.acv_ratio, ".2f")),
        ("qualified before it came", Written(share(found.reached))),
        ("days from qualifying to it, median", _lead(found, "median")),
        ("of the middle half, at least", _lead(found, "low")),
        ("of the middle half, at most", _lead(found, "high")),
        ("capacity used by who qualified", Written(share(found.used))),
        ("of them, beyond the capacity of their week", Written(share(found.overflow))),
    ]


def _lead(found: Backtest, which: Literal["median", "low", "high"]) -> Written:
    lead = found.lead
    return Written(NOT_KNOWN if lead is None else amount(getattr(lead, which)))


def _rows_are(found: Backtest) -> str:
    return (
        f"Ranked are accounts week by week, {found.rows:,} in all. Money is in the currency of "
        "the plans, and what a year of the outcome added."
    )


def _capacities(tests: Sequence[Backtest]) -> Table:
    """Return precision and reach by capacity, for one definition or for two beside each other."""
    heads = ["accounts a week"]
    which = ["first: ", "second: "] if len(tests) > 1 else [""]
    for name in which:
        heads += [f"{name}taken", "precision", "reached"]
    rows = [
        (
            f"{at[0].capacity:,}{' (yours)' if at[0].capacity == tests[0].capacity else ''}",
            *(
                cell
                for one in at
                for cell in (f"{one.taken:,}", str(share_figure(one.precision)), share(one.reached))
            ),
        )
        for at in zip(*(capacities_of(test) for test in tests), strict=True)
    ]
    return Table(tuple(heads), tuple(rows))


def _tenths(found: Backtest) -> Table:
    said = "chance borrowed" if found.borrowed_chance else "chance said"
    rows = tuple(
        (
            f"{place}",
            f"{band.rows:,.0f}",
            NOT_KNOWN if band.expected is None else share(band.expected),
            share(band.observed),
            f"{band.lift:.1f}",
            share(band.gain),
        )
        for place, band in enumerate(found.tenths, start=1)
    )
    return Table(("tenth", "accounts, week by week", said, "came", "lift", "reached so far"), rows)


def _borrowed(tests: Sequence[Backtest]) -> tuple[str, ...]:
    names = list(dict.fromkeys(named(test.version) for test in tests if test.borrowed_chance))
    if not names:
        return ()
    says = "says" if len(names) == 1 else "say"
    return (
        (
            f"{' and '.join(names)} {says} no chance: that of the same scores among other accounts "
            "is taken for it, in the Brier score and the calibration error too."
        ),
    )


def _pictures(found: Backtest) -> tuple[Picture, ...]:
    borrowed = " The chance is borrowed." if found.borrowed_chance else ""
    shown = (
        Picture(
            "precision", "How many of those taken up are right?", _PRECISION, draw_precision(found)
        ),
        Picture("gains", "How much do the highest scores hold?", _GAINS, draw_gains(found)),
        Picture(
            "calibration",
            "Does what is said come?",
            "A point for each tenth; on the line, what was said is what came. Both axes are "
            f"stretched near 0.{borrowed}",
            draw_calibration(found),
        ),
        Picture(
            "distribution",
            "Which scores are there?",
            "Accounts week by week; below, on a scale of its own, those to which the outcome came.",
            draw_distribution(found),
        ),
    )
    if not any(week.newly for week in found.by_week):
        return shown
    weeks = Picture(
        "weeks",
        "How many qualify?",
        f"Accounts that qualified, by week; {found.capacity:,} a week can be taken up.",
        draw_weeks(found),
    )
    return (*shown, weeks)


def _won(found: Comparison) -> Table:
    rows = tuple(
        (what, f"{won.accounts:,}", amount(won.acv))
        for what, won in (
            ("both definitions reach", found.both),
            ("won: only the second reaches", found.won),
            ("lost: only the first reaches", found.lost),
        )
    )
    return Table(
        (f"with {found.first.capacity:,} taken up a week", "accounts", "worth a year"), rows
    )


def _movers(found: Comparison, movers: Sequence[Mover], heading: str, which: str) -> Section | None:
    if not movers:
        return None
    day = NOT_KNOWN if found.as_of is None else str(found.as_of)
    rows = tuple(
        (
            mover.name or mover.account_id,
            f"{mover.place_before:,} to {mover.place_after:,}",
            f"{mover.before:.0f} to {mover.after:.0f}",
            "; ".join(mover.reasons) or NOT_KNOWN,
        )
        for mover in movers
    )
    return Section(
        f"{heading} the list of {day}",
        (f"{counted(len(movers), 'account')} that {which}, and why it does.",),
        Table(("account", "place", "score", "why"), rows, prose=frozenset((3,))),
    )
