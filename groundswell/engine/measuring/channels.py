"""The channel mix: how the revenue of the last weeks came about, and that of the weeks before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from groundswell.engine.measuring.attributing import attribute_revenue

if TYPE_CHECKING:
    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.computing import Computer
    from groundswell.engine.measuring.gathering import Gathered
    from groundswell.engine.measuring.tables import Tables

CHANNEL_DAYS = 91


@dataclass(frozen=True, slots=True)
class Channel:
    """How some of the new and expanded revenue came about.

    Attributes:
        bucket: The bucket of attribution.
        motion: How it was sold.
        gained_cents: Recurring revenue a year that was gained in the last `CHANNEL_DAYS`.
        before_cents: In as many days before.
        accounts: Whose, those of the last days, the dearest first.
    """

    bucket: str
    motion: str
    gained_cents: int
    before_cents: int
    accounts: tuple[str, ...]


def mix_channels(
    loaded: LoadedConfig, computer: Computer, known: Gathered, tables: Tables
) -> tuple[Channel, ...]:
    """Return how the revenue of the last days came about, the most first.

    Args:
        loaded: The rules of attribution as they are written.
        computer: Answers for footprints; its ledger keeps the rules of each quarter.
        known: What is known by the day.
        tables: The same as tables.
    """
    since = known.as_of - timedelta(days=CHANNEL_DAYS)
    recent = known.movements.filter(pl.col("day") > since - timedelta(days=CHANNEL_DAYS))
    found = attribute_revenue(loaded, computer, replace(known, movements=recent), tables)
    gained: dict[tuple[str, str], dict[str, int]] = {}
    before: dict[tuple[str, str], int] = {}
    for one in found.receipts:
        key = (str(one.bucket), one.motion)
        if one.day > since:
            accounts = gained.setdefault(key, {})
            accounts[one.account_id] = accounts.get(one.account_id, 0) + one.amount_cents
        else:
            before[key] = before.get(key, 0) + one.amount_cents
    channels = [
        Channel(
            *key,
            sum(gained.get(key, {}).values()),
            before.get(key, 0),
            tuple(sorted(gained.get(key, {}), key=lambda name: (-gained[key][name], name))),
        )
        for key in {**gained, **before}
    ]
    return tuple(sorted(channels, key=lambda one: (-one.gained_cents, one.bucket, one.motion)))
