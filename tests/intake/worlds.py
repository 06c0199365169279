"""Small worlds for the tests: as frames, and at random."""

from __future__ import annotations

import string
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
from hypothesis import strategies as st

from groundswell.config.schema import IdentityBlock
from groundswell.intake import Filing, resolve

from .oracle import DAY, EPOCH, AccountRow, Actor, MemberRow, MergeRow, UserRow, World, day_of

if TYPE_CHECKING:
    from collections.abc import Callable

START = datetime.fromisoformat("2026-03-01T00:00:00+00:00")
FIRST_DAY = day_of(START)
LAST_DAY = FIRST_DAY + 12
INSTANT = pl.Datetime("us", "UTC")
USERS = ("ana", "bob", "cy")
ACCOUNTS = ("A", "B", "C", "acme.com")
COMPANY = {
    "p@acme.com": "acme.com",
    "P@eu.Acme.com": "acme.com",
    "p@acme.de": "acme.com",
    "p@bolt.co.uk": "bolt.co.uk",
    "p@ours.io": "internal",
    "https://www.acme.com/about": "acme.com",
    "bolt.co.uk": "bolt.co.uk",
    "acme.de": "acme.com",
}
EMAILS = (*[text for text in COMPANY if "@" in text], "p@gmail.com", "p@mailinator.com", "p", None)
DOMAINS = (*[text for text in COMPANY if "@" not in text], "gmail.com", None)


def at(day: float) -> datetime:
    """Return the instant `day` days into March 2026; day 1 is the first."""
    return START + timedelta(days=day - 1)


def frames(world: World) -> dict[str, pl.DataFrame]:
    """Return a world as the frames that `resolve` takes."""
    text, number = pl.String, pl.Int32
    return {
        "actors": pl.DataFrame(
            [(a.number, a.user, a.anonymous, a.group, a.first_at) for a in world.actors],
            schema={"actor": number, "user_id": text, "anonymous_id": text, "account_id": text,
                    "first_at": INSTANT},
            orient="row",
        ),
        "users": pl.DataFrame(
            [(u.user, u.email, u.created_at, u.valid_from) for u in world.users],
            schema={"user_id": text, "email": text, "created_at": INSTANT, "valid_from": INSTANT},
            orient="row",
        ),
        "memberships": pl.DataFrame(
            [(m.user, m.account, m.since, m.until) for m in world.members],
            schema={"user_id": text, "account_id": text, "since": INSTANT, "until": INSTANT},
            orient="row",
        ),
        "accounts": pl.DataFrame(
            [(a.account, a.name, a.domain, a.created_at, a.valid_from) for a in world.accounts],
            schema={"account_id": text, "name": text, "domain": text, "created_at": INSTANT,
                    "valid_from": INSTANT},
            orient="row",
        ),
        "merges": pl.DataFrame(
            [(m.source, m.into, m.since, m.until, None) for m in world.merges],
            schema={"from_account": text, "into_account": text, "since": INSTANT,
                    "until": INSTANT, "reason": text},
            orient="row",
        ),
    }  # fmt: skip


def block_of(world: World) -> IdentityBlock:
    return IdentityBlock(
        domains=world.domains_on,
        solo_accounts=world.solo_on,
        aliases={"acme.de": "acme.com"},
        internal=["ours.io"],
    )


def file(world: World, change: Callable[[pl.DataFrame], pl.DataFrame] | None = None) -> Filing:
    """Resolve a world; `change` may reorder the frames first."""
    tables = frames(world)
    if change is not None:
        tables = {name: change(frame) for name, frame in tables.items()}
    return resolve(**tables, block=block_of(world))


class Answers:
    """Reads a filing the way the roll-up does: which row of an actor holds for a day."""

    def __init__(self, filing: Filing) -> None:
        self.accounts = filing.accounts["account_id"].to_list()
        self.persons = filing.persons["user_id"].to_list()
        self.rows: dict[int, list[tuple[int, ...]]] = {}
        for actor, *row in filing.filings.iter_rows():
            self.rows.setdefault(actor, []).append(tuple(row))
        self.steps = filing.members.rows()

    def answer(self, actor: int, day: int, today: int) -> tuple[str, str] | None:
        found = [
            (self.accounts[account], self.persons[person])
            for first, end, account, person, visible, hidden in self.rows.get(actor, [])
            if first <= day < end and max(day, visible) <= today < hidden
        ]
        assert len(found) <= 1, "an event counts once"
        return found[0] if found else None

    def members(self, today: int) -> set[tuple[str, str]]:
        found = [
            (self.accounts[account], self.persons[person])
            for account, person, since, until in self.steps
            if since <= today < until
        ]
        assert len(found) == len(set(found)), "a person belongs once"
        return set(found)


def everything_as_of(filing: Filing, world: World, today: int) -> object:
    """Return every answer of a filing as of a day, in ids that do not depend on numbering."""
    answers = Answers(filing)
    return (
        {
            (actor.number, day): answers.answer(actor.number, day, today)
            for actor in world.actors
            for day in range(day_of(actor.first_at), today + 1)
        },
        answers.members(today),
    )


# --- at random

moments = st.builds(
    lambda day, hour: EPOCH + DAY * day + timedelta(hours=hour),
    st.integers(FIRST_DAY, LAST_DAY),
    st.sampled_from([0, 9, 20]),
)
maybe = st.none() | moments
users = st.sampled_from(USERS)
accounts = st.sampled_from(ACCOUNTS)
user_rows = st.builds(UserRow, users, st.sampled_from(EMAILS), maybe, maybe)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw a world small enough for its parts to meet."""
    triples = draw(
        st.lists(
            st.tuples(st.none() | users, st.sampled_from([None, "x", "y"]), st.none() | accounts),
            unique=True,
            max_size=8,
        )
    )
    merges = draw(
        st.lists(
            st.tuples(st.integers(0, 2), st.integers(1, 3), moments, maybe).filter(
                lambda m: m[0] < m[1]
            ),
            max_size=3,
        )
    )
    return World(
        actors=[Actor(n, *triple, draw(moments)) for n, triple in enumerate(triples)],
        users=draw(st.lists(user_rows, max_size=5)),
        members=draw(st.lists(st.builds(MemberRow, users, accounts, maybe, maybe), max_size=4)),
        accounts=draw(
            st.lists(
                st.builds(
                    AccountRow,
                    accounts,
                    st.sampled_from([None, *string.ascii_uppercase[:2]]),
                    st.sampled_from(DOMAINS),
                    maybe,
                    maybe,
                ),
                max_size=4,
            )
        ),
        merges=[
            MergeRow(ACCOUNTS[source], ACCOUNTS[into], since, until)
            for source, into, since, until in merges
        ],
        domains_on=draw(st.sampled_from([True, True, True, False])),
        solo_on=draw(st.sampled_from([True, True, True, False])),
    )  # fmt: skip
