"""What another score does to accounts as they stand: who moves, and who crosses the threshold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from groundswell.engine.signals.answers import MovedScore, ScoreMoves
from groundswell.scoring import line, score_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    from groundswell.config.resolved import ScoreDef
    from groundswell.engine.signals.weighing import Stand

MOST_SHOWN = 50
NOTICED = 0.1
"""Points by which a score has to differ for the account to have moved."""

_IDS = ("account_id", "as_of")


def rescore(stand: Stand, score: ScoreDef) -> Stand:
    """Return accounts as they would stand by another score, by the features that they have.

    Who passes the threshold that it did not pass qualifies today; who does not pass it any more is
    let go today. Nobody waits for the days that this takes otherwise.

    Args:
        stand: Where they stand.
        score: The other definition.
    """
    latest = stand.latest
    mine = score_frame(stand.present.score, latest.head(1)).columns
    scored = score_frame(score, latest).drop(_IDS)
    other = latest.drop(name for name in mine if name not in _IDS).hstack(scored)
    turned = scored["above_threshold"] != latest["above_threshold"]
    since = (
        pl.when(turned)
        .then(pl.when("above_threshold").then("as_of"))
        .otherwise("qualified_since")
        .alias("qualified_since")
    )
    qualified = pl.when(turned).then("above_threshold").otherwise("qualified").alias("qualified")
    return replace(stand, latest=other.with_columns(since, qualified))


def score_moves(before: Stand, after: Stand, score: ScoreDef, *, capacity: int) -> ScoreMoves:
    """Say who moves from where accounts stand to where they would.

    Args:
        before: Where they stand.
        after: Where they would, as `rescore` gives it.
        score: What they would be scored by.
        capacity: Accounts that people can take up in a week.
    """
    ranks = pl.col("before", "after").rank("min", descending=True).name.prefix("rank_")
    rows = pl.DataFrame(
        {
            "account_id": before.latest["account_id"],
            "name": before.latest["name"],
            "before": before.latest["score"],
            "after": after.latest["score"],
            "was": before.latest["above_threshold"],
            "is": after.latest["above_threshold"],
        }
    ).with_columns(ranks, far=(pl.col("after") - pl.col("before")).abs())
    turned = rows["was"] != rows["is"]
    moved = rows.filter(turned | (pl.col("far") >= NOTICED))
    best = {
        name: set(
            rows.sort([name, "account_id"], descending=[True, False])["account_id"][:capacity]
        )
        for name in ("before", "after")
    }
    return ScoreMoves(
        line_before=line(before.present.score.qualified),
        line_after=line(score.qualified),
        above_before=int(rows["was"].sum()),
        above_after=int(rows["is"].sum()),
        rise=int((turned & rows["is"]).sum()),
        fall=int((turned & rows["was"]).sum()),
        capacity=capacity,
        kept=len(best["before"] & best["after"]),
        moved=moved.height,
        first=tuple(_first(moved)),
    )


def _first(moved: pl.DataFrame) -> Iterator[MovedScore]:
    turned = pl.col("was") != pl.col("is")
    ordered = moved.sort([turned, "far", "account_id"], descending=[True, True, False])
    for row in ordered.head(MOST_SHOWN).iter_rows(named=True):
        crosses = "" if row["was"] == row["is"] else "above" if row["is"] else "below"
        yield MovedScore(
            row["account_id"],
            row["name"],
            row["before"],
            row["after"],
            row["rank_before"],
            row["rank_after"],
            crosses,
        )
