"""Rules of attribution that are locked: which hold in a quarter, and which were edited inside one.

The journal keeps each version with the instant at which it was first seen. A calendar quarter is
judged by the last version that was kept before its first instant; so an edit takes effect in the
next one, and no quarter changes its rules. Quarters from before anything was kept are judged by
the first version, and say that they were not locked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from groundswell.clock import utc_day
from groundswell.config.attribution import keep_attribution, restore_attribution
from groundswell.store.ledger import JournalEntry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundswell.clock import Clock
    from groundswell.config.attribution import AttributionRules
    from groundswell.config.loading import LoadedConfig
    from groundswell.store.ledger import Ledger

KEPT = "attribution_rules"
"""The kind of a journal entry that keeps a version; it is about no account."""


@dataclass(frozen=True)
class RulesVersion:
    """A version of the rules.

    Attributes:
        version: Its name.
        since: When it was first seen in use; None while it was not yet.
        written: What it says, as in `attribution:`.
    """

    version: str
    since: datetime | None
    written: dict[str, Any]

    @property
    def rules(self) -> AttributionRules:
        """What it says."""
        return restore_attribution(self.written)


@dataclass(frozen=True)
class Lock:
    """The rules that a quarter is judged by.

    Attributes:
        first: The first day of the quarter.
        version: Of the rules.
        is_locked: Whether they were kept before the quarter began.
    """

    first: date
    version: str
    is_locked: bool


@dataclass(frozen=True)
class Rulebook:
    """Every version that was in use, in order, and the one that is written now.

    Attributes:
        kept: As they were first seen; one that came back is there twice.
        written: What the configuration says.
    """

    kept: tuple[RulesVersion, ...]
    written: RulesVersion

    @classmethod
    def of(cls, loaded: LoadedConfig, ledger: Ledger) -> Rulebook:
        """Return the versions of a project."""
        kept: list[RulesVersion] = []
        for entry in sorted(ledger.journal(kinds=(KEPT,)), key=lambda one: one.at):
            version = str(entry.body["version"])
            if not kept or kept[-1].version != version:
                kept.append(RulesVersion(version, entry.at, entry.body["rules"]))
        now = RulesVersion(
            loaded.attribution.version, None, keep_attribution(loaded.config.attribution)
        )
        return cls(tuple(kept), now)

    def known_by(self, day: date) -> Rulebook:
        """Return the book as it was at the end of a day; with its first version in any case."""
        end = datetime.combine(day + timedelta(days=1), time(), UTC)
        known = tuple(one for one in self.kept if one.since is not None and one.since < end)
        return Rulebook(known or self.kept[:1], self.written)

    def lock(self, first: date) -> Lock:
        """Return by what the quarter that begins on a day is judged."""
        found = self._before(first)
        return Lock(first, (found or self._first).version, found is not None)

    def rules_of(self, first: date) -> RulesVersion:
        """Return the rules of the quarter that begins on a day."""
        return self._before(first) or self._first

    def edits(self) -> list[datetime]:
        """Return when the rules were edited: each use of another version after the first."""
        return [one.since for one in self.kept[1:] if one.since is not None]

    @property
    def _first(self) -> RulesVersion:
        return self.kept[0] if self.kept else self.written

    def _before(self, first: date) -> RulesVersion | None:
        begins = datetime.combine(first, time(), UTC)
        before = [one for one in self.kept if one.since is not None and one.since < begins]
        return before[-1] if before else None


def keep_rules(loaded: LoadedConfig, ledger: Ledger, clock: Clock) -> bool:
    """Keep the rules that are written, if others were kept last; tell whether they were new."""
    book = Rulebook.of(loaded, ledger)
    if book.kept and book.kept[-1].version == book.written.version:
        return False
    now = clock.now()
    version = book.written.version
    key = f"{KEPT}:{len(book.kept)}:{version}"
    body = {"version": version, "rules": book.written.written}
    return ledger.append_journal([JournalEntry(key, "", KEPT, now, utc_day(now), body)]) > 0


def versions_of(book: Rulebook, locks: Sequence[Lock]) -> dict[str, RulesVersion]:
    """Return the versions that quarters are judged by, by name."""
    found = {one.version: one for one in (book.written, *reversed(book.kept))}
    return {lock.version: found[lock.version] for lock in locks}
