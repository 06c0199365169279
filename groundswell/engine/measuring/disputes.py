"""Disputes over lines of commission, as the journal tells them: opened, and answered.

The journal only grows, so a report as of a day knows the disputes that were recorded by its end,
and what was paid for a month is never written anew: an answer is paid for on the day it is given.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from groundswell.clock import utc_day
from groundswell.measure.commissions import DISPUTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from groundswell.store.ledger import JournalEntry, Ledger

OPENED, ANSWERED = "dispute_opened", "dispute_answered"
NOBODY = "nobody"
"""Who a line is given to where nobody is to be paid for it."""

Outcome = Literal["upheld", "rejected"]


@dataclass(frozen=True, slots=True)
class Claim:
    """Whose a line is said to be.

    Attributes:
        to: E-mail address of the rep, or `nobody`.
        share: Of the line, above 0 and at most 1; whoever had the line keeps the rest.
    """

    to: str
    share: float


@dataclass(frozen=True, slots=True)
class Answer:
    """How a dispute ended.

    Attributes:
        at: When it was answered.
        by: E-mail address of who answered.
        why: In their words.
        outcome: Whether the line was changed.
        given: To whom, where it was.
    """

    at: datetime
    by: str
    why: str
    outcome: Outcome
    given: Claim | None


@dataclass(frozen=True, slots=True)
class Dispute:
    """A line of commission that somebody disputes.

    Attributes:
        receipt_id: The line, by its receipt.
        account_id: What the receipt is of.
        number: Of the disputes of the line, from 1.
        opened_at: When.
        by: E-mail address of who disputes it.
        why: In their words.
        claim: Whose it is, as they say.
        answer: None while it is open.
    """

    receipt_id: str
    account_id: str
    number: int
    opened_at: datetime
    by: str
    why: str
    claim: Claim
    answer: Answer | None = None

    @property
    def status(self) -> Literal["open", "upheld", "rejected"]:
        """Whether it is open, or how it ended."""
        return "open" if self.answer is None else self.answer.outcome

    @property
    def reps(self) -> frozenset[str]:
        """Who has something to do with it beside those who are paid for the line."""
        given = self.answer.given if self.answer is not None else None
        told = (self.by, self.claim.to, given.to if given is not None else None)
        return frozenset(one for one in told if one is not None)

    def is_within(self, first: date, last: date) -> bool:
        """Tell whether it was open on any day from one to another."""
        begun = utc_day(self.opened_at)
        return begun <= last and (self.answer is None or utc_day(self.answer.at) >= first)


def disputes_by(ledger: Ledger, as_of: date) -> tuple[Dispute, ...]:
    """Return the disputes that were recorded by the end of a day, as they stood then."""
    end = datetime.combine(as_of + timedelta(days=1), time(), UTC)
    return read_disputes(one for one in ledger.journal(kinds=(OPENED, ANSWERED)) if one.at < end)


def read_disputes(entries: Iterable[JournalEntry]) -> tuple[Dispute, ...]:
    """Return disputes in the order in which they were opened."""
    found: dict[tuple[str, int], Dispute] = {}
    for entry in entries:
        body = entry.body
        line, number = str(body["receipt_id"]), int(body["number"])
        if entry.kind == OPENED:
            found[line, number] = Dispute(
                receipt_id=line,
                account_id=entry.account_id,
                number=number,
                opened_at=entry.at,
                by=body["who"],
                why=body["why"],
                claim=Claim(**body["claim"]),
            )
        else:
            given = body["given"]
            answer = Answer(
                at=entry.at,
                by=body["who"],
                why=body["why"],
                outcome=body["outcome"],
                given=Claim(**given) if given is not None else None,
            )
            found[line, number] = replace(found[line, number], answer=answer)
    return tuple(found.values())


def dispute_frame(disputes: Iterable[Dispute]) -> pl.DataFrame:
    """Return disputes as commissions are made with them, as `DISPUTES`.

    One that was rejected leaves the line as it stood: also where nobody was paid for it.
    """
    void: dict[str, bool] = {}
    rows: list[dict[str, Any]] = []
    for one in disputes:
        answer = one.answer
        given = answer.given if answer is not None else None
        if given is not None:
            void[one.receipt_id] = given.to == NOBODY
        outcome = "void" if void.get(one.receipt_id, False) else "award" if given else "pay"
        is_award = answer is not None and given is not None and outcome == "award"
        rows.append(
            {
                "receipt_id": one.receipt_id,
                "opened": utc_day(one.opened_at),
                "resolved": utc_day(answer.at) if answer is not None else None,
                "outcome": outcome if answer is not None else None,
                "rep": given.to if is_award and given is not None else None,
                "share": given.share if is_award and given is not None else None,
                "number": one.number,
            }
        )
    return pl.DataFrame(rows, schema=DISPUTES)
