"""Tables for whoever asks the warehouse in SQL: every account, and every time one was handed over.

They are made anew after each full pass, and take the place of the last ones in one transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import polars as pl
import structlog

from groundswell.engine.measuring.handovers import handoffs_by
from groundswell.errors import Problem, StoreError
from groundswell.handoff.life import CLOSED, State
from groundswell.store.warehouse import KeepsTables

if TYPE_CHECKING:
    from datetime import date

    import pyarrow as pa

    from groundswell.config.loading import LoadedConfig
    from groundswell.store.ledger import Ledger
    from groundswell.store.warehouse import Warehouse

_MOMENT = pl.Datetime("us", "UTC")
_MONEY = pl.Decimal(18, 2)
Columns = dict[str, Any]
DIM_ACCOUNTS: Columns = {
    "account_id": pl.String,
    "name": pl.String,
    "domain": pl.String,
    "employees": pl.Int64,
    "industry": pl.String,
    "country": pl.String,
    "plan": pl.String,
    "mrr": _MONEY,
    "score": pl.Float64,
    "usage_score": pl.Float64,
    "fit_score": pl.Float64,
    "behaviour_score": pl.Float64,
    "usage_band": pl.String,
    "fit_band": pl.String,
    "behaviour_band": pl.String,
    "tier": pl.String,
    "motion": pl.String,
    "qualified": pl.Boolean,
    "qualified_since": pl.Date,
    "handoff_id": pl.String,
    "handoff_state": pl.String,
    "owner": pl.String,
    "estimated_acv": _MONEY,
    "as_of": pl.Date,
}
FCT_PQL: Columns = {
    "handoff_id": pl.String,
    "account_id": pl.String,
    "as_of": pl.Date,
    "opened_at": _MOMENT,
    "motion": pl.String,
    "rule": pl.String,
    "team": pl.String,
    "owner": pl.String,
    "play": pl.String,
    "urgent": pl.Boolean,
    "score": pl.Float64,
    "tier": pl.String,
    "state": pl.String,
    "assigned_at": _MOMENT,
    "due_at": _MOMENT,
    "first_touch_at": _MOMENT,
    "accepted_at": _MOMENT,
    "opportunity_at": _MOMENT,
    "declined_at": _MOMENT,
    "won_at": _MOMENT,
    "lost_at": _MOMENT,
    "converted_at": _MOMENT,
    "expired_at": _MOMENT,
    "closed_reason": pl.String,
    "competitor": pl.String,
    "breaches": pl.Int64,
    "reassigned": pl.Int64,
}
_CLOSED_AT = {
    "declined_at": State.DECLINED,
    "won_at": State.WON,
    "lost_at": State.LOST,
    "converted_at": State.CONVERTED,
    "expired_at": State.EXPIRED,
}
log = structlog.get_logger()


def publish_tables(
    loaded: LoadedConfig,
    warehouse: Warehouse,
    ledger: Ledger,
    latest: pl.DataFrame,
    accounts: pl.DataFrame,
    *,
    day: date,
) -> tuple[str, ...]:
    """Put the tables that `tables:` names into the warehouse; return what went wrong, if anything.

    A pass is not undone because they cannot be written: the last ones stay as they were.

    Args:
        loaded: The configuration.
        warehouse: Where they go.
        ledger: Keeps the journal of handoffs.
        latest: Where every account stands, as `telling.latest_frame` gives.
        accounts: account_id and domain of the same.
        day: The present one; of handoffs all is told.
    """
    wanted = loaded.config.tables
    if not wanted:
        return ()
    try:
        if not isinstance(warehouse, KeepsTables):
            raise _not_kept(warehouse)
        handoffs = handoffs_by(ledger, day)
        made = {
            "dim_accounts": lambda: dim_accounts(latest, accounts, handoffs),
            "fct_pql": lambda: fct_pql(handoffs, latest),
        }
        warehouse.replace_tables({name: _arrow(made[name]()) for name in wanted})
    except StoreError as error:
        log.warning("tables", problems=[problem.code for problem in error.problems])
        return tuple(
            f"The tables were not written: {problem.what} {problem.fix}"
            for problem in error.problems
        )
    return ()


def dim_accounts(
    latest: pl.DataFrame, accounts: pl.DataFrame, handoffs: pl.DataFrame
) -> pl.DataFrame:
    """Return every account as of the latest run, in the columns of `DIM_ACCOUNTS`.

    The owner is whoever has its open handoff, else who owns it in the CRM.

    Args:
        latest: Where every account stands.
        accounts: account_id and domain of the same.
        handoffs: As `handoffs_by` gives, in the order they were opened.
    """
    is_open = ~pl.col("state").is_in([str(state) for state in CLOSED])
    last = handoffs.group_by("account_id", maintain_order=True).agg(
        pl.col("handoff_id").last(),
        pl.col("state").last().alias("handoff_state"),
        pl.when(is_open).then("owner").last().alias("worked_by"),
    )
    domains = accounts.select("account_id", "domain")
    joined = (
        latest.drop("domain", strict=False)
        .join(domains, on="account_id", how="left", maintain_order="left")
        .join(last, on="account_id", how="left", maintain_order="left")
        .with_columns(
            owner=pl.coalesce("worked_by", "owner"),
            mrr=pl.col("mrr").round(2),
            estimated_acv=pl.col("estimated_acv").round(2),
        )
    )
    return _in(joined, DIM_ACCOUNTS).sort("account_id")


def fct_pql(handoffs: pl.DataFrame, latest: pl.DataFrame) -> pl.DataFrame:
    """Return every handoff, in the columns of `FCT_PQL`.

    Args:
        handoffs: As `handoffs_by` gives, in the order they were opened.
        latest: Where every account stands: its tier now, where that of the day is not known.
    """
    now = latest.select("account_id", pl.col("tier").alias("tier_now"))
    state = pl.col("state")
    joined = handoffs.join(now, on="account_id", how="left", maintain_order="left").with_columns(
        *(
            pl.when(state == str(closed)).then("closed_at").alias(name)
            for name, closed in _CLOSED_AT.items()
        ),
        tier=pl.coalesce("tier", "tier_now"),
        closed_reason="reason",
    )
    return _in(joined, FCT_PQL)


def _in(frame: pl.DataFrame, columns: Columns) -> pl.DataFrame:
    return frame.select(pl.col(name).cast(kind) for name, kind in columns.items())


def _arrow(frame: pl.DataFrame) -> pa.Table:
    return cast("pa.Table", frame.to_arrow())


def _not_kept(warehouse: Warehouse) -> StoreError:
    return StoreError(
        Problem(
            "tables-not-kept",
            f"A warehouse that speaks {warehouse.dialect} keeps no tables for others to read.",
            "Take `tables` out, and load the files of an `export` destination there instead.",
        )
    )
