"""The deals of the CRM: who opened them, when they closed, and who owned the account meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from groundswell.demo.archetypes import NUMBER
from groundswell.demo.arrays import NEVER

if TYPE_CHECKING:
    from groundswell.demo.arrays import Bools, Floats, Ints
    from groundswell.demo.cast import Cast

REPS = ("rep1@acmeboards.example", "rep2@acmeboards.example", "rep3@acmeboards.example")
EXECUTIVES = ("ae1@acmeboards.example", "ae2@acmeboards.example")
SEAT_PRICE = 12
BIG = 25_000  # a deal for an executive
LET_GO = 14  # days after losing a deal until the account has no owner again

CHANCES = {
    "hand_raiser": 0.6, "enterprise_shaped": 0.6, "will_convert": 0.12, "only_large": 0.2,
    "expansion_ready": 0.08, "steady_payer": 0.06, "tyre_kicker": 0.01,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ownership:
    """Who owns an account from a day on; None when nobody does any more."""

    account: Ints
    since: Ints
    owner: list[str | None]


@dataclass(frozen=True, slots=True)
class Deals:
    """The opportunities, one entry each, in the order they opened; `closed` may be NEVER."""

    account: Ints
    opened: Ints
    closed: Ints
    won: Bools
    amount: Floats
    source: list[str]
    owner: list[str]

    def ownership(self, *, last: int) -> Ownership:
        """Return the changes of owner up to `last`: to a rep when a deal opens, back when lost."""
        lost = np.flatnonzero(~self.won & (self.closed + LET_GO <= last))
        account = np.concatenate([self.account, self.account[lost]])
        since = np.concatenate([self.opened, self.closed[lost] + LET_GO])
        return Ownership(
            account=account.astype(np.int32),
            since=since.astype(np.int32),
            owner=[*self.owner, *([None] * len(lost))],
        )


def draw_deals(cast: Cast, rng: np.random.Generator, *, last: int) -> Deals:
    """Open deals on those who asked, on some who adopt, and on some who never asked.

    What a deal is worth is guessed from what could be seen on the day it opened.
    """
    table = cast.accounts
    chance = np.zeros(len(NUMBER))
    for name, value in CHANCES.items():
        chance[NUMBER[name]] = value
    drawn = rng.random(len(table)) < chance[table.archetype]
    account = np.flatnonzero(drawn & ~table.personal).astype(np.int32)
    opened = table.moment[account] + rng.integers(10, 40, len(account))
    opened = np.maximum(opened, table.signup[account] + 2).astype(np.int32)
    inside = opened <= last
    account, opened = account[inside], opened[inside]
    wins = (table.converts[account] < NEVER) & (table.converts[account] >= opened)
    closed = np.where(wins, table.converts[account], opened + rng.integers(25, 90, len(account)))
    closed = np.where(closed > last, NEVER, closed)
    seats = np.maximum(_joined(cast, account, opened) * 1.6, table.employees[account] * 0.02)
    amount = np.round(seats * SEAT_PRICE * 12 * rng.uniform(0.8, 1.3, len(account)), -2)
    order = np.lexsort((account, opened))
    account, amount = account[order], np.maximum(amount[order], 500.0)
    return Deals(
        account=account,
        opened=opened[order],
        closed=closed[order].astype(np.int32),
        won=wins[order],
        amount=amount,
        source=["inbound" if number % 3 else "outbound" for number in account.tolist()],
        owner=[
            EXECUTIVES[number % len(EXECUTIVES)] if big else REPS[number % len(REPS)]
            for number, big in zip(account.tolist(), (amount >= BIG).tolist(), strict=True)
        ],
    )


def _joined(cast: Cast, account: Ints, day: Ints) -> Ints:
    """Return how many people each account had by the day."""
    limit = np.full(len(cast.accounts), -1, dtype=np.int32)
    limit[account] = day
    seats = cast.seats
    present = seats.join <= limit[seats.account]
    counts = np.bincount(seats.account[present], minlength=len(cast.accounts))
    return counts[account].astype(np.int32)
