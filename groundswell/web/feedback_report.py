"""Feedback both ways, in words and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.web.document import Report, Section, Table
from groundswell.web.weekly_report import write_estimate, write_value
from groundswell.web.wording import amount, counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from groundswell.engine.measuring.feedback import FeedbackReport
    from groundswell.measure.estimates import Estimate
    from groundswell.measure.feedback import Likely

_NAMED = 3
_KINDS = {
    "declined": "Handoffs declined",
    "lost": "Opportunities lost",
    "lost to": "Lost to",
    "ticket": "Tickets",
    "asked for": "Features asked for",
}


def report_feedback(found: FeedbackReport) -> Report:
    """Return what product and sales tell each other."""
    sections = [*_to_sales(found), *_to_product(found)]
    about = f"Of the 13 weeks to {found.as_of}. Amounts are in {found.currency}."
    verdict = tuple(_verdict(found)) or ("Too little is known yet to tell either of anything.",)
    return Report("Feedback, both ways", about, verdict, tuple(sections))


def _verdict(found: FeedbackReport) -> Iterator[str]:
    if found.likely:
        best = ", ".join(_name(one) for one in found.likely[:_NAMED])
        yield f"Most likely to buy, and nobody works them: {best}."
    if found.predictors:
        first = found.predictors[0]
        yield (
            f"Customers grow more often where this is high: {found.words[first.feature].lower()} "
            f"({_gap(first.difference)})."
        )
    asked = [one for one in found.asked if (one.difference.low or 0) > 0]
    if asked:
        yield (
            f"Buyers do this more often than others before they buy: "
            f"{found.words[asked[0].feature].lower()} ({_gap(asked[0].difference)})."
        )


def _to_sales(found: FeedbackReport) -> Iterator[Section]:
    if found.likely:
        rows = tuple(
            (
                _name(one),
                amount(round(one.score)),
                one.tier or "",
                "qualified" if one.qualified else "not yet",
            )
            for one in found.likely
        )
        yield Section(
            "To sales: who is most likely to buy",
            ("Nobody works them, they pay nothing yet, and none of them is held out.",),
            Table(("account", "score", "tier", ""), rows, frozenset((2, 3))),
        )
    if found.predictors:
        rows = tuple(
            (
                found.words[one.feature],
                f"over {amount(one.above)}",
                write_estimate(one.grew, "share"),
                write_estimate(one.others, "share"),
                _gap(one.difference),
                _accounts(one.accounts),
            )
            for one in found.predictors
        )
        note = (
            "Customers by what they did 13 weeks ago, and who pays more since. The last column is "
            "who is like that now and has not grown."
        )
        yield Section(
            "To sales: which usage comes before growth",
            (note,),
            Table(
                ("in four weeks", "", "grew", "of the others", "points", "accounts"),
                rows,
                frozenset((1,)),
                frozenset((5,)),
            ),
        )
    if found.answering:
        rows = tuple(
            (
                one.segment,
                one.value,
                write_estimate(one.answered, "share"),
                f"{one.answered.n:,}",
                _accounts(one.accounts),
            )
            for one in found.answering
        )
        yield Section(
            "To sales: which segments answer",
            ("Of those contacted, who had an opportunity or paid more within 60 days.",),
            Table(
                ("by", "segment", "answered", "contacted", "accounts"),
                rows,
                frozenset((1,)),
                frozenset((4,)),
            ),
        )


def _to_product(found: FeedbackReport) -> Iterator[Section]:
    if found.asked:
        rows = tuple(
            (
                found.words[one.feature],
                write_estimate(one.buyers, "share"),
                write_estimate(one.others, "share"),
                _gap(one.difference),
                write_value(one.arr_cents, "money"),
                _accounts(one.accounts),
            )
            for one in found.asked
        )
        yield Section(
            "To product: what is asked for before buying",
            ("In the four weeks before a purchase, and among accounts that did not buy.",),
            Table(
                ("in four weeks", "buyers", "others", "points", "ARR", "accounts"),
                rows,
                prose=frozenset((5,)),
            ),
        )
    if found.recurring:
        rows = tuple(
            (
                _KINDS[one.kind],
                one.what,
                f"{one.count:,}",
                f"{one.before:,}",
                write_value(one.amount_cents, "money") if one.amount_cents else "",
                _accounts(one.accounts),
            )
            for one in found.recurring
        )
        yield Section(
            "To product: what recurs",
            ("Objections, competitors and what needs support; beside it the 13 weeks before.",),
            Table(
                ("where", "what", "times", "before", "lost", "accounts"),
                rows,
                frozenset((1,)),
                frozenset((5,)),
            ),
        )


def _name(one: Likely) -> str:
    return one.name or one.account_id


def _accounts(accounts: Sequence[str]) -> str:
    shown = ", ".join(accounts[:_NAMED])
    rest = len(accounts) - _NAMED
    return f"{shown} and {counted(rest, 'other')}" if rest > 0 else shown


def _gap(difference: Estimate) -> str:
    if difference.value is None or difference.low is None or difference.high is None:
        return ""
    ends = [difference.value, difference.low, difference.high]
    said = [f"{100 * end:+.0f}" for end in ends]
    return f"{said[0]} [{said[1]}, {said[2]}]"
