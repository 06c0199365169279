"""Which account owns a domain, as of when; and the parent an account has through its domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from groundswell.intake.domains import COMPANY, tidy
from groundswell.intake.spans import ALWAYS, OPEN, day

if TYPE_CHECKING:
    from groundswell.intake.domains import Domains


def find_holders(described: pl.DataFrame) -> pl.DataFrame:
    """Say over which days each account was known by which domain.

    A version of the accounts table is known from its `valid_from`; the first one, which has
    none, from `created_at`, else always. A version without a domain says nothing about it.

    Args:
        described: All versions of the accounts table, with what their domains speak for.

    Returns:
        account_id, name, domain, since, until (days), sorted by account and since.
    """
    versions = (
        described.filter(pl.col("kind") == COMPANY)
        .select("account_id", "name", pl.col("speaks_for").alias("domain"), *_known())
        .sort("account_id", "known_at", "valid_from", "domain", "name", nulls_last=False)
        .unique(["account_id", "since"], keep="last", maintain_order=True)
        .filter(pl.col("domain").ne_missing(pl.col("domain").shift(1).over("account_id")))
    )
    until = pl.col("since").shift(-1).over("account_id").fill_null(OPEN).cast(pl.Int32)
    return versions.select("account_id", "name", "domain", "since", until.alias("until"))


def _known() -> tuple[pl.Expr, ...]:
    known_at = pl.coalesce("valid_from", "created_at")
    since = known_at.cast(pl.Date).cast(pl.Int32).fill_null(ALWAYS)
    return (known_at.alias("known_at"), pl.col("valid_from"), since.alias("since"))


def find_owners(holders: pl.DataFrame, wanted: pl.Series) -> pl.DataFrame:
    """Say which account owns each domain, as seen from each day.

    The owner is the account that is known by the domain, the one longest known by it when there
    are several; when none is any more, the one that was last. Before any was, the domain has an
    account made for it, named by the domain itself.

    Args:
        holders: As `find_holders` gives.
        wanted: Domains (after aliases); repeats allowed.

    Returns:
        domain, account_id, name, made, known_from, known_until (days), sorted by domain and
        known_from; the spans of a domain cover all days.
    """
    domains = pl.DataFrame({"domain": wanted.cast(pl.String)}).drop_nulls().unique()
    held = holders.join(domains, on="domain", how="semi")
    pieces = held.filter(~pl.col("domain").is_duplicated()).select(
        "domain", "account_id", "name", pl.col("since").alias("known_from")
    )
    shared = held.filter(pl.col("domain").is_duplicated())
    if not shared.is_empty():
        pieces = pl.concat([pieces, _settle(shared)])
    made = domains.select(
        "domain",
        pl.col("domain").alias("account_id"),
        pl.lit(None, pl.String).alias("name"),
        day(ALWAYS).alias("known_from"),
    )
    return (
        pl.concat([pieces.with_columns(made=pl.lit(value=False)), made.with_columns(made=True)])
        .sort("domain", "known_from", "made")
        .unique(["domain", "known_from"], keep="first", maintain_order=True)
        .with_columns(
            pl.col("known_from").shift(-1).over("domain").fill_null(OPEN).alias("known_until")
        )
        .select("domain", "account_id", "name", "made", "known_from", "known_until")
    )


def _settle(shared: pl.DataFrame) -> pl.DataFrame:
    """Choose one owner for every span of days of the domains that several accounts held."""
    ends = shared.filter(pl.col("until") < OPEN).select("domain", pl.col("until").alias("at"))
    points = pl.concat([shared.select("domain", pl.col("since").alias("at")), ends]).unique()
    current = pl.col("until") > pl.col("at")
    return (
        points.join(shared, on="domain")
        .filter(pl.col("since") <= pl.col("at"))
        .with_columns(
            current.alias("current"),
            pl.when(current).then("since").otherwise(-pl.col("until")).alias("order"),
        )
        .sort(
            ["domain", "at", "current", "order", "account_id", "name"],
            descending=[False, False, True, False, False, False],
        )
        .unique(["domain", "at"], keep="first", maintain_order=True)
        .select("domain", "account_id", "name", pl.col("at").alias("known_from"))
    )


def find_parents(
    subsidiaries: dict[str, str], owners: pl.DataFrame, *, domains: Domains
) -> pl.DataFrame:
    """Say which parent an account has through its domain.

    Args:
        subsidiaries: Domain -> the parent's domain.
        owners: As `find_owners` gives, for the parents' domains too.
        domains: Tells registrable domains and aliases.

    Returns:
        domain (after aliases), parent_id: the account that owns the parent's domain last.
    """
    pairs = {
        domains.canonical(tidy(child)): domains.canonical(tidy(parent))
        for child, parent in subsidiaries.items()
    }
    table = pl.DataFrame(
        {"domain": list(pairs), "parent": list(pairs.values())},
        schema={"domain": pl.String, "parent": pl.String},
    )
    latest = owners.filter(pl.col("known_until") == OPEN).select(
        pl.col("domain").alias("parent"), pl.col("account_id").alias("parent_id")
    )
    return table.join(latest, on="parent").select("domain", "parent_id")
