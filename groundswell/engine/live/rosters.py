"""Who and what there is, with what each account's domain speaks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from groundswell.intake.domains import Domains, tidy
from groundswell.model import Kind
from groundswell.store.nearby import NearbyFacts, Rosters

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from groundswell.config.schema import IdentityBlock
    from groundswell.store.scratch import Scratch

_SPOKEN = ("account_id", "domain", "speaks_for", "parent_id", "valid_from")


class NearRosters(Rosters):
    """Rosters that know which accounts bear on some people: by name, and by domain."""

    _domains: Domains
    _always: frozenset[str]
    _speaks_for: pl.DataFrame

    def describe(self, block: IdentityBlock) -> None:
        """Tell what the domains speak for, by the `identity` block; to be called once."""
        self._domains = Domains.of(block)
        named = (name for pair in block.subsidiaries.items() for name in pair)
        self._always = frozenset(self._domains.canonical(tidy(name)) for name in named)
        self._speaks_for = self._described(self.rows[Kind.ACCOUNTS])

    def refresh(self, kind: Kind, column: str, ids: Collection[str]) -> None:
        """Read again what is known of some of them."""
        super().refresh(kind, column, ids)
        if kind is Kind.ACCOUNTS:
            rest = self._speaks_for.filter(~pl.col("account_id").is_in(list(ids)))
            told = self._described(self.those(kind, "account_id", ids))
            self._speaks_for = pl.concat([rest, told])

    def refresh_accounts(self, ids: Collection[str]) -> set[str]:
        """Read accounts again; return the domains that may pass to or from them by that."""
        before = self._domains_of(ids)
        self.refresh(Kind.ACCOUNTS, "account_id", ids)
        after = self._domains_of(ids)
        changed = pl.concat(
            [
                before.join(after, on=before.columns, how="anti", nulls_equal=True),
                after.join(before, on=before.columns, how="anti", nulls_equal=True),
            ]
        )
        # A version that is new may end another one, so all that these accounts held may pass over.
        theirs = pl.concat([before, after]).filter(
            pl.col("account_id").is_in(changed["account_id"].implode())
        )
        return {name for column in ("domain", "speaks_for") for name in theirs[column]} - {None}

    def _domains_of(self, accounts: Collection[str]) -> pl.DataFrame:
        return self._speaks_for.filter(pl.col("account_id").is_in(list(accounts)))

    def around(
        self,
        scratch: Scratch,
        *,
        users: Iterable[str] = (),
        devices: Iterable[str] = (),
        accounts: Iterable[str] = (),
        names: list[str],
    ) -> NearbyFacts:
        """Return the facts around some people and accounts; see `NearbyFacts.around`."""
        facts = NearbyFacts.around(
            self, scratch, users=users, devices=devices, accounts=accounts, names=names
        )
        said = [facts.rows[Kind.USERS]["email"], pl.Series(list(facts.users), dtype=pl.String)]
        addresses = pl.DataFrame({"address": pl.concat(said).drop_nulls().unique()})
        owned = self._domains.describe(addresses, "address")["speaks_for"].drop_nulls()
        named = {
            *facts.wanted,
            *facts.people["account_id"].drop_nulls(),
            *facts.rows[Kind.MEMBERSHIPS]["account_id"],
        }
        held = pl.col("speaks_for").is_in([*owned, *self._always])
        ids = {*named, *self._speaks_for.filter(held)["account_id"]}
        facts.rows[Kind.ACCOUNTS] = self.those(Kind.ACCOUNTS, "account_id", ids)
        return facts

    def _described(self, accounts: pl.DataFrame) -> pl.DataFrame:
        described = self._domains.describe(
            accounts.select("account_id", "domain", "parent_id", "valid_from"), "domain"
        )
        return described.select(_SPOKEN).unique()
