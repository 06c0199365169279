"""Gathering what is known by a day: facts, what the journal tells, and features of some days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import polars as pl

from groundswell.config.quantities import parse_share
from groundswell.engine.deciding import DECIDED
from groundswell.engine.measuring.disputes import Dispute, disputes_by
from groundswell.engine.measuring.handovers import exposures_by, handoffs_by, pqls_by
from groundswell.measure.recurring import arr_movements, arr_steps
from groundswell.model import Kind
from groundswell.scoring import score_frame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from groundswell.config.loading import LoadedConfig
    from groundswell.config.metric_schema import CostDef
    from groundswell.engine.computing import Computer

EPOCH = date(1970, 1, 1)
_USAGE = (
    "account_id",
    "as_of",
    "active_users_28d",
    "invites_sent_28d",
    "invites_accepted_28d",
    "health",
    "is_paying",
)
_DATED = ("days_since_hand_raised", "security_asks_28d", "procurement_asks_28d")


@dataclass(frozen=True)
class Gathered:
    """What is known by the end of a day.

    Attributes:
        as_of: The day.
        ends: The days on which balances and usage are told, ascending.
        accounts: account_id, parent_id, name, domain, employees, industry, country, owner,
            is_free_mail, signed_up, activated, hand_raised, asked_for_enterprise, motion, tier,
            score.
        features: One row per account and end, every feature.
        usage: Of these what metrics read.
        subscriptions: Every version.
        arr: account_id, day, arr_cents, plan - the steps of recurring revenue.
        movements: Of ARR: account_id, day, kind, arr_cents, plan_before, plan_after.
        opportunities: The latest version of each.
        stages: opportunity_id, stage, since.
        touches, tickets: As they are loaded.
        costs: month, category, amount_cents.
        cost_kinds: By category, what it is for.
        handoffs, pqls, exposures: What the journal tells.
        disputes: Of lines of commission, as the journal tells.
        desks: E-mail address of each rep with a capacity, and it.
        gross_margin: Of recurring revenue, where it is set.
    """

    as_of: date
    ends: tuple[date, ...]
    accounts: pl.DataFrame
    features: pl.DataFrame
    usage: pl.DataFrame
    subscriptions: pl.DataFrame
    arr: pl.DataFrame
    movements: pl.DataFrame
    opportunities: pl.DataFrame
    stages: pl.DataFrame
    touches: pl.DataFrame
    tickets: pl.DataFrame
    costs: pl.DataFrame
    cost_kinds: Mapping[str, CostDef]
    handoffs: pl.DataFrame
    pqls: pl.DataFrame
    exposures: pl.DataFrame
    disputes: tuple[Dispute, ...]
    desks: dict[str, float]
    gross_margin: float | None = None


def gather(
    loaded: LoadedConfig, computer: Computer, *, as_of: date, ends: Sequence[date]
) -> Gathered:
    """Gather what is known by the end of a day.

    Args:
        loaded: The configuration.
        computer: Answers for features; its stores hold the facts and the journal.
        as_of: The day.
        ends: The days on which balances and usage are told; those after `as_of` are left out.
    """
    days = sorted({day for day in ends if day <= as_of} | {as_of})
    end = datetime.combine(as_of + timedelta(days=1), time(), UTC)
    margin = loaded.config.measuring.gross_margin
    warehouse, ledger = computer.warehouse, computer.ledger
    features = computer.collect(days)
    subscriptions = warehouse.read(Kind.SUBSCRIPTIONS)
    arr = arr_steps(subscriptions, as_of=as_of)
    versions = _known_by(warehouse.read(Kind.OPPORTUNITIES), "created_at", end)
    return Gathered(
        as_of=as_of,
        ends=tuple(days),
        accounts=_accounts(loaded, computer, features, as_of),
        features=features,
        usage=features.select(name for name in _USAGE if name in features.columns).rename(
            {"as_of": "day"}
        ),
        subscriptions=subscriptions,
        arr=arr,
        movements=arr_movements(arr),
        opportunities=_opportunities(versions, end),
        stages=_stages(versions),
        touches=_before(warehouse.read(Kind.TOUCHES), end),
        tickets=_before(warehouse.read(Kind.TICKETS), end),
        costs=_costs(warehouse.read(Kind.COSTS), as_of),
        cost_kinds=loaded.config.measuring.costs,
        handoffs=handoffs_by(ledger, as_of),
        pqls=pqls_by(ledger, as_of),
        exposures=exposures_by(ledger, as_of),
        disputes=disputes_by(ledger, as_of),
        desks={
            member.email: float(member.capacity)
            for team in loaded.teams.values()
            for member in team.members
            if member.capacity is not None
        },
        gross_margin=None if margin is None else parse_share(margin),
    )


def _accounts(
    loaded: LoadedConfig, computer: Computer, features: pl.DataFrame, as_of: date
) -> pl.DataFrame:
    """Return every account that exists by a day, with what was computed and decided on it."""
    filing = computer.filing().accounts
    born = (as_of - EPOCH).days
    known = filing.filter(pl.col("since") <= born).select(
        "account_id",
        pl.coalesce("parent_id", "account_id").alias("parent_id"),
        "name",
        "domain",
        "is_free_mail",
        signed_up=pl.col("since").cast(pl.Date),
    )
    today = features.filter(pl.col("as_of") == as_of)
    scored = score_frame(loaded.score, today)
    now = today.with_columns(scored.select(name for name in ("score", "tier")))
    raised = features.select(
        "account_id",
        day=pl.col("as_of") - pl.duration(days=pl.col("days_since_hand_raised").cast(pl.Int64)),
    )
    first_raised = raised.group_by("account_id").agg(pl.col("day").min().alias("hand_raised"))
    asked = features.group_by("account_id").agg(
        pl.any_horizontal(pl.col(name) > 0 for name in _DATED[1:])
        .fill_null(value=False)
        .any()
        .alias("asked_for_enterprise")
    )
    columns = ["account_id", "employees", "industry", "country", "owner", "score", "tier"]
    return (
        known.join(now.select(*columns, "days_to_activation"), on="account_id", how="left")
        .join(first_raised, on="account_id", how="left")
        .join(asked, on="account_id", how="left")
        .join(_motions(computer, as_of), on="account_id", how="left")
        .with_columns(
            activated=pl.col("signed_up")
            + pl.duration(days=pl.col("days_to_activation").cast(pl.Int64)),
            asked_for_enterprise=pl.col("asked_for_enterprise").fill_null(value=False),
        )
    )


def _motions(computer: Computer, as_of: date) -> pl.DataFrame:
    """Return the motion that was decided last for each account."""
    last: dict[str, str] = {}
    for entry in computer.ledger.journal(kinds=(DECIDED,)):
        if entry.as_of <= as_of:
            last[entry.account_id] = str(entry.body["motion"])
    return pl.DataFrame(
        {"account_id": list(last), "motion": list(last.values())},
        schema={"account_id": pl.String, "motion": pl.String},
    )


def _known_by(rows: pl.DataFrame, column: str, end: datetime) -> pl.DataFrame:
    """Return versions that were known by an instant."""
    known = pl.col("valid_from").is_null() | (pl.col("valid_from") < end)
    return rows.filter(known, pl.col(column) < end)


def _opportunities(versions: pl.DataFrame, end: datetime) -> pl.DataFrame:
    """Return the latest version of each opportunity; what closes later is open."""
    latest = (
        versions.sort("valid_from", nulls_last=False, maintain_order=True)
        .group_by("opportunity_id", maintain_order=True)
        .last()
    )
    closed = (pl.col("closed_at") < end) & pl.col("won").is_not_null()
    return latest.with_columns(
        pl.when(closed).then("closed_at").alias("closed_at"),
        pl.when(closed).then("won").alias("won"),
        amount_cents=cents("amount"),
    )


def _stages(versions: pl.DataFrame) -> pl.DataFrame:
    """Return every stage that an opportunity was in, and since when."""
    since = pl.coalesce("valid_from", "created_at")
    return (
        versions.select("opportunity_id", "stage", since=since)
        .sort("opportunity_id", "since")
        .filter(
            (pl.col("stage") != pl.col("stage").shift(1).over("opportunity_id")).fill_null(
                value=True
            )
        )
    )


def _before(rows: pl.DataFrame, end: datetime) -> pl.DataFrame:
    return rows.filter(pl.col("at") < end)


def _costs(rows: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return the costs of months that are over."""
    over = pl.col("month").dt.month_end() <= as_of
    return rows.filter(over).select("month", "category", amount_cents=cents("amount"))


def cents(column: str) -> pl.Expr:
    """Return an amount in whole cents."""
    return (pl.col(column) * 100).round(0).cast(pl.Int64)
