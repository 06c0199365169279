"""Why now: which triggers hold for an account, and since when.

A trigger holds while its condition is true; `since` is the first day of the present run in the
frame of days that is looked at, so a run older than the frame begins with the frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from groundswell.config.sentences import fill
from groundswell.model import Trigger
from groundswell.routing.guardrails import HELPFUL_FAMILIES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import date

    from numpy.typing import NDArray

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
    listed = list(specs)
    if not listed or not days.height:
        return pl.DataFrame(schema=RUNS_SCHEMA)
    held = days.select(
        pl.col("account_id").cast(pl.String), pl.col("as_of").cast(pl.Date), *_held_columns(listed)
    )
    if held.get_column("as_of").n_unique() > 1 or not held.get_column("account_id").is_sorted():
        held = held.sort("account_id", "as_of")
    account_ids = held.get_column("account_id")
    ends = np.flatnonzero((account_ids != account_ids.shift(-1)).fill_null(value=True).to_numpy())
    begins = np.concatenate([[0], ends[:-1] + 1])
    holding = (held.get_column(f"held.{order}").to_numpy() for order in range(len(listed)))
    starts = np.stack([_run_starts(column, begins, ends) for column in holding], axis=1)
    account, order = np.nonzero(starts <= ends[:, None])
    return pl.DataFrame(
        {
            "account_id": account_ids.gather(ends[account]),
            "trigger": pl.Series([spec.name for spec in listed]).gather(order),
            "family": pl.Series([spec.family for spec in listed]).gather(order),
            "since": held.get_column("as_of").gather(starts[account, order]),
        },
        schema=RUNS_SCHEMA,
    )


def _held_columns(specs: Iterable[TriggerSpec]) -> list[pl.Expr]:
    return [
        spec.when.to_polars().cast(pl.Boolean).fill_null(value=False).alias(f"held.{order}")
        for order, spec in enumerate(specs)
    ]


def _run_starts(
    held: NDArray[np.bool_], begins: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the row at which each account's present run begins; past its end when none does.

    Args:
        held: Whether the trigger held, rows of one account together and by day.
        begins: First row of each account.
        ends: Last row of each account.
    """
    rows = np.arange(held.size, dtype=np.int64)
    last_not = np.maximum.accumulate(np.where(held, np.int64(-1), rows))
    return np.maximum(last_not[ends] + 1, begins)


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


def newest_reason(specs: Mapping[str, TriggerSpec], since: Mapping[str, date]) -> str | None:
    """Return the trigger that began to hold last of those that suggest that a human helps."""
    helpful = [
        (day, name)
        for name, day in since.items()
        if name in specs and specs[name].family in HELPFUL_FAMILIES
    ]
    return max(helpful)[1] if helpful else None


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
