"""Mistakes of who is sold to: touched too early, too small, or not at all."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from groundswell.overlay.mistakes.known import day_of

if TYPE_CHECKING:
    from groundswell.overlay.mistakes.known import Sight

_OVER = ("declined", "lost", "expired")
_CLOSED = (*_OVER, "won", "converted")
_SURE = 1.96
_COHORT = 365
_ACTIVE = 28
_CENTS = 100


def early_touches(sight: Sight) -> None:
    """See touches on users with no PQL, in their first days, or inside the cool-down.

    What was asked for, is in somebody's hands, or pays already may be touched at any time.
    """
    frames = sight.frames("touches", "accounts", "pqls", "handoffs", "opportunities")
    if frames is None:
        return
    touches, accounts, pqls, handoffs, opportunities = frames
    recent = _recent(sight, touches).join(accounts, on="account_id", how="inner")
    users = recent.filter(pl.col("signed_up") <= pl.col("touched"))
    if not sight.has(users.height, "touches", "touches of users"):
        return
    worked = _worked(users, handoffs, opportunities)
    free = users.filter(
        (pl.col("paid") > pl.col("touched")).fill_null(value=True),
        (pl.col("hand_raised") > pl.col("touched")).fill_null(value=True),
    ).join(worked, on="touch", how="anti")
    qualified = _since(free, pqls, "qualified_on")
    let_go = pl.concat(
        [
            handoffs.filter(pl.col("state").is_in(_OVER)).select(
                "account_id", day_of("closed_at").alias("over")
            ),
            pqls.select("account_id", pl.col("released_on").alias("over")),
        ]
    )
    over = _since(free, let_go, "over")
    told = free.join(qualified, on="touch", how="left").join(over, on="touch", how="left")
    no_pql = pl.col("qualified_on").is_null()
    first = pl.col("touched") - pl.col("signed_up") <= sight.days("first_days")
    cooling = pl.col("touched") - pl.col("over") <= sight.days("cool_down")
    again = (pl.col("qualified_on") > pl.col("over")).fill_null(value=False)
    marked = told.select(
        "account_id",
        no_pql=no_pql,
        first_days=first,
        cool_down=(cooling & ~again).fill_null(value=False),
    )
    bad = marked.filter(pl.any_horizontal("no_pql", "first_days", "cool_down"))
    if bad.height >= sight.at("share") * users.height:
        counts = {name: int(bad[name].sum()) for name in ("no_pql", "first_days", "cool_down")}
        sight.see("early", bad["account_id"], bad=bad.height, touches=users.height, **counts)


def touched_below_untouched(sight: Sight) -> None:
    """See that signups pay less often when somebody touches them."""
    frames = sight.frames("touches", "accounts")
    if frames is None:
        return
    touches, accounts = frames
    within = sight.days("within")
    last = sight.as_of - within
    cohort = accounts.filter(
        pl.col("signed_up").is_between(last - timedelta(days=_COHORT), last)
    ).with_columns(
        paid_soon=(pl.col("paid") - pl.col("signed_up") <= within).fill_null(value=False)
    )
    early = (
        cohort.join(touches, on="account_id", how="inner")
        .filter(
            day_of("at") - pl.col("signed_up") <= within,
            (pl.col("paid") >= day_of("at")).fill_null(value=True),
        )
        .select("account_id")
        .unique()
    )
    touched = cohort.join(early, on="account_id", how="semi")
    alone = cohort.join(early, on="account_id", how="anti")
    if not sight.has(touched.height, "accounts", "signups that were touched"):
        return
    if not sight.has(alone.height, "accounts", "signups that were left alone"):
        return
    one, other = int(touched["paid_soon"].sum()), int(alone["paid_soon"].sum())
    if _is_below(one, touched.height, other, alone.height):
        sight.see(
            "below",
            touched["account_id"],
            touched_paid=one / touched.height,
            untouched_paid=other / alone.height,
        )


def effort_under_the_line(sight: Sight) -> None:
    """See that people spend their time on accounts that self-serve is for."""
    frames = sight.frames("touches", "features")
    if frames is None:
        return
    touches, features = frames
    latest = features.sort("as_of").unique("account_id", keep="last")
    recent = _recent(sight, touches).join(
        latest.select("account_id", "estimated_acv"), on="account_id", how="inner"
    )
    valued = recent.filter(pl.col("estimated_acv").is_not_null())
    if not sight.has(valued.height, "touches", "touches of accounts with an estimated ACV"):
        return
    small = valued.filter(pl.col("estimated_acv") < sight.at("acv"))
    if (share := small.height / valued.height) >= sight.at("share"):
        accounts = small["account_id"]
        values = {"small": small.height, "touches": valued.height, "small_share": share}
        sight.see("effort", accounts, **values)


def stalled_expansion(sight: Sight) -> None:
    """See customers near their limit for long, whom nobody owns and nobody works."""
    frames = sight.frames("features", "accounts", "handoffs")
    if frames is None:
        return
    features, accounts, handoffs = frames
    latest = features.sort("as_of").unique("account_id", keep="last")
    stalled = latest.filter(pl.col("mrr") > 0, pl.col("days_at_limit") >= sight.at("days_at_limit"))
    owned = accounts.filter(pl.col("owner").is_not_null())
    held = handoffs.filter(~pl.col("state").is_in(_CLOSED))
    alone = stalled.join(owned, on="account_id", how="anti")
    alone = alone.join(held, on="account_id", how="anti")
    if alone.height >= sight.at("accounts"):
        sight.see("stalled", alone["account_id"], stalled=alone.height)


def unanswered_raises(sight: Sight) -> None:
    """See accounts that asked for a human, whom nobody touched in time."""
    frames = sight.frames("accounts", "touches")
    if frames is None:
        return
    accounts, touches = frames
    raised = accounts.filter(
        pl.col("hand_raised") > sight.since("days"), pl.col("hand_raised") <= sight.since("answer")
    )
    answered = raised.join(touches, on="account_id", how="inner").filter(
        day_of("at").is_between(pl.col("hand_raised"), pl.col("hand_raised") + sight.days("answer"))
    )
    left = raised.join(answered, on="account_id", how="anti")
    if left.height >= sight.at("raises"):
        sight.see("raises", left["account_id"], raises=left.height)


def unanswered_asks(sight: Sight) -> None:
    """See accounts that asked about security within four weeks, whom nobody touched since."""
    frames = sight.frames("features", "touches")
    if frames is None:
        return
    features, touches = frames
    latest = features.sort("as_of").unique("account_id", keep="last")
    asked = latest.filter(pl.col("security_asks_28d") > 0)
    touched = touches.join(asked, on="account_id", how="inner").filter(
        day_of("at") > pl.col("as_of") - timedelta(days=_ACTIVE)
    )
    left = asked.join(touched, on="account_id", how="anti")
    if left.height >= sight.at("asks"):
        sight.see("asks", left["account_id"], asks=left.height)


def whales_without_owner(sight: Sight) -> None:
    """See the largest accounts with no owner: by what they pay, or could."""
    frames = sight.frames("accounts", "features", "arr")
    if frames is None:
        return
    accounts, features, arr = frames
    worth = [
        features.sort("as_of")
        .unique("account_id", keep="last")
        .select("account_id", pl.col("estimated_acv").cast(pl.Float64).alias("worth")),
        arr.filter(pl.col("day") <= sight.as_of)
        .sort("day")
        .unique("account_id", keep="last")
        .select("account_id", (pl.col("arr_cents") / _CENTS).alias("worth")),
    ]
    large = pl.concat(worth).filter(pl.col("worth") >= sight.at("whale_arr"))
    alone = accounts.filter(pl.col("owner").is_null()).join(large, on="account_id", how="semi")
    if alone.height >= sight.at("whales"):
        sight.see("whales", alone["account_id"], whales=alone.height)


def _recent(sight: Sight, touches: pl.DataFrame) -> pl.DataFrame:
    """Return the touches of the days looked at, numbered, with the day of each."""
    told = touches.with_columns(touched=day_of("at")).sort("account_id", "at")
    return told.filter(
        pl.col("touched") > sight.since("days"), pl.col("touched") <= sight.as_of
    ).with_row_index("touch")


def _worked(
    touches: pl.DataFrame, handoffs: pl.DataFrame, opportunities: pl.DataFrame
) -> pl.DataFrame:
    """Return the touches of accounts that were in somebody's hands."""
    spans = pl.concat(
        [
            handoffs.select(
                "account_id", day_of("opened_at").alias("from"), day_of("closed_at").alias("to")
            ),
            opportunities.select(
                "account_id", day_of("created_at").alias("from"), day_of("closed_at").alias("to")
            ),
        ]
    )
    held = touches.join(spans, on="account_id", how="inner").filter(
        pl.col("from") <= pl.col("touched"),
        (pl.col("to") >= pl.col("touched")).fill_null(value=True),
    )
    return held.select("touch").unique()


def _since(touches: pl.DataFrame, days: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return for each touch the last such day of its account up to then."""
    return (
        touches.select("touch", "account_id", "touched")
        .join(days.select("account_id", name), on="account_id", how="inner")
        .filter(pl.col(name) <= pl.col("touched"))
        .group_by("touch")
        .agg(pl.col(name).max())
    )


def _is_below(hits: int, n: int, others: int, m: int) -> bool:
    """Tell whether a share is below another by more than chance."""
    pooled = (hits + others) / (n + m)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    return spread > 0 and (others / m - hits / n) / spread > _SURE
