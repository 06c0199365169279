"""`teams:` resolved: who works accounts, their territories, their working hours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.config.quantities import parse_day, parse_duration, parse_hours, parse_region
from groundswell.config.resolved import Member, Team, WorkWeek
from groundswell.config.vocabulary import ValueType
from groundswell.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from groundswell.config import team_schema
    from groundswell.config.findings import Findings, Key

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def resolve_teams(
    teams: Mapping[str, team_schema.TeamDef],
    positions: Mapping[str, Sequence[int]],
    *,
    types: Mapping[str, ValueType],
    findings: Findings,
) -> dict[str, Team]:
    """Return the teams; `positions` says where the members of each stood in their list."""
    found: dict[str, Team] = {}
    named: dict[str, str] = {}
    everybody = {member.email.lower() for team in teams.values() for member in team.members}
    for name, team in teams.items():
        members: list[Member] = []
        seen: set[str] = set()
        for member, position in zip(team.members, positions[name], strict=True):
            key: Key = ("teams", name, "members", position)
            if member.email.lower() in seen:
                what = f"`{member.email}` is on the team `{name}` twice."
                findings.tell((*key, "email"), "config-duplicate-name", what, "Keep one.")
            seen.add(member.email.lower())
            _check_named(member, key, named, findings)
            _check_leave(member, key, findings)
            members.append(_member(member, team, key, types, findings))
        if team.fallback is not None and team.fallback.lower() not in everybody:
            near = nearest(team.fallback, everybody)
            fix = f"Did you mean `{near}`?" if near else "Add them to the members of a team."
            what = f"`{team.fallback}` is on no team."
            findings.tell(("teams", name, "fallback"), "config-unknown-member", what, fix)
        found[name] = _team(name, team, members)
    return found


def _check_named(
    member: team_schema.Member, key: Key, named: dict[str, str], findings: Findings
) -> None:
    for place, account in enumerate(member.accounts):
        owner = named.setdefault(account.lower(), member.email.lower())
        if owner != member.email.lower():
            what = f"`{account}` is a named account of `{owner}` already."
            findings.tell(
                (*key, "accounts", place), "config-duplicate-name", what, "Leave it to one person."
            )


def _check_leave(member: team_schema.Member, key: Key, findings: Findings) -> None:
    for place, leave in enumerate(member.leave):
        if parse_day(leave.until) < parse_day(leave.from_):
            what = f"The leave ends on {leave.until}, before it begins on {leave.from_}."
            findings.tell((*key, "leave", place), "config-bad-day", what, "Turn the days round.")


def _member(
    member: team_schema.Member,
    team: team_schema.TeamDef,
    key: Key,
    types: Mapping[str, ValueType],
    findings: Findings,
) -> Member:
    territory = member.territory and findings.expression(
        (*key, "territory"), member.territory, types=types, expect=ValueType.BOOLEAN
    )
    begins, ends = parse_hours(member.hours or team.hours)
    region = member.holidays or team.holidays
    country, part = parse_region(region) if region else (None, None)
    return Member(
        name=member.name,
        email=member.email.lower(),
        role=member.role,
        timezone=member.timezone,
        capacity=member.capacity,
        territory=territory or None,
        accounts=tuple(account.lower() for account in member.accounts),
        week=WorkWeek(
            begins=begins,
            ends=ends,
            days=frozenset(WEEKDAYS.index(day) for day in team.days),
            timezone=member.timezone,
            country=country,
            part=part,
        ),
        leave=tuple((parse_day(leave.from_), parse_day(leave.until)) for leave in member.leave),
    )


def _team(name: str, team: team_schema.TeamDef, members: Sequence[Member]) -> Team:
    length = parse_duration(team.first_touch_within) if team.first_touch_within else None
    raised = parse_duration(team.hand_raise_within)
    return Team(
        name=name,
        members=tuple(members),
        assign=team.assign,
        first_touch_hours=length.hours if length else None,
        working_hours=length.working if length else False,
        hand_raise_hours=raised.hours,
        hand_raise_working=raised.working,
        fallback=team.fallback.lower() if team.fallback else None,
        manager=team.manager.lower() if team.manager else None,
        on_breach=team.on_breach,
    )
