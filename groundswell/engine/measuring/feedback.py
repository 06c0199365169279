"""Feedback both ways, from what a project knows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from groundswell.engine.deciding import BARRED
from groundswell.engine.measuring.requests import requests_for_features
from groundswell.engine.measuring.uplift import contacts
from groundswell.engine.measuring.weekly import QUARTER
from groundswell.handoff.life import DECLINE_REASONS
from groundswell.measure.feedback import (
    Answering,
    Asked,
    Likely,
    Predictor,
    Recurring,
    asked_before_buying,
    count_answers,
    count_recurring,
    find_predictors,
    likely_buyers,
)
from groundswell.routing import is_held_out

if TYPE_CHECKING:
    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.computing import Computer
    from groundswell.engine.measuring.gathering import Gathered

ASKS = (
    "feature_requests_28d",
    "security_asks_28d",
    "procurement_asks_28d",
    "invoice_requests_28d",
    "presales_tickets_28d",
    "integration_tickets_28d",
    "tickets_28d",
    "enterprise_feature_views_28d",
    "pricing_views_28d",
    "paywalls_seen_28d",
    "limit_hits_28d",
)
"""What accounts ask for and run into; other features of four weeks count as usage."""

_FOUR_WEEKS = "_28d"


@dataclass(frozen=True)
class FeedbackReport:
    """What product tells sales, and what sales and support tell product.

    Attributes:
        as_of: What was known by this day was used.
        currency: Of every amount.
        words: What each feature is that is named below.
        likely: Who is most likely to buy and may be contacted, best first.
        predictors: Which usage comes before customers pay more.
        answering: Which segments answer when they are contacted.
        asked: What buyers did more often than others before they bought.
        recurring: What was said again and again: declines, lost deals, tickets.
    """

    as_of: date
    currency: str
    words: dict[str, str]
    likely: tuple[Likely, ...]
    predictors: tuple[Predictor, ...]
    answering: tuple[Answering, ...]
    asked: tuple[Asked, ...]
    recurring: tuple[Recurring, ...]


def report_feedback(loaded: LoadedConfig, computer: Computer, known: Gathered) -> FeedbackReport:
    """Say what usage tells sales, and what sales and support tell product.

    Args:
        loaded: The features, and whom nobody may contact.
        computer: Its ledger says whom a CRM bars.
        known: What is known by the day; its features hold the weeks of a quarter, and its first
            day (`weekly.ends_for`).
    """
    day = known.as_of
    then = day - timedelta(days=QUARTER)
    of_day = {asked: known.features.filter(pl.col("as_of") == asked) for asked in (then, day)}
    asks = [name for name in ASKS if name in known.features.columns]
    usage = [
        name
        for name in loaded.features
        if name.endswith(_FOUR_WEEKS)
        and name not in asks
        and known.features.schema.get(name) == pl.Float64
    ]
    predictors = find_predictors(of_day[then], of_day[day], known.arr, usage, then=then, as_of=day)
    asked = asked_before_buying(known.features, known.movements, asks, as_of=day)
    named = [*(one.feature for one in predictors), *(one.feature for one in asked)]
    return FeedbackReport(
        day,
        loaded.config.currency,
        {name: loaded.features[name].doc or name for name in named},
        _likely(loaded, computer, known),
        predictors,
        count_answers(
            contacts(known).select("account_id", day=pl.col("at").dt.date()),
            known.accounts,
            _answers(known),
            as_of=day,
        ),
        asked,
        count_recurring(pl.concat([_said(known), _requests(loaded, computer, day)]), as_of=day),
    )


def _likely(loaded: LoadedConfig, computer: Computer, known: Gathered) -> tuple[Likely, ...]:
    """Return who is likely to buy, without those that somebody works, or that are held out."""
    paying = known.arr.sort("day").group_by("account_id").agg(pl.col("arr_cents").last())
    present = known.pqls.filter(pl.col("released_on").is_null())
    open_ = known.handoffs.filter(pl.col("closed_at").is_null())
    deals = known.opportunities.filter(pl.col("won").is_null())
    barred = [*loaded.guardrails.do_not_contact, *computer.ledger.all_remembered(BARRED, prefix="")]
    worked = pl.concat(
        [
            open_.get_column("account_id"),
            deals.get_column("account_id"),
            _held_out(loaded.guardrails.holdout_share, known.accounts),
            pl.Series("account_id", barred, pl.String),
        ]
    )
    accounts = known.accounts.join(paying, on="account_id", how="left").with_columns(
        paid=pl.when(pl.col("arr_cents") > 0).then(pl.lit(known.as_of)),
        qualified=pl.col("account_id").is_in(present.get_column("account_id").implode()),
    )
    return likely_buyers(accounts, worked=worked)


def _held_out(share: float, accounts: pl.DataFrame) -> pl.Series:
    """Return the accounts that are in the holdout, whether they qualify or not."""
    if share <= 0:
        return pl.Series("account_id", [], pl.String)
    held = [
        account_id
        for account_id, parent_id in accounts.select("account_id", "parent_id").iter_rows()
        if is_held_out(share, parent_id)
    ]
    return pl.Series("account_id", held, pl.String)


def _answers(known: Gathered) -> pl.DataFrame:
    """Return when accounts had an opportunity, or came to pay more."""
    more = known.movements.filter(pl.col("kind").is_in(["new", "expansion", "reactivation"]))
    return pl.concat(
        [
            known.opportunities.select("account_id", day=pl.col("created_at").dt.date()),
            more.select("account_id", "day"),
        ]
    )


def _said(known: Gathered) -> pl.DataFrame:
    """Return everything that was said: kind, what, account_id, day, amount_cents."""
    declined = known.handoffs.filter(pl.col("state") == "declined").with_columns(
        pl.col("reason").replace(DECLINE_REASONS)
    )
    lost = known.opportunities.filter(pl.col("won") == pl.lit(value=False))
    return pl.concat(
        [
            _rows("declined", declined, "reason", "closed_at"),
            _rows("lost", lost, "lost_reason", "closed_at", "amount_cents"),
            _rows("lost to", lost, "competitor", "closed_at", "amount_cents"),
            _rows("ticket", known.tickets, "topic", "at"),
        ]
    )


def _requests(loaded: LoadedConfig, computer: Computer, day: date) -> pl.DataFrame:
    """Return the features that were asked for, as `_said` has what was said."""
    since = day - timedelta(days=2 * QUARTER)
    asked = requests_for_features(loaded, computer, since=since, as_of=day)
    return asked.select(
        pl.lit("asked for").alias("kind"),
        "what",
        "account_id",
        "day",
        pl.lit(0, pl.Int64).alias("amount_cents"),
    )


def _rows(
    kind: str, rows: pl.DataFrame, what: str, at: str, amount: str | None = None
) -> pl.DataFrame:
    cents = pl.lit(0, pl.Int64) if amount is None else pl.col(amount).fill_null(0)
    return rows.select(
        pl.lit(kind).alias("kind"),
        pl.col(what).cast(pl.String).alias("what"),
        "account_id",
        pl.col(at).dt.date().alias("day"),
        cents.cast(pl.Int64).alias("amount_cents"),
    )
