"""Who belongs elsewhere since everything was last computed, and which accounts that touches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from groundswell.intake.people import ANONYMOUS_PREFIX
from groundswell.model import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from numpy.typing import NDArray

    from groundswell.intake import Filing
    from groundswell.store.nearby import Rosters

    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]


@dataclass
class Movements:
    """What has moved since a filing of everybody was made.

    Attributes:
        moved: By actor of that filing, whether somebody behind it moved, and where to is not
            counted yet.
        unknown: Account ids that the filing does not know.
    """

    moved: Bools = field(default_factory=lambda: np.zeros(0, dtype=bool))
    unknown: set[str] = field(default_factory=set[str])
    _people: dict[str, set[str]] = field(default_factory=dict[str, set[str]])

    @classmethod
    def over(cls, actors: int) -> Movements:
        """Begin with nothing moved, for a filing of so many actors."""
        return cls(np.zeros(actors, dtype=bool))

    def has_moved(self, actors: Ints) -> Bools:
        """Tell which of some actors have moved, as far as they were filed before."""
        found = np.zeros(len(actors), dtype=bool)
        filed = actors < len(self.moved)
        found[filed] = self.moved[actors[filed]]
        return found

    def settle(self, actors: Ints) -> None:
        """Note that the events of some actors count again for where they belong."""
        self.moved[actors[actors < len(self.moved)]] = False

    def note(self, before: Filing, actors: pl.DataFrame, after: Filing) -> frozenset[str]:
        """Note where some people belong now; return every account they did or do belong to.

        Args:
            before: The filing of everybody.
            actors: The actors that were looked at; their numbers are those of the warehouse.
            after: The filing made of them alone.
        """
        numbers = actors["actor"].to_numpy()
        self.moved[numbers[numbers < len(self.moved)]] = True
        persons = set(after.persons["user_id"])
        touched = _accounts_of(before, persons)
        touched |= {account for account, people in self._people.items() if people & persons}
        for account_id, person in _belonging(after).iter_rows():
            self._people.setdefault(account_id, set()).add(person)
            touched.add(account_id)
        return frozenset(touched)

    def around(self, before: Filing, accounts: Collection[str]) -> tuple[set[str], set[str]]:
        """Return the users and the devices that belong, or did belong, to some accounts."""
        found = _persons_of(before, accounts)
        for account in accounts:
            found |= self._people.get(account, set())
        return _apart(found)


def users_at(rosters: Rosters, domains: Iterable[str]) -> set[str]:
    """Return the users with an address at some domains, or below them; some more do no harm."""
    found: set[str] = set()
    users = rosters.rows[Kind.USERS]
    for domain in domains:
        at = pl.coalesce("email", "user_id").str.to_lowercase().str.ends_with(domain.lower())
        found.update(users.filter(at)["user_id"])
        named = pl.col("user_id").str.to_lowercase().str.ends_with(domain.lower())
        found.update(rosters.actors.filter(named)["user_id"])
    return found


def _apart(persons: set[str]) -> tuple[set[str], set[str]]:
    devices = {name for name in persons if name.startswith(ANONYMOUS_PREFIX)}
    return persons - devices, {name.removeprefix(ANONYMOUS_PREFIX) for name in devices}


def _belonging(filing: Filing) -> pl.DataFrame:
    """Return account_id and the id of each person who ever belongs to it, or acts in it."""
    pairs = pl.concat([filing.members.select("account", "person"), _filed(filing)]).unique()
    return (
        pairs.join(filing.accounts.select("account", "account_id"), on="account")
        .join(filing.persons, on="person")
        .select("account_id", "user_id")
    )


def _accounts_of(filing: Filing, persons: set[str]) -> set[str]:
    known = filing.persons.filter(pl.col("user_id").is_in(list(persons)))["person"]
    numbers = _linked(filing, known, of="person", to="account")
    return set(filing.accounts.filter(pl.col("account").is_in(numbers.implode()))["account_id"])


def _persons_of(filing: Filing, accounts: Collection[str]) -> set[str]:
    known = filing.accounts.filter(pl.col("account_id").is_in(list(accounts)))["account"]
    numbers = _linked(filing, known, of="account", to="person")
    return set(filing.persons.filter(pl.col("person").is_in(numbers.implode()))["user_id"])


def _linked(filing: Filing, known: pl.Series, *, of: str, to: str) -> pl.Series:
    """Return the accounts of some persons, or the persons of some accounts, by their numbers."""
    frames = (filing.members.select("account", "person"), _filed(filing))
    numbers = known.to_numpy()
    found = [frame[to].to_numpy()[np.isin(frame[of].to_numpy(), numbers)] for frame in frames]
    return pl.Series(np.unique(np.concatenate(found)))


def _filed(filing: Filing) -> pl.DataFrame:
    return filing.filings.select("account", "person")
