"""Who a person is: every id, address and name by which the facts know them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl
from sqlglot import exp

from groundswell.store.erasing import ANONYMOUS, Names

if TYPE_CHECKING:
    from collections.abc import Collection

    import pyarrow as pa

    from groundswell.store.erasing import Eraser


@dataclass(frozen=True)
class Person:
    """A person, as far as the facts tell.

    Attributes:
        user_ids: What the product calls them, those of the same address together.
        anonymous_ids: Devices that nobody else was seen with.
        emails: Their addresses, folded.
        words: What they are called.
        actors: The numbers of their actors.
    """

    user_ids: tuple[str, ...]
    anonymous_ids: tuple[str, ...]
    emails: tuple[str, ...]
    words: tuple[str, ...]
    actors: tuple[int, ...]

    def __bool__(self) -> bool:
        return bool(self.user_ids or self.anonymous_ids)

    def tombstones(self) -> list[str]:
        """Return what they are not taken in by again."""
        devices = [ANONYMOUS + name for name in self.anonymous_ids]
        return [*self.user_ids, *self.emails, *devices]

    def names(self) -> Names:
        """Return what is put in the place of what names them; another at every call."""
        pseudonym = f"forgotten-{secrets.token_hex(8)}"
        ids = {name: _address(_nth(pseudonym, n), name) for n, name in enumerate(self.user_ids)}
        ids |= {name: f"{pseudonym}-d{n}" for n, name in enumerate(self.anonymous_ids, start=1)}
        emails = {name: _address(_nth(pseudonym, n), name) for n, name in enumerate(self.emails)}
        return Names(pseudonym, ids, emails, self.words)


def find_person(eraser: Eraser, user: str) -> Person:
    """Find a person by a user id or an e-mail address; one of whom nothing is known is empty.

    People of one address are one person; a device that others used too is nobody's.
    """
    known = exp.select("user_id", "email", "name").distinct().from_("users_log")
    folded = user.strip().lower()
    first = _frame(
        eraser.ask(known.where(exp.column("user_id").eq(user).or_(_folded("email").eq(folded))))
    )
    addresses = {text.strip().lower() for text in first["email"].drop_nulls()}
    rows = first
    if addresses:
        among = _folded("email").isin(*(exp.Literal.string(text) for text in sorted(addresses)))
        rows = pl.concat([first, _frame(eraser.ask(known.where(among)))]).unique()
    ids = {user, *rows["user_id"]} - ({user} if _is_unseen(eraser, user, rows) else set())
    addresses |= {name.lower() for name in ids if "@" in name}
    devices, actors = _devices(eraser, ids)
    words = {text.strip() for text in rows["name"].drop_nulls() if text.strip()}
    return Person(
        tuple(sorted(ids)),
        tuple(sorted(devices)),
        tuple(sorted(addresses)) if ids else (),
        tuple(sorted(words)),
        tuple(sorted(actors)),
    )


def _is_unseen(eraser: Eraser, user: str, rows: pl.DataFrame) -> bool:
    """Tell whether a text is no user id anywhere."""
    if user in rows["user_id"]:
        return False
    for table in ("actors", "memberships_log", "touches_log", "tickets_log"):
        count = exp.select(exp.alias_(exp.Count(this=exp.Star()), "n")).from_(table)
        if eraser.ask(count.where(exp.column("user_id").eq(user))).column("n")[0].as_py():
            return False
    return True


def _devices(eraser: Eraser, ids: Collection[str]) -> tuple[set[str], set[int]]:
    """Return the anonymous ids of users alone, and the numbers of all their actors."""
    if not ids:
        return set(), set()
    own = _actors(eraser, "user_id", ids)
    seen = set(own["anonymous_id"].drop_nulls())
    around = _actors(eraser, "anonymous_id", seen) if seen else own.clear()
    others = around.filter(pl.col("user_id").is_not_null() & ~pl.col("user_id").is_in(list(ids)))
    devices = seen - set(others["anonymous_id"])
    alone = around.filter(pl.col("user_id").is_null() & pl.col("anonymous_id").is_in(list(devices)))
    return devices, {*own["actor"], *alone["actor"]}


def _actors(eraser: Eraser, column: str, ids: Collection[str]) -> pl.DataFrame:
    among = exp.column(column).isin(*(exp.Literal.string(name) for name in sorted(ids)))
    return _frame(
        eraser.ask(exp.select("actor", "user_id", "anonymous_id").from_("actors").where(among))
    )


def _folded(column: str) -> exp.Expr:
    return exp.Lower(this=exp.Trim(this=exp.column(column)))


def _frame(rows: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(rows)
    assert isinstance(frame, pl.DataFrame), "a table is a frame"
    return frame


def _nth(pseudonym: str, number: int) -> str:
    return f"{pseudonym}-{number + 1}" if number else pseudonym


def _address(pseudonym: str, name: str) -> str:
    """Return a pseudonym at the domain of an address, by which people belong to accounts."""
    _, at, domain = name.rpartition("@")
    return f"{pseudonym}@{domain}" if at else pseudonym
