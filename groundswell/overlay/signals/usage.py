"""What usage tells: accounts that stay at their limit, and rich usage that pays nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from groundswell.overlay.facts import FEATURES, at_end, business, is_known
from groundswell.overlay.figures import Figure, share_of
from groundswell.overlay.signals.signal import Evidence, Reading

if TYPE_CHECKING:
    from groundswell.config.overlay_schema import OverlayBlock
    from groundswell.overlay.facts import OverlayFacts
    from groundswell.overlay.quarters import Quarter

_RICH = ("active_users_28d", "active_days_90d", "account_age_days", "features_used_28d", "mrr")


def stalled_at_limit(facts: OverlayFacts, terms: OverlayBlock, quarter: Quarter) -> Reading:
    """Count the active accounts that stay at a limit without an upgrade."""
    source = f"features of {quarter.last}: days_at_limit of active accounts with a limit"
    rows = at_end(facts.features, quarter)
    if not is_known(rows, "days_at_limit", "active_users_28d"):
        return Reading(Figure(None, unit="share", source=source), missing=(FEATURES,))
    limited = rows.filter(pl.col("active_users_28d") > 0, pl.col("days_at_limit").is_not_null())
    if not limited.height:
        return Reading(
            Figure(None, unit="share", source=source),
            missing=("limits: set `seats` or `usage` of `plans`, or load `subscriptions`",),
        )
    stalled = limited.filter(pl.col("days_at_limit") >= terms.signals.stalled_at_limit.days).sort(
        "days_at_limit", "active_users_28d", "account_id", descending=[True, True, False]
    )
    return Reading(
        share_of(stalled.height, limited.height, source=source),
        stalled.height,
        tuple(
            Evidence(
                row["account_id"],
                f"at its limit for {row['days_at_limit']:.0f} days, with"
                f" {row['active_users_28d']:.0f} active",
            )
            for row in stalled.iter_rows(named=True)
        ),
    )


def rich_unpaid(facts: OverlayFacts, terms: OverlayBlock, quarter: Quarter) -> Reading:
    """Count the accounts that use the product deeply, with several people, for months, unpaid."""
    source = f"features of {quarter.last}: people, days and features of accounts, and mrr"
    rows = at_end(facts.features, quarter)
    if not is_known(rows, *_RICH):
        return Reading(Figure(None, unit="share", source=source), missing=(FEATURES,))
    if not rows["mrr"].is_not_null().any():
        return Reading(
            Figure(None, unit="share", source=source),
            missing=("mrr: load `subscriptions` (account_id, plan, mrr, started_at)",),
        )
    rich = rich_accounts(rows, facts, terms)
    unpaid = rich.filter(pl.col("mrr").fill_null(0) <= 0).sort(
        "active_users_28d", "active_days_90d", "account_id", descending=[True, True, False]
    )
    figure = share_of(unpaid.height, rich.height, source=source)
    if figure.value is None:  # nobody uses it deeply, and that is known
        figure = Figure(0.0, unit="share", source=source)
    return Reading(
        figure,
        unpaid.height,
        tuple(
            Evidence(
                row["account_id"],
                f"{row['active_users_28d']:.0f} people, active on {row['active_days_90d']:.0f} of"
                f" 90 days, {row['account_age_days']:.0f} days old, pays nothing",
            )
            for row in unpaid.iter_rows(named=True)
        ),
    )


def rich_accounts(rows: pl.DataFrame, facts: OverlayFacts, terms: OverlayBlock) -> pl.DataFrame:
    """Return of the features of a day those of companies that use the product richly."""
    rich = terms.signals.rich_unpaid
    found = rows.filter(
        pl.col("active_users_28d") >= rich.users,
        pl.col("active_days_90d") >= rich.active_days,
        pl.col("account_age_days") >= rich.age_days,
        pl.col("features_used_28d") >= rich.features,
    )
    if is_known(facts.accounts, "account_id", "is_free_mail"):
        found = found.join(business(facts.accounts), on="account_id", how="semi")
    return found
