"""The list of accounts: loaded ones, and those made by groups, memberships, domains, people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from groundswell.intake.domains import FREE_MAIL
from groundswell.intake.spans import OPEN, day_of

if TYPE_CHECKING:
    from groundswell.intake.domains import Domains
    from groundswell.intake.links import Ties
    from groundswell.intake.people import People

ACCOUNTS = "accounts"
_STRENGTH = ("group", "membership", "domain", "solo")


def list_accounts(
    ids: pl.DataFrame,
    loaded: pl.DataFrame,
    ties: Ties,
    members: pl.DataFrame,
    named: pl.DataFrame,
    people: People,
    parents: pl.DataFrame,
    *,
    domains: Domains,
) -> pl.DataFrame:
    """Describe every account by what is known of it last; features know it as of a day.

    Args:
        ids: account, account_id, sorted.
        loaded: All versions of the accounts table, with what their domains speak for.
        ties: The ties of all users, with `account` as a number.
        members: account, person, since, until.
        named: account, day - the days of events that name it.
        people: The users and their addresses.
        parents: domain, parent_id - from the configured subsidiaries.
        domains: Tells registrable domains and aliases.

    Returns:
        account, account_id, name, domain (registrable), source, reason, is_free_mail,
        free_mail_since (day, null unless free mail), parent_id, since (the first day anything of
        the account is known; 0 when undated), sorted by account.
    """
    listed = (
        ids.join(_loaded(loaded), on="account_id", how="left")
        .join(_made(ties), on="account", how="left")
        .join(_solo(ties.solo, people), on="account", how="left")
        .join(members.group_by("account").agg(pl.col("since").min()), on="account", how="left")
        .join(named.group_by("account").agg(pl.col("day").min()), on="account", how="left")
    )
    given = pl.col("loaded").fill_null(value=False)
    solo = pl.col("made_by") == "solo"
    made = pl.col("made_by") == "domain"
    return (
        listed.with_columns(
            pl.when(given).then("domain").when(made).then("account_id").alias("domain"),
            pl.when(given)
            .then("name")
            .when(solo)
            .then("email")
            .when(made)
            .then("account_id")
            .alias("name"),
            pl.when(given)
            .then(pl.lit(ACCOUNTS))
            .otherwise(pl.col("made_by").fill_null("group"))
            .alias("source"),
            pl.when(~given & solo).then("free_mail_since").alias("free_mail_since"),
            pl.coalesce(pl.min_horizontal("since", "known"), "day", 0)
            .clip(0, OPEN)
            .alias("since"),
        )
        .with_columns(pl.col("domain").replace(domains.aliases).alias("key"))
        .join(parents.rename({"domain": "key", "parent_id": "parent"}), on="key", how="left")
        .with_columns(
            pl.coalesce("parent_id", "parent").alias("parent_id"),
            _reason().alias("reason"),
            pl.col("free_mail_since").is_not_null().alias("is_free_mail"),
        )
        .select(
            "account", "account_id", "name", "domain", "source", "reason", "is_free_mail",
            "free_mail_since", "parent_id", "since",
        )
        .sort("account")
    )  # fmt: skip


def _loaded(loaded: pl.DataFrame) -> pl.DataFrame:
    """Return the latest of what the versions of each loaded account say."""
    versions = loaded.select(
        "account_id",
        "name",
        pl.col("own").alias("domain"),
        "parent_id",
        pl.coalesce("valid_from", "created_at").alias("known_at"),
        "valid_from",
    )
    if versions["account_id"].is_duplicated().any():
        versions = (
            versions.sort("account_id", "known_at", "valid_from", "domain", "name", "parent_id")
            .group_by("account_id", maintain_order=True)
            .agg(
                pl.col("name", "domain", "parent_id").drop_nulls().last(),
                pl.col("known_at").first(),
            )
        )
    known = day_of("known_at").fill_null(0).alias("known")
    return versions.select("account_id", "name", "domain", "parent_id", known, loaded=True)


def _made(ties: Ties) -> pl.DataFrame:
    """Return the strongest rule that filed anybody under each account."""
    rank = {source: order for order, source in enumerate(_STRENGTH)}
    frames = [frame.select("account", "source") for frame in (ties.stated, ties.domain, ties.solo)]
    return (
        pl.concat(frames)
        .with_columns(pl.col("source").replace_strict(rank, return_dtype=pl.Int8).alias("rank"))
        .group_by("account")
        .agg(pl.col("rank").min())
        .select(
            "account",
            pl.col("rank")
            .replace_strict(dict(enumerate(_STRENGTH)), return_dtype=pl.String)
            .alias("made_by"),
        )
    )


def _solo(solo: pl.DataFrame, people: People) -> pl.DataFrame:
    return (
        people.versions.join(solo.select("user", "account"), on="user")
        .group_by("account", maintain_order=True)
        .agg(
            pl.col("email").drop_nulls().last(),
            pl.col("known").filter(pl.col("kind") == FREE_MAIL).min().alias("free_mail_since"),
        )
    )


def _reason() -> pl.Expr:
    return (
        pl.when(pl.col("source") == ACCOUNTS)
        .then(pl.lit("it is in the accounts table"))
        .when(pl.col("source") == "group")
        .then(pl.lit("events or merges name it"))
        .when(pl.col("source") == "membership")
        .then(pl.lit("the memberships table names it"))
        .when(pl.col("source") == "domain")
        .then(pl.format("users have addresses at {}, which no loaded account owned", "domain"))
        .otherwise(pl.lit("one user whom nothing ties to a company"))
    )
