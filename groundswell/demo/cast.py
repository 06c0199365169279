"""Who there is: the accounts of the demo company, their people, and the seats people hold.

Everything is a column of numbers; a name becomes text only when a file is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from groundswell.demo.archetypes import ARCHETYPES, NUMBER
from groundswell.demo.arrays import NEVER, Bools, Floats, Ints, Longs, Stream, generator, int32
from groundswell.demo.catalogue import MIX, MIX_NAMES
from groundswell.demo.names import DEPARTMENTS, INDUSTRY_NAMES

if TYPE_CHECKING:
    from groundswell.demo.calendars import Calendar

SEAT_STEPS = np.asarray([10, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 300])
FREE_SEATS = 10
CONSULTANTS = 0.015
BOT_ACCOUNTS = 0.4  # of the only-busy
BOT_BURST = 42.0
UNGROUPED = 0.08
LEAVERS = 0.12
FULL = 0.93  # of the people of an account that is ready to expand, by its moment


@dataclass(slots=True)
class Accounts:
    """One entry per account; days are days since 1970-01-01, NEVER where it does not happen.

    `moment` is what the account's story leads up to; `converts` the day it pays, which may lie
    after the end of the data; `plan` is 0 free .. 3 enterprise, once paying. `base` gives its
    people their names. `stop` is the day from which nobody comes any more.
    """

    archetype: Ints
    signup: Ints
    moment: Ints
    converts: Ints
    stop: Ints
    plan: Ints
    people: Ints
    seat_limit: Ints
    employees: Ints
    industry: Ints
    country: Ints
    personal: Bools
    grouped: Bools
    bot: Bools
    parent: Ints
    base: Ints
    first_seat: Ints

    def __len__(self) -> int:
        """Return how many accounts there are."""
        return len(self.archetype)

    def are(self, *names: str) -> Bools:
        """Tell which accounts are of one of the named archetypes."""
        return np.isin(self.archetype, [NUMBER[name] for name in names])


@dataclass(slots=True)
class Seats:
    """One entry per (person, account); the first len(people) are the people's own accounts.

    `presence` is the chance of being active on a working day, `burst` the events of such a day,
    `fade` the days in which presence falls to a third (0: never), `joined` the instant of
    signing up or joining, in microseconds, and `until` the first day without the seat's use.
    `use_from` is the first day of everyday use: the day after joining, or the first of the
    history.
    """

    account: Ints
    person: Ints
    rank: Ints
    join: Ints
    until: Ints
    joined: Longs
    presence: Floats
    burst: Floats
    fade: Floats
    lift: Floats
    mix: Ints
    invited: Bools

    def __len__(self) -> int:
        """Return how many seats there are."""
        return len(self.account)


@dataclass(slots=True)
class People:
    """One entry per person, in the order of their home seats."""

    department: Ints
    seniority: Floats
    second_domain: Bools
    browsed: Bools  # looked at the website before signing up

    def __len__(self) -> int:
        """Return how many people there are."""
        return len(self.department)


@dataclass(slots=True)
class Cast:
    """Everybody."""

    accounts: Accounts
    people: People
    seats: Seats


def build_cast(
    *, accounts: int, seed: int, calendar: Calendar, first: int, last: int, crowd: float
) -> Cast:
    """Return the accounts, people and seats of a company.

    Args:
        accounts: How many accounts.
        seed: The company's seed.
        calendar: Working days by country.
        first: First day of the history.
        last: Last day of the history.
        crowd: Multiplies the size of every team.
    """
    rng = generator(seed, Stream.CAST)
    table = _accounts(rng, accounts, calendar, first=first, last=last, crowd=crowd)
    people, seats = _people(rng, table, calendar, last=last)
    return Cast(table, people, _with_consultants(rng, table, seats, len(people)))


def _per_archetype(values: list[float], archetype: Ints) -> Floats:
    return np.asarray(values, dtype=np.float64)[archetype]


def _accounts(
    rng: np.random.Generator,
    count: int,
    calendar: Calendar,
    *,
    first: int,
    last: int,
    crowd: float,
) -> Accounts:
    shares = np.asarray([item.share for item in ARCHETYPES])
    # Whole shares, not draws: even a small company has some of every kind.
    bounds = np.round(np.cumsum(shares) / shares.sum() * count)
    archetype = rng.permutation(np.searchsorted(bounds, np.arange(count), side="right"))
    archetype = archetype.astype(np.int32)

    def spec(pick: list[float]) -> Floats:
        return _per_archetype(pick, archetype)

    span = last - first
    drawn = rng.beta(
        spec([item.signup[0] for item in ARCHETYPES]), spec([item.signup[1] for item in ARCHETYPES])
    )
    country = rng.choice(len(calendar.countries), count, p=calendar.shares).astype(np.int32)
    signup = calendar.next_working_day(int32(first + drawn * span), country, rng)
    signup = np.minimum(signup, last)
    gap = _between(
        rng,
        spec([item.moment[0] for item in ARCHETYPES]),
        spec([item.moment[1] for item in ARCHETYPES]),
    )
    about_now = last + _between(
        rng,
        spec([item.current[1] for item in ARCHETYPES]),
        spec([item.current[2] for item in ARCHETYPES]),
    )
    current = rng.random(count) < spec([item.current[0] for item in ARCHETYPES])
    signup = np.where(current, np.clip(about_now - gap, first, last - 4), signup)
    moment = np.where(current, np.maximum(about_now, signup + 2), signup + gap)
    pays = rng.random(count) < spec([item.pays for item in ARCHETYPES])
    lag = _between(
        rng,
        spec([item.lag[0] for item in ARCHETYPES]),
        spec([item.lag[1] for item in ARCHETYPES]),
    )
    people = int32(
        crowd
        * spec([item.people[0] for item in ARCHETYPES])
        * np.exp(spec([item.people[1] for item in ARCHETYPES]) * rng.standard_normal(count))
        + 0.5
    )
    people = np.clip(people, 1, crowd * spec([item.people[2] for item in ARCHETYPES]))
    employees = spec([item.employees[0] for item in ARCHETYPES]) * np.exp(
        spec([item.employees[1] for item in ARCHETYPES]) * rng.standard_normal(count)
    )
    plan_chances = np.asarray([np.cumsum(item.plans) for item in ARCHETYPES])
    plan = 1 + (rng.random(count)[:, None] > plan_chances[archetype]).sum(axis=1).clip(max=2)
    personal = rng.random(count) < spec([item.personal for item in ARCHETYPES])
    table = Accounts(
        archetype=archetype,
        signup=signup.astype(np.int32),
        moment=moment.astype(np.int32),
        converts=np.where(pays, moment + lag, NEVER).astype(np.int32),
        stop=np.full(count, NEVER, dtype=np.int32),
        plan=np.where(pays, plan, 0).astype(np.int32),
        people=np.where(personal, 1, people).astype(np.int32),
        seat_limit=np.full(count, FREE_SEATS, dtype=np.int32),
        employees=np.where(personal, 1, np.maximum(employees, people * 1.2)).astype(np.int32),
        industry=_industries(rng, count),
        country=country,
        personal=personal,
        grouped=rng.random(count) >= UNGROUPED,
        bot=np.zeros(count, dtype=np.bool_),
        parent=np.full(count, -1, dtype=np.int32),
        base=rng.integers(0, 2**30, count).astype(np.int32),
        first_seat=np.zeros(count, dtype=np.int32),
    )
    _shape(rng, table, first=first, last=last)
    table.first_seat = np.concatenate([[0], np.cumsum(table.people)[:-1]]).astype(np.int32)
    return table


def _between(rng: np.random.Generator, low: Floats, high: Floats) -> Ints:
    """Return whole numbers drawn evenly from low..high, both included."""
    return int32(low + rng.random(len(low)) * (high - low + 1))


def _industries(rng: np.random.Generator, count: int) -> Ints:
    weights = np.asarray([24, 9, 10, 7, 10, 8, 7, 6, 6, 5, 4, 4], dtype=np.float64)
    return rng.choice(len(INDUSTRY_NAMES), count, p=weights / weights.sum()).astype(np.int32)


def _shape(rng: np.random.Generator, table: Accounts, *, first: int, last: int) -> None:
    """Give each kind of account what its story needs beyond the common draws."""
    count = len(table)
    # Nobody who has solo accounts or an ungrouped account has a company's address.
    table.grouped |= table.personal
    busy = np.flatnonzero(table.are("only_busy"))
    bots = busy[: round(len(busy) * BOT_ACCOUNTS)]
    table.bot[bots] = True
    table.people[bots] = 1

    churned = np.flatnonzero(table.are("champion_churn"))
    stay = rng.integers(70, 260, len(churned))
    table.stop[churned] = table.converts[churned] + stay

    # Seats bought: with room for most, almost full for those who are ready to expand.
    roomy = np.searchsorted(SEAT_STEPS, table.people * rng.uniform(1.5, 2.6, count))
    paying = table.converts < NEVER
    table.seat_limit[paying] = SEAT_STEPS[np.minimum(roomy, len(SEAT_STEPS) - 1)][paying]
    ready = np.flatnonzero(table.are("expansion_ready"))
    tight = np.searchsorted(SEAT_STEPS, table.people[ready])
    limit = SEAT_STEPS[np.minimum(tight, len(SEAT_STEPS) - 1)]
    table.seat_limit[ready] = limit
    table.people[ready] = np.maximum(np.ceil(limit * rng.uniform(0.9, 1.0, len(ready))), 1)
    # They fill up two to five months before the end, and have paid since their first weeks.
    table.signup[ready] = np.minimum(table.signup[ready], max(last - 200, first))
    full = last - rng.integers(65, 150, len(ready))
    table.moment[ready] = np.maximum(full, table.signup[ready] + 60)
    table.converts[ready] = table.signup[ready] + rng.integers(10, 50, len(ready))
    # Plans have room for a number of people: 50 on team.
    table.plan[(table.plan == 1) & (table.seat_limit > 50)] = 2  # business

    small = np.flatnonzero(
        table.are("steady_payer", "dormant", "only_large", "tyre_kicker") & ~table.personal
    )
    large = np.flatnonzero(table.are("only_large", "enterprise_shaped"))
    if len(large) and len(small):
        children = rng.choice(small, max(1, count // 60), replace=False)
        parents = rng.choice(large, len(children))
        kin = children != parents
        children, parents = children[kin], parents[kin]
        loop = np.isin(parents, children)
        table.parent[children[~loop]] = parents[~loop]


def _people(
    rng: np.random.Generator, table: Accounts, calendar: Calendar, *, last: int
) -> tuple[People, Seats]:
    account = np.repeat(np.arange(len(table), dtype=np.int32), table.people)
    rank = (np.arange(len(account)) - table.first_seat[account]).astype(np.int32)
    kind = table.archetype[account]
    signup = table.signup[account]
    span = _per_archetype([float(item.joining[0]) for item in ARCHETYPES], kind)
    until_moment = (table.moment[account] - signup).astype(np.float64)
    span = np.where(span == 0, until_moment, span)
    drawn = rng.beta(
        _per_archetype([item.joining[1] for item in ARCHETYPES], kind),
        _per_archetype([item.joining[2] for item in ARCHETYPES], kind),
    )
    wait = np.where(rank == 0, 0, 1 + drawn * span)
    # Those who are ready to expand are full by their moment; the last of them come lately.
    lately = table.are("expansion_ready")[account] & (rank >= table.people[account] * FULL)
    recent = last - signup - rng.integers(1, 40, len(account))
    wait = np.where(lately, np.maximum(recent, wait), wait)
    join = calendar.next_working_day(int32(signup + wait), table.country[account], rng)
    join = np.where(rank == 0, signup, np.maximum(join, signup)).astype(np.int32)
    keep = join <= last
    # People who would come after the end are not born; those left move up in rank by joining.
    order = np.lexsort((join, account))
    order = order[keep[order]]
    account, join = account[order], join[order]
    table.people = np.bincount(account, minlength=len(table)).astype(np.int32)
    table.first_seat = np.concatenate([[0], np.cumsum(table.people)[:-1]]).astype(np.int32)
    rank = (np.arange(len(account)) - table.first_seat[account]).astype(np.int32)
    seats = _seats(rng, table, account, rank, join, calendar)
    seniority = np.where(rank == 0, rng.uniform(0.3, 1.0, len(account)), rng.random(len(account)))
    # Few departments in a small team, many in a large one.
    spread = np.clip(1 + table.people[account] // 5, 1, len(DEPARTMENTS))
    department = (table.base[account] + int32(rng.random(len(account)) * spread)) % len(DEPARTMENTS)
    people = People(
        department=department.astype(np.int32),
        seniority=seniority,
        second_domain=rng.random(len(account)) < 0.3,  # where there is one
        browsed=rng.random(len(account)) < np.where(seats.invited, 0.05, 0.5),
    )
    return people, seats


def _seats(
    rng: np.random.Generator,
    table: Accounts,
    account: Ints,
    rank: Ints,
    join: Ints,
    calendar: Calendar,
) -> Seats:
    count = len(account)
    kind = table.archetype[account]
    low = _per_archetype([item.presence[0] for item in ARCHETYPES], kind)
    high = _per_archetype([item.presence[1] for item in ARCHETYPES], kind)
    burst = _per_archetype([item.burst for item in ARCHETYPES], kind)
    mix_chances = np.cumsum(
        [[item.mixes.get(name, 0.0) for name in MIX_NAMES] for item in ARCHETYPES], axis=1
    )
    mix = (rng.random(count)[:, None] > mix_chances[kind]).sum(axis=1).clip(max=len(MIX_NAMES) - 1)
    stays = table.are("expansion_ready")[account]
    leaves = (rng.random(count) < LEAVERS) & (rank > 0) & ~stays
    until = np.where(leaves, join + rng.integers(20, 300, count), NEVER)
    # The champion goes first, three weeks before everybody else.
    stop = table.stop[account] - np.where(rank == 0, 21, 0)
    bot = table.bot[account]
    # Asked in by a colleague, unless first; a few find their own way (more so in big companies).
    alone = np.where(table.are("enterprise_shaped")[account], 0.3, 0.12)
    return Seats(
        account=account,
        person=np.arange(count, dtype=np.int32),
        rank=rank,
        join=join,
        until=np.minimum(until, stop).astype(np.int32),
        joined=calendar.moments(rng, join, table.country[account]),
        presence=np.where(bot, 0.97, low + (high - low) * rng.random(count)),
        burst=np.where(bot, BOT_BURST, 1 + (burst - 1) * rng.gamma(3.0, 1 / 3.0, count)),
        fade=_per_archetype([item.fade for item in ARCHETYPES], kind),
        lift=_per_archetype([item.lift for item in ARCHETYPES], kind),
        mix=np.where(bot, MIX["bot"], mix).astype(np.int32),
        invited=(rank > 0) & (rng.random(count) >= alone),
    )


def _with_consultants(
    rng: np.random.Generator, table: Accounts, seats: Seats, people: int
) -> Seats:
    """Add second seats: a few people also work in somebody else's account."""
    hosts = np.flatnonzero(table.are("steady_payer", "will_convert", "expansion_ready"))
    guests = np.flatnonzero(table.are("steady_payer")[seats.account] & (seats.rank == 1))
    if not len(hosts) or not len(guests):
        return seats
    guest = rng.choice(guests, min(len(guests), max(1, round(people * CONSULTANTS))), replace=False)
    host = rng.choice(hosts, len(guest)).astype(np.int32)
    # Only into another account that existed by then.
    fits = (host != seats.account[guest]) & (table.signup[host] < seats.join[guest])
    guest, host = guest[fits].astype(np.int32), host[fits]
    zeros = np.zeros(len(guest))
    return Seats(
        account=np.concatenate([seats.account, host]),
        person=np.concatenate([seats.person, seats.person[guest]]),
        rank=np.concatenate([seats.rank, np.full(len(guest), 99, dtype=np.int32)]),
        join=np.concatenate([seats.join, seats.join[guest] + 7]).astype(np.int32),
        until=np.concatenate([seats.until, np.minimum(seats.until[guest], table.stop[host])]),
        joined=np.concatenate([seats.joined, seats.joined[guest] + 7 * 86_400_000_000]),
        presence=np.concatenate([seats.presence, seats.presence[guest] / 3]),
        burst=np.concatenate([seats.burst, seats.burst[guest]]),
        fade=np.concatenate([seats.fade, zeros]),
        lift=np.concatenate([seats.lift, zeros]),
        mix=np.concatenate([seats.mix, seats.mix[guest]]),
        invited=np.concatenate([seats.invited, zeros.astype(np.bool_)]),
    )
