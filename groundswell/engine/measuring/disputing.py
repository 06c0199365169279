"""What people do about a line of commission: dispute it, and answer; see `Project.disputes`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from groundswell.clock import utc_day
from groundswell.config.commissions import exact_share
from groundswell.config.quantities import Misfit, parse_email, parse_share
from groundswell.engine.measuring.disputes import (
    ANSWERED,
    NOBODY,
    OPENED,
    Claim,
    Dispute,
    read_disputes,
)
from groundswell.errors import Problem, UsageError, did_you_mean, nearest
from groundswell.store.ledger import JournalEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from groundswell.clock import Clock
    from groundswell.config.loading import LoadedConfig
    from groundswell.measure.commissions import Line
    from groundswell.store.ledger import Ledger


@dataclass(frozen=True)
class Disputes:
    """Disputes of lines of commission: what is said of them is kept for ever, in the journal.

    Attributes:
        loaded: Returns the configuration, which names the reps.
        ledger: Keeps the journal.
        clock: Says when.
        lines: Returns the lines that reps are credited with so far.
    """

    loaded: Callable[[], LoadedConfig]
    ledger: Ledger
    clock: Clock
    lines: Callable[[], Sequence[Line]]

    def kept(self, *, unanswered: bool = False) -> list[Dispute]:
        """Return every dispute as it stands now, in the order in which they were opened.

        Args:
            unanswered: Only those that are open.
        """
        found = read_disputes(self.ledger.journal(kinds=(OPENED, ANSWERED)))
        return [one for one in found if not (unanswered and one.answer)]

    def open(
        self, line: str, *, by: str, why: str, to: str | None = None, share: str | None = None
    ) -> Dispute:
        """Dispute a line: it is paid to nobody until somebody answers.

        The same said again while it is open is the same dispute.

        Args:
            line: Of a statement, by its receipt.
            by: E-mail address of who disputes it.
            why: In their words.
            to: Whose it is: an address, or `nobody`; that of who disputes it by default.
            share: Which share of it, such as `50%`; all of it by default.

        Raises:
            UsageError: There is no such line or rep, it is disputed already, or the same was
                answered before.
        """
        who, said = _address(by), _said(why)
        claim = _claim(to or who, share)
        before = self._of(line)
        for one in before:
            if (one.by, one.why, one.claim) == (who, said, claim) or one.answer is None:
                return _still(one, who, said, claim)
        lines = self.lines()
        account_id = _account(line, lines)
        if claim.to != who:
            self._check_rep(claim.to, lines)
        body = {"number": len(before) + 1, "who": who, "why": said, "claim": _plain(claim)}
        self._keep(OPENED, account_id, {"receipt_id": line, **body})
        return _still(self._of(line)[len(before)], who, said, claim)

    def answer(
        self,
        line: str,
        *,
        upheld: bool,
        by: str,
        why: str,
        to: str | None = None,
        share: str | None = None,
    ) -> Dispute:
        """Answer the dispute of a line: from today on it is paid as it is said here.

        The same said again is the same answer.

        Args:
            line: Of a statement, by its receipt.
            upheld: Whether the line changes.
            by: E-mail address of who answers.
            why: In their words.
            to: Who is paid for it: an address, or `nobody`; whoever it was claimed for by default.
            share: For which share of it, such as `50%`; as it was claimed by default. Whoever had
                the line keeps the rest.

        Raises:
            UsageError: The line is not disputed, it was answered otherwise, or there is no such
                rep.
        """
        who, said = _address(by), _said(why)
        before = self._of(line)
        if not before:
            disputed = sorted({one.receipt_id for one in self.kept(unanswered=True)})
            raise _refused(
                "dispute-none",
                f"Nobody disputes `{line}`.",
                did_you_mean(line, disputed, noun="Open disputes")
                if disputed
                else "No dispute is open.",
            )
        latest = before[-1]
        given = self._given(latest, to, share) if upheld else _nothing(to, share)
        if latest.answer is None:
            body = {
                "receipt_id": line,
                "number": latest.number,
                "who": who,
                "why": said,
                "outcome": "upheld" if upheld else "rejected",
                "given": _plain(given) if given is not None else None,
            }
            self._keep(ANSWERED, latest.account_id, body)
            latest = self._of(line)[latest.number - 1]
        answer = latest.answer
        assert answer is not None, "it was kept"
        if (answer.by, answer.why, answer.given) != (who, said, given):
            raise _refused(
                "dispute-answered",
                f"{answer.by} answered the dispute of `{line}` on {utc_day(answer.at)} already: "
                f"{answer.outcome}.",
                "Open another dispute of the line, and answer that.",
            )
        return latest

    def _of(self, line: str) -> Sequence[Dispute]:
        return [one for one in self.kept() if one.receipt_id == line]

    def _given(self, dispute: Dispute, to: str | None, share: str | None) -> Claim:
        claim = dispute.claim
        asked = _claim(to or claim.to, share)
        if share is None and asked.to != NOBODY:
            asked = Claim(asked.to, claim.share)
        if asked.to != claim.to:
            self._check_rep(asked.to)
        return asked

    def _check_rep(self, rep: str, lines: Sequence[Line] | None = None) -> None:
        loaded = self.loaded()
        known = {member.email for team in loaded.teams.values() for member in team.members}
        known |= loaded.commissions.reps.keys()
        if rep in known or rep == NOBODY:
            return
        known |= {one.rep for one in (self.lines() if lines is None else lines)}
        if rep not in known:
            fix = did_you_mean(rep, sorted(known), noun="Reps")
            raise _refused("rep-unknown", f"There is no rep `{rep}`.", fix)

    def _keep(self, kind: str, account_id: str, body: dict[str, Any]) -> None:
        now = self.clock.now()
        key = f"{kind}:{body['number']}:{body['receipt_id']}"
        self.ledger.append_journal([JournalEntry(key, account_id, kind, now, utc_day(now), body)])


def _still(dispute: Dispute, by: str, why: str, claim: Claim) -> Dispute:
    """Return a dispute that is opened again, where it is open and the same is said."""
    if dispute.answer is not None:
        answer = dispute.answer
        raise _refused(
            "dispute-answered",
            f"The same was said of `{dispute.receipt_id}` before; {answer.by} answered on "
            f"{utc_day(answer.at)}: {answer.outcome}.",
            "Say what is new.",
        )
    if (dispute.by, dispute.why, dispute.claim) != (by, why, claim):
        raise _refused(
            "dispute-open",
            f"{dispute.by} has disputed `{dispute.receipt_id}` since "
            f"{utc_day(dispute.opened_at)}, and nobody has answered.",
            "Answer that first: `groundswell commissions answer`.",
        )
    return dispute


def _account(line: str, lines: Sequence[Line]) -> str:
    """Return what a line is of."""
    found = next((one for one in lines if one.receipt_id == line), None)
    if found is not None:
        return found.account_id
    near = nearest(line, [one.receipt_id for one in lines])
    hint = f"Did you mean `{near}`? " if near else ""
    raise _refused(
        "dispute-line",
        f"No rep is credited with a line `{line}`.",
        f"{hint}`groundswell report commissions` names the lines of each statement.",
    )


def _claim(to: str, share: str | None) -> Claim:
    if to == NOBODY and share is not None:
        raise _refused("dispute-share", "Nobody has no share.", "Leave the share out.")
    rep = to if to == NOBODY else _address(to)
    if share is None:
        return Claim(rep, 1.0)
    try:
        parse_share(share)
    except Misfit as misfit:
        raise _refused("dispute-share", misfit.what, misfit.fix) from None
    exact = exact_share(share)
    if not exact:
        raise _refused(
            "dispute-share", f"`{share}` of a line is nothing.", f"Give it to `{NOBODY}` instead."
        )
    return Claim(rep, float(exact))


def _nothing(to: str | None, share: str | None) -> None:
    """Refuse what changes a line, where a dispute is rejected."""
    if to is not None or share is not None:
        raise _refused(
            "dispute-rejected",
            "What is rejected changes nothing of the line.",
            "Uphold the dispute, or leave out to whom and which share.",
        )


def _address(text: str) -> str:
    try:
        return parse_email(text.strip())
    except Misfit as misfit:
        raise _refused("dispute-email", misfit.what, misfit.fix) from None


def _said(why: str) -> str:
    if not why.strip():
        raise _refused("dispute-why", "It does not say why.", "Say it in a sentence.")
    return why.strip()


def _plain(claim: Claim) -> dict[str, Any]:
    return {"to": claim.to, "share": claim.share}


def _refused(code: str, what: str, fix: str) -> UsageError:
    return UsageError(Problem(code, what, fix))
