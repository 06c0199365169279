"""What other systems know: the CRM's accounts and opportunities, billing, and the help desk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from groundswell.demo.arrays import DAY_US, NEVER, NEVER_US, Stream, generator, int32
from groundswell.demo.csvfiles import days, instants, write_csv
from groundswell.demo.deals import REPS, SEAT_PRICE, draw_deals
from groundswell.demo.directory import members_of_nothing
from groundswell.demo.names import DEPARTMENTS, INDUSTRY_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from groundswell.demo.arrays import Bools, Floats, Ints
    from groundswell.demo.calendars import Calendar
    from groundswell.demo.cast import Cast
    from groundswell.demo.directory import Directory

PLANS = ("free", "team", "business", "enterprise")
USAGE_LIMITS = np.asarray([1_000, 20_000, 100_000, 1_000_000])
TECHNOLOGIES = (
    "slack", "github", "salesforce", "snowflake", "jira", "hubspot", "aws", "okta", "zendesk",
)  # fmt: skip
MINUTE_US = 60_000_000
EMPLOYEES_KNOWN, INDUSTRY_KNOWN, STACK_KNOWN = 0.85, 0.88, 0.65
TARGETS = 0.35  # of companies with more than a thousand employees
TOPIC_SHARES = (0.4, 0.3, 0.1, 0.1, 0.06, 0.04)
LOST_REASONS = ("price", "no budget", "missing feature", "went silent", "chose a competitor")
COMPETITORS = ("Gridlane", "Tasktide", "Boardwalk")


class Records:
    """Writes the tables beside the events, and remembers how many rows each has."""

    def __init__(
        self, cast: Cast, directory: Directory, calendar: Calendar, *, seed: int, last: int
    ) -> None:
        self._cast = cast
        self._directory = directory
        self._calendar = calendar
        self._seed = seed
        self._last = last
        self._deals = draw_deals(cast, generator(seed, Stream.RECORDS, 0), last=last)
        self.rows: dict[str, int] = {}

    def write(self, folder: Path) -> list[Path]:
        """Write every table into `folder` and return the files."""
        tables = {
            "users": self._users,
            "memberships": self._memberships,
            "accounts": self._accounts,
            "subscriptions": self._subscriptions,
            "opportunities": self._opportunities,
            "touches": self._touches,
            "tickets": self._tickets,
            "costs": self._costs,
        }
        files: list[Path] = []
        for number, (name, table) in enumerate(tables.items()):
            columns = table(generator(self._seed, Stream.RECORDS, 1 + number))
            path = folder / f"{name}.csv"
            self.rows[name] = write_csv(path, columns, broken=_BROKEN.get(name, ()))
            files.append(path)
        return files

    def _ids(self, accounts: Ints) -> list[str]:
        return [self._directory.account_ids[number] for number in accounts.tolist()]

    def _users(self, rng: np.random.Generator) -> dict[str, list[object]]:
        people = self._cast.people
        count = len(people)
        untitled = rng.random(count) < 0.25  # not all fill it in
        return {
            "user_id": list(self._directory.user_ids),
            "email": list(self._directory.email),
            "name": list(self._directory.person),
            "title": _masked(self._directory.title, untitled),
            "department": _masked([DEPARTMENTS[n] for n in people.department.tolist()], untitled),
            "created_at": list(instants(self._cast.seats.joined[:count])),
        }

    def _memberships(self, rng: np.random.Generator) -> dict[str, list[object]]:
        del rng
        seats = self._cast.seats
        kept = np.flatnonzero(~members_of_nothing(self._cast, self._directory)).astype(np.int32)
        gone = np.where(seats.until[kept] <= self._last, seats.until[kept], NEVER)
        gone = np.where(gone <= seats.join[kept], NEVER, gone).astype(np.int32)
        return {
            "user_id": [self._directory.user_ids[n] for n in seats.person[kept].tolist()],
            "account_id": list(self._ids(seats.account[kept])),
            "role": ["admin" if rank == 0 else "member" for rank in seats.rank[kept].tolist()],
            "since": list(instants(seats.joined[kept])),
            "until": list(days(gone, hour=23)),
        }

    def _accounts(self, rng: np.random.Generator) -> dict[str, list[object]]:
        table, names = self._cast.accounts, self._directory
        kept = np.flatnonzero(~names.solo).astype(np.int32)
        count = len(table)
        unknown = table.personal | (rng.random(count) >= EMPLOYEES_KNOWN)
        no_industry = table.personal | (rng.random(count) >= INDUSTRY_KNOWN)
        no_stack = table.personal | (rng.random(count) >= STACK_KNOWN)
        target = (table.employees > 1000) & (rng.random(count) < TARGETS)
        stacks = self._stacks(rng)
        owned = self._deals.ownership(last=self._last)
        versions = np.concatenate([kept, owned.account]).astype(np.int32)
        owner = [*([None] * len(kept)), *owned.owner]
        made = instants(self._cast.seats.joined[table.first_seat[versions]])
        valid_from = [*made[: len(kept)], *days(owned.since)]
        pick = versions.tolist()
        return {
            "account_id": list(self._ids(versions)),
            "name": [names.company[n] or None for n in pick],
            "domain": [names.domain[n] or None for n in pick],
            "parent_id": [
                names.account_ids[table.parent[n]] if table.parent[n] >= 0 else None for n in pick
            ],
            "employees": [None if unknown[n] else int(table.employees[n]) for n in pick],
            "industry": [
                None if no_industry[n] else INDUSTRY_NAMES[table.industry[n]] for n in pick
            ],
            "country": [self._calendar.countries[table.country[n]].code for n in pick],
            "tech_stack": [None if no_stack[n] else stacks[n] for n in pick],
            "target": ["true" if target[n] else None for n in pick],
            "created_at": list(made),
            "owner": list(owner),
            "valid_from": list(valid_from),
        }

    def _stacks(self, rng: np.random.Generator) -> list[str]:
        """Return the technologies of each account: those who buy have more of those that fit."""
        table = self._cast.accounts
        buyers = table.are("will_convert", "expansion_ready", "enterprise_shaped", "hand_raiser")
        chance = np.where(buyers, 0.55, 0.3)[:, None]
        uses = rng.random((len(table), len(TECHNOLOGIES))) < chance
        return [",".join(np.asarray(TECHNOLOGIES)[row]) for row in uses]

    def _subscriptions(self, rng: np.random.Generator) -> dict[str, list[object]]:
        """Billing: a free plan from signup; a paid one from converting until leaving."""
        del rng
        table = self._cast.accounts
        everyone = np.flatnonzero(~self._directory.solo).astype(np.int32)
        paid = np.flatnonzero(table.converts <= self._last).astype(np.int32)
        joined = self._cast.seats.joined[table.first_seat]
        # Billing starts at the end of the day of converting, after the checkout.
        starts = np.where(table.converts < NEVER, table.converts, 0).astype(np.int64) * DAY_US
        starts += 86_390_000_000
        free_end = np.where(table.converts <= self._last, starts, NEVER_US)
        stop = np.where(table.stop <= self._last, table.stop, NEVER).astype(np.int32)
        account = np.concatenate([everyone, paid])
        is_paid = np.arange(len(account)) >= len(everyone)
        plan = np.where(is_paid, table.plan[account], 0)
        limit = np.where(is_paid, table.seat_limit[account], table.free_seats[account])
        worked = np.isin(account, self._deals.account[self._deals.won])
        return {
            "subscription_id": [
                f"sub-{n + 1:05d}-{PLANS[p]}"
                for n, p in zip(account.tolist(), plan.tolist(), strict=True)
            ],
            "account_id": list(self._ids(account)),
            "plan": [PLANS[number] for number in plan.tolist()],
            "mrr": [f"{value:.2f}" for value in _mrr(plan, limit).tolist()],
            "seat_limit": limit.tolist(),
            "usage_limit": USAGE_LIMITS[plan].tolist(),
            "started_at": list(instants(np.where(is_paid, starts[account], joined[account]))),
            "ended_at": [
                leaving if later else upgrade
                for later, leaving, upgrade in zip(
                    is_paid, days(stop[account]), instants(free_end[account]), strict=True
                )
            ],
            "touched": ["true" if on else "false" for on in (worked & is_paid).tolist()],
        }

    def _opportunities(self, rng: np.random.Generator) -> dict[str, list[object]]:
        """The CRM's deals: one version when opened, one more when closed."""
        deals = self._deals
        count = len(deals.account)
        closed = np.flatnonzero(deals.closed <= self._last)
        which = np.concatenate([np.arange(count), closed])
        is_closed = np.arange(len(which)) >= count
        won = deals.won[which] & is_closed
        lost = ~deals.won[which] & is_closed
        reason = [LOST_REASONS[n] for n in rng.integers(0, len(LOST_REASONS), count)]
        rival = [COMPETITORS[n] for n in rng.integers(0, len(COMPETITORS), count)]
        # Rows go in order of time, so that the later version is the later one everywhere.
        stage = np.where(is_closed, np.where(won, "closed won", "closed lost"), "discovery")
        pick = which.tolist()
        return {
            "opportunity_id": [f"op-{n + 1:05d}" for n in pick],
            "account_id": list(self._ids(deals.account[which])),
            "created_at": list(days(deals.opened[which], hour=10)),
            "stage": stage.tolist(),
            "amount": [f"{deals.amount[n]:.2f}" for n in pick],
            "closed_at": list(days(np.where(is_closed, deals.closed[which], NEVER), hour=16)),
            "won": [
                "true" if yes else "false" if no else None
                for yes, no in zip(won.tolist(), lost.tolist(), strict=True)
            ],
            "source": [deals.source[n] for n in pick],
            "owner": [deals.owner[n] for n in pick],
            "lost_reason": [reason[n] if no else None for n, no in zip(pick, lost, strict=True)],
            "competitor": [
                rival[n] if no and reason[n] == LOST_REASONS[4] else None
                for n, no in zip(pick, lost, strict=True)
            ],
            "valid_from": [
                close if late else opened
                for late, opened, close in zip(
                    is_closed.tolist(),
                    days(deals.opened[which], hour=10),
                    days(deals.closed[which], hour=16),
                    strict=True,
                )
            ],
        }

    def _touches(self, rng: np.random.Generator) -> dict[str, list[object]]:
        """What reps did: on their deals, and now and then on people who should be left alone."""
        deals, table = self._deals, self._cast.accounts
        times = 1 + rng.poisson(2.0, len(deals.account))
        worked = np.repeat(np.arange(len(deals.account)), times)
        day = deals.opened[worked] + rng.integers(0, 30, len(worked))
        strays = np.flatnonzero(table.are("tyre_kicker", "only_large") & ~table.personal)
        strays = strays[rng.random(len(strays)) < 0.05]  # a bad habit
        account = np.concatenate([deals.account[worked], strays]).astype(np.int32)
        day = np.concatenate([day, table.signup[strays] + 1]).astype(np.int32)
        rep = [deals.owner[n] for n in worked] + [REPS[n % len(REPS)] for n in range(len(strays))]
        kinds = ("email", "call", "meeting")
        kept = day <= self._last
        founders = table.first_seat[account]
        rows = zip(account.tolist(), founders.tolist(), rep, kept.tolist(), strict=True)
        chosen = [(n, f, r) for n, f, r, keep in rows if keep]
        return {
            "account_id": [self._directory.account_ids[n] for n, _, _ in chosen],
            "user_id": [self._directory.user_ids[f] for _, f, _ in chosen],
            "rep": [r for _, _, r in chosen],
            "kind": [kinds[n] for n in rng.integers(0, 3, len(chosen))],
            "at": list(
                instants(
                    day[kept].astype(np.int64) * DAY_US
                    + rng.integers(9 * 60, 17 * 60, len(chosen)) * MINUTE_US
                )
            ),
        }

    def _tickets(self, rng: np.random.Generator) -> dict[str, list[object]]:
        """Tickets written by e-mail; those written inside the product are events."""
        table, seats = self._cast.accounts, self._cast.seats
        home = np.arange(len(self._cast.people))
        talkative = np.where(table.converts[seats.account[home]] < NEVER, 0.12, 0.02)
        who = home[(rng.random(len(home)) < talkative) & ~self._directory.solo[seats.account[home]]]
        low, high = seats.join[who], np.minimum(seats.until[who], self._last + 1)
        day = int32(low + rng.random(len(who)) * (high - low))
        topics = ("how to", "bug", "billing", "integration", "pricing", "security")
        solved = day + rng.integers(0, 6, len(who))
        solved = np.where(solved > self._last, NEVER, solved).astype(np.int32)
        return {
            "account_id": list(self._ids(seats.account[who])),
            "user_id": [self._directory.user_ids[n] for n in who.tolist()],
            "topic": [topics[n] for n in rng.choice(len(topics), len(who), p=TOPIC_SHARES)],
            "at": list(days(day, hour=12)),
            "resolved_at": list(days(solved, hour=17)),
        }

    def _costs(self, rng: np.random.Generator) -> dict[str, list[object]]:
        span = np.arange(self._calendar.first, self._last + 1).astype("datetime64[D]")
        months = np.unique(span.astype("datetime64[M]"))
        spend = {"marketing": 42_000, "sales": 61_000, "tools": 7_000}
        pairs = [(str(month), name) for month in months for name in spend]
        return {
            "month": [f"{month}-01" for month, _ in pairs],
            "category": [name for _, name in pairs],
            "amount": [f"{spend[name] * rng.uniform(0.9, 1.15):.2f}" for _, name in pairs],
        }


def _mrr(plan: Ints, seats: Ints) -> Floats:
    """Return monthly revenue: 12 a seat on team, from 900 on business, 20 a seat above."""
    prices = np.asarray([0.0, SEAT_PRICE, 15.0, 22.0])[plan] * seats
    floors = np.asarray([0.0, 0.0, 900.0, 2_500.0])[plan]
    return np.maximum(prices, floors)


def _masked(values: Iterable[str], hidden: Bools) -> list[object]:
    """Return the values with None where hidden."""
    return [None if no else text for text, no in zip(values, hidden.tolist(), strict=True)]


# Lines as exports break them: a row without its key, a date of no calendar, too many fields.
_BROKEN: dict[str, tuple[str, ...]] = {
    "users": (
        ",nobody@birchgate-labs.example,No Id,,,2025-03-01T09:00:00Z",
        "u-900001,bad.date@birchgate-labs.example,Bad Date,,,31/31/2025",
        "u-900002,extra@birchgate-labs.example,Extra,Fields,Here,2025-03-01T09:00:00Z,more,more",
    ),
    "accounts": (
        'ac-90001,"Unknown, Ltd",unknown.example,,about fifty,software,US,,,2025-04-01T09:00Z,,',
        ",No Key Inc,no-key.example,,10,software,US,,,2025-04-01T09:00:00Z,,",
    ),
    "subscriptions": (
        "sub-90001,ac-00001,team,a lot,50,20000,2025-05-01T00:00:00Z,,false",
        "sub-90002,ac-00001,,120.00,10,20000,2025-05-01T00:00:00Z,,false",
    ),
    "tickets": ("ac-00001,,bug,soon,",),
}
