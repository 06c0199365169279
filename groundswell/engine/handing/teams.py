"""Which team works an account, who of it, and by when somebody has to answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from groundswell.config.resolved import Member, Team, WorkWeek
from groundswell.model import Motion
from groundswell.routing.assignment import Applicant, Assignment, assign
from groundswell.routing.working_hours import add_hours

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from groundswell.routing.assignment import Desk

FIRST_TOUCH_HOURS: Mapping[Motion, float] = {Motion.ENTERPRISE: 4.0}
"""Working hours in which a motion is answered where its team does not say. MODELS section 9."""

OTHERWISE_HOURS = 24.0

_STANDS_IN: Mapping[str, tuple[str, ...]] = {
    "smb": ("sales_assist",),
    "sales_assist": ("smb", "enterprise"),
    "enterprise": ("sales_assist",),
    "expansion": ("customer_success", "sales_assist", "enterprise"),
    "customer_success": ("expansion", "sales_assist"),
    "owner": ("sales_assist", "smb"),
}
_OF_MOTION: Mapping[Motion, str] = {
    Motion.ENTERPRISE: "enterprise",
    Motion.SALES_ASSIST: "sales_assist",
    Motion.EXPANSION: "expansion",
    Motion.SELF_SERVE: "sales_assist",
}


def team_for(teams: Mapping[str, Team], wanted: str | None, motion: Motion) -> Team:
    """Return the team that works an account: the one wanted, or who stands in where nobody is.

    Args:
        teams: The teams there are.
        wanted: As the rule says.
        motion: How the account is sold to.
    """
    name = wanted or _OF_MOTION[motion]
    for candidate in (name, *_STANDS_IN.get(name, ()), _OF_MOTION[motion]):
        team = teams.get(candidate)
        if team is not None and team.members:
            return team
    return teams.get(name) or Team(name)


def find_rep(
    teams: Mapping[str, Team],
    team: Team,
    applicant: Applicant,
    desks: Mapping[str, Desk],
    *,
    now: datetime,
    passed_over: Collection[str] = (),
) -> Assignment:
    """Find who gets an account, by `routing.assignment.assign`."""
    everybody = [member for other in teams.values() for member in other.members]
    known = applicant if applicant.owner else replace(applicant, owner=None)
    return assign(known, team, desks, now=now, everybody=everybody, passed_over=passed_over)


def member_of(teams: Mapping[str, Team], email: str | None) -> Member | None:
    """Return a member of any team by their address."""
    if email is None:
        return None
    wanted = email.lower()
    for team in teams.values():
        for member in team.members:
            if member.email == wanted:
                return member
    return None


def due_at(
    team: Team, member: Member | None, motion: Motion, *, urgent: bool, now: datetime
) -> datetime:
    """Return by when somebody has to answer: in the working hours of who has it."""
    if urgent:
        hours, working = team.hand_raise_hours, team.hand_raise_working
    elif team.first_touch_hours is not None:
        hours, working = team.first_touch_hours, team.working_hours
    else:
        hours, working = FIRST_TOUCH_HOURS.get(motion, OTHERWISE_HOURS), True
    return add_hours(now, hours, _week(team, member) if working else None)


def _week(team: Team, member: Member | None) -> WorkWeek:
    """Return whose hours count: who has it, else the first of the team, who would be asked."""
    if member is not None:
        return member.week
    return team.members[0].week if team.members else WorkWeek()
