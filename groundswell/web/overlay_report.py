"""The memo on sales beside self-serve: the verdict first, and every number with its accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.engine.measuring.advising import PaybackReport
from groundswell.overlay.figures import Figure, between, spread, worded
from groundswell.overlay.signals.signal import SignalState
from groundswell.web.advice_report import accounts_behind, worst_first, write_payback
from groundswell.web.document import Picture, Report, Section, Table
from groundswell.web.overlay_pictures import draw_signals
from groundswell.web.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from groundswell.engine.measuring.overlay import OverlayReport
    from groundswell.overlay.checks import Check
    from groundswell.overlay.findings import Finding
    from groundswell.overlay.signals.signal import Evidence, Signal


_SHOWN, _QUARTERS = 4, 3
_SO = {True: "yes", False: "no", None: "not known"}
_HEADS = ("", "so?", "seen by")
_WORDS, _PROSE = frozenset((1,)), frozenset((2,))
_RULE = (
    "Three or more in each of two quarters, at least one of them demand, ask for people. The last"
    " quarter's true number is between what is said, in 95 of 100 cases."
)


def write_overlay(found: OverlayReport) -> Report:
    """Return the memo that a board could read."""
    told = found.verdict
    sections = [
        Section("Why", items=told.why[1:]),
        Section("What would change it", items=told.would_change),
        _signals(found),
        *_behind_signals(found),
        _checks(
            found,
            "Readiness",
            told.readiness,
            "What has to hold before anything is laid over self-serve.",
        ),
        _checks(
            found, "Symptoms of a ceiling", told.symptoms, "What an outgrown self-serve shows."
        ),
        _checks(found, "Counter-cases", told.counter_cases, "What speaks against it, if it is so."),
        _layers(found),
        _first_hire(found),
        *_payback(found),
        _pricing(found),
        _maturity(found),
        _audit(found),
        *_products(found),
        _mistakes(found),
        *_missing(found),
    ]
    about = (
        f"{found.company}: does self-serve need sales beside it? As of {found.as_of}, from data"
        f" known by then. Amounts are in {found.currency}."
    )
    verdict = [f"{told.title}.", told.why[0]]
    return Report("Sales beside self-serve", about, tuple(verdict), tuple(sections))


# --- signals ----------------------------------------------------------------------------------


def _signals(found: OverlayReport) -> Section:
    signals = found.verdict.signals
    quarters = list(signals)[-_QUARTERS:]
    rows = tuple(
        (
            f"{one.title} ({one.kind})",
            worded(one.threshold, one.figure.unit),
            *(_state(signals[quarter][place]) for quarter in quarters),
            between(one.figure),
            "" if one.trend is None else _change(one.trend, one.figure),
        )
        for place, one in enumerate(signals[quarters[-1]])
    )
    heads = ("signal", "fires from", *quarters, "between", "change")
    return Section(
        "Signals by quarter",
        (_RULE,),
        Table(heads, rows, prose=frozenset((0,))),
        pictures=(
            Picture(
                "signals",
                "How loud each is",
                "Darker is louder; ? is not known.",
                draw_signals(signals),
            ),
        ),
    )


def _state(one: Signal) -> str:
    if one.state is SignalState.UNKNOWN:
        return "not known"
    return f"{one.figure} {one.state}{' (held)' if one.held else ''}"


def _change(trend: float, figure: Figure) -> str:
    sign = "+" if trend > 0 else ""
    return f"{sign}{worded(trend, figure.unit)}"


def _behind_signals(found: OverlayReport) -> list[Section]:
    """Return the accounts behind each signal of the last quarter that is not quiet."""
    quarter, told = list(found.verdict.signals.items())[-1]
    items = [
        f"{one.title}, {spread(one.figure)}: {_accounts(found, one.evidence)}. Told from"
        f" {one.figure.source}."
        for one in told
        if one.evidence and one.state is not SignalState.QUIET
    ]
    if not items:
        return []
    return [Section(f"The accounts behind the signals of {quarter}", items=tuple(items))]


def _accounts(found: OverlayReport, evidence: Sequence[Evidence]) -> str:
    """Name the first few accounts with what is told of each, and say how many others there are."""
    first = [f"{_who(found, one.account_id)} ({one.fact})" for one in evidence[:_SHOWN]]
    rest = len(evidence) - len(first)
    more = [f"and {counted(rest, 'other')}"] if rest > 0 else []
    return "; ".join((*first, *more))


def _who(found: OverlayReport, account: str) -> str:
    name = found.names.get(account)
    return f"{name}, `{account}`" if name else account


# --- checks -----------------------------------------------------------------------------------


def _checks(found: OverlayReport, heading: str, checks: Iterable[Check], note: str) -> Section:
    return Section(heading, (note,), _table(found, checks))


def _table(found: OverlayReport, checks: Iterable[Check]) -> Table:
    rows = tuple((one.title, _SO[one.holds], _seen_by(found, one)) for one in checks)
    return Table(_HEADS, rows, _WORDS, _PROSE)


def _seen_by(found: OverlayReport, one: Check) -> str:
    """Say what something is seen by, and name the first accounts behind it."""
    if one.missing:
        return f"{one.why} Missing: {'; '.join(one.missing)}."
    if one.holds is None or not one.evidence:
        return one.why
    names = [found.names.get(of.account_id, of.account_id) for of in one.evidence[:_SHOWN]]
    rest = len(one.evidence) - len(names)
    more = f" and {counted(rest, 'other')}" if rest > 0 else ""
    return f"{one.why} Accounts: {', '.join(names)}{more}."


# --- what to do -------------------------------------------------------------------------------


def _layers(found: OverlayReport) -> Section:
    told = found.verdict
    rows = tuple(
        (
            one.title,
            f"{one.people_in_place} in place" if one.in_place else "none",
            "; ".join(one.justified_by) or "nothing",
            "; ".join(one.lacks) or "nothing",
        )
        for one in told.layers
    )
    chosen = told.layer
    note = "No layer is added now."
    if chosen is not None:
        people, cycle = (_span(span) for span in (chosen.people, chosen.cycle_months))
        acv = " to ".join(worded(end * 100, "money") for end in chosen.acv)
        note = (
            f"The lightest that is spoken for and not in place: {chosen.title}, {people} people,"
            f" for deals of {acv} a year that take {cycle} months."
        )
    heads = ("layer", "people", "spoken for by", "lacks")
    table = Table(heads, rows, _WORDS, frozenset((2, 3)))
    return Section("Layers", (note,), table)


def _span(span: tuple[float, float]) -> str:
    return f"{span[0]:g} to {span[1]:g}"


def _first_hire(found: OverlayReport) -> Section:
    hire = found.verdict.first_hire
    notes = {
        True: f"It is time: exactly one. {hire.title}.",
        False: "Not now.",
        None: "It cannot be said: what is not known is named below.",
    }
    note = "People sell already." if hire.is_hired else notes[hire.is_due]
    profile = hire.profile if hire.is_due else ()
    return Section("The first hire", (note,), _table(found, hire.conditions), profile)


def _payback(found: OverlayReport) -> list[Section]:
    """Return the sections of the payback, with what follows from it before them."""
    report = write_payback(PaybackReport(found.as_of, found.currency, found.payback))
    first, *rest = report.sections
    notes = (*report.verdict, *first.notes)
    return [
        Section("Cost and payback", notes, first.table, first.items, first.pictures),
        *(
            Section(f"Payback: {one.heading[0].lower()}{one.heading[1:]}", one.notes, one.table)
            for one in rest
        ),
    ]


def _pricing(found: OverlayReport) -> Section:
    seen = [one for one in found.pricing if one.is_seen]
    items = tuple(_said(one, one.name.replace("_", " ").capitalize()) for one in worst_first(seen))
    note = f"{counted(len(seen), 'thing')} to look at." if seen else "Nothing was found against it."
    return Section("The price list", (note,), items=items)


def _mistakes(found: OverlayReport) -> Section:
    seen = [one for one in found.mistakes if one.is_seen]
    titles = found.mistake_titles
    note = f"{len(seen)} of {len(titles)} that are watched for can be seen."
    items = tuple(_said(one, titles[one.name]) for one in worst_first(seen))
    return Section("Mistakes found", (note,), items=items)


def _said(one: Finding, title: str) -> str:
    parts = (f"{title} ({one.severity}): {one.seen_as}", accounts_behind(one), one.mend)
    return " ".join(part for part in parts if part)


def _maturity(found: OverlayReport) -> Section:
    told = found.verdict.maturity
    notes = [f"Stage {told.stage} of 4: {told.title}."]
    if told.steps:
        first = told.steps[0]
        notes.append(f"The next step, {first.phase_title}: {first.say} {first.why}")
    else:
        notes.append("No piece is missing.")
    items = tuple(f"{one.phase_title}: {one.say}" for one in told.steps[1:])
    return Section("Maturity and next step", tuple(notes), _table(found, told.pieces), items)


def _audit(found: OverlayReport) -> Section:
    rows = tuple((one.title, _seen_by(found, one)) for one in found.verdict.audit)
    return Section("The audit", table=Table(("question", "answer"), rows, prose=frozenset((1,))))


def _products(found: OverlayReport) -> list[Section]:
    told = found.verdict.products
    if not told:
        return []
    items = tuple(f"{one.product}: {one.say}. {' '.join(one.because)}" for one in told)
    return [Section("How new products are sold", items=items)]


def _missing(found: OverlayReport) -> list[Section]:
    missing = found.verdict.missing
    if not missing:
        return []
    note = "To say more, and to be surer, this would have to be known:"
    return [Section("What is not known", (note,), items=missing)]
