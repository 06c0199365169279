"""Who there is: the accounts of the demo company, their people, and the seats people hold.

Everything is a column of numbers; a name becomes text only when a file is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from groundswell.demo.accounts import draw_accounts, per_archetype
from groundswell.demo.archetypes import ARCHETYPES
from groundswell.demo.arrays import NEVER, Stream, generator, int32
from groundswell.demo.catalogue import MIX, MIX_NAMES
from groundswell.demo.names import DEPARTMENTS

if TYPE_CHECKING:
    from groundswell.demo.accounts import Accounts
    from groundswell.demo.arrays import Bools, Floats, Ints, Longs
    from groundswell.demo.calendars import Calendar

CONSULTANTS = 0.015  # of people, who also work in somebody else's account
BOT_BURST, HEAVY_BURST = 42.0, 560.0
LEAVERS = 0.12
FULL = 0.86  # of the people of an account that is ready to expand, by its moment


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
    table = draw_accounts(rng, accounts, calendar, first=first, last=last, crowd=crowd)
    people, seats = _people(rng, table, calendar, last=last)
    return Cast(table, people, _with_consultants(rng, table, seats, len(people)))


def _people(
    rng: np.random.Generator, table: Accounts, calendar: Calendar, *, last: int
) -> tuple[People, Seats]:
    account = np.repeat(np.arange(len(table), dtype=np.int32), table.people)
    rank = (np.arange(len(account)) - table.first_seat[account]).astype(np.int32)
    kind = table.archetype[account]
    signup = table.signup[account]
    span = per_archetype([float(item.joining[0]) for item in ARCHETYPES], kind)
    until_moment = (table.moment[account] - signup).astype(np.float64)
    span = np.where(span == 0, until_moment, span)
    drawn = rng.beta(
        per_archetype([item.joining[1] for item in ARCHETYPES], kind),
        per_archetype([item.joining[2] for item in ARCHETYPES], kind),
    )
    wait = np.where(rank == 0, 0, 1 + drawn * span)
    # Those who are ready to expand are full by their moment; the last of them come lately.
    lately = table.are("expansion_ready")[account] & (rank >= table.people[account] * FULL)
    recent = last - signup - rng.integers(2, 32, len(account))
    wait = np.where(lately, np.maximum(recent, wait), wait)
    join = calendar.next_working_day(int32(signup + wait), table.country[account], rng)
    join = np.where(rank == 0, signup, np.maximum(join, signup)).astype(np.int32)
    order = np.lexsort((join, account))
    # The free plan is full at some point: whoever comes later waits until the account pays.
    waits = (rank >= table.free_seats[account]) & (join[order] < table.converts[account])
    after = np.minimum(table.converts[account], NEVER) + rng.integers(1, 30, len(account))
    join = np.where(waits, after, join[order]).astype(np.int32)
    # People who would come after the end are not born; those left are in the order they came.
    order = np.lexsort((join, account))
    order = order[join[order] <= last]
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
    low = per_archetype([item.presence[0] for item in ARCHETYPES], kind)
    high = per_archetype([item.presence[1] for item in ARCHETYPES], kind)
    burst = per_archetype([item.burst for item in ARCHETYPES], kind)
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
    steady = np.where(table.heavy[account], HEAVY_BURST, BOT_BURST)
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
        burst=np.where(bot, steady, 1 + (burst - 1) * rng.gamma(3.0, 1 / 3.0, count)),
        fade=per_archetype([item.fade for item in ARCHETYPES], kind),
        lift=per_archetype([item.lift for item in ARCHETYPES], kind),
        mix=np.where(bot, MIX["bot"], mix).astype(np.int32),
        invited=(rank > 0) & (rng.random(count) >= alone),
    )


def _with_consultants(
    rng: np.random.Generator, table: Accounts, seats: Seats, people: int
) -> Seats:
    """Add second seats: a few people also work in somebody else's account."""
    hosts = np.flatnonzero(table.are("steady_payer", "champion_churn"))
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
