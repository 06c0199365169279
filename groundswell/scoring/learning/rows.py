"""From labelled snapshots to examples: which are kept, what each counts, which features tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from groundswell.scoring.learning.examples import Examples
from groundswell.scoring.learning.preparing import as_feature
from groundswell.scoring.learning.terms import Scale

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from groundswell.scoring.learning.definition import Prior

    Floats = NDArray[np.float64]

EVERY = 4
"""Of the weekly snapshots of an account every fourth is learned from; neighbours say the same."""

MOST_ROWS = 200_000
"""Snapshots that are learned from; beyond that, only some accounts without the outcome are."""

SAME = 0.97
"""Features that go together as closely as that (correlation) are one; the first of them stays."""

_KEYS = ("account_id", "as_of", "label", "came_on", "acv")


@dataclass
class Gathering:
    """Collects snapshots that are learned from, some accounts at a time.

    Where there are more than can be learned from, accounts that the outcome never came to are
    taken by chance, and count for those that were not: no level is moved by that.

    Attributes:
        share: Of the accounts without the outcome, those that are taken.
        seed: Of the choice.
    """

    share: float
    seed: int
    _frames: list[pl.DataFrame] = field(default_factory=list[pl.DataFrame])
    _seen: int = 0

    @classmethod
    def of(cls, *, accounts: int, weeks: int, seed: int) -> Gathering:
        """Take as large a share as there is room for."""
        return cls(min(1.0, MOST_ROWS / max(accounts * weeks / EVERY, 1)), seed)

    def add(self, labelled: pl.DataFrame) -> None:
        """Take in snapshots; all those of an account are in one frame."""
        ids = labelled["account_id"].unique().sort()
        place = ids.search_sorted(labelled["account_id"]).cast(pl.Int64) + self._seen
        rng = np.random.default_rng((self.seed, self._seen))
        chosen = rng.random(len(ids)) < self.share
        week = pl.col("as_of").rank("ordinal").over("account_id") - 1
        # Accounts begin at different weeks; one that has few weeks begins where it has one.
        begins = place % pl.min_horizontal(pl.len().over("account_id"), pl.lit(EVERY))
        frame = labelled.with_columns(
            _came=pl.col("label").any().over("account_id"),
            _kept=chosen[(place - self._seen).to_numpy()],
            _turn=week % EVERY == begins,
        ).filter((pl.col("_came") | pl.col("_kept")) & pl.col("_turn"))
        each = pl.when("_came").then(1.0).otherwise(1.0 / self.share)
        frame = frame.with_columns(weight=each / pl.len().over("account_id"))
        self._frames.append(frame.drop("_came", "_kept", "_turn"))
        self._seen += len(ids)

    def frame(self) -> pl.DataFrame:
        """Return all that was kept, by time; `weight` adds up to one for each account."""
        if not self._frames:
            return pl.DataFrame()
        return pl.concat(self._frames).sort("as_of", "account_id")


def examples_of(
    frame: pl.DataFrame, prior: Prior, *, left_out: Mapping[str, str]
) -> tuple[Examples, dict[str, str]]:
    """Return examples of what was gathered, and which features they lack, with the reason.

    Args:
        frame: As `Gathering.frame` gives it.
        prior: The hand-made score, whose components become features of their own.
        left_out: Features that are not learned from, with the reason.
    """
    out = {name: reason for name, reason in left_out.items() if name in frame.columns}
    columns: list[pl.Series] = []
    for column in frame.iter_columns():
        if column.name in (*_KEYS, "weight") or column.name in out:
            continue
        feature = column if column.dtype == pl.String else as_feature(column)
        if feature is None:
            out[column.name] = f"It holds {column.dtype}, which is no number and no text."
        elif feature.dtype == pl.String:
            columns.append(feature.str.strip_chars(" \t\r\n").str.to_lowercase())
        else:
            columns.append(feature)
    first = {spec.feature for spec in prior.specs.values()}
    columns.sort(key=lambda column: column.name not in first)
    same = _same(columns)
    kept = [column for column in columns if column.name not in same]
    points = prior.columns(frame)
    weight = frame["weight"].to_numpy()
    return (
        Examples(
            pl.DataFrame([*points, *kept]),
            frame["label"].cast(pl.Boolean).to_numpy().astype(bool),
            frame["account_id"].rank("dense").cast(pl.Int64).to_numpy(),
            weight * (len(weight) / weight.sum()),
            frame["as_of"].dt.epoch("d").cast(pl.Float64).to_numpy(),
            frozenset(prior.specs),
        ),
        {**out, **same},
    )


def _same(columns: Sequence[pl.Series]) -> dict[str, str]:
    """Return the features that say what another one before them says."""
    numbers = [column for column in columns if column.dtype != pl.String]
    read = [(column.name, values) for column in numbers if len(values := _standard(column))]
    if not read:
        return {}
    names, matrix = [name for name, _ in read], np.array([values for _, values in read])
    together = np.abs(matrix @ matrix.T) / matrix.shape[1]
    found: dict[str, str] = {}
    for k, name in enumerate(names):
        for j in range(k):
            if together[j, k] >= SAME and names[j] not in found:
                found[name] = f"It says what `{names[j]}` says (correlation {together[j, k]:.2f})."
                break
    return found


def _standard(column: pl.Series) -> Floats:
    """Return a feature as a model reads it, centred and scaled; empty where it never differs."""
    known = column.drop_nulls().to_numpy()
    if not len(known):
        return known
    scale = Scale.of(known)
    values = scale.read(column.fill_null(float("nan")).to_numpy())
    values = values - np.nanmean(values)
    values = np.nan_to_num(values, nan=0.0)
    spread = values.std()
    return values / spread if spread > 0 else values[:0]
