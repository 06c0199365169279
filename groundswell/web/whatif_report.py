"""What would be, in words and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.measure.estimates import NOTHING
from groundswell.web.document import Report, Section, Table
from groundswell.web.weekly_report import write_estimate, write_value
from groundswell.web.wording import NOT_KNOWN, counted, share

if TYPE_CHECKING:
    from groundswell.engine.measuring.whatif import Case, WhatIf


def report_what_if(found: WhatIf) -> Report:
    """Return what would be."""
    about = f"Decided on again: {found.first} to {found.last}. Amounts are in {found.currency}."
    sections = [_cases(found), _motions(found), *_prices(found)]
    sections.append(Section("What is taken to stay as it is", items=found.assumed))
    return Report("What if", about, _verdict(found), tuple(sections))


def _verdict(found: WhatIf) -> tuple[str, ...]:
    now, then = found.now, found.then
    moved = (
        f"{counted(found.enter, 'account')} more would have been handed over, and "
        f"{found.leave:,} of those that were would not."
    )
    if then.capacity is None or then.queue <= then.capacity or now.queue > then.capacity:
        return (moved,)
    full = (
        f"The queue would hold {then.queue:,.0f} at once, and the reps can have "
        f"{then.capacity:,.0f}: some would wait."
    )
    return moved, full


def _cases(found: WhatIf) -> Section:
    rows = (
        ("handed over a month", *(f"{_a_month(case):,.1f}" for case in _both(found))),
        ("open at once, on average", *(f"{case.queue:,.0f}" for case in _both(found))),
        ("capacity", *(_capacity(case) for case in _both(found))),
        ("payback, months", *(_months(case) for case in _both(found))),
        ("ARR by the price list", *(write_value(c.list_arr, "money") for c in _both(found))),
    )
    return Section("Now and then", table=Table(("", "now", "then"), rows))


def _motions(found: WhatIf) -> Section:
    names = dict.fromkeys([one.motion for case in _both(found) for one in case.motions])
    rows: list[tuple[str, ...]] = []
    for motion in names:
        cells = [motion.replace("_", " ")]
        for case in _both(found):
            own = next((one for one in case.motions if one.motion == motion), None)
            cells.append("0" if own is None else f"{own.handed_over:,.1f}")
            cells.append(write_estimate(NOTHING if own is None else own.new_arr, "money"))
        rows.append(tuple(cells))
    heads = ("motion", "a month, now", "new ARR a quarter", "a month, then", "new ARR a quarter")
    note = "New ARR is what those handed over in a quarter bring within 90 days."
    return Section("By motion", (note,), Table(heads, tuple(rows)))


def _prices(found: WhatIf) -> list[Section]:
    if not found.prices:
        return []
    rows = tuple(
        (
            one.plan,
            f"{one.customers:,}",
            write_value(one.now, "money"),
            write_value(one.then, "money"),
            share(one.may_leave),
        )
        for one in found.prices
    )
    heads = ("plan", "customers", "a year, now", "a year, then", "may leave until nothing is won")
    return [Section("Prices", table=Table(heads, rows))]


def _both(found: WhatIf) -> tuple[Case, Case]:
    return found.now, found.then


def _a_month(case: Case) -> float:
    return sum(one.handed_over for one in case.motions)


def _capacity(case: Case) -> str:
    return NOT_KNOWN if case.capacity is None else f"{case.capacity:,.0f}"


def _months(case: Case) -> str:
    fan = case.payback_month
    if fan.p50 is None:
        return "never"
    late = "never" if fan.p90 is None else f"{fan.p90:.0f}"
    return f"{fan.p50:.0f} [{fan.p10 or 0:.0f}, {late}]"
