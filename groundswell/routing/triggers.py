"""Why now: which triggers hold for an account, and since when.

A trigger holds while its condition is true; `since` is the first day of the present run in the
frame of days that is looked at, so a run older than the frame begins with the frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from groundswell.config.sentences import fill
from groundswell.model import Trigger

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import date

    from groundswell.config.resolved import TriggerSpec
    from groundswell.model import Scalar

RUNS_SCHEMA: dict[str, pl.DataType] = {
    "account_id": pl.String(),
    "trigger": pl.String(),
    "family": pl.String(),
    "since": pl.Date(),
}


def needed_names(specs: Iterable[TriggerSpec]) -> frozenset[str]:
    """Return the features that the conditions of these triggers read."""
    return frozenset[str]().union(*(spec.when.names for spec in specs))


def trigger_runs(specs: Iterable[TriggerSpec], days: pl.DataFrame) -> pl.DataFrame:
    """Find the triggers that hold on each account's last day, and since when.

    An unknown condition does not hold, and ends a run. A day without a row ends none.

    Args:
        specs: The triggers.
        days: One row per (account_id, as_of), in any order, with the features that the
            conditions read. Only each account's latest row is asked whether a trigger holds.

    Returns:
        One row per account and trigger that holds, by account and in the order of `specs`;
        columns of `RUNS_SCHEMA`.
    """
    latest = days.filter(pl.col("as_of") == pl.col("as_of").max().over("account_id"))
    found = [_runs_of(spec, order, days, latest) for order, spec in enumerate(specs) if days.height]
    if not found:
        return pl.DataFrame(schema=RUNS_SCHEMA)
    return pl.concat(found).sort("account_id", "order").select(list(RUNS_SCHEMA))


def _runs_of(
    spec: TriggerSpec, order: int, days: pl.DataFrame, latest: pl.DataFrame
) -> pl.DataFrame:
    held = spec.when.to_polars().cast(pl.Boolean).fill_null(value=False)
    holding = latest.filter(held).select("account_id")
    history = days.join(holding, on="account_id", how="semi").select(
        pl.col("account_id").cast(pl.String), pl.col("as_of").cast(pl.Date), held.alias("held")
    )
    ended = pl.col("as_of").filter(~pl.col("held")).max()
    in_run = (pl.col("as_of") > ended) | ended.is_null()
    return (
        history.group_by("account_id")
        .agg(pl.col("as_of").filter(in_run).min().alias("since"))
        .with_columns(
            pl.lit(spec.name).alias("trigger"),
            pl.lit(spec.family).alias("family"),
            pl.lit(order).alias("order"),
        )
    )


def tell_triggers(
    specs: Mapping[str, TriggerSpec],
    since: Mapping[str, date],
    values: Mapping[str, Scalar],
    *,
    currency: str = "USD",
) -> tuple[Trigger, ...]:
    """Return the triggers of one account with their sentences.

    Args:
        specs: Every trigger by name.
        since: Since when each that holds has held, in the order to tell them.
        values: The account's features as of the day.
        currency: ISO code for amounts of money.
    """
    return tuple(
        Trigger(
            name=name,
            family=specs[name].family,
            since=day,
            sentence=fill(specs[name].say, values, currency=currency),
        )
        for name, day in since.items()
    )


def fire_triggers(
    specs: Mapping[str, TriggerSpec],
    days: pl.DataFrame,
    *,
    accounts: Collection[str] | None = None,
    currency: str = "USD",
) -> dict[str, tuple[Trigger, ...]]:
    """Return the triggers that hold for each account as of its last day in `days`.

    Args:
        specs: Every trigger by name.
        days: As for `trigger_runs`.
        accounts: Only these, when given.
        currency: ISO code for amounts of money.

    Returns:
        Account id to its triggers; accounts without any are left out.
    """
    if accounts is not None:
        days = days.filter(pl.col("account_id").is_in(list(accounts)))
    runs = trigger_runs(specs.values(), days)
    by_account: dict[str, dict[str, date]] = {}
    for account_id, trigger, _family, since in runs.iter_rows():
        by_account.setdefault(account_id, {})[trigger] = since
    latest = days.filter(pl.col("as_of") == pl.col("as_of").max().over("account_id"))
    told = latest.filter(pl.col("account_id").is_in(list(by_account)))
    return {
        str(row["account_id"]): tell_triggers(
            specs, by_account[str(row["account_id"])], row, currency=currency
        )
        for row in told.sort("account_id").iter_rows(named=True)
    }
