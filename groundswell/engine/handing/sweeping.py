"""What comes of handoffs without anybody's step: time passes, and facts come back.

By time: a rest ends, somebody who has it does not answer, nobody was free and now somebody is. By
facts: somebody was touched, an opportunity was opened, won or lost, the account bought.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, cast

from groundswell.engine.handing.opening import waiting
from groundswell.engine.handing.teams import due_at, member_of
from groundswell.handoff.life import Handoff, State, Step, follow_one, may
from groundswell.model import Motion
from groundswell.routing.working_hours import is_away
from groundswell.store.outbox import Group

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import polars as pl

    from groundswell.config.resolved import Member
    from groundswell.engine.handing.opening import About, Opener
    from groundswell.store.ledger import JournalEntry

UNANSWERED_DAYS = 30
"""Days without a step after which a handoff that nobody took up is over."""

_UNTOUCHED = frozenset({State.ASSIGNED, State.ACCEPTED, State.SNOOZED})

MOST_AT_ONCE = 500
"""Waiting handoffs that are given out in one go."""


@dataclass(frozen=True)
class Facts:
    """What came back about accounts, from the CRM and from billing.

    Attributes:
        touched: Account id to the instants at which a person wrote or spoke to it, ascending.
        deals: Account id to its opportunities: created_at, closed_at, won, lost_reason,
            competitor.
        paying: Accounts that pay now.
    """

    touched: Mapping[str, list[datetime]] = field(default_factory=dict[str, "list[datetime]"])
    deals: Mapping[str, list[Mapping[str, object]]] = field(
        default_factory=dict[str, "list[Mapping[str, object]]"]
    )
    paying: frozenset[str] = frozenset()

    @classmethod
    def of(cls, touches: pl.DataFrame, opportunities: pl.DataFrame, paying: Iterable[str]) -> Facts:
        """Gather them from the warehouse's tables; of an opportunity its latest version counts."""
        touched: dict[str, list[datetime]] = {}
        for account_id, at in touches.select("account_id", "at").sort("at").iter_rows():
            touched.setdefault(account_id, []).append(at)
        deals: dict[str, list[Mapping[str, object]]] = {}
        latest = (
            opportunities.sort("valid_from", nulls_last=False, maintain_order=True)
            .group_by("opportunity_id", maintain_order=True)
            .last()
        )
        kept = ("account_id", "created_at", "closed_at", "won", "lost_reason", "competitor")
        for row in latest.select(kept).iter_rows(named=True):
            deals.setdefault(str(row["account_id"]), []).append(row)
        return cls(touched, deals, frozenset(paying))


def by_time(
    opener: Opener, about_of: Callable[[Iterable[str]], Mapping[str, About]]
) -> list[Group]:
    """Return what time alone has brought about by now.

    Args:
        opener: Makes the entries, at its instant.
        about_of: Returns what is known of some accounts.
    """
    now, teams = opener.now, opener.loaded.teams
    groups: list[Group] = []
    breached: list[Handoff] = []
    for handoff in opener.book.open():
        if handoff.state is State.SNOOZED and _is_over(handoff.snoozed_until, now):
            groups.append(Group((_woken(opener, handoff),)))
        elif may(handoff, Step.BREACHED) and _is_over(handoff.due_at, now):
            breached.append(handoff)
        elif _is_forgotten(handoff, now):
            why = f"Nobody took it up in {UNANSWERED_DAYS} days."
            step = opener.step(handoff, Step.EXPIRED, why=why, facts={"reason": "unanswered"})
            groups.append(Group((step,)))
    idle = [item for item in waiting(opener.book) if item not in breached]
    ready = [item for item in idle if _somebody_is_free(opener, item)][:MOST_AT_ONCE]
    about = about_of({item.account_id for item in (*breached, *ready)})
    groups += [_breach(opener, handoff, about.get(handoff.account_id)) for handoff in breached]
    for handoff in ready:
        known, team = about.get(handoff.account_id), teams.get(handoff.team or "")
        steps = opener.give(handoff, team, known) if known and team else []
        if steps:
            groups.append(Group(tuple(steps)))
    return groups


def by_facts(opener: Opener, facts: Facts) -> list[Group]:
    """Return what facts that came back say of handoffs."""
    groups: list[Group] = []
    for handoff in opener.book.open():
        steps = tuple(_said(opener, handoff, facts))
        if steps:
            groups.append(Group(steps))
    return groups


def _said(opener: Opener, handoff: Handoff, facts: Facts) -> Iterator[JournalEntry]:
    """Yield at most one step: the furthest that the facts speak for."""
    closed = _closed_deal(handoff, facts, opener.now)
    pays = handoff.account_id in facts.paying and not handoff.paying
    touch = next(
        (at for at in facts.touched.get(handoff.account_id, ()) if at > _since(handoff)), None
    )
    if closed is not None:
        won = bool(closed["won"])
        why = f"The opportunity was closed {'and won' if won else 'and lost'}."
        told = {"reason": closed.get("lost_reason"), "competitor": closed.get("competitor")}
        step = Step.WON if won else Step.LOST
        yield opener.step(handoff, step, why=why, facts={} if won else told)
    elif pays and may(handoff, Step.CONVERTED):
        if handoff.touched_at is None:
            why = "The account bought by itself."
            yield opener.step(handoff, Step.CONVERTED, why=why)
        else:
            yield opener.step(handoff, Step.WON, why="The account pays, after it was worked.")
    elif handoff.state is not State.OPPORTUNITY and _has_open_deal(handoff, facts, opener.now):
        yield opener.step(handoff, Step.OPENED, why="An opportunity was opened in the CRM.")
    elif touch is not None and handoff.state in _UNTOUCHED:
        why = f"Somebody was in touch on {touch:%Y-%m-%d}."
        yield opener.step(handoff, Step.TOUCHED, why=why)


def _closed_deal(handoff: Handoff, facts: Facts, now: datetime) -> Mapping[str, object] | None:
    """Return the opportunity that was closed last since the handoff was opened, if one was.

    One that nobody said to be won or lost, or that closes on a later day, is open.
    """
    found = [
        deal
        for deal in facts.deals.get(handoff.account_id, ())
        if _is_closed(deal, now) and cast("datetime", deal["closed_at"]) > _since(handoff)
    ]
    return max(found, key=lambda deal: cast("datetime", deal["closed_at"])) if found else None


def _has_open_deal(handoff: Handoff, facts: Facts, now: datetime) -> bool:
    return any(
        not _is_closed(deal, now) and cast("datetime", deal["created_at"]) > _since(handoff)
        for deal in facts.deals.get(handoff.account_id, ())
    )


def _is_closed(deal: Mapping[str, object], now: datetime) -> bool:
    closed_at = cast("datetime | None", deal["closed_at"])
    return deal["won"] is not None and closed_at is not None and closed_at <= now


def _since(handoff: Handoff) -> datetime:
    """Return the end of the day whose knowledge opened it: what came later came after it."""
    next_day: date = handoff.as_of + timedelta(days=1)
    return min(handoff.opened_at, datetime.combine(next_day, time(), UTC))


def _woken(opener: Opener, handoff: Handoff) -> JournalEntry:
    member = member_of(opener.loaded.teams, handoff.owner)
    team = opener.loaded.teams.get(handoff.team or "")
    due = None
    if team is not None:
        motion = Motion(handoff.motion)
        due = due_at(team, member, motion, urgent=handoff.urgent, now=opener.now).isoformat()
    return opener.step(handoff, Step.WOKEN, why="Its rest is over.", facts={"due_at": due})


def _breach(opener: Opener, handoff: Handoff, about: About | None) -> Group:
    """Return the breach of a service level, and whom the account goes to because of it."""
    team = opener.loaded.teams.get(handoff.team or "")
    who = handoff.owner or "Nobody"
    manager = team.manager if team is not None else None
    again = team is not None and team.on_breach == "reassign" and handoff.breaches == 0
    why = f"{who} has not answered by {handoff.due_at:%Y-%m-%d %H:%M} UTC."
    first = opener.step(
        handoff, Step.BREACHED, why=why, facts={"owner": handoff.owner, "manager": manager}
    )
    after = follow_one(handoff, first)
    if not again or team is None or about is None or after is None:
        return Group((first,))
    return Group((first, *opener.give(after, team, about, passed_over=handoff.had)))


def _is_over(until: datetime | None, now: datetime) -> bool:
    return until is not None and until <= now


def _is_forgotten(handoff: Handoff, now: datetime) -> bool:
    if handoff.state not in {State.ROUTED, State.ASSIGNED} or handoff.moved_at is None:
        return False
    return now - handoff.moved_at > timedelta(days=UNANSWERED_DAYS)


def _somebody_is_free(opener: Opener, handoff: Handoff) -> bool:
    team = opener.loaded.teams.get(handoff.team or "")
    if team is None or not team.members:
        return False
    return team.fallback is not None or any(_is_free(opener, one) for one in team.members)


def _is_free(opener: Opener, member: Member) -> bool:
    desk = opener.desks.get(member.email)
    room = member.capacity is None or desk is None or desk.open < member.capacity
    return room and not is_away(member, opener.now)
