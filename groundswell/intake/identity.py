"""Identity: which account every user and every event belongs to, as of any day.

Pure functions over frames. The rules and their order are told in `docs/concepts/identity.md`;
here they are put together: who there is (`people`), who owns which domain (`owners`), what ties
users to accounts (`links`), where events go (`filing`), and how merges move it all (`merging`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from groundswell.intake.accounts import list_accounts
from groundswell.intake.domains import Domains, tidy
from groundswell.intake.filing import Filing, file_events, find_members, places_of_users
from groundswell.intake.links import Ties, find_ties
from groundswell.intake.merging import find_standing, move
from groundswell.intake.owners import find_holders, find_owners, find_parents
from groundswell.intake.people import (
    anonymous_persons,
    find_people,
    find_users_of_actors,
    number_persons,
)
from groundswell.intake.sentences import Evidence
from groundswell.intake.spans import ALWAYS, INSTANT, OPEN, day, day_of, join_spans

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.config.schema import IdentityBlock
    from groundswell.intake.people import People

_ACTORS = {
    "actor": pl.Int32,
    "user_id": pl.String,
    "anonymous_id": pl.String,
    "account_id": pl.String,
    "first_at": INSTANT,
}
_USERS = {
    "user_id": pl.String,
    "email": pl.String,
    "created_at": INSTANT,
    "valid_from": INSTANT,
}
_MEMBERSHIPS = {
    "user_id": pl.String,
    "account_id": pl.String,
    "since": INSTANT,
    "until": INSTANT,
    "valid_from": INSTANT,
}
_ACCOUNTS = {
    "account_id": pl.String,
    "name": pl.String,
    "domain": pl.String,
    "parent_id": pl.String,
    "created_at": INSTANT,
    "valid_from": INSTANT,
}
_MERGES = {
    "from_account": pl.String,
    "into_account": pl.String,
    "since": INSTANT,
    "until": INSTANT,
    "reason": pl.String,
}


def resolve(
    actors: pl.DataFrame,
    users: pl.DataFrame,
    memberships: pl.DataFrame,
    accounts: pl.DataFrame,
    merges: pl.DataFrame,
    block: IdentityBlock,
) -> Filing:
    """File every user and every event under an account, as of every day at once.

    Nothing that became known after a day changes anything as of that day, and the order of rows
    in the inputs does not matter.

    Args:
        actors: actor, user_id, anonymous_id, account_id, first_at - the distinct id triples of
            the events with the time of the first.
        users: The users table, all versions.
        memberships: The memberships table.
        accounts: The accounts table, all versions.
        merges: from_account, into_account, since, until, reason.
        block: The `identity` block of the configuration.

    Raises:
        ConfigError: Domain aliases lead in a circle.
        UsageError: Merges lead in a circle.
    """
    actors = _shape(actors, _ACTORS).with_columns(day_of("first_at").alias("day"))
    users, memberships = _shape(users, _USERS), _shape(memberships, _MEMBERSHIPS)
    domains = Domains.of(block)
    accounts = domains.describe(_shape(accounts, _ACCOUNTS), "domain")

    anonymous = anonymous_persons(actors)
    persons = number_persons(actors, anonymous, users, memberships)
    actors = actors.join(persons, on="user_id", how="left")
    people = find_people(persons, actors, users, domains=domains)
    behind = find_users_of_actors(actors, people)
    owners = find_owners(find_holders(accounts), _domains_in_use(people, block, domains))
    parents = find_parents(block.subsidiaries, owners, domains=domains)
    ties = find_ties(actors, behind, memberships, people, owners, block=block)
    merged = find_standing(_shape(merges, _MERGES))

    ids = _number_accounts(ties, actors, accounts, merged)
    ties = Ties(*(_numbered(frame, ids) for frame in (ties.stated, ties.domain, ties.solo)))
    standing = _numbered(merged.rename({"from_id": "account_id"}), ids).join(
        ids.select(pl.col("account").alias("into"), pl.col("account_id").alias("into_id")),
        on="into_id",
    )
    anonymous = _numbered(anonymous.join(people.ids, on="user_id"), ids)
    actors = actors.join(ids, on="account_id", how="left")
    filings = _filings(actors, behind, anonymous, ties)
    filings = move(filings, standing, begins="visible", ends="hidden")
    members = find_members(ties, anonymous.rename({"user": "person"}))
    return Filing(
        evidence=Evidence(ties, people.versions, standing, people.ids, ids),
        filings=_tidy_filings(filings),
        members=join_spans(
            move(members, standing, begins="since", ends="until"), by=("account", "person")
        ),
        accounts=list_accounts(
            ids, accounts, ties, members, actors, people, parents, domains=domains
        ),
        persons=persons.rename({"user": "person"}),
        merges=_merged_accounts(standing),
        unfiled=_unfiled(actors, filings, people),
    )


def _shape(
    frame: pl.DataFrame, columns: Mapping[str, pl.DataType | type[pl.DataType]]
) -> pl.DataFrame:
    """Take the columns identity reads, in their types; one that is missing is unknown."""
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(of).alias(name)
        for name, of in columns.items()
    )


def _domains_in_use(people: People, block: IdentityBlock, domains: Domains) -> pl.Series:
    named = [domains.canonical(tidy(name)) for pair in block.subsidiaries.items() for name in pair]
    return pl.concat([people.versions["domain"], pl.Series("domain", named, pl.String)])


def _number_accounts(
    ties: Ties, actors: pl.DataFrame, accounts: pl.DataFrame, standing: pl.DataFrame
) -> pl.DataFrame:
    """Number every account there is densely, in the order of the ids."""
    frames = (ties.stated, ties.domain, ties.solo, actors, accounts)
    named = [frame["account_id"] for frame in frames]
    named += [standing["from_id"].rename("account_id"), standing["into_id"].rename("account_id")]
    return (
        pl.DataFrame({"account_id": pl.concat(named)})
        .drop_nulls()
        .unique()
        .sort("account_id")
        .with_row_index("account")
        .with_columns(pl.col("account").cast(pl.Int32))
    )


def _numbered(frame: pl.DataFrame, ids: pl.DataFrame) -> pl.DataFrame:
    return frame.join(ids, on="account_id").drop("account_id")


def _filings(
    actors: pl.DataFrame, behind: pl.DataFrame, anonymous: pl.DataFrame, ties: Ties
) -> pl.DataFrame:
    unrecognised = anonymous.select(
        "actor",
        "user",
        pl.col("since").alias("from_day"),
        pl.col("until").alias("until_day"),
        day(ALWAYS).alias("visible"),
        pl.col("until").alias("hidden"),
    )
    everybody = pl.concat([behind, unrecognised.select(behind.columns)])
    return file_events(
        actors.select("actor", "account"),
        everybody.rename({"user": "person"}),
        places_of_users(ties),
    )


def _tidy_filings(filings: pl.DataFrame) -> pl.DataFrame:
    return filings.select(
        "actor",
        "from_day",
        "until_day",
        "account",
        "person",
        pl.col("visible").clip(0, OPEN),
        "hidden",
    ).sort("actor", "from_day", "visible")


def _merged_accounts(standing: pl.DataFrame) -> pl.DataFrame:
    return (
        standing.filter(pl.col("account") != pl.col("into"))
        .select(
            "account",
            "into",
            pl.col("known_from").clip(0, OPEN).alias("since"),
            pl.col("known_until").alias("until"),
        )
        .sort("account", "since")
    )


def _unfiled(actors: pl.DataFrame, filings: pl.DataFrame, people: People) -> pl.DataFrame:
    internal = people.ids.join(people.internal, on="user", how="semi").select("user_id")
    reason = (
        pl.when(pl.col("user_id").is_in(internal["user_id"].to_list()))
        .then(pl.lit("internal"))
        .when(pl.col("user_id").is_not_null())
        .then(pl.lit("no account"))
        .when(pl.col("anonymous_id").is_not_null())
        .then(pl.lit("anonymous"))
        .otherwise(pl.lit("nobody"))
    )
    return (
        actors.join(filings.select("actor"), on="actor", how="anti")
        .select("actor", reason.alias("reason"))
        .sort("actor")
    )
