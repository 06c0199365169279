"""Where an account stands after merges, as seen from each day: merged, merged on, and un-merged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from groundswell.errors import Problem, UsageError
from groundswell.intake.spans import ALWAYS, INSTANT, OPEN, day_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

STANDING = {
    "from_id": pl.String,
    "into_id": pl.String,
    "known_from": pl.Int32,
    "known_until": pl.Int32,
    "merged_at": INSTANT,
    "said": pl.String,
}


@dataclass(frozen=True, order=True)
class _Merge:
    since_at: datetime
    into: str
    since: int
    until: int
    reason: str


def find_standing(merges: pl.DataFrame) -> pl.DataFrame:
    """Follow merges to where each merged account ends up, over days of looking.

    A merge holds from the day of `since` until the day of `until`. Of two merges of one account
    that hold together, the later one counts. Merges follow each other: A into B into C is A into C.

    Args:
        merges: from_account, into_account, since, until, reason.

    Returns:
        from_id, into_id, known_from, known_until (days), merged_at (the last merge on the
        way), said (the way in words; null where the account stands for itself). The spans of a
        merged account cover all days.

    Raises:
        UsageError: Merges lead in a circle on some day.
    """
    out = _edges(merges)
    rows: list[tuple[str, str, int, int, datetime | None, str | None]] = []
    for account in sorted(out):
        points = sorted({ALWAYS, *_turning_points(account, out)})
        before: tuple[_Merge, ...] | None = None
        for at in points:
            way = _walk(account, at, out)
            if way == before:
                continue
            if before is not None:
                rows[-1] = (*rows[-1][:3], at, *rows[-1][4:])
            into = way[-1].into if way else account
            merged_at = max((step.since_at for step in way), default=None)
            rows.append((account, into, at, OPEN, merged_at, _say(account, way)))
            before = way
    return pl.DataFrame(rows, schema=STANDING, orient="row")


def _edges(merges: pl.DataFrame) -> dict[str, list[_Merge]]:
    dated = merges.with_columns(
        day_of("since").alias("since_day"), day_of("until").fill_null(OPEN).alias("until_day")
    )
    out: dict[str, list[_Merge]] = {}
    columns = ("from_account", "into_account", "since", "since_day", "until_day", "reason")
    for account, into, since_at, since, until, reason in dated.select(columns).iter_rows():
        if since < until:
            out.setdefault(account, []).append(_Merge(since_at, into, since, until, reason or ""))
    return {account: sorted(found, reverse=True) for account, found in out.items()}


def _turning_points(account: str, out: Mapping[str, Sequence[_Merge]]) -> set[int]:
    """Return the days on which the way from `account` may change."""
    days: set[int] = set()
    seen = {account}
    ahead = [account]
    while ahead:
        for merge in out.get(ahead.pop(), ()):
            days.update((merge.since, merge.until))
            if merge.into not in seen:
                seen.add(merge.into)
                ahead.append(merge.into)
    return days - {OPEN}


def _walk(account: str, at: int, out: Mapping[str, Sequence[_Merge]]) -> tuple[_Merge, ...]:
    way: list[_Merge] = []
    names = [account]
    while step := next((m for m in out.get(names[-1], ()) if m.since <= at < m.until), None):
        if step.into in names:
            raise UsageError(
                Problem(
                    code="identity-merge-cycle",
                    what=(
                        f"Account merges lead in a circle as of {step.since_at:%Y-%m-%d}: "
                        f"{' -> '.join([*names, step.into])}."
                    ),
                    fix="Un-merge one of them, so that every account ends in exactly one.",
                )
            )
        names.append(step.into)
        way.append(step)
    return tuple(way)


def _say(account: str, way: Sequence[_Merge]) -> str | None:
    if not way:
        return None
    names = [account, *(step.into for step in way)]
    return ", and ".join(
        f"{name} was merged into {step.into} on {step.since_at:%Y-%m-%d}"
        + (f" ({step.reason})" if step.reason else "")
        for name, step in zip(names, way, strict=False)
    )


def move(
    rows: pl.DataFrame, standing: pl.DataFrame, *, begins: str, ends: str, told: bool = False
) -> pl.DataFrame:
    """Move rows of merged accounts to where these stand, over the days of looking.

    Args:
        rows: Rows with `account` and two columns of days of looking.
        standing: As `find_standing` gives, with numbers: account, into, known_from, known_until.
        begins: The column with the day from which a row is seen.
        ends: The column with the day from which a row is seen no more.
        told: Keep `merged_at` and `said`, which tell of the merge; null where there is none.

    Returns:
        The rows of other accounts as they were; those of merged ones once for each span, cut to
        it, under the account they stand in.
    """
    extra = {"merged_at": INSTANT, "said": pl.String} if told else {}
    still = rows.join(standing, on="account", how="anti").with_columns(
        pl.lit(None, of).alias(name) for name, of in extra.items()
    )
    if still.height == rows.height:
        return still
    moved = (
        rows.join(standing, on="account")
        .with_columns(
            pl.max_horizontal(begins, "known_from").alias(begins),
            pl.min_horizontal(ends, "known_until").alias(ends),
            pl.col("into").alias("account"),
        )
        .filter(pl.col(begins) < pl.col(ends))
    )
    return pl.concat([still, moved.select(still.columns)])
