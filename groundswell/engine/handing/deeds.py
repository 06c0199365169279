"""What people of accounts did in the last weeks, as briefs tell it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from groundswell.handoff.brief import Point

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

WEEKS = 12
ACTIVE_DAYS = 28
FEATURES = 5
_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Deeds:
    """What people did in the last weeks.

    Attributes:
        active: By user, the days of the last four weeks on which they did something.
        seen: By user, when they last did something.
        trend: By account, the people of each week, up to the one that ends with the day.
        most: By account, what was done most in the last four weeks: event_id, times, people.
        unnamed: By account, of how many other events something was done in them.
    """

    active: Mapping[str, int]
    seen: Mapping[str, date]
    trend: Mapping[str, tuple[Point, ...]]
    most: Mapping[str, list[tuple[int, int, int]]]
    unnamed: Mapping[str, int]

    @classmethod
    def of(cls, acts: pl.DataFrame, members: pl.DataFrame, day: date) -> Deeds:
        """Look at acts (user_id, day, event_id, n) of the members of accounts."""
        recent = acts.filter(pl.col("day") > day - timedelta(days=ACTIVE_DAYS))
        active = recent.group_by("user_id").agg(pl.col("day").n_unique())
        seen = acts.group_by("user_id").agg(pl.col("day").max())
        weeks = (
            acts.join(members, on="user_id")
            .with_columns(((pl.lit(day) - pl.col("day")).dt.total_days() // 7).alias("back"))
            .group_by("account_id", "back")
            .agg(pl.col("user_id").n_unique())
        )
        counts: dict[str, dict[int, int]] = defaultdict(dict)
        for account_id, back, people in weeks.iter_rows():
            counts[account_id][back] = people
        most: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
        unnamed: dict[str, int] = defaultdict(int)
        ranked = (
            recent.join(members, on="user_id")
            .group_by("account_id", "event_id")
            .agg(pl.col("n").sum(), pl.col("user_id").n_unique().alias("people"))
            .sort(["account_id", "n", "event_id"], descending=[False, True, False])
        )
        for account_id, event, count, people in ranked.iter_rows():
            if len(most[account_id]) < FEATURES:
                most[account_id].append((event, count, people))
            else:
                unnamed[account_id] += 1
        return cls(
            dict(active.iter_rows()),
            dict(seen.iter_rows()),
            {
                account_id: tuple(
                    Point(day - _WEEK * back, float(by_week.get(back, 0)))
                    for back in reversed(range(WEEKS))
                )
                for account_id, by_week in counts.items()
            },
            most,
            unnamed,
        )
