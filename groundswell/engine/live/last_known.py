"""Where accounts stood last and who belonged to them, to be read by any thread at any moment."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from groundswell.engine.telling import LATEST_FILE, read_latest
from groundswell.intake import BELONGING, belonging

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    from groundswell.intake import Filing

PEOPLE_FILE = "people.parquet"

_Stamp = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True)
class People:
    """Which account each person belongs to.

    Attributes:
        everybody: As `intake.belonging` gives.
        moved: Who belongs elsewhere since; None for whoever belongs nowhere. One thread adds to
            it while others look people up.
    """

    everybody: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=BELONGING))
    moved: dict[str, str | None] = field(default_factory=dict[str, "str | None"])

    def account_of(self, person: str) -> str | None:
        """Return the account of a person: a user id, or `anon:<anonymous id>`."""
        if person in self.moved:
            return self.moved[person]
        names = self.everybody.get_column("person")
        place = int(names.search_sorted(person))
        if place >= len(names) or names[place] != person:
            return None
        return str(self.everybody.item(place, "account_id"))

    def note(self, filing: Filing, actors: pl.DataFrame, as_of: date) -> None:
        """Note where some people belong now.

        Args:
            filing: Made of the facts around them.
            actors: The actors that it was made of.
            as_of: The day.
        """
        now: dict[str, str | None] = dict.fromkeys(filing.persons.get_column("user_id"))
        now.update(belonging(filing, actors, as_of).iter_rows())
        self.moved.update(now)

    def now(self) -> pl.DataFrame:
        """Return where everybody belongs, as `intake.belonging` does."""
        if not self.moved:
            return self.everybody
        moved = pl.DataFrame(list(self.moved.items()), schema=BELONGING, orient="row")
        rest = self.everybody.join(moved, on="person", how="anti")
        return pl.concat([rest, moved.drop_nulls()]).sort("person")


@dataclass(frozen=True)
class LastKnown:
    """What was known of accounts at one moment; nothing in it changes but who moved since.

    Attributes:
        frames: Rows as `telling.latest_frame` gives, the newer before the older.
        gone: Accounts that are there no more.
        people: Who belongs where.
    """

    frames: tuple[pl.DataFrame, ...]
    gone: frozenset[str]
    people: People

    def row(self, account_id: str) -> Mapping[str, Any] | None:
        """Return where an account stands; None when it is not there."""
        if account_id in self.gone:
            return None
        for frame in self.frames:
            place = frame.get_column("account_id").index_of(account_id)
            if place is not None:
                return frame.row(place, named=True)
        return None


class KeptFiles:
    """The same from the files that a run kept, read again when they changed."""

    def __init__(self, folder: Path) -> None:
        """Look into the state folder of a project."""
        self._folder = folder
        self._reading = threading.Lock()
        self._read: tuple[_Stamp, LastKnown | None] | None = None

    def last_known(self) -> LastKnown | None:
        """Return what is there; None before the first run.

        While one thread reads what has changed, the others are answered by what was there before.
        """
        stamp, read = self._stamp(), self._read
        if read is not None and read[0] == stamp:
            return read[1]
        if not self._reading.acquire(blocking=read is None):
            return read[1] if read is not None else None
        try:
            if self._read is None or self._read[0] != stamp:
                self._read = (stamp, self._open())
            return self._read[1]
        finally:
            self._reading.release()

    def _open(self) -> LastKnown | None:
        frame = read_latest(self._folder)
        if frame is None:
            return None
        path = self._folder / PEOPLE_FILE
        people = People(pl.read_parquet(path)) if path.exists() else People()
        return LastKnown((frame,), frozenset(), people)

    def _stamp(self) -> _Stamp:
        return tuple(_stamp(self._folder / name) for name in (LATEST_FILE, PEOPLE_FILE))


def keep_people(folder: Path, people: pl.DataFrame) -> None:
    """Keep who belongs where, as `intake.belonging` gives it, for whoever asks by a person."""
    written = folder / f"{PEOPLE_FILE}.new"
    people.write_parquet(written)
    written.replace(folder / PEOPLE_FILE)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        told = path.stat()
    except FileNotFoundError:
        return None
    return told.st_mtime_ns, told.st_size, told.st_ino
