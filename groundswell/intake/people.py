"""Who there is: users, the addresses they were known by, and anonymous ids that became users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from groundswell.intake.domains import COMPANY, INTERNAL
from groundswell.intake.spans import ALWAYS, OPEN, day, day_of, drop_empty

if TYPE_CHECKING:
    from groundswell.intake.domains import Domains


ANONYMOUS_PREFIX = "anon:"
_ADDRESS = r"^[^@\s:]+@[^@\s]+\.[^@\s.]+$"


@dataclass(frozen=True)
class People:
    """The users, by dense `user` number, and when what was known of them.

    Attributes:
        ids: user, user_id - sorted by user_id; anonymous persons of accounts are among them.
        starts: user, start_at - the first instant the user is known of; none for a user whose
            rows have no time and who has no event.
        versions: user, known_at, known (day), basis, email, own, domain, kind - one row per
            version of the users table, in the order they became known.
        internal: user, internal (day) - users who are the company's own, from that day on.
    """

    ids: pl.DataFrame
    starts: pl.DataFrame
    versions: pl.DataFrame
    internal: pl.DataFrame


def anonymous_persons(actors: pl.DataFrame) -> pl.DataFrame:
    """Return the persons who acted in a named account before anybody knew who they were.

    Args:
        actors: actor, user_id, anonymous_id, account_id, day.

    Returns:
        actor, account_id, user_id (`anon:<id>`), since, until (days): from the first event until
        the anonymous id was first seen together with a user.
    """
    met = (
        actors.drop_nulls(["user_id", "anonymous_id"])
        .group_by("anonymous_id")
        .agg(pl.col("day").min().alias("until"))
    )
    return (
        actors.filter(pl.col("user_id").is_null())
        .drop_nulls(["anonymous_id", "account_id"])
        .join(met, on="anonymous_id", how="left")
        .select(
            "actor",
            "account_id",
            (ANONYMOUS_PREFIX + pl.col("anonymous_id")).alias("user_id"),
            pl.col("day").alias("since"),
            pl.col("until").fill_null(OPEN),
        )
        .filter(pl.col("since") < pl.col("until"))
    )


def number_persons(*frames: pl.DataFrame) -> pl.DataFrame:
    """Number every person that any of the frames names, densely in the order of the ids.

    Args:
        frames: Rows with `user_id`, or null.

    Returns:
        user, user_id, sorted.
    """
    return (
        pl.concat([frame.select("user_id") for frame in frames])
        .drop_nulls()
        .unique()
        .sort("user_id")
        .with_row_index("user")
        .with_columns(pl.col("user").cast(pl.Int32))
    )


def find_people(
    ids: pl.DataFrame, actors: pl.DataFrame, users: pl.DataFrame, *, domains: Domains
) -> People:
    """Say what was known of each user, and from when.

    A version of the users table is known from its `valid_from`; the first one, which has none,
    from `created_at`, else from the user's first event. Where no version gives an address, a user
    id that is one gives it, from the first event.

    Args:
        ids: As `number_persons` gives.
        actors: Distinct id triples of events, with `user` and `first_at`.
        users: All versions of the users table.
        domains: Tells what an address speaks for.
    """
    first = actors.drop_nulls("user").group_by("user").agg(pl.col("first_at").min())
    users = pl.concat([users, _addresses_in_ids(ids, users)], how="diagonal_relaxed")
    versions = _versions(users.join(ids, on="user_id"), first, domains)
    starts = (
        pl.concat(
            [
                first.rename({"first_at": "start_at"}),
                versions.select("user", pl.col("known_at").alias("start_at")),
            ]
        )
        .group_by("user")
        .agg(pl.col("start_at").min())
    )
    internal = (
        versions.filter(pl.col("kind") == INTERNAL)
        .group_by("user")
        .agg(pl.col("known").min().alias("internal"))
    )
    return People(ids=ids, starts=starts, versions=versions, internal=internal)


def _addresses_in_ids(ids: pl.DataFrame, users: pl.DataFrame) -> pl.DataFrame:
    """Return user_id, email of the users whose id is their address, where nothing else tells it."""
    told = users.drop_nulls("email").select("user_id")
    return (
        ids.filter(pl.col("user_id").str.contains(_ADDRESS))
        .join(told, on="user_id", how="anti")
        .select("user_id", pl.col("user_id").alias("email"))
    )


def _versions(users: pl.DataFrame, first: pl.DataFrame, domains: Domains) -> pl.DataFrame:
    basis = (
        pl.when(pl.col("valid_from").is_not_null())
        .then(pl.lit("valid_from"))
        .when(pl.col("created_at").is_not_null())
        .then(pl.lit("created_at"))
        .otherwise(pl.lit("first_at"))
    )
    described = domains.describe(
        users.join(first, on="user", how="left")
        .with_columns(
            pl.coalesce("valid_from", "created_at", "first_at").alias("known_at"),
            basis.alias("basis"),
        )
        .drop_nulls("known_at"),
        "email",
    )
    columns = ("user", "known_at", "basis", "email", "own", pl.col("speaks_for").alias("domain"))
    versions = described.select(*columns, "kind", "valid_from", day_of("known_at").alias("known"))
    if not versions["user"].is_duplicated().any():
        return versions.drop("valid_from").sort("user")
    return (
        versions.unique()
        .sort("user", "known_at", "valid_from", "email", "basis", nulls_last=False)
        .drop("valid_from")
    )


def company_addresses(versions: pl.DataFrame) -> pl.DataFrame:
    """Return the spans over which users were known by a company's address.

    A later address at another company ends a span; one at a free-mail provider does not, for
    people add private addresses without leaving.

    Args:
        versions: As in `People`.

    Returns:
        user, known_at, basis, email, own, domain, since, until (days), first (no span of the
        user is before), sorted by user and since.
    """
    company = versions.filter(pl.col("kind") == COMPANY)
    same = pl.col("user") == pl.col("user").shift(1)
    if company["user"].is_duplicated().any():
        company = company.unique(["user", "known"], keep="last", maintain_order=True).filter(
            (same & (pl.col("domain") == pl.col("domain").shift(1))).not_().fill_null(value=True)
        )
    following = pl.col("known").shift(-1)
    until = pl.when(pl.col("user") == pl.col("user").shift(-1)).then(following).otherwise(OPEN)
    return company.select(
        "user",
        "known_at",
        "basis",
        "email",
        "own",
        "domain",
        pl.col("known").alias("since"),
        until.cast(pl.Int32).alias("until"),
        same.fill_null(value=False).not_().alias("first"),
    )


def find_users_of_actors(actors: pl.DataFrame, people: People) -> pl.DataFrame:
    """Say which user stands behind the events of an actor, and as of when that is known.

    An anonymous id belongs to the user seen with it next, at or after the event: this is known
    from the day the two were seen together. Until then, and for good when there is no next one,
    the event is the user's who was seen with the id last before.

    Args:
        actors: actor, user, anonymous_id, day (the first), first_at.
        people: The users.

    Returns:
        actor, user, and the columns of a piece. The company's own people are hidden.
    """
    direct = actors.filter(pl.col("user").is_not_null()).select(
        "actor",
        "user",
        pl.col("day").alias("from_day"),
        day(OPEN).alias("until_day"),
        day(ALWAYS).alias("visible"),
        day(OPEN).alias("hidden"),
    )
    unnamed = actors.filter(pl.col("user").is_null()).select("actor", "anonymous_id", "day")
    seen = actors.filter(pl.col("user").is_not_null() & pl.col("anonymous_id").is_not_null())
    aliased = (
        _alias_pieces(seen)
        .join(unnamed, on="anonymous_id")
        .with_columns(pl.max_horizontal("from_day", "day").alias("from_day"))
        .select(direct.columns)
    )
    pieces = pl.concat([direct, drop_empty(aliased)])
    if people.internal.is_empty():
        return pieces
    ended = pieces.join(people.internal, on="user", how="left").with_columns(
        pl.min_horizontal("hidden", "internal").alias("hidden")
    )
    return drop_empty(ended).drop("internal")


def _alias_pieces(seen: pl.DataFrame) -> pl.DataFrame:
    points = (
        seen.group_by("anonymous_id", "user")
        .agg(pl.col("first_at").min())
        .sort("anonymous_id", "first_at", "user")
        .with_columns(day_of("first_at").alias("met"))
        .with_columns(
            _neighbour("met", 1).alias("met_before"), _neighbour("met", -1).alias("met_next")
        )
    )
    after = points.select(
        "anonymous_id",
        "user",
        (pl.col("met_before") + 1).fill_null(ALWAYS).cast(pl.Int32).alias("from_day"),
        pl.when(pl.col("met_next").is_null())
        .then(OPEN)
        .otherwise(pl.col("met") + 1)
        .cast(pl.Int32)
        .alias("until_day"),
        pl.col("met").alias("visible"),
        day(OPEN).alias("hidden"),
    )
    before = points.drop_nulls("met_next").select(
        "anonymous_id",
        "user",
        (pl.col("met") + 1).alias("from_day"),
        (pl.col("met_next") + 1).alias("until_day"),
        day(ALWAYS).alias("visible"),
        pl.col("met_next").alias("hidden"),
    )
    return drop_empty(pl.concat([after, before]))


def _neighbour(column: str, by: int) -> pl.Expr:
    same = pl.col("anonymous_id") == pl.col("anonymous_id").shift(by)
    return pl.when(same).then(pl.col(column).shift(by))
