"""From decisions to handoffs: opened, given to somebody, escalated - each with its decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from groundswell.engine.alerting import USAGE_ALERT
from groundswell.engine.deciding import DECIDED, RELEASED
from groundswell.engine.handing.owners import OWNER_TOLD, told_group
from groundswell.engine.handing.teams import due_at, find_rep, member_of, team_for
from groundswell.engine.risks import RISK_ALERT
from groundswell.handoff.life import Handoff, State, Step, follow_one, handoff_id, may, step_key
from groundswell.model import Motion, as_plain
from groundswell.routing.assignment import Applicant, settle
from groundswell.store.ledger import JournalEntry
from groundswell.store.outbox import Group

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from groundswell.config.loading import LoadedConfig
    from groundswell.config.resolved import Team
    from groundswell.engine.handing.book import Book
    from groundswell.model import Scalar
    from groundswell.routing.assignment import Assignment, Desk

ENGINE = "groundswell"
"""Who does what nobody did by hand."""

HAND_RAISES = "hand_raises_28d"


@dataclass(frozen=True)
class About:
    """What has to be known of an account to find somebody for it.

    Attributes:
        account_id: Its id.
        name: What it is called.
        domain: Its domain, if any is known.
        as_of: The day whose knowledge that is.
        values: Its features, and what scoring adds.
    """

    account_id: str
    name: str | None
    domain: str | None
    as_of: date
    values: Mapping[str, Scalar]


@dataclass
class Opener:
    """Opens handoffs; keeps count of whose turn it is until all of them are written.

    Attributes:
        loaded: The configuration.
        book: The handoffs there are.
        now: The instant of everything that is written.
    """

    loaded: LoadedConfig
    book: Book
    now: datetime

    def __post_init__(self) -> None:
        """Begin with the desks as they are."""
        self.desks: dict[str, Desk] = self.book.desks()
        self._opened: dict[str, int] = {}

    def of_entries(
        self, entries: Iterable[JournalEntry], about: Mapping[str, About]
    ) -> tuple[list[Group], list[JournalEntry]]:
        """Return the groups that decisions lead to, and the entries that lead to none.

        Where several are handed over at once, who asked for a person comes first, then the
        highest score.

        Args:
            entries: Decisions and crossings that are new.
            about: The accounts they are about, by id.
        """
        groups: list[Group] = []
        rest: list[JournalEntry] = []
        for entry in sorted(entries, key=lambda item: _urgency(item, about)):
            known = about.get(entry.account_id)
            if entry.kind == OWNER_TOLD:
                groups += self._told(entry, known)
                continue
            found = self._of_entry(entry, known)
            if found is None:
                rest.append(entry)
            else:
                groups.append(found)
        return groups, rest

    def _told(self, entry: JournalEntry, about: About | None) -> list[Group]:
        """Return what is written of news for who works an account; of an old one, nothing."""
        if about is None or entry.account_id in self._opened:
            return []
        handoff = self.book.of_account(entry.account_id)
        present = handoff if handoff is not None and handoff.is_open else None
        found = told_group(self, entry, present, about)
        return [] if found is None else [found]

    def _of_entry(self, entry: JournalEntry, about: About | None) -> Group | None:
        handoff = self.book.of_account(entry.account_id)
        if handoff is not None and not handoff.is_open:
            handoff = None
        if entry.kind in {USAGE_ALERT, RISK_ALERT}:
            return Group((entry,))
        if entry.kind == RELEASED and handoff is not None and may(handoff, Step.EXPIRED):
            return self._release(entry, handoff)
        if entry.kind != DECIDED or about is None or entry.account_id in self._opened:
            return None
        if handoff is not None:
            return self._escalate_by(entry, handoff, about)
        return self._open(entry, about) if entry.body["hand_over"] else None

    def _open(self, decision: JournalEntry, about: About) -> Group:
        body = decision.body
        motion = Motion(body["motion"])
        number = self.book.count(decision.account_id)
        name = handoff_id(decision.account_id, number)
        self._opened[decision.account_id] = number
        team = team_for(self.loaded.teams, body.get("team"), motion)
        urgent = _has_raised(about.values)
        routed = self._step(
            name,
            0,
            Step.ROUTED,
            decision.account_id,
            as_of=decision.as_of,
            why=body["reason"],
            facts={
                "number": number,
                "decision": decision.key,
                "motion": str(motion),
                "team": team.name,
                "play": body.get("play"),
                "urgent": urgent,
                "score": body["score"],
                "paying": bool(about.values.get("is_paying")),
                "due_at": due_at(team, None, motion, urgent=urgent, now=self.now).isoformat(),
            },
        )
        handoff = follow_one(None, routed)
        assert handoff is not None, "it was just opened"
        given = self.give(handoff, team, about)
        return Group((decision, routed, *given))

    def give(
        self, handoff: Handoff, team: Team, about: About, *, passed_over: Iterable[str] = ()
    ) -> list[JournalEntry]:
        """Return the step that gives a handoff to somebody of a team; none where nobody is free."""
        applicant = Applicant(
            about.account_id,
            about.domain,
            cast("str | None", about.values.get("owner")),
            about.values,
        )
        found = find_rep(
            self.loaded.teams,
            team,
            applicant,
            self.desks,
            now=self.now,
            passed_over=frozenset(passed_over),
        )
        if found.email is None:
            return []
        self.desks = settle(self.desks, found)
        return [self._assigned(handoff, team, found)]

    def _assigned(self, handoff: Handoff, team: Team, found: Assignment) -> JournalEntry:
        member = member_of(self.loaded.teams, found.email)
        motion = Motion(handoff.motion)
        due = due_at(team, member, motion, urgent=handoff.urgent, now=self.now)
        return self.step(
            handoff,
            Step.ASSIGNED,
            why=found.reason,
            facts={
                "owner": found.email,
                "name": found.name,
                "team": team.name,
                "how": found.how,
                "due_at": due.isoformat(),
                "candidates": as_plain(found.candidates),
            },
        )

    def due_again(self, handoff: Handoff) -> str | None:
        """Return by when somebody has to answer a handoff that asks for a person once more."""
        team = self.loaded.teams.get(handoff.team or "")
        if team is None:
            return None
        member = member_of(self.loaded.teams, handoff.owner)
        motion = Motion(handoff.motion)
        return due_at(team, member, motion, urgent=True, now=self.now).isoformat()

    def _release(self, entry: JournalEntry, handoff: Handoff) -> Group | None:
        """Let a handoff go that nobody took up, once its account no longer qualifies."""
        if handoff.touched_at is not None or handoff.urgent:
            return None
        why = "The account no longer qualifies, and nobody had taken it up."
        step = self.step(handoff, Step.EXPIRED, why=why, facts={"reason": "released"})
        return Group((entry, step))

    def _escalate_by(self, decision: JournalEntry, handoff: Handoff, about: About) -> Group | None:
        """Escalate a handoff whose account is an enterprise one by now."""
        motion = Motion(decision.body["motion"])
        upwards = motion is Motion.ENTERPRISE and handoff.motion == Motion.SALES_ASSIST
        if not upwards or not may(handoff, Step.ESCALATED):
            return None
        why = f"It is an enterprise account now: rule `{decision.body['rule']}`."
        steps = self.escalate(handoff, about, who=ENGINE, why=why)
        return Group((decision, *steps))

    def escalate(
        self, handoff: Handoff, about: About, *, who: str, why: str, engineer: bool = False
    ) -> list[JournalEntry]:
        """Return the steps of a warm handover to the enterprise team.

        Args:
            handoff: What is handed on.
            about: Its account.
            who: Who hands it on.
            why: Why.
            engineer: Whether a solution engineer is asked for.
        """
        team = team_for(self.loaded.teams, "enterprise", Motion.ENTERPRISE)
        due = due_at(team, None, Motion.ENTERPRISE, urgent=handoff.urgent, now=self.now)
        first = self.step(
            handoff,
            Step.ESCALATED,
            who=who,
            why=why,
            facts={
                "motion": str(Motion.ENTERPRISE),
                "team": team.name,
                "from_owner": handoff.owner,
                "needs_engineer": engineer,
                "due_at": due.isoformat(),
            },
        )
        after = follow_one(handoff, first)
        assert after is not None, "it was open"
        own = [handoff.owner] if handoff.owner else []
        return [first, *self.give(after, team, about, passed_over=own)]

    def step(
        self,
        handoff: Handoff,
        step: Step,
        *,
        why: str,
        who: str = ENGINE,
        facts: Mapping[str, Any] | None = None,
    ) -> JournalEntry:
        """Return the entry of the next step of a handoff."""
        return self._step(
            handoff.handoff_id,
            handoff.steps,
            step,
            handoff.account_id,
            as_of=self.now.date(),
            why=why,
            who=who,
            facts=facts or {},
        )

    def _step(
        self,
        name: str,
        number: int,
        step: Step,
        account_id: str,
        *,
        as_of: date,
        why: str,
        who: str = ENGINE,
        facts: Mapping[str, Any],
    ) -> JournalEntry:
        return JournalEntry(
            key=step_key(name, number),
            account_id=account_id,
            kind=str(step),
            at=self.now,
            as_of=as_of,
            body={"handoff_id": name, "who": who, "why": why, **facts},
        )


def waiting(book: Book) -> list[Handoff]:
    """Return handoffs that nobody has, the most urgent first."""
    found = [handoff for handoff in book.open() if handoff.state is State.ROUTED]
    return sorted(found, key=lambda item: (not item.urgent, -item.score, item.opened_at))


def _has_raised(values: Mapping[str, Scalar]) -> bool:
    raised = values.get(HAND_RAISES)
    return isinstance(raised, int | float) and raised > 0


def _urgency(entry: JournalEntry, about: Mapping[str, About]) -> tuple[bool, bool, float, str]:
    known = about.get(entry.account_id)
    raised = known is not None and _has_raised(known.values)
    return entry.kind != DECIDED, not raised, -float(entry.body.get("score") or 0.0), entry.key
