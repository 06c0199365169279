"""Every tie between a user and an account, by the rule that made it, and since when it is known.

A tie holds from the day it became known (`since`) to the day it ended (`until`); a weaker rule's
tie is taken back (`hidden`) on the day a stronger rule gives the user one. Events are filed by
ties in `filing`, sentences about them are written in `explaining`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from groundswell.intake.people import company_addresses
from groundswell.intake.spans import ALWAYS, INSTANT, OPEN, day, day_after, day_of

if TYPE_CHECKING:
    from groundswell.config.schema import IdentityBlock
    from groundswell.intake.people import People

GROUP, MEMBERSHIP, DOMAIN, SOLO, MERGE = "group", "membership", "domain", "solo", "merge"
SOLO_PREFIX = "solo:"


@dataclass(frozen=True)
class Ties:
    """The ties of all users, by strength of the rule.

    All frames have user, account_id, source, since_at (instant), since (day), hidden (day).

    Attributes:
        stated: From groups and memberships; also until_at, until (first day an event no longer
            counts through it) and gone (first day by whose end the user has left).
        domain: From company addresses; also until (a later company address), visible (the
            address and the owner are known), and the evidence: basis, email, own, domain, name,
            made,
            first.
        solo: Accounts of one.
    """

    stated: pl.DataFrame
    domain: pl.DataFrame
    solo: pl.DataFrame


def find_ties(
    actors: pl.DataFrame,
    aliased: pl.DataFrame,
    memberships: pl.DataFrame,
    people: People,
    owners: pl.DataFrame,
    *,
    block: IdentityBlock,
) -> Ties:
    """Apply the rules in order of strength: stated, then domain, then solo.

    Args:
        actors: actor, user, account_id, first_at, day.
        aliased: actor, user, and a piece, for the actors without a user id.
        memberships: The memberships table.
        people: The users.
        owners: Which account owns a domain, over days of knowing.
        block: Switches rules off.
    """
    stated = _stated_ties(actors, aliased, memberships, people)
    first_stated = stated.group_by("user").agg(pl.col("since").min().alias("first_stated"))
    addresses = company_addresses(people.versions if block.domains else people.versions.clear())
    domain = _domain_ties(addresses, owners, first_stated)
    first_known = (
        pl.concat(
            [
                first_stated.select("user", pl.col("first_stated").alias("hidden")),
                addresses.select("user", pl.col("since").alias("hidden")),
            ]
        )
        .group_by("user")
        .agg(pl.col("hidden").min())
    )
    starts = people.starts if block.solo_accounts else people.starts.clear()
    solo = _solo_ties(starts, people, first_known)
    return Ties(*(_leave_out(ties, people.internal) for ties in (stated, domain, solo)))


def _leave_out(ties: pl.DataFrame, internal: pl.DataFrame) -> pl.DataFrame:
    """Take back the ties of the company's own people, from the day they are known as such."""
    if internal.is_empty():
        return ties
    begins = "visible" if "visible" in ties.columns else "since"
    return (
        ties.join(internal, on="user", how="left")
        .with_columns(pl.min_horizontal("hidden", "internal").alias("hidden"))
        .filter(pl.col(begins) < pl.col("hidden"))
        .drop("internal")
    )


def _stated_ties(
    actors: pl.DataFrame, aliased: pl.DataFrame, memberships: pl.DataFrame, people: People
) -> pl.DataFrame:
    members = _membership_ties(memberships, people)
    groups = _group_ties(actors, aliased)
    leavers = members.drop_nulls("until_at")
    if not leavers.is_empty():
        ends = (
            groups.select("user", "account_id", "since_at")
            .join(leavers.select("user", "account_id", "until_at"), on=["user", "account_id"])
            .filter(pl.col("until_at") > pl.col("since_at"))
            .group_by("user", "account_id")
            .agg(pl.col("until_at").min())
        )
        groups = groups.drop("until_at").join(ends, on=["user", "account_id"], how="left")
    return (
        pl.concat([members, groups.select(members.columns)])
        .with_columns(
            day_of("since_at").alias("since"),
            day_after("until_at").fill_null(OPEN).alias("until"),
            day_of("until_at").fill_null(OPEN).alias("gone"),
            day(OPEN).alias("hidden"),
        )
        .filter(pl.col("since") < pl.col("until"))
    )


def _membership_ties(memberships: pl.DataFrame, people: People) -> pl.DataFrame:
    """Return the latest version of each membership; undated ones begin with the user.

    Of equally late versions the one that ends first counts, for it was known first.
    """
    key = ["user_id", "account_id", "given"]
    rows = memberships.rename({"since": "given", "until": "until_at"})
    several = rows["user_id"].is_duplicated()
    latest = (
        rows.filter(several)
        .sort(
            [*key, "valid_from", "until_at"],
            descending=[False, False, False, False, True],
            nulls_last=False,
        )
        .unique(key, keep="last", maintain_order=True)
    )
    return (
        pl.concat([rows.filter(~several), latest])
        .join(people.ids, on="user_id")
        .join(people.starts, on="user", how="left")
        .select(
            "user",
            "account_id",
            pl.lit(MEMBERSHIP).alias("source"),
            pl.coalesce("given", "start_at").alias("since_at"),
            "until_at",
            pl.col("given").is_not_null().alias("dated"),
        )
        .drop_nulls("since_at")
    )


def _group_ties(actors: pl.DataFrame, aliased: pl.DataFrame) -> pl.DataFrame:
    """Return a tie since the first event that named the account.

    An anonymous event that named it counts for the user who was recognised at or after it, from
    the day of that recognition.
    """
    grouped = actors.filter(pl.col("account_id").is_not_null())
    direct = grouped.drop_nulls("user").select("user", "account_id", "first_at")
    anonymous = (
        aliased.filter(pl.col("visible") > ALWAYS)
        .join(grouped.select("actor", "account_id", "first_at", "day"), on="actor")
        .filter(
            (pl.col("from_day") <= pl.col("day"))
            & (pl.col("day") < pl.col("until_day"))
            & (pl.col("day") <= pl.col("visible"))
        )
        .select(
            "user",
            "account_id",
            pl.max_horizontal(
                "first_at", (pl.col("visible").cast(pl.Int64) * 86_400_000_000).cast(INSTANT)
            ).alias("first_at"),
        )
    )
    return (
        pl.concat([direct, anonymous])
        .group_by("user", "account_id")
        .agg(pl.col("first_at").min().alias("since_at"))
        .with_columns(
            pl.lit(GROUP).alias("source"),
            pl.lit(None, INSTANT).alias("until_at"),
            pl.lit(value=True).alias("dated"),
        )
    )


def _domain_ties(
    addresses: pl.DataFrame, owners: pl.DataFrame, first_stated: pl.DataFrame
) -> pl.DataFrame:
    return (
        addresses.join(owners, on="domain")
        .join(first_stated, on="user", how="left")
        .select(
            "user",
            "account_id",
            pl.lit(DOMAIN).alias("source"),
            pl.col("known_at").alias("since_at"),
            "since",
            "until",
            pl.max_horizontal("since", "known_from").alias("visible"),
            pl.min_horizontal("known_until", pl.col("first_stated").fill_null(OPEN)).alias(
                "hidden"
            ),
            "basis", "email", "own", "domain", "name", "made", "first",
        )
        .filter(pl.col("visible") < pl.col("hidden"))
    )  # fmt: skip


def _solo_ties(starts: pl.DataFrame, people: People, first_known: pl.DataFrame) -> pl.DataFrame:
    return (
        starts.join(people.ids, on="user")
        .join(first_known.rename({first_known.columns[1]: "hidden"}), on="user", how="left")
        .select(
            "user",
            (SOLO_PREFIX + pl.col("user_id")).alias("account_id"),
            pl.lit(SOLO).alias("source"),
            pl.col("start_at").alias("since_at"),
            day_of("start_at").alias("since"),
            pl.col("hidden").fill_null(OPEN),
        )
        .filter(pl.col("since") < pl.col("hidden"))
    )


def solo_addresses(solo: pl.DataFrame, versions: pl.DataFrame) -> pl.DataFrame:
    """Split solo ties by what was known of the user's address, for the sentences about them.

    Args:
        solo: As in `Ties`.
        versions: As in `People`.

    Returns:
        The columns of `solo` and kind, email, visible; `hidden` is when the next version of the
        user came. Kind and email are null while nothing was known.
    """
    mine = versions.join(solo.select("user"), on="user", how="semi", maintain_order="left")
    known = mine.unique(["user", "known"], keep="last", maintain_order=True).select(
        "user", "known", "kind", "email"
    )
    start = solo.select("user", pl.col("since").alias("known")).join(
        known, on=["user", "known"], how="anti"
    )
    pieces = (
        pl.concat([known, start], how="diagonal")
        .sort("user", "known")
        .with_columns(
            pl.when(pl.col("user") == pl.col("user").shift(-1))
            .then(pl.col("known").shift(-1))
            .otherwise(OPEN)
            .cast(pl.Int32)
            .alias("known_next")
        )
    )
    return (
        solo.join(pieces, on="user")
        .with_columns(
            pl.max_horizontal("since", "known").alias("visible"),
            pl.min_horizontal("hidden", "known_next").alias("hidden"),
        )
        .filter(pl.col("visible") < pl.col("hidden"))
        .drop("known", "known_next")
    )
