"""From ties to filings: which account each event counts for, by whom, and as of when."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from groundswell.intake.sentences import Evidence, write_links
from groundswell.intake.spans import ALWAYS, OPEN, PIECE, day, drop_empty, intersect

if TYPE_CHECKING:
    from groundswell.intake.links import Ties

_PLACE = ("user", "account", *PIECE)
_FILED = ("actor", "account", "person", *PIECE)


@dataclass(frozen=True)
class Filing:
    """Who belongs to which account and what every event counts for, as of any day.

    Attributes:
        evidence: What `links` are written from.
        filings: actor, from_day, until_day, account, person, visible, hidden - an event of
            `actor` on day d with from_day <= d < until_day counts as of t exactly when
            max(d, visible) <= t < hidden. For one event and one t there is at most one row.
        members: account, person, since, until - the days as of which a person belongs.
        accounts: account, account_id, name, domain, source, reason, is_free_mail,
            free_mail_since, parent_id, since - `since` is the first day the account is known.
        persons: person, user_id (`anon:<id>` for an anonymous person).
        merges: account, into, since, until - days as of which an account is another one.
        unfiled: actor, reason - actors none of whose events ever count for an account.
    """

    evidence: Evidence
    filings: pl.DataFrame
    members: pl.DataFrame
    accounts: pl.DataFrame
    persons: pl.DataFrame
    merges: pl.DataFrame
    unfiled: pl.DataFrame

    @cached_property
    def links(self) -> pl.DataFrame:
        """Every link: user_id, account_id, since, until, source, reason, visible, hidden.

        `visible` and `hidden` are the days as of which the link is believed. The sentences are
        written when they are first asked for.
        """
        return write_links(self.evidence)


def places_of_users(ties: Ties) -> pl.DataFrame:
    """Say where a user's events go that name no account themselves.

    Args:
        ties: The ties of all users, with `account` as a number.

    Returns:
        user, account and the columns of a piece; at most one piece holds for an event day seen
        as of a day.
    """
    domain = ties.domain.with_columns(
        pl.when("first").then(ALWAYS).otherwise("since").cast(pl.Int32).alias("from_day"),
        pl.col("until").alias("until_day"),
    )
    solo = ties.solo.with_columns(
        day(ALWAYS).alias("from_day"),
        day(OPEN).alias("until_day"),
        pl.col("since").alias("visible"),
    )
    places = (_stated_places(ties.stated), domain, solo)
    return drop_empty(pl.concat([frame.select(_PLACE) for frame in places]))


def _stated_places(stated: pl.DataFrame) -> pl.DataFrame:
    """Of the ties that hold on the event's day the one since latest, else the next to come."""
    several = stated["user"].is_duplicated()
    ordered = stated.filter(several).sort(
        ["user", "since_at", "source", "account"], descending=[False, False, True, True]
    )
    leavers = stated.filter(pl.col("until") < OPEN).select("user").unique()
    stayers = pl.concat([stated.filter(~several), ordered]).join(
        leavers, on="user", how="anti", maintain_order="left"
    )
    latest = stayers.unique(["user", "since"], keep="last", maintain_order=True)
    begins = pl.when(pl.col("user").shift(1).eq_missing(pl.col("user"))).then("since")
    ends = pl.when(pl.col("user").shift(-1).eq_missing(pl.col("user"))).then(
        pl.col("since").shift(-1)
    )
    placed = latest.with_columns(
        begins.otherwise(ALWAYS).cast(pl.Int32).alias("from_day"),
        ends.otherwise(OPEN).cast(pl.Int32).alias("until_day"),
        pl.col("since").alias("visible"),
    ).select(_PLACE)
    if leavers.is_empty():
        return placed
    return pl.concat([placed, _places_of_leavers(stated.join(leavers, on="user"))])


def _places_of_leavers(stated: pl.DataFrame) -> pl.DataFrame:
    points = pl.concat(
        [stated.select("user", from_day=name) for name in ("since", "until")]
    ).unique()
    points = points.filter(pl.col("from_day") < OPEN).sort("user", "from_day")
    spans = points.with_columns(
        pl.col("from_day").shift(-1).over("user").fill_null(OPEN).alias("until_day")
    )
    held = (
        spans.join(stated, on="user")
        .filter((pl.col("since") <= pl.col("from_day")) & (pl.col("from_day") < pl.col("until")))
        .sort(
            ["user", "from_day", "since_at", "source", "account"],
            descending=[False, False, False, True, True],
        )
        .unique(["user", "from_day"], keep="last", maintain_order=True)
        .select("user", "from_day", "account", "hidden", pl.col("from_day").alias("visible"))
    )
    first = pl.col("from_day") == pl.col("from_day").min().over("user")
    return (
        spans.join(held, on=["user", "from_day"], how="left")
        .sort("user", "from_day")
        .with_columns(
            pl.col("account", "visible", "hidden").backward_fill().over("user"),
            pl.when(first).then(ALWAYS).otherwise("from_day").cast(pl.Int32).alias("from_day"),
        )
        .drop_nulls("account")
        .select(_PLACE)
    )


def file_events(actors: pl.DataFrame, behind: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Say what the events of each actor count for, before merges.

    Args:
        actors: actor, account (null where the events name none).
        behind: actor, person and a piece: who stands behind the actor's events.
        places: user, account and a piece: where events go that name no account.

    Returns:
        actor, account, person and a piece.
    """
    explicit = actors.drop_nulls("account")
    named = behind.join(explicit, on="actor")
    placed = (
        behind.join(explicit, on="actor", how="anti")
        .join(places, left_on="person", right_on="user", suffix="_place")
        .pipe(intersect, suffix="_place")
    )
    return pl.concat([named.select(_FILED), placed.select(_FILED)])


def find_members(ties: Ties, anonymous: pl.DataFrame) -> pl.DataFrame:
    """Say on which days of looking a person belongs to an account, before merges.

    Args:
        ties: The ties of all users, with `account` as a number.
        anonymous: account, person, since, until: anonymous persons of accounts.

    Returns:
        account, person, since, until.
    """
    columns = ["account", "person", "since", "until"]
    frames = (
        ties.stated.with_columns(pl.min_horizontal("gone", "hidden").alias("until")),
        ties.domain.with_columns(
            pl.col("visible").alias("since"), pl.min_horizontal("until", "hidden").alias("until")
        ),
        ties.solo.with_columns(pl.col("hidden").alias("until")),
    )
    users = [frame.rename({"user": "person"}).select(columns) for frame in frames]
    return pl.concat([*users, anonymous.select(columns)]).filter(pl.col("since") < pl.col("until"))
