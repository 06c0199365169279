"""Why a user belongs to an account, in words: one true and specific sentence for each link."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from groundswell.intake.domains import COMPANY, DISPOSABLE, FREE_MAIL
from groundswell.intake.links import GROUP, MERGE, Ties, solo_addresses
from groundswell.intake.merging import move
from groundswell.intake.spans import INSTANT, OPEN

_DAY_US = 86_400_000_000
_COLUMNS = ("user", "account", "source", "since_at", "until_at", "visible", "hidden", "reason")


@dataclass(frozen=True)
class Evidence:
    """What links are told from; kept so that sentences are written only when asked for.

    Attributes:
        ties: The ties of all users, with `account` as a number.
        versions: What was known of users' addresses, for solo accounts.
        standing: Where merged accounts stand.
        user_ids: user, user_id.
        account_ids: account, account_id.
    """

    ties: Ties
    versions: pl.DataFrame
    standing: pl.DataFrame
    user_ids: pl.DataFrame
    account_ids: pl.DataFrame


def write_links(evidence: Evidence) -> pl.DataFrame:
    """Tell every tie as a link, moved by merges, with its reason.

    Args:
        evidence: What is known of the ties.

    Returns:
        user_id, account_id, since, until, source, reason, visible, hidden; sorted by user_id,
        visible, since, account_id, source.
    """
    ties, user_ids, account_ids = evidence.ties, evidence.user_ids, evidence.account_ids
    solo = solo_addresses(ties.solo, evidence.versions)
    told = [
        _tell(_with_ids(frame, user_ids, account_ids), reason)
        for frame, reason in (
            (ties.stated.with_columns(pl.col("since").alias("visible")), _stated_reason()),
            (ties.domain.with_columns(_instant("until").alias("until_at")), _domain_reason()),
            (solo.with_columns(pl.lit(None, INSTANT).alias("until_at")), _solo_reason()),
        )
    ]
    moved = move(pl.concat(told), evidence.standing, begins="visible", ends="hidden", told=True)
    merged = pl.col("said").is_not_null()
    return (
        moved.with_columns(
            pl.when(merged).then(pl.lit(MERGE)).otherwise("source").alias("source"),
            pl.max_horizontal("since_at", "merged_at", _instant("visible")).alias("since"),
            pl.when(merged)
            .then(pl.format("{}; {}", "reason", "said"))
            .otherwise("reason")
            .alias("reason"),
            pl.col("until_at").alias("until"),
        )
        .sort("user", "visible", "since", "account", "source", "reason")
        .join(user_ids, on="user", how="left", maintain_order="left")
        .join(account_ids, on="account", how="left", maintain_order="left")
        .select("user_id", "account_id", "since", "until", "source", "reason", "visible", "hidden")
    )


def _with_ids(
    frame: pl.DataFrame, user_ids: pl.DataFrame, account_ids: pl.DataFrame
) -> pl.DataFrame:
    return frame.join(user_ids, on="user").join(account_ids, on="account")


def _tell(frame: pl.DataFrame, reason: pl.Expr) -> pl.DataFrame:
    return frame.with_columns(reason.alias("reason")).select(_COLUMNS)


def _instant(column: str) -> pl.Expr:
    days = pl.when(pl.col(column) < OPEN).then(pl.col(column).cast(pl.Int64))
    return (days * _DAY_US).cast(INSTANT)


def _date(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Date).cast(pl.String)


def _stated_reason() -> pl.Expr:
    names = ("user_id", "account_id", _date("since_at"))
    return (
        pl.when(pl.col("source") == GROUP)
        .then(pl.format("{} was first known to be active in {} on {}", *names))
        .when("dated")
        .then(pl.format("the memberships table says that {} joined {} on {}", *names))
        .otherwise(
            pl.format(
                "the memberships table lists {} under {} without a date, and {} was first known "
                "on {}",
                "user_id", "account_id", "user_id", _date("since_at"),
            )
        )
    )  # fmt: skip


def _domain_reason() -> pl.Expr:
    came = _date("since_at")
    address = (
        pl.when(pl.col("basis") == "created_at")
        .then(pl.format("{} signed up on {}", "email", came))
        .when(pl.col("basis") == "valid_from")
        .then(pl.format("{} is known as the address of {} since {}", "email", "user_id", came))
        .otherwise(pl.format("{} was first seen on {}", "email", came))
    )
    owner = (
        pl.when(pl.col("made"))
        .then(pl.format("no account owned {}, so it became one", "domain"))
        .when(pl.col("own") == pl.col("domain"))
        .then(pl.format("{} belongs to {}", "own", pl.coalesce("name", "account_id")))
        .otherwise(
            pl.format(
                "{} stands for {}, which belongs to {}",
                "own", "domain", pl.coalesce("name", "account_id"),
            )
        )
    )  # fmt: skip
    later = (
        pl.when(pl.col("visible") > pl.col("since"))
        .then(pl.format(", known since {}", pl.col("visible").cast(pl.Date).cast(pl.String)))
        .otherwise(pl.lit(""))
    )
    return pl.format("{} and {}{}", address, owner, later)


def _solo_reason() -> pl.Expr:
    address = (
        pl.when(pl.col("kind") == FREE_MAIL)
        .then(pl.format("{} is an address at a free-mail provider", "email"))
        .when(pl.col("kind") == DISPOSABLE)
        .then(pl.format("{} is a disposable address", "email"))
        .when(pl.col("kind") == COMPANY)
        .then(pl.format("{} is not looked at, for domains are switched off", "email"))
        .when(pl.col("email").is_not_null())
        .then(pl.format("{} is not an address of a company", "email"))
        .otherwise(pl.lit("no e-mail address is known"))
    )
    return pl.format("{} and nothing else ties {} to an account", address, "user_id")
