"""Turning what was computed into answers: the list of accounts, one account's explanation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import polars as pl

from groundswell.engine.reports import AccountRow, Explanation
from groundswell.engine.standing import ROUTED
from groundswell.errors import Problem, UsageError, did_you_mean
from groundswell.features.health import tell_health
from groundswell.model import Part
from groundswell.routing import tell_triggers
from groundswell.scoring import explain_score, line, part_weights, reasons

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.standing import Standing
    from groundswell.model import Alert, Care, Decision, Link, Risk, Scalar, Score

LATEST_FILE = "latest.parquet"
DECIDED = (
    *("motion", "rule", "team", "watch", "quadrant"),
    *("hand_raised", "held_out", "offer_human"),
)
"""What the column `decided` keeps of a decision, beside `worked`: for offers to read."""


@dataclass(frozen=True, slots=True)
class Found:
    """An account that was asked for."""

    account_id: str
    name: str | None


def find_account(accounts: pl.DataFrame, text: str) -> Found:
    """Find an account by its id, or by its exact name or domain.

    Args:
        accounts: account_id, name, domain.
        text: What is looked for.

    Raises:
        UsageError: None is called so, or several are.
    """
    for column in ("account_id", "domain", "name"):
        hits = accounts.filter(pl.col(column) == text)
        if hits.height == 1:
            return Found(str(hits.item(0, "account_id")), hits.item(0, "name"))
        if hits.height > 1:
            ids = ", ".join(hits.get_column("account_id").head(5))
            raise UsageError(
                Problem(
                    "account-ambiguous",
                    f"{hits.height} accounts have the {column} `{text}`.",
                    f"Name one by its id: {ids}.",
                )
            )
    known = accounts.get_column("account_id").to_list()
    near = did_you_mean(text, known, noun="Accounts").split(" Accounts:")[0]
    fix = near if near.startswith("Did") else "See `groundswell accounts` for the ids."
    raise UsageError(Problem("account-unknown", f"There is no account `{text}`.", fix))


def parents_of(accounts: pl.DataFrame) -> dict[str, str]:
    """Return account id to the id of its parent, for those that have one."""
    pairs = accounts.select("account_id", "parent_id").drop_nulls()
    return dict(pairs.iter_rows())


def latest_frame(standing: Standing, routes: pl.DataFrame, accounts: pl.DataFrame) -> pl.DataFrame:
    """Return where accounts stand and what was decided on them, best first.

    Args:
        standing: Their features and scores.
        routes: As `deciding.decide_all` gives.
        accounts: Their names, by account_id.
    """
    runs = standing.trigger_runs.group_by("account_id", maintain_order=True).agg(
        pl.struct("trigger", "since").alias("holding")
    )
    routed = routes.select(
        "account_id",
        *ROUTED,
        pl.struct(*DECIDED, (pl.col("owned") | pl.col("open_handoff")).alias("worked")).alias(
            "decided"
        ),
    )
    return (
        standing.frame.join(routed, on="account_id", how="left")
        .join(runs, on="account_id", how="left")
        .join(accounts.select("account_id", "name"), on="account_id", how="left")
        .sort(["score", "account_id"], descending=[True, False])
    )


def keep_latest(folder: Path, frame: pl.DataFrame) -> None:
    """Keep what `latest_frame` gave, for `accounts` to read."""
    written = folder / f"{LATEST_FILE}.new"
    frame.write_parquet(written)
    written.replace(folder / LATEST_FILE)


def read_latest(folder: Path) -> pl.DataFrame | None:
    """Return what `keep_latest` kept; None before the first run."""
    path = folder / LATEST_FILE
    try:
        written = path.stat()
    except FileNotFoundError:
        return None
    return _read_kept(path, written.st_mtime_ns, written.st_size)


@lru_cache(maxsize=1)
def _read_kept(path: Path, written_at: int, size: int) -> pl.DataFrame:  # noqa: ARG001 - tell files apart
    return pl.read_parquet(path)


def account_rows(loaded: LoadedConfig, frame: pl.DataFrame) -> list[AccountRow]:
    """Return kept accounts as rows with their reasons, in the order of the frame."""
    return [_account_row(loaded, row) for row in frame.iter_rows(named=True)]


def _account_row(loaded: LoadedConfig, row: Mapping[str, Any]) -> AccountRow:
    currency = loaded.config.currency
    score = explain_score(loaded.score, row, currency=currency)
    since = {item["trigger"]: item["since"] for item in row["holding"] or ()}
    known = {name: day for name, day in since.items() if name in loaded.triggers}
    triggers = tell_triggers(
        loaded.triggers, known, cast("Mapping[str, Scalar]", row), currency=currency
    )
    return AccountRow(
        account_id=str(row["account_id"]),
        name=row["name"],
        score=score.value,
        qualified=bool(row["qualified"]),
        tier=str(score.tier),
        fit_band=str(score.bands[Part.FIT]),
        motion=str(row["motion"]),
        parts={str(part): value for part, value in score.parts.items()},
        reasons=reasons(loaded.score, score),
        hand_over=bool(row["hand_over"]),
        triggers=[trigger.sentence for trigger in triggers],
        qualified_since=row["qualified_since"],
        above_threshold=score.above_threshold,
        threshold=line(loaded.score.qualified),
        rule=str(row["rule"]),
    )


def explanation(
    loaded: LoadedConfig,
    found: Found,
    row: Mapping[str, Any],
    score: Score,
    decision: Decision,
    *,
    links: Sequence[Link],
    history: pl.DataFrame,
    alert: Alert | None = None,
    care: Care | None = None,
    risk: Risk | None = None,
) -> Explanation:
    """Put one account's whole story together."""
    features = {name: row[name] for name in loaded.features if name in row}
    days = history.sort("as_of").select("as_of", "score")
    return Explanation(
        account_id=found.account_id,
        name=found.name,
        as_of=score.as_of,
        score=score.value,
        qualified=bool(row["qualified"]),
        qualified_since=row["qualified_since"],
        above_threshold=score.above_threshold,
        threshold=line(loaded.score.qualified),
        tier=str(score.tier),
        fit_band=str(score.bands[Part.FIT]),
        bands={str(part): str(band) for part, band in score.bands.items()},
        motion=str(decision.motion),
        parts={str(part): value for part, value in score.parts.items()},
        weights={str(part): value for part, value in part_weights(loaded.score).items()},
        reasons=reasons(loaded.score, score),
        components=score.components,
        rules=decision.rules,
        guardrails=decision.guardrails,
        triggers=decision.triggers,
        decision=decision,
        model_version=score.model_version,
        features=features,
        links=tuple(links),
        score_history=[cast("tuple[date, float]", pair) for pair in days.iter_rows()],
        alert=alert,
        base=score.base,
        chance=score.chance,
        health=tell_health(row),
        care=care,
        risk=risk,
    )
