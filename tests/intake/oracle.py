"""Identity once more, the slow and obvious way: one event, one day of looking, plain loops.

`cut` throws away everything that became known after a day; `Oracle` answers from what is left,
without any notion of pieces, `visible` or `hidden`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
LONG_AGO = datetime(1900, 1, 1, tzinfo=UTC)


def day_of(moment: datetime) -> int:
    return (moment - EPOCH) // DAY


@dataclass(frozen=True)
class Actor:
    number: int
    user: str | None
    anonymous: str | None
    group: str | None
    first_at: datetime


@dataclass(frozen=True)
class UserRow:
    user: str
    email: str | None
    created_at: datetime | None
    valid_from: datetime | None


@dataclass(frozen=True)
class MemberRow:
    user: str
    account: str
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True)
class AccountRow:
    account: str
    name: str | None
    domain: str | None
    created_at: datetime | None
    valid_from: datetime | None


@dataclass(frozen=True)
class MergeRow:
    source: str
    into: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True)
class World:
    actors: list[Actor] = field(default_factory=list)
    users: list[UserRow] = field(default_factory=list)
    members: list[MemberRow] = field(default_factory=list)
    accounts: list[AccountRow] = field(default_factory=list)
    merges: list[MergeRow] = field(default_factory=list)
    domains_on: bool = True
    solo_on: bool = True


def cut(world: World, today: int) -> World:
    """Keep only what was known by the end of a day."""

    def known(moment: datetime | None) -> bool:
        return moment is None or day_of(moment) <= today

    def ended(moment: datetime | None) -> datetime | None:
        return moment if known(moment) else None

    return replace(
        world,
        actors=[row for row in world.actors if known(row.first_at)],
        users=[row for row in world.users if known(row.valid_from or row.created_at)],
        members=[replace(m, until=ended(m.until)) for m in world.members if known(m.since)],
        accounts=[row for row in world.accounts if known(row.valid_from or row.created_at)],
        merges=[replace(m, until=ended(m.until)) for m in world.merges if known(m.since)],
    )


@dataclass(frozen=True)
class Tie:
    account: str
    since: datetime
    until: datetime | None
    is_group: bool

    @property
    def last_day(self) -> float:
        """The last day on any part of which the tie held."""
        return (
            float("inf") if self.until is None else day_of(self.until - timedelta(microseconds=1))
        )

    def rank(self) -> tuple[datetime, bool, tuple[int, ...]]:
        return (self.since, self.is_group, tuple(-ord(letter) for letter in self.account))


@dataclass(frozen=True)
class Oracle:
    """Answers as of `today`; the world must be cut to it.

    `company` gives the domain an address speaks for, "internal", or None.
    """

    world: World
    today: int
    company: dict[str, str]

    def answer(self, actor: Actor, day: int) -> tuple[str, str] | None:
        """Return the account an event of `actor` on `day` counts for, and by whom."""
        person = actor.user or self.user_behind(actor.anonymous, day)
        if person is not None and self.is_internal(person):
            return None
        if actor.group is not None:
            if person is None and actor.anonymous is None:
                return None
            return self.standing(actor.group), person or f"anon:{actor.anonymous}"
        if person is None:
            return None
        account = self.account_of(person, day)
        return None if account is None else (self.standing(account), person)

    def members(self) -> set[tuple[str, str]]:
        """Return who belongs to which account by the end of today."""
        found: set[tuple[str, str]] = set()
        users = {row.user for row in (*self.world.users, *self.world.members)}
        users |= {actor.user for actor in self.world.actors if actor.user}
        for user in users:
            if not self.is_internal(user):
                found |= {(self.standing(account), user) for account in self.accounts_of(user)}
        for actor in self.world.actors:
            nameless = actor.user is None and actor.anonymous is not None
            if nameless and actor.group and not self.met(actor.anonymous):
                found.add((self.standing(actor.group), f"anon:{actor.anonymous}"))
        return found

    def accounts_of(self, user: str) -> set[str]:
        if ties := self.ties(user):
            return {tie.account for tie in ties if not tie.until or day_of(tie.until) > self.today}
        if spans := self.addresses(user):
            return {self.owner(spans[-1][1])}
        known = self.start(user) is not None and self.world.solo_on
        return {f"solo:{user}"} if known else set()

    def account_of(self, user: str, day: int) -> str | None:
        if ties := self.ties(user):
            holding = [t for t in ties if day_of(t.since) <= day <= t.last_day]
            coming = [t for t in ties if day_of(t.since) > day]
            if not holding and coming:
                first = min(day_of(t.since) for t in coming)
                holding = [t for t in coming if day_of(t.since) == first]
            return max(holding, key=Tie.rank).account if holding else None
        if spans := self.addresses(user):
            return self.owner(
                [domain for since, domain in spans if since <= day or since == spans[0][0]][-1]
            )
        return f"solo:{user}" if self.world.solo_on else None

    # --- what ties a user to accounts

    def ties(self, user: str) -> list[Tie]:
        members = {}
        for row in self.world.members:
            since = row.since or self.start(user)
            if row.user == user and since is not None:
                key = (row.account, row.since)
                ends = [
                    end
                    for end in (row.until, members[key].until if key in members else None)
                    if end
                ]
                members[key] = Tie(row.account, since, min(ends, default=None), is_group=False)
        groups: dict[str, datetime] = {}
        for actor in self.world.actors:
            if (since := self.gives_group_tie(actor, user)) is not None:
                groups[actor.group] = min(since, groups.get(actor.group, since))
        ties = list(members.values())
        for account, since in groups.items():
            ends = [t.until for t in members.values() if t.account == account and t.until]
            until = min((end for end in ends if end > since), default=None)
            ties.append(Tie(account, since, until, is_group=True))
        return [tie for tie in ties if day_of(tie.since) <= tie.last_day]

    def gives_group_tie(self, actor: Actor, user: str) -> datetime | None:
        if actor.group is None:
            return None
        if actor.user is not None:
            return actor.first_at if actor.user == user else None
        later = [m for m in self.met(actor.anonymous) if day_of(m[0]) >= day_of(actor.first_at)]
        if later and later[0][1] == user:
            return max(actor.first_at, EPOCH + DAY * day_of(later[0][0]))
        return None

    def versions(self, user: str) -> list[tuple[datetime, str | None]]:
        first = self.first_event(user)
        rows = [
            (row.valid_from or row.created_at or first, row.valid_from or LONG_AGO, row.email or "")
            for row in self.world.users
            if row.user == user and (row.valid_from or row.created_at or first)
        ]
        return [(known, email or None) for known, _, email in sorted(rows)]

    def first_event(self, user: str) -> datetime | None:
        return min((a.first_at for a in self.world.actors if a.user == user), default=None)

    def start(self, user: str) -> datetime | None:
        moments = [known for known, _ in self.versions(user)]
        first = self.first_event(user)
        return min([*moments, *([first] if first else [])], default=None)

    def is_internal(self, user: str) -> bool:
        return any(self.company.get(email or "") == "internal" for _, email in self.versions(user))

    def addresses(self, user: str) -> list[tuple[int, str]]:
        """Return the days from which the user was known by a company's domain."""
        if not self.world.domains_on:
            return []
        by_day: dict[int, str] = {}
        for known, email in self.versions(user):
            if domain := self.company.get(email or ""):
                by_day[day_of(known)] = domain
        return sorted(by_day.items())

    def owner(self, domain: str) -> str:
        current: list[tuple[int, str]] = []
        former: list[tuple[int, str]] = []
        for account in {row.account for row in self.world.accounts}:
            held = self.held_domains(account)
            for (since, name), after in zip(held, [*held, None][1:], strict=True):
                if name == domain and after is None:
                    current.append((since, account))
                elif name == domain:
                    former.append((-after[0], account))
        return min(current or former, default=(0, domain))[1]

    def held_domains(self, account: str) -> list[tuple[int, str]]:
        mine = [row for row in self.world.accounts if row.account == account]
        rows = sorted(
            (row.valid_from or row.created_at or LONG_AGO, row.valid_from or LONG_AGO, domain)
            for row in mine
            if (domain := self.company.get(row.domain or "")) not in (None, "internal")
        )
        by_day = {day_of(known): domain for known, _, domain in rows}
        held: list[tuple[int, str]] = []
        for since, domain in sorted(by_day.items()):
            if not held or held[-1][1] != domain:
                held.append((since, domain))
        return held

    # --- who stands behind an anonymous id, and where an account stands

    def met(self, anonymous: str | None) -> list[tuple[datetime, str]]:
        """Return the users seen with an anonymous id, in the order they were first seen."""
        first: dict[str, datetime] = {}
        for actor in self.world.actors:
            if actor.user and actor.anonymous == anonymous and anonymous is not None:
                first[actor.user] = min(actor.first_at, first.get(actor.user, actor.first_at))
        return sorted((moment, user) for user, moment in first.items())

    def user_behind(self, anonymous: str | None, day: int) -> str | None:
        met = self.met(anonymous)
        later = [user for moment, user in met if day_of(moment) >= day]
        earlier = [user for moment, user in met if day_of(moment) < day]
        return (later[:1] or earlier[-1:] or [None])[0]

    def standing(self, account: str) -> str:
        holding = [
            row
            for row in self.world.merges
            if row.source == account
            and day_of(row.since) <= self.today
            and (row.until is None or day_of(row.until) > self.today)
        ]
        if not holding:
            return account
        return self.standing(max(holding, key=lambda row: (row.since, row.into)).into)
