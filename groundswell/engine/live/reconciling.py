"""A day that ended: how it was counted, event by event, against how it is computed.

The features of one day are computed anew, which is a small part of the run that a new day begins
with; scores follow from them. Since when an account is qualified or a trigger holds, and what was
decided, follows from the days before too: that is left to the run, and to `doctor`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import structlog

from groundswell.engine.doctor.comparing import Differences, compare
from groundswell.scoring import score_frame

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.computing import Computer

_NAMED = 50  # accounts that the log names
log = structlog.get_logger()


def reconcile(
    loaded: LoadedConfig,
    computer: Computer,
    latest: pl.DataFrame,
    *,
    day: date,
    but: Collection[str] = (),
) -> Differences:
    """Compare where accounts stood when a day ended with that day's features and scores.

    A difference is logged; whoever asked computes everything anew anyway.

    Args:
        loaded: The configuration.
        computer: Answers for features.
        latest: Where accounts stood, as `telling.latest_frame` has it.
        day: The day that ended.
        but: Accounts that are left out.
    """
    left_out = pl.col("account_id").is_in(list(but))
    frames = list(computer.features([day]))
    features = pl.concat(frames) if frames else latest.clear().select("account_id", "as_of")
    features = features.filter(~left_out)
    scores = score_frame(loaded.score, features) if features.height else features
    added = [name for name in scores.columns if name not in features.columns]
    expected = features.with_columns(scores.get_column(name) for name in added)
    found = compare(latest.filter(~left_out), expected)
    if found.count:
        log.error(
            "a day was counted otherwise than it is computed",
            day=str(day),
            differences=found.count,
            accounts=list(found.accounts[:_NAMED]),
            first=[str(item) for item in found.first],
        )
    return found
