"""Handing accounts over: whatever is decided, done by a person or come back is recorded here."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import polars as pl

from groundswell.engine.handing.acting import Act, act
from groundswell.engine.handing.book import Book
from groundswell.engine.handing.opening import About, Opener
from groundswell.engine.handing.refreshing import Standings, refresh_values, whole_values
from groundswell.engine.handing.sweeping import Facts, by_facts, by_time
from groundswell.engine.told import forget_values
from groundswell.errors import Problem, UsageError
from groundswell.model import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from groundswell.clock import Clock
    from groundswell.config.loading import LoadedConfig
    from groundswell.handoff.life import Handoff
    from groundswell.store.ledger import JournalEntry, Ledger
    from groundswell.store.outbox import Group, KeptDelivery
    from groundswell.store.warehouse import Warehouse


class Teller(Protocol):
    """Says what is delivered because of entries of the journal.

    Attributes:
        loaded: The configuration, with the score that is in use.
    """

    loaded: LoadedConfig

    def deliveries(
        self, groups: Sequence[Group], about: Mapping[str, About]
    ) -> list[tuple[KeptDelivery, ...]]:
        """Return the deliveries of each group."""
        ...


@dataclass
class Handing:
    """Records decisions with the handoffs they lead to, and everything that comes of these.

    One at a time: whose turn it is depends on who got the one before.
    """

    loaded: LoadedConfig
    ledger: Ledger
    clock: Clock
    teller: Teller | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def __post_init__(self) -> None:
        """Open the book."""
        self.book = Book(self.ledger)

    def adopt(self, loaded: LoadedConfig) -> None:
        """Decide and tell by another definition of the score from now on."""
        with self._lock:
            self.loaded = loaded
            if self.teller is not None:
                self.teller.loaded = loaded

    def record(
        self, entries: Sequence[JournalEntry], frame: pl.DataFrame, accounts: pl.DataFrame
    ) -> int:
        """Write entries of the journal, the handoffs they lead to, and what is delivered.

        Args:
            entries: Decisions, crossings and alerts; those that are known already are dropped.
            frame: Features and scores of the accounts they are about.
            accounts: account_id and name, domain where known, of the same.

        Returns:
            How many entries were new.
        """
        with self._lock:
            opener = self._opener()
            about = abouts(frame, accounts, {entry.account_id for entry in entries})
            groups, rest = opener.of_entries(entries, about)
            written = self.ledger.append_journal(rest) if rest else 0
            return written + self._write(groups, about)

    def sweep(
        self,
        about_of: Callable[[Iterable[str]], Mapping[str, About]],
        warehouse: Warehouse | None = None,
        paying: Iterable[str] = (),
    ) -> int:
        """Write what time, and facts where they are given, have brought about.

        Args:
            about_of: Returns what is known of some accounts.
            warehouse: Where touches and opportunities are; none for time alone.
            paying: Accounts that pay.

        Returns:
            How many handoffs moved.
        """
        with self._lock:
            moved = 0
            if warehouse is not None and self.book.refresh().open():
                facts = Facts.of(
                    warehouse.read(Kind.TOUCHES), warehouse.read(Kind.OPPORTUNITIES), paying
                )
                moved += self._swept(by_facts(self._opener(), facts), about_of)
            return moved + self._swept(by_time(self._opener(), about_of), about_of)

    def refresh(self, latest: pl.DataFrame, accounts: pl.DataFrame) -> int:
        """Write the values of accounts for the records of other systems, where they are news.

        Args:
            latest: Where every account stands, as `telling.latest_frame` gives.
            accounts: account_id and domain of the same.

        Returns:
            How many deliveries were written.
        """
        with self._lock:
            told = refresh_values(
                self.standings(latest, accounts), self.ledger, now=self.clock.now()
            )
            return self.ledger.add_deliveries(told) if told else 0

    def backfill(
        self, destination: str, latest: pl.DataFrame, accounts: pl.DataFrame, *, every: bool
    ) -> list[KeptDelivery]:
        """Write all values of accounts for one destination, whatever it was told before.

        Args:
            destination: Its name; one of `refreshing.places_of`.
            latest: As for `refresh`.
            accounts: As for `refresh`.
            every: All accounts, not only those that are told of after a full pass.

        Returns:
            What was written.
        """
        with self._lock:
            standings = self.standings(latest, accounts)
            whole = whole_values(
                standings, self.ledger, destination, now=self.clock.now(), every=every
            )
            forget_values(self.ledger, destination, [item.account_id for item in whole])
            self.ledger.add_deliveries(whole)
            return whole

    def standings(self, latest: pl.DataFrame, accounts: pl.DataFrame) -> Standings:
        """Return where accounts stand, with their handoffs, to be told from."""
        domains = accounts.select("account_id", "domain").drop_nulls()
        return Standings(self.loaded, latest, dict(domains.iter_rows()), self.book.refresh())

    def _swept(
        self,
        groups: Sequence[Group],
        about_of: Callable[[Iterable[str]], Mapping[str, About]],
    ) -> int:
        if not groups:
            return 0
        about = about_of({group.entries[0].account_id for group in groups})
        self._write(groups, about)
        return len(groups)

    def act(self, handoff: Handoff, asked: Act, about: About | None) -> Handoff:
        """Do what somebody asks for; return the handoff as it stands then.

        Raises:
            UsageError: It cannot be done now, or somebody else was faster.
        """
        with self._lock:
            opener = self._opener()
            present = opener.book.get(handoff.handoff_id) or handoff
            group = act(opener, present, asked, about)
            told = {about.account_id: about} if about is not None else {}
            if not self._write([group], told):
                raise UsageError(
                    Problem(
                        "handoff-faster",
                        f"Somebody else did something with {handoff.handoff_id} meanwhile.",
                        "Look at it again, and decide anew.",
                    )
                )
            found = self.book.refresh().get(handoff.handoff_id)
            assert found is not None, "it was just written"
            return found

    def _opener(self) -> Opener:
        return Opener(self.loaded, self.book.refresh(), self.clock.now())

    def _write(self, groups: Sequence[Group], about: Mapping[str, About]) -> int:
        """Write groups with what is delivered because of them; return the entries written."""
        if not groups:
            return 0
        if self.teller is not None:
            told = self.teller.deliveries(groups, about)
            groups = [
                replace(group, deliveries=(*group.deliveries, *more))
                for group, more in zip(groups, told, strict=True)
            ]
        added = self.ledger.append_groups(groups)
        return sum(len(group.entries) for group, new in zip(groups, added, strict=True) if new)


def abouts(frame: pl.DataFrame, accounts: pl.DataFrame, wanted: Iterable[str]) -> dict[str, About]:
    """Return what is known of some accounts, from where they stand."""
    ids = list(wanted)
    if not ids:
        return {}
    names = ["name", "domain"]
    known = accounts.select("account_id", *(name for name in names if name in accounts.columns))
    rows = (
        frame.filter(pl.col("account_id").is_in(ids))
        .drop(names, strict=False)
        .join(known, on="account_id", how="left", maintain_order="left")
    )
    return {
        str(row["account_id"]): About(
            str(row["account_id"]),
            row.get("name"),
            row.get("domain"),
            row["as_of"],
            {
                key: value
                for key, value in row.items()
                if value is None or isinstance(value, str | int | float)
            },
        )
        for row in rows.iter_rows(named=True)
    }
