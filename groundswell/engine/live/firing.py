"""What is new in where accounts stand: crossings not told of yet, triggers that begin to hold.

Accounts are scored many times a day, and each time all that holds is said again; here is kept what
was said already.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import polars as pl

from groundswell.engine.deciding import DECIDED
from groundswell.routing import tell_triggers

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from groundswell.config.loading import LoadedConfig
    from groundswell.model import Scalar, Trigger
    from groundswell.store.ledger import JournalEntry


@dataclass(frozen=True, slots=True)
class Fired:
    """A trigger that began to hold for an account."""

    account_id: str
    trigger: Trigger


@dataclass
class Said:
    """What was said already.

    Attributes:
        crossings: Keys of the journal's crossings.
        day: The day on which triggers began to hold; None when none was looked at yet.
        triggers: Account and trigger, of those that began to hold on that day.
    """

    crossings: set[str] = field(default_factory=set[str])
    day: date | None = None
    triggers: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    @classmethod
    def of(cls, latest: pl.DataFrame | None) -> Said:
        """Begin with where accounts stood when that was last kept, if it ever was."""
        if latest is None or latest.is_empty():
            return cls()
        day = cast("date", latest.item(0, "as_of"))
        return cls(day=day, triggers=set(_begun(runs_of(latest), day)))

    def fresh(self, entries: Iterable[JournalEntry]) -> list[JournalEntry]:
        """Return the entries that are no crossings of old; `keep` remembers them."""
        return [item for item in entries if item.kind == DECIDED or item.key not in self.crossings]

    def keep(self, entries: Iterable[JournalEntry]) -> None:
        """Remember crossings that are in the journal now."""
        self.crossings.update(item.key for item in entries if item.kind != DECIDED)

    def fired(
        self, loaded: LoadedConfig, runs: pl.DataFrame, frame: pl.DataFrame, *, day: date
    ) -> list[Fired]:
        """Return the triggers that began to hold, each once a day.

        Args:
            loaded: The configuration, with the triggers.
            runs: account_id, trigger, since - what holds.
            frame: The features and scores of these accounts.
            day: As of when.
        """
        if self.day != day:
            self.day, self.triggers = day, set()
        pairs = [pair for pair in _begun(runs, day) if pair not in self.triggers]
        self.triggers.update(pairs)
        return _tell(loaded, pairs, frame, day) if pairs else []


def _begun(runs: pl.DataFrame, day: date) -> list[tuple[str, str]]:
    return runs.filter(pl.col("since") == day).select("account_id", "trigger").rows()


def _tell(
    loaded: LoadedConfig, pairs: list[tuple[str, str]], frame: pl.DataFrame, day: date
) -> list[Fired]:
    wanted = frame.filter(pl.col("account_id").is_in([account_id for account_id, _ in pairs]))
    rows = {row["account_id"]: row for row in wanted.iter_rows(named=True)}
    found: list[Fired] = []
    for account_id, name in pairs:
        values = cast("dict[str, Scalar]", rows[account_id])
        told = tell_triggers(loaded.triggers, {name: day}, values, currency=loaded.config.currency)
        found += [Fired(account_id, trigger) for trigger in told]
    return found


def runs_of(latest: pl.DataFrame) -> pl.DataFrame:
    """Return account_id, trigger, since from where accounts stand (`telling.latest_frame`)."""
    held = latest.select("account_id", "holding").explode("holding").drop_nulls("holding")
    return held.unnest("holding")
