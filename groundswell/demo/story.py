"""Tell the stories: sign-ups, invitations, beats, upgrades and the visits before a signup."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from groundswell.demo.archetypes import ARCHETYPES
from groundswell.demo.arrays import DAY_US, NEVER, Floats, Ints, Longs, Stream, generator
from groundswell.demo.names import DEPARTMENTS
from groundswell.demo.rows import Rows, join
from groundswell.demo.stories import STORIES

if TYPE_CHECKING:
    from groundswell.demo.arrays import Bools
    from groundswell.demo.calendars import Calendar
    from groundswell.demo.cast import Cast
    from groundswell.demo.catalogue import Templates
    from groundswell.demo.stories import Beat, Who

MINUTE_US = 60_000_000
STRANGERS = 1.2  # visitors who never sign up, for each person who does
UNANSWERED = 0.35  # invitations nobody accepts, for each that somebody does
NEAR = 0.7  # of the seats, from which somebody runs into the limit


class Story:
    """Tells what happens to each account; the result is small beside everyday use."""

    def __init__(
        self, cast: Cast, calendar: Calendar, templates: Templates, *, seed: int, last: int
    ) -> None:
        self._cast = cast
        self._calendar = calendar
        self._templates = templates
        self._seed = seed
        self._last = last
        self._rng = generator(seed, Stream.STORY, 0)

    def tell(self, *, emails: list[str], roles: list[str]) -> Rows:
        """Return all the events of the stories, in no particular order.

        Args:
            emails: Address of each person, for invitations.
            roles: Job title of each person, for invitations.
        """
        parts = [
            *self._signups(),
            *self._invitations(emails, roles),
            self._upgrades(),
            *self._visits(),
        ]
        for number, archetype in enumerate(ARCHETYPES):
            accounts = np.flatnonzero(self._cast.accounts.archetype == number)
            for index, beat in enumerate(STORIES[archetype.name]):
                rng = generator(self._seed, Stream.STORY, 1, number, index)
                parts.append(self._beat(rng, beat, accounts))
        rows = join(parts)
        end = (self._last + 1) * DAY_US
        return rows.take(rows.at < end)

    # --- who acts, and when ------------------------------------------------------------------

    def _seat(self, rng: np.random.Generator, who: Who, account: Ints, day: Ints) -> Ints:
        """Return a seat of each account that has joined by the day and not left."""
        table, seats = self._cast.accounts, self._cast.seats
        first, people = table.first_seat[account], table.people[account]
        drawn = rng.random(len(account))
        if who == "founder":
            rank = np.zeros(len(account))
        elif who == "lead":
            rank = np.floor(drawn**2 * np.minimum(people, 3))
        else:
            rank = np.floor(drawn * people)
        seat = (first + rank).astype(np.int32)
        away = (seats.join[seat] > day) | (seats.until[seat] <= day)
        return np.where(away, first, seat).astype(np.int32)

    def _happens(self, seat: Ints, day: Ints, name: str, rng: np.random.Generator) -> Rows:
        """Return one event per (seat, day) at which the seat exists."""
        seats = self._cast.seats
        there = (seats.join[seat] <= day) & (seats.until[seat] > day) & (day <= self._last)
        seat, day = seat[there], day[there]
        at = self._calendar.moments(rng, day, self._cast.accounts.country[seats.account[seat]])
        # On the day of joining, after joining.
        soon = seats.joined[seat] + rng.integers(2, 90, len(seat)) * MINUTE_US
        template = self._templates.draw(rng, name, len(seat))
        return Rows.of(seat=seat, at=np.maximum(at, soon), template=template)

    def _beat(self, rng: np.random.Generator, beat: Beat, accounts: Longs) -> Rows:
        chosen = accounts[rng.random(len(accounts)) < beat.chance]
        times = 1 + rng.poisson(max(beat.mean - 1, 0), len(chosen))
        account = np.repeat(chosen, times).astype(np.int32)
        low, high = beat.days
        moment = self._cast.accounts.moment[account]
        day = (moment + rng.integers(low, high + 1, len(account))).astype(np.int32)
        country = self._cast.accounts.country[account]
        day = self._calendar.next_working_day(day, country, rng)
        if beat.event == "Seat Limit":
            near = self._near_limit(account, day)
            account, day = account[near], day[near]
        return self._happens(self._seat(rng, beat.who, account, day), day, beat.event, rng)

    def _near_limit(self, account: Ints, day: Ints) -> Bools:
        """Tell which accounts have most of their seats taken by the day."""
        table, seats = self._cast.accounts, self._cast.seats
        paying = table.converts[account] <= day
        limit = np.where(paying, table.seat_limit[account], table.free_seats[account])
        rank = np.ceil(NEAR * limit).astype(np.int32) - 1
        enough = rank < table.people[account]
        seat = table.first_seat[account] + np.where(enough, rank, 0)
        return enough & (seats.join[seat] <= day)

    # --- joining -----------------------------------------------------------------------------

    def _signups(self) -> list[Rows]:
        table, people = self._cast.accounts, self._cast.people
        home = np.arange(len(people), dtype=np.int32)
        seats = self._cast.seats
        rng = self._rng
        invited = seats.invited[home]
        alone = self._templates.draw(rng, "Signed Up", len(home))
        asked = self._templates.draw(rng, "Signed Up Invited", len(home))
        signed = Rows.of(
            seat=home,
            at=seats.joined[home],
            template=np.where(invited, asked, alone),
            visitor=np.where(people.browsed, home, -1).astype(np.int32),
        )
        founders = table.first_seat[table.people > 0]
        created = Rows.of(
            seat=founders,
            at=seats.joined[founders] + MINUTE_US,
            template=self._templates.draw(rng, "Account Created", len(founders)),
        )
        added = home[invited]
        accepted = Rows.of(
            seat=added,
            at=seats.joined[added] + 20_000_000,
            template=self._templates.draw(rng, "Invite Accepted", len(added)),
        )
        joined = Rows.of(
            seat=added,
            at=seats.joined[added] + 25_000_000,
            template=self._templates.draw(rng, "Account Added User", len(added)),
        )
        return [signed, created, accepted, joined, *self._activations(founders)]

    def _activations(self, founders: Ints) -> list[Rows]:
        """The aha, a first dashboard: within days for some, weeks for others."""
        rng = self._rng
        kind = self._cast.accounts.archetype[self._cast.seats.account[founders]]
        chance = np.asarray([item.activated for item in ARCHETYPES])[kind]
        chosen = founders[rng.random(len(founders)) < chance]
        lag = np.floor(rng.exponential(2.2, len(chosen)))
        day = (self._cast.seats.join[chosen] + lag).astype(np.int32)
        return [self._happens(chosen, day, "Dashboard Created", rng)]

    def _invitations(self, emails: list[str], roles: list[str]) -> list[Rows]:
        seats, rng = self._cast.seats, self._rng
        guest = np.flatnonzero(seats.invited[: len(self._cast.people)]).astype(np.int32)
        waited = np.floor(rng.exponential(2.0, len(guest)))
        account = seats.account[guest]
        day = np.maximum(seats.join[guest] - waited, seats.join[self._first(account)])
        day = day.astype(np.int32)
        host = self._seat(rng, "lead", account, day)
        at = self._calendar.moments(rng, day, self._cast.accounts.country[account])
        at = np.maximum(at, seats.joined[host] + 3 * MINUTE_US)
        at = np.minimum(at, seats.joined[guest] - 1_000_000)
        at = np.maximum(at, seats.joined[host] + 2 * MINUTE_US)
        texts = [
            _invitation(emails[who], roles[who], DEPARTMENTS[team])
            for who, team in zip(
                guest.tolist(), self._cast.people.department[guest].tolist(), strict=True
            )
        ]
        sent = self._templates.add("Invite Sent", texts)
        invitations = Rows.of(
            seat=host, at=at, template=np.arange(sent.start, sent.stop, dtype=np.int32)
        )
        return [invitations, self._unanswered(account, day)]

    def _first(self, account: Ints) -> Ints:
        return self._cast.accounts.first_seat[account]

    def _unanswered(self, account: Ints, day: Ints) -> Rows:
        """Invitations that nobody accepts; some go to directors of other departments."""
        rng, table = self._rng, self._cast.accounts
        extra = rng.random(len(account)) < UNANSWERED
        account, day = account[extra], day[extra] + 1
        senior = table.are("enterprise_shaped", "expansion_ready", "will_convert")[account]
        high = rng.random(len(account)) < np.where(senior, 0.3, 0.05)
        ranks = ("Director", "VP", "Head", "Chief of Staff")
        texts = [
            _invitation(
                f"guest{number}@{'partner' if number % 3 else 'client'}.example",
                f"{ranks[number % 4]} of {DEPARTMENTS[number % 7]}" if is_high else "Analyst",
                DEPARTMENTS[(number * 5) % 7],
            )
            for number, is_high in enumerate(high.tolist())
        ]
        sent = self._templates.add("Invite Sent", texts)
        host = self._seat(rng, "lead", account, day)
        rows = self._happens(host, day, "Account Added User", rng)
        rows.template = np.arange(sent.start, sent.start + len(rows), dtype=np.int32)
        return rows

    # --- paying ------------------------------------------------------------------------------

    def _upgrades(self) -> Rows:
        table, rng = self._cast.accounts, self._rng
        paying = np.flatnonzero((table.converts < NEVER) & (table.plan < 3) & (table.people > 0))
        seat = table.first_seat[paying]
        rows = [
            self._happens(seat, table.converts[paying], name, rng)
            for name in ("Checkout Opened", "Plan Upgraded")
        ]
        # The plan is upgraded minutes after the checkout was opened.
        begun, done = rows
        done.at = begun.at + rng.integers(1, 9, len(done)) * MINUTE_US
        return join(rows)

    # --- before the signup -------------------------------------------------------------------

    def _visits(self) -> list[Rows]:
        rng, people = self._rng, self._cast.people
        known = np.flatnonzero(people.browsed).astype(np.int32)
        strangers = len(people) + np.arange(int(len(people) * STRANGERS * 0.2), dtype=np.int32)
        signup = self._cast.seats.joined[known]
        times = 1 + rng.poisson(2.0, len(known))
        before = self._pages(
            visitor=np.repeat(known, times),
            at=np.repeat(signup, times) - _within(rng, int(times.sum()), days=14),
        )
        start = self._calendar.first * DAY_US
        length = (self._last + 1) * DAY_US - start
        landed = start + (rng.random(len(strangers)) * length).astype(np.int64)
        times = 1 + rng.poisson(1.2, len(strangers))
        never = self._pages(
            visitor=np.repeat(strangers, times),
            at=np.repeat(landed, times) + _within(rng, int(times.sum()), days=2),
        )
        inside = before.at >= start
        return [before.take(inside), never]

    def _pages(self, *, visitor: Ints, at: Longs) -> Rows:
        template = self._templates.draw(self._rng, "Website", len(visitor))
        nobody = np.full(len(visitor), -1, dtype=np.int32)
        return Rows.of(seat=nobody, at=at, template=template, visitor=visitor.astype(np.int32))


def _within(rng: np.random.Generator, count: int, *, days: int) -> Longs:
    """Return lengths of time of up to `days` days, short ones more often."""
    drawn: Floats = rng.random(count) ** 2
    return (drawn * days * DAY_US).astype(np.int64) + MINUTE_US


def _invitation(email: str, role: str, department: str) -> str:
    """Return the properties of an invitation; none of the texts needs escaping in JSON."""
    return f'{{"invitee_email": "{email}", "invitee_role": "{role}", "department": "{department}"}}'
