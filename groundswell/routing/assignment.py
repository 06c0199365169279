"""Who gets an account: its owner, whose named account it is, whose territory, else whose turn.

Turns are shared by free capacity. Every account that is shared out gives each candidate a credit
of their share, and takes one from whoever gets it; so a credit is how far somebody is behind what
is fair. Of those who are not ahead, whoever would be a whole account behind first gets the next.

Source: R. Tijdeman, The chairman assignment problem, Discrete Mathematics 32 (1980). With shares
that stay, nobody of n is ever further than 1 - 1/(2n - 2) from what is fair.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from groundswell.routing.working_hours import is_away

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from groundswell.config.resolved import Member, Team
    from groundswell.model import Scalar

How = Literal["owner", "named", "territory", "turn", "fallback", "nobody"]

_TWO = 2


@dataclass(frozen=True, slots=True)
class Desk:
    """What somebody has on their desk.

    Attributes:
        open: Handoffs that they work now.
        credit: How far they are behind what is fair, in accounts.
    """

    open: int = 0
    credit: float = 0.0


EMPTY_DESK = Desk()


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who could have got the account, and why they did or did not.

    Attributes:
        email: Who.
        share: Of accounts like this one, what is fair for them; 0 for who is out of the question.
        why: In one sentence.
        taken: Whether they got it.
    """

    email: str
    share: float
    why: str
    taken: bool = False


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who got the account, and why this one.

    Attributes:
        email: Who; None where nobody is free.
        name: What they are called.
        team: Whose account it is.
        how: By what.
        reason: In one sentence.
        candidates: Everybody who was looked at.
    """

    email: str | None
    name: str | None
    team: str
    how: How
    reason: str
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True)
class Applicant:
    """The account that somebody is looked for.

    Attributes:
        account_id: Its id.
        domain: Its domain, if any is known.
        owner: Who owns it in the CRM: an e-mail address or a name.
        values: Its features, and what scoring adds.
    """

    account_id: str
    domain: str | None = None
    owner: str | None = None
    values: Mapping[str, Scalar] = field(default_factory=dict[str, "Scalar"])


def assign(
    applicant: Applicant,
    team: Team,
    desks: Mapping[str, Desk],
    *,
    now: datetime,
    everybody: Sequence[Member] = (),
    passed_over: Collection[str] = (),
) -> Assignment:
    """Find who gets an account. The same arguments always give the same person.

    Args:
        applicant: The account.
        team: Whose it is.
        desks: By address, what members have on their desks; nothing for who is not named.
        now: Who is on leave then is skipped.
        everybody: Members of all teams: an owner may be on any.
        passed_over: Addresses that had their chance.
    """
    owner = _owner(applicant, [*team.members, *everybody])
    if owner is not None and owner.email not in passed_over:
        return _given(owner, team, "owner", f"{owner.name} owns the account in the CRM.", ())
    free, out = _free(team, desks, now=now, passed_over=passed_over)
    named = [member for member in team.members if _is_named(member, applicant)]
    if named and named[0] in free:
        return _given(named[0], team, "named", f"It is a named account of {named[0].name}.", out)
    inside = [member for member in free if _covers(member, applicant)]
    open_to_all = [member for member in free if member.territory is None]
    pool = inside or open_to_all
    chosen = {member.email for member in pool}
    out += tuple(
        Candidate(member.email, 0.0, "The account is not in their territory.")
        for member in free
        if member.email not in chosen
    )
    if pool:
        return _by_turn(pool, team, desks, out, how="territory" if inside else "turn")
    return _fallback(team, out, everybody, passed_over)


def shares(pool: Sequence[Member], desks: Mapping[str, Desk]) -> dict[str, float]:
    """Return what is fair for each of a pool: by free capacity, adding up to 1.

    Who has no capacity counts as the freest of the others, or as one where nobody has any.
    """
    free = {
        member.email: None if member.capacity is None else member.capacity - _open(member, desks)
        for member in pool
    }
    most = max((room for room in free.values() if room is not None), default=1)
    weights = {email: most if room is None else room for email, room in free.items()}
    total = sum(weights.values())
    return {email: weight / total for email, weight in weights.items()}


def settle(desks: Mapping[str, Desk], assignment: Assignment) -> dict[str, Desk]:
    """Return the desks after an assignment: one more account, and credits moved."""
    found = dict(desks)
    for candidate in assignment.candidates:
        desk = found.get(candidate.email, EMPTY_DESK)
        moved = candidate.share - (1.0 if candidate.taken else 0.0)
        if candidate.share:
            found[candidate.email] = Desk(desk.open, desk.credit + moved)
    if assignment.email is not None:
        desk = found.get(assignment.email, EMPTY_DESK)
        found[assignment.email] = Desk(desk.open + 1, desk.credit)
    return found


def _free(
    team: Team, desks: Mapping[str, Desk], *, now: datetime, passed_over: Collection[str]
) -> tuple[list[Member], tuple[Candidate, ...]]:
    """Return who of a team can take one more, and why the others cannot."""
    free: list[Member] = []
    out: list[Candidate] = []
    for member in team.members:
        held = _open(member, desks)
        if member.email in passed_over:
            out.append(Candidate(member.email, 0.0, "Had it before, and did not answer in time."))
        elif is_away(member, now):
            out.append(Candidate(member.email, 0.0, "On leave."))
        elif member.capacity is not None and held >= member.capacity:
            out.append(Candidate(member.email, 0.0, f"Works {held} accounts, all they can."))
        else:
            free.append(member)
    return free, tuple(out)


def _by_turn(
    pool: Sequence[Member],
    team: Team,
    desks: Mapping[str, Desk],
    out: tuple[Candidate, ...],
    *,
    how: Literal["territory", "turn"],
) -> Assignment:
    share = shares(pool, desks)
    behind = {
        member.email: desks.get(member.email, EMPTY_DESK).credit + share[member.email]
        for member in pool
    }
    edge = 1 / (2 * len(pool) - 2) if len(pool) >= _TWO else 0.0
    due = [member for member in pool if behind[member.email] >= edge]
    chosen = min(
        due or [max(pool, key=lambda member: behind[member.email])],
        key=lambda member: (1 - edge - behind[member.email]) / share[member.email],
    )
    told = tuple(
        Candidate(
            member.email,
            share[member.email],
            f"Fair is {share[member.email]:.0%}; {_by_how_much(behind[member.email])}.",
            taken=member is chosen,
        )
        for member in pool
    )
    where = "Of those whose territory it is in, it" if how == "territory" else "It"
    alone = f"{chosen.name} is the only one who can take it."
    reason = alone if len(pool) == 1 else f"{where} is {chosen.name}'s turn."
    return Assignment(chosen.email, chosen.name, team.name, how, reason, (*told, *out))


def _by_how_much(behind: float) -> str:
    if behind >= 0:
        return f"{behind:.2f} accounts behind that with this one"
    return f"{-behind:.2f} accounts ahead of that even with this one"


def _fallback(
    team: Team,
    out: tuple[Candidate, ...],
    everybody: Sequence[Member],
    passed_over: Collection[str],
) -> Assignment:
    if team.fallback is not None and team.fallback not in passed_over:
        people = {member.email: member for member in (*everybody, *team.members)}
        member = people.get(team.fallback)
        name = member.name if member else team.fallback
        reason = f"Nobody of {team.name} is free, and {name} takes what nobody can."
        return Assignment(team.fallback, name, team.name, "fallback", reason, out)
    reason = (
        f"Nobody of {team.name} is free: it waits until somebody is."
        if team.members
        else f"Nobody is on the team {team.name}: it waits."
    )
    return Assignment(None, None, team.name, "nobody", reason, out)


def _given(
    member: Member, team: Team, how: How, reason: str, out: tuple[Candidate, ...]
) -> Assignment:
    taken = Candidate(member.email, 0.0, reason, taken=True)
    return Assignment(member.email, member.name, team.name, how, reason, (taken, *out))


def _owner(applicant: Applicant, members: Sequence[Member]) -> Member | None:
    if applicant.owner is None:
        return None
    owner = applicant.owner.strip().lower()
    for member in members:
        if owner in {member.email, member.name.lower()}:
            return member
    return None


def _is_named(member: Member, applicant: Applicant) -> bool:
    names = {applicant.account_id.lower(), (applicant.domain or "").lower()} - {""}
    return not names.isdisjoint(member.accounts)


def _covers(member: Member, applicant: Applicant) -> bool:
    if member.territory is None:
        return False
    seen = {name: applicant.values.get(name) for name in member.territory.names}
    return bool(member.territory.evaluate(seen))


def _open(member: Member, desks: Mapping[str, Desk]) -> int:
    return desks.get(member.email, EMPTY_DESK).open
