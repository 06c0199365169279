"""The facts around some people and accounts: what bears on them, and nothing else.

Whom an event counts for depends on the people who used the device, on what is known of them, and
on whom a domain belongs to. All that is followed here until nothing is added, so that resolving
these facts alone gives, for the accounts asked for, what resolving all of them would.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import polars as pl
import pyarrow as pa
from sqlglot import exp

from groundswell.model import Kind
from groundswell.store.facts import EVENTS
from groundswell.store.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from groundswell.store.scratch import Scratch
    from groundswell.store.warehouse import Warehouse

OF_ACCOUNTS = (Kind.SUBSCRIPTIONS, Kind.OPPORTUNITIES, Kind.TICKETS)
KINDS = (Kind.USERS, Kind.MEMBERSHIPS, Kind.ACCOUNTS, *OF_ACCOUNTS)
_IDS = ("user_id", "anonymous_id", "account_id")
_ACTOR = ("actor", *_IDS, "first_at")
_EVENT = ("actor", "event_id", "occurred_at", "received_at", "properties")


@dataclass
class Rosters:
    """Who and what there is, in memory: looked through far more often than it changes.

    Attributes:
        actors: As `Warehouse.actors`.
        rows: Every row of the kinds of `KINDS`.
    """

    warehouse: Warehouse
    actors: pl.DataFrame
    rows: dict[Kind, pl.DataFrame]

    @classmethod
    def of(cls, warehouse: Warehouse) -> Self:
        """Read them."""
        return cls(warehouse, warehouse.actors(), {kind: warehouse.read(kind) for kind in KINDS})

    def refresh_actors(self, numbers: Collection[int]) -> pl.DataFrame:
        """Read some actors again, new ones too; return them."""
        if not numbers:
            return self.actors.clear()
        wanted = (exp.Literal.number(number) for number in sorted(numbers))
        select = exp.select(*_ACTOR).from_("actors").where(exp.column("actor").isin(*wanted))
        found = read_frame(self.warehouse, select).cast(self.actors.schema)
        rest = self.actors.filter(~pl.col("actor").is_in(found["actor"].implode()))
        self.actors = pl.concat([rest, found])
        return found

    def refresh(self, kind: Kind, column: str, ids: Collection[str]) -> None:
        """Read again what is known of some of them."""
        known = self.rows[kind]
        found = read_those(self.warehouse, kind, column, ids).cast(known.schema)
        self.rows[kind] = pl.concat([known.filter(~_among(column, ids)), found])

    def those(self, kind: Kind, column: str, ids: Collection[str]) -> pl.DataFrame:
        """Return the rows of a kind with one of some ids in a column."""
        return self.rows[kind].filter(_among(column, ids))

    def actors_of(
        self, users: Collection[str], devices: Collection[str], accounts: Collection[str]
    ) -> pl.DataFrame:
        """Return the actors that have one of some ids."""
        chosen = [
            _among(column, ids)
            for column, ids in zip(_IDS, (users, devices, accounts), strict=True)
            if ids
        ]
        return self.actors.filter(pl.any_horizontal(chosen)) if chosen else self.actors.clear()


@dataclass
class NearbyFacts:
    """A warehouse, seen by whoever asks about some people and accounts only.

    Attributes:
        warehouse: All of it.
        scratch: Where events are brought to by `bring`.
        wanted: Account ids whose own facts are wanted.
        people: The actors that bear on them, by their numbers in the warehouse.
        rows: What is known of them, by kind; the accounts that bear on them are given.
        names: Every event name; the position is its id.
    """

    warehouse: Warehouse
    scratch: Scratch
    wanted: frozenset[str]
    people: pl.DataFrame
    rows: dict[Kind, pl.DataFrame]
    names: list[str]
    dialect: str = "duckdb"
    joins_on_actor: bool = True
    users: frozenset[str] = field(default_factory=frozenset[str])

    @classmethod
    def around(
        cls,
        rosters: Rosters,
        scratch: Scratch,
        *,
        users: Iterable[str] = (),
        devices: Iterable[str] = (),
        accounts: Iterable[str] = (),
        names: list[str],
    ) -> NearbyFacts:
        """Follow people to their devices, and devices to the people who used them.

        Args:
            rosters: Who and what there is.
            scratch: Where the events are brought to.
            users: User ids to begin with.
            devices: Anonymous ids to begin with.
            accounts: Account ids whose own facts are wanted too.
            names: Every event name; the position is its id.
        """
        wanted = frozenset(accounts)
        members = rosters.those(Kind.MEMBERSHIPS, "account_id", wanted)
        left = ({*users, *members["user_id"]}, set(devices), set(wanted))
        known: tuple[set[str], set[str]] = (set(), set())
        frames = [rosters.actors.clear()]
        while any(left):
            frames.append(rosters.actors_of(*left))
            known = (known[0] | left[0], known[1] | left[1])
            left = (
                {*frames[-1]["user_id"].drop_nulls()} - known[0],
                {*frames[-1]["anonymous_id"].drop_nulls()} - known[1],
                set[str](),
            )
        people = pl.concat(frames).unique("actor").sort("actor")
        kinds = (Kind.USERS, Kind.MEMBERSHIPS)
        rows = {kind: rosters.those(kind, "user_id", known[0]) for kind in kinds}
        rows |= {kind: rosters.those(kind, "account_id", wanted) for kind in OF_ACCOUNTS}
        rows[Kind.ACCOUNTS] = rosters.rows[Kind.ACCOUNTS]
        return cls(
            rosters.warehouse, scratch, wanted, people, rows, names, users=frozenset(known[0])
        )

    def bring(self) -> None:
        """Fetch the events of these people, into memory."""
        select = exp.select(*_EVENT).from_("events")
        if self.people.is_empty():
            select = select.where(exp.false())
        else:
            first = exp.Literal.string(str(self.people["first_at"].min()))
            since = exp.cast(first, "timestamptz")
            actors = (exp.Literal.number(actor) for actor in self.people["actor"])
            select = select.where(exp.GTE(this=exp.column("occurred_at"), expression=since))
            select = select.where(exp.column("actor").isin(*actors))
        with self.warehouse.query(select) as reader:
            rows = reader.read_all()
        self.scratch.put("events", rows.cast(pa.schema([EVENTS.field(name) for name in _EVENT])))

    def read(self, kind: Kind) -> pl.DataFrame:
        """Return the rows of a kind that bear on them."""
        return self.rows[kind]

    def actors(self) -> pl.DataFrame:
        """Return the actors of these people and devices, by their numbers in the warehouse."""
        return self.people

    def event_names(self) -> list[str]:
        """Return every event name; the position is its id."""
        return self.names

    def put(self, table: str, rows: pa.Table) -> None:
        """Keep a working table in memory."""
        self.scratch.put(table, rows)

    def query(self, select: exp.Query) -> pa.RecordBatchReader:
        """Run a SELECT over what was brought."""
        return self.scratch.query(select)

    def version(self) -> str:
        """Return a text that changes whenever the facts do."""
        return f"{self.warehouse.version()} near {len(self.people)}"


def read_those(warehouse: Warehouse, kind: Kind, column: str, ids: Collection[str]) -> pl.DataFrame:
    """Return the rows of a kind with one of some ids in a column."""
    texts = (exp.Literal.string(name) for name in sorted(ids))
    named = exp.column(column).isin(*texts) if ids else exp.false()
    rows = read_frame(warehouse, exp.select(*TABLES[kind].names).from_(str(kind)).where(named))
    return rows.sort(TABLES[kind].names)


def read_frame(warehouse: Warehouse, select: exp.Query) -> pl.DataFrame:
    """Return what a SELECT gives, as one frame."""
    with warehouse.query(select) as reader:
        frame = pl.from_arrow(reader.read_all())
    assert isinstance(frame, pl.DataFrame)
    return frame


def _among(column: str, ids: Collection[str]) -> pl.Expr:
    return pl.col(column).is_in(pl.Series(list(ids), dtype=pl.String).implode())
