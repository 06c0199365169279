"""Sifting what comes in: rows of people who were forgotten are left out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from groundswell.model import Kind
from groundswell.store.erasing import ANONYMOUS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from groundswell.model import Reject
    from groundswell.store.erasing import Tombstones
    from groundswell.store.ledger import Ledger

_OF_PEOPLE = frozenset({Kind.EVENTS, Kind.USERS, Kind.MEMBERSHIPS, Kind.TOUCHES, Kind.TICKETS})


@dataclass(frozen=True)
class Sieve:
    """Leaves out what is about people who were forgotten."""

    tombstones: Tombstones

    @classmethod
    def of(cls, ledger: Ledger) -> Sieve:
        """Return the sieve of a ledger, as it is now."""
        return cls(ledger.tombstones())

    def sift(self, kind: Kind, rows: pa.Table) -> pa.Table:
        """Return the rows that are of nobody who was forgotten."""
        if not self.tombstones or kind not in _OF_PEOPLE or not rows.num_rows:
            return rows
        gone = self._held(rows, "user_id") | self._held(rows, "email")
        devices = self._held(rows, "anonymous_id", ANONYMOUS)
        if devices.any():
            gone |= devices & pl.Series(rows.column("user_id")).is_null()
        return rows.filter((~gone).to_arrow()) if gone.any() else rows

    def sift_rejects(self, rejects: Sequence[Reject]) -> list[Reject]:
        """Return the rejects that name nobody who was forgotten."""
        if not self.tombstones:
            return list(rejects)
        return [reject for reject in rejects if not self._names(reject.raw)]

    def _held(self, rows: pa.Table, column: str, prefix: str = "") -> pl.Series:
        if column not in rows.column_names:
            return pl.repeat(value=False, n=rows.num_rows, eager=True)
        told = pl.Series(rows.column(column)).cast(pl.String)
        held = [text for text in told.unique().drop_nulls() if self.tombstones.hold(prefix + text)]
        return told.is_in(held).fill_null(value=False)

    def _names(self, raw: str) -> bool:
        try:
            told = json.loads(raw)
        except ValueError:
            told = raw.replace(";", ",").replace("\t", ",").split(",")
        texts = {text.strip().strip('"') for text in _texts(told)}
        return any(
            self.tombstones.hold(text) or self.tombstones.hold(ANONYMOUS + text) for text in texts
        )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, int):
        yield str(value)
