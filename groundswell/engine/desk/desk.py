"""A desk: what somebody's assistant asks of a project and does there, in their name.

Whoever is named sees what they see on the pages, and every act is noted as theirs. Where nobody
is named everything is seen, as on the command line, and nothing is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, cast

from groundswell.engine.colleagues import Colleagues, Role
from groundswell.engine.desk.answers import (
    AccountAnswer,
    AccountsAnswer,
    Admitted,
    Barred,
    Held,
    Listed,
    Point,
    QueueAnswer,
    TimelineAnswer,
    Tried,
    Waiting,
    WhyAnswer,
)
from groundswell.engine.searching import search_accounts, why_now
from groundswell.engine.sight import Sight
from groundswell.engine.timeline import read_timeline
from groundswell.errors import Problem, UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from groundswell.engine.handing.acting import Action
    from groundswell.engine.handing.handoffs import QueueRow
    from groundswell.engine.project import Project
    from groundswell.handoff.life import Handoff
    from groundswell.model import Component
    from groundswell.store.colleagues import Colleague

_ALL = frozenset(Role)
_LEADING = frozenset({Role.MANAGER, Role.ANALYST, Role.ADMIN})
_READING_ALL = frozenset({Role.ANALYST, Role.ADMIN})
_ACTING = frozenset({Role.REP, Role.MANAGER, Role.ADMIN})
READING = {
    "queue": _ALL,
    "find_accounts": _ALL,
    "account": _ALL,
    "explain": _ALL,
    "timeline": _ALL,
    "weekly_report": _LEADING,
    "overlay_report": _LEADING,
    "sources": _READING_ALL,
}
"""What is asked for, and who may: as on the pages."""

DOING: dict[str, Action] = {
    "accept": "accept",
    "decline": "decline",
    "snooze": "snooze",
    "log_touch": "touch",
    "escalate": "escalate",
}
"""What is done with a handoff, and the action that it is."""

MOST = 50
"""More than so many are never told at once."""

_POINTS, _LACKED, _RULES = 8, 3, 20
_HERE = "mcp"


@dataclass(frozen=True)
class Desk:
    """What an assistant asks of a project; see `Project.desk`."""

    project: Project

    def admit(self, who: str | None = None) -> Admitted:
        """Say who an assistant works for, and what they may ask for and do.

        Args:
            who: E-mail address of a colleague; nobody in particular, if left out.

        Raises:
            UsageError: Nobody who may sign in has this address.
        """
        colleague = self._colleague(who)
        if colleague is None:
            return Admitted(None, None, None, tuple(READING))
        role = Role(colleague.role)
        may = [name for name, roles in READING.items() if role in roles]
        may += DOING if role in _ACTING else ()
        return Admitted(colleague.email, colleague.name, colleague.role, tuple(may))

    # --- asking -------------------------------------------------------------------------------

    def queue(self, *, who: str | None = None, every: bool = False, limit: int = 10) -> QueueAnswer:
        """Return the handoffs that wait for somebody, the most urgent first.

        Args:
            who: Whose queue; everybody's, if left out.
            every: What rests, or has an opportunity, too.
            limit: At most so many are told.

        Raises:
            UsageError: Nobody who may sign in has this address.
        """
        sight = self._sight(who)
        rows = self.project.handoffs.queue(every=every)
        seen = rows if sight is None else [row for row in rows if sight.sees_row(row)]
        first = seen[: min(limit, MOST)]
        told = why_now(self.project, [row.account_id for row in first])
        return QueueAnswer(
            tuple(_waiting(row, told.get(row.account_id, (row.reason,))) for row in first),
            len(seen),
            sum(row.overdue for row in seen),
            sum(row.urgent for row in seen),
        )

    def find(
        self,
        search: str = "",
        *,
        who: str | None = None,
        tier: str = "",
        motion: str = "",
        owner: str = "",
        qualified: bool | None = None,
        sort: str = "score",
        limit: int = 10,
    ) -> AccountsAnswer:
        """Return accounts as of the latest run, best first.

        Args:
            search: Text in their name, id or owner.
            who: Only those that this colleague sees.
            tier: Only of this tier.
            motion: Only of this motion.
            owner: Only of this owner, by e-mail address.
            qualified: Only those that are, or only those that are not.
            sort: score, name, employees, mrr or active.
            limit: At most so many are told.

        Raises:
            UsageError: There was no run yet, or nobody who may sign in has this address.
        """
        sight = self._sight(who)
        frame = self.project.looker.latest()
        asked = {"search": search, "tier": tier, "motion": motion, "owner": owner, "sort": sort}
        if qualified is not None:
            asked["qualified"] = "yes" if qualified else "no"
        found = search_accounts(frame if sight is None else sight.filter_accounts(frame), asked)
        return AccountsAnswer(
            tuple(_listed(row) for row in found.head(min(limit, MOST)).iter_rows(named=True)),
            found.height,
            self.project.looker.latest_day(),
        )

    def account(
        self, account: str, *, who: str | None = None, as_of: date | None = None
    ) -> AccountAnswer:
        """Return the brief of an account, and its latest handoff.

        Args:
            account: Account id, or its exact name or domain.
            who: Who asks; they must see it.
            as_of: The day; that of the latest run by default.

        Raises:
            UsageError: There is no such account that they see, or not by that day.
        """
        sight = self._sight(who)
        account_id = self._account(account, sight)
        _, brief = self.project.tell(account_id, as_of=as_of)
        return AccountAnswer(
            brief if sight is None else sight.show_brief(brief), self._held(account_id)
        )

    def explain(
        self, account: str, *, who: str | None = None, as_of: date | None = None
    ) -> WhyAnswer:
        """Say why an account is on a list, or not, as of a day.

        Args:
            account: Account id, or its exact name or domain.
            who: Who asks; they must see it.
            as_of: The day; that of the latest run by default.

        Raises:
            UsageError: There is no such account that they see, or not by that day.
        """
        account_id = self._account(account, self._sight(who))
        found = self.project.explain(account_id, as_of=as_of)
        lacked = sorted(found.components, key=lambda item: item.points - item.max)
        return WhyAnswer(
            found.account_id,
            found.name,
            found.as_of,
            found.decision.hand_over,
            found.decision.reason,
            round(found.score, 1),
            found.threshold,
            found.qualified,
            found.qualified_since,
            found.tier,
            found.motion,
            found.decision.rule,
            _points(sorted(found.components, key=lambda item: -item.points)[:_POINTS], least=0.05),
            _points([item for item in lacked if item.points < item.max][:_LACKED]),
            tuple(Tried(item.name, item.condition, item.matched) for item in found.rules[:_RULES]),
            tuple(Barred(item.name, item.reason) for item in found.guardrails if not item.passed),
            tuple(item.sentence for item in found.triggers),
            self._held(account_id),
        )

    def timeline(
        self,
        account: str,
        *,
        who: str | None = None,
        as_of: date | None = None,
        limit: int = 20,
    ) -> TimelineAnswer:
        """Say what happened with an account by a day, the newest first.

        Args:
            account: Account id, or its exact name or domain.
            who: Who asks; they must see it.
            as_of: The day; that of the latest run by default.
            limit: At most so much is told.

        Raises:
            UsageError: There is no such account that they see.
        """
        account_id = self._account(account, self._sight(who))
        day = as_of or self.project.looker.latest_day() or self.project.today()
        told = read_timeline(self.project.ledger, account_id, as_of=day, limit=min(limit, MOST))
        return TimelineAnswer(account_id, day, told)

    # --- doing --------------------------------------------------------------------------------

    def step(
        self,
        handoff: str,
        tool: str,
        *,
        who: str,
        reason: str | None = None,
        note: str = "",
        days: int | None = None,
        engineer: bool = False,
    ) -> Held:
        """Do something with a handoff in the name of a colleague, and note that they did.

        Args:
            handoff: Its id, or an account whose latest handoff it is.
            tool: One of `DOING`.
            who: Who does it.
            reason: Of a decline.
            note: In their own words.
            days: How long it rests.
            engineer: Whether a solution engineer is asked for.

        Raises:
            UsageError: There is no such handoff that they see, they may not, or it cannot be done
                now.
        """
        if tool not in DOING:
            hint = did_you_mean(tool, DOING, noun="There are")
            raise UsageError(Problem("desk-action", f"Nothing is done by `{tool}`.", hint))
        if tool not in self.admit(who).tools:
            what, fix = f"{who} only looks on.", "Ask a rep, a manager or an admin."
            raise UsageError(Problem("desk-may-not", what, fix))
        found = self._handoff(handoff, cast("Sight", self._sight(who)))
        done = self.project.handoffs.step(
            found.handoff_id,
            DOING[tool],
            who=who,
            reason=reason,
            note=note,
            days=days,
            engineer=engineer,
        )
        self._colleagues.note(
            who,
            f"handoff.{DOING[tool]}",
            about=done.handoff_id,
            detail={"account": done.account_id},
            address=_HERE,
        )
        return _held(done)

    # --- who sees what ------------------------------------------------------------------------

    @property
    def _colleagues(self) -> Colleagues:
        return Colleagues(self.project.ledger, self.project.clock)

    def _colleague(self, who: str | None) -> Colleague | None:
        if who is None:
            return None
        found = self._colleagues.get(who)
        if found.disabled_at is not None:
            what, fix = f"{found.email} may not sign in.", "Let an admin unlock them."
            raise UsageError(Problem("colleague-disabled", what, fix))
        return found

    def _sight(self, who: str | None) -> Sight | None:
        colleague = self._colleague(who)
        return None if colleague is None else Sight(self.project, colleague)

    def _account(self, text: str, sight: Sight | None) -> str:
        """Return the id of an account; what is not seen is told as what there is not."""
        try:
            account_id = self.project.looker.find(text).account_id
        except UsageError:
            if sight is None or sight.sees_all:
                raise
            raise _not_seen("account", text) from None
        if sight is not None and not sight.sees_account(account_id):
            raise _not_seen("account", text)
        return account_id

    def _handoff(self, text: str, sight: Sight) -> Handoff:
        try:
            found = self.project.handoffs.get(text)
        except UsageError:
            if sight.sees_all:
                raise
            raise _not_seen("handoff", text) from None
        if not sight.sees_row(found):
            raise _not_seen("handoff", text)
        return found

    def _held(self, account_id: str) -> Held | None:
        found = self.project.handing.book.refresh().of_account(account_id)
        return None if found is None else _held(found)


def _not_seen(what: str, text: str) -> UsageError:
    return UsageError(
        Problem(
            "not-seen",
            f"There is no {what} `{text}` that you may see.",
            "Look for it with `find_accounts`, or ask a manager or an admin.",
        )
    )


def _waiting(row: QueueRow, why: tuple[str, ...]) -> Waiting:
    return Waiting(
        row.handoff_id,
        row.account_id,
        row.name,
        row.state,
        row.motion,
        row.tier,
        row.play,
        row.score,
        row.owner,
        row.team,
        row.urgent,
        row.due_at,
        row.overdue,
        row.snoozed_until,
        why,
    )


def _listed(row: dict[str, Any]) -> Listed:
    return Listed(
        row["account_id"],
        row["name"],
        round(row["score"], 1),
        row["tier"],
        row["motion"],
        row["qualified"],
        row["owner"],
        row["employees"],
        row["active_users_28d"],
        row["plan"],
    )


def _held(found: Handoff) -> Held:
    return Held(
        found.handoff_id,
        found.account_id,
        str(found.state),
        found.is_open,
        found.owner,
        found.team,
        found.due_at,
        found.snoozed_until,
    )


def _points(components: Iterable[Component], *, least: float | None = None) -> tuple[Point, ...]:
    return tuple(
        Point(item.name, str(item.part), round(item.points, 1), round(item.max, 1), item.sentence)
        for item in components
        if least is None or item.points >= least
    )
