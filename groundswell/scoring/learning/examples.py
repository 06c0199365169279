"""Rows whose outcome is known: what a model learns from and is judged by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Examples:
    """Rows in the order in which they happened, where that is known.

    Attributes:
        features: One row each; Float64 columns are numbers, with null for unknown, and String
            columns are levels.
        label: Whether the outcome came.
        group: Numbers from 0; rows of one group (an account) are kept together when rows are
            split, and drawn together by the bootstrap.
        weight: What each row counts.
        time: When each row was as it is, ascending; days, or the place in the order.
        points: Features that are points already, known in every row: they are taken as they are.
    """

    features: pl.DataFrame
    label: Bools
    group: Ints
    weight: Floats
    time: Floats
    points: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.label)

    @property
    def positives(self) -> int:
        """Rows whose outcome came."""
        return int(self.label.sum())

    @cached_property
    def rarer(self) -> int:
        """Groups of the rarer of the two outcomes: what there is to learn from."""
        came, others = (len(np.unique(self.group[rows])) for rows in (self.label, ~self.label))
        return min(came, others)

    @property
    def base_rate(self) -> float:
        """The share of rows, by weight, whose outcome came."""
        return float(self.weight[self.label].sum() / self.weight.sum())

    def keep(self, features: Sequence[str]) -> Examples:
        """Return all rows with some of the features."""
        return replace(self, features=self.features.select(features))

    def take(self, rows: Ints) -> Examples:
        """Return some of the rows, in the order given."""
        # A frame without columns has no rows to take.
        features = self.features[rows] if self.features.columns else self.features
        return Examples(
            features,
            self.label[rows],
            self.group[rows],
            self.weight[rows],
            self.time[rows],
            self.points,
        )


@dataclass(frozen=True)
class Split:
    """Rows to learn from, and rows to judge by; no row is in both."""

    train: Ints
    test: Ints


def split_by_chance(examples: Examples, *, test_fraction: float, seed: int) -> Split:
    """Split groups by chance, those with a positive row apart from those without."""
    chosen = _dealt(examples, parts=1000, seed=seed) < round(1000 * test_fraction)
    return Split(np.flatnonzero(~chosen), np.flatnonzero(chosen))


def split_by_time(examples: Examples, *, test_fraction: float, embargo: float = 0.0) -> Split:
    """Learn from what came first and judge by the rest; rows of one time are on one side.

    Args:
        examples: In the order of time.
        test_fraction: The share of rows that are judged by, about.
        embargo: How long before the first row judged by an outcome must have been known: rows
            that came later than that are on neither side.
    """
    first = len(examples) - round(len(examples) * test_fraction)
    return _cut(examples.time, first, len(examples), embargo)


def folds_by_chance(examples: Examples, *, folds: int, seed: int) -> list[Split]:
    """Split groups into folds of equal size by chance; each is judged by once."""
    dealt = _dealt(examples, parts=folds, seed=seed)
    return [Split(np.flatnonzero(dealt != k), np.flatnonzero(dealt == k)) for k in range(folds)]


def folds_by_time(examples: Examples, *, folds: int, embargo: float = 0.0) -> list[Split]:
    """Cut rows into pieces by time: each but the first is judged by what came before it.

    See `split_by_time` for what an embargo is. A piece without anything before it, or in it, is
    no fold.
    """
    edges = np.linspace(0, len(examples), folds + 2).round().astype(np.int64)
    cuts = [_cut(examples.time, edges[k], edges[k + 1], embargo) for k in range(1, folds + 1)]
    return [cut for cut in cuts if len(cut.train) and len(cut.test)]


def _cut(time: Floats, first: int, last: int, embargo: float) -> Split:
    """Judge by the rows of the times from `first` on, up to that of `last`."""
    if first >= len(time):
        return Split(np.arange(len(time)), np.arange(0))
    begin = int(np.searchsorted(time, time[first], side="left"))
    end = int(np.searchsorted(time, time[last], side="left")) if last < len(time) else last
    known = int(np.searchsorted(time, time[first] - embargo, side="right" if embargo else "left"))
    return Split(np.arange(known), np.arange(begin, end))


def _dealt(examples: Examples, *, parts: int, seed: int) -> Ints:
    """Deal groups evenly to parts, positive ones and others each by themselves; by row."""
    groups, of_row = np.unique(examples.group, return_inverse=True)
    positive = np.bincount(of_row, weights=examples.label, minlength=len(groups)) > 0
    order = np.random.default_rng(seed).permutation(len(groups))
    order = order[np.argsort(positive[order], kind="stable")]
    part = np.empty(len(groups), dtype=np.int64)
    for kind in (False, True):
        of_kind = order[positive[order] == kind]
        part[of_kind] = np.arange(len(of_kind)) * parts // max(len(of_kind), 1)
    return part[of_row]
