"""The accounts of the company: what kind each is, how large, when it comes, what it buys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from groundswell.demo.archetypes import ARCHETYPES, NUMBER
from groundswell.demo.arrays import NEVER, int32
from groundswell.demo.names import INDUSTRY_NAMES

if TYPE_CHECKING:
    from groundswell.demo.arrays import Bools, Floats, Ints
    from groundswell.demo.calendars import Calendar

SEAT_STEPS = np.asarray([10, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 300])
FREE_SEATS = 10
LARGE, LARGE_FREE_SEATS = 1000, 100  # companies of that many employees get more for free
HEAVY = 12  # one script in so many is a heavy one
BOT_ACCOUNTS = 0.4  # of the only-busy
UNGROUPED = 0.08  # of accounts, whose events carry no account id


@dataclass(slots=True)
class Accounts:
    """One entry per account; days are days since 1970-01-01, NEVER where it does not happen.

    `moment` is what the account's story leads up to; `converts` the day it pays, which may lie
    after the end of the data; `plan` is 0 free .. 3 enterprise, once paying;
    `free_seats` are allowed until then, `seat_limit` from then on. `base` gives its
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
    free_seats: Ints
    employees: Ints
    industry: Ints
    country: Ints
    personal: Bools
    grouped: Bools
    bot: Bools
    heavy: Bools
    parent: Ints
    base: Ints
    first_seat: Ints

    def __len__(self) -> int:
        """Return how many accounts there are."""
        return len(self.archetype)

    def are(self, *names: str) -> Bools:
        """Tell which accounts are of one of the named archetypes."""
        return np.isin(self.archetype, [NUMBER[name] for name in names])


def per_archetype(values: list[float], archetype: Ints) -> Floats:
    """Return the value of each account's archetype."""
    return np.asarray(values, dtype=np.float64)[archetype]


def draw_accounts(
    rng: np.random.Generator,
    count: int,
    calendar: Calendar,
    *,
    first: int,
    last: int,
    crowd: float,
) -> Accounts:
    """Draw the accounts of a company.

    Args:
        rng: The stream to draw from.
        count: How many accounts.
        calendar: Working days by country.
        first: First day of the history.
        last: Last day of the history.
        crowd: Multiplies the size of every team.
    """
    shares = np.asarray([item.share for item in ARCHETYPES])
    # Whole shares, not draws: even a small company has some of every kind.
    bounds = np.round(np.cumsum(shares) / shares.sum() * count)
    archetype = rng.permutation(np.searchsorted(bounds, np.arange(count), side="right"))
    archetype = archetype.astype(np.int32)

    def spec(pick: list[float]) -> Floats:
        return per_archetype(pick, archetype)

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
        free_seats=np.full(count, FREE_SEATS, dtype=np.int32),
        employees=np.where(personal, 1, np.maximum(employees, people * 1.2)).astype(np.int32),
        industry=_industries(rng, count),
        country=country,
        personal=personal,
        grouped=rng.random(count) >= UNGROUPED,
        bot=np.zeros(count, dtype=np.bool_),
        heavy=np.zeros(count, dtype=np.bool_),
        parent=np.full(count, -1, dtype=np.int32),
        base=rng.integers(0, 2**30, count).astype(np.int32),
        first_seat=np.zeros(count, dtype=np.int32),
    )
    _shape(rng, table, first=first, last=last)
    table.free_seats[table.employees >= LARGE] = LARGE_FREE_SEATS
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
    table.heavy[bots[::HEAVY]] = True
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
    table.people[ready] = np.maximum(np.ceil(limit * rng.uniform(0.94, 1.0, len(ready))), 1)
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
