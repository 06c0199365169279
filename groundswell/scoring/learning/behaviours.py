"""Which behaviours precede an outcome: the table from which a first definition is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from groundswell.scoring.learning.measures import Figure, Judged
from groundswell.scoring.learning.snapshots import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

LEAST = 20
"""Accounts to which the outcome came, without which nothing is said."""

_LEAST_OF_LEVEL = 10  # accounts
_DRAWS = 200
_CHANCE = 0.5
_DEFINING = frozenset(
    ("account_id", "as_of", "label", "came_on", "acv", "is_paying", "mrr", "owner")
)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A feature before the outcome, and where none came.

    Attributes:
        feature: Its name; or a level of a text, as `industry = software`.
        before: Its mean in snapshots that the outcome came after; of a flag, the share.
        otherwise: The same where none came.
        effect: The chance that it is more before an outcome than otherwise (AUC); 0.5 is none.
        known: The share of snapshots in which it is known.
    """

    feature: str
    before: float
    otherwise: float
    effect: Figure
    known: float

    @property
    def tells(self) -> bool:
        """Whether more than chance sets the two apart."""
        return not self.effect.holds(_CHANCE)


@dataclass(frozen=True)
class Behaviours:
    """The table.

    Attributes:
        outcome: What is asked about.
        accounts: That the outcome could have come to.
        came: Of them, to which it did.
        snapshots: That were compared, each account counting as one.
        rows: What tells most comes first; none where the outcome came too seldom.
    """

    outcome: Outcome
    accounts: int
    came: int
    snapshots: int
    rows: tuple[Behaviour, ...]


def find_behaviours(
    labelled: pl.DataFrame, outcome: Outcome = "converted", *, seed: int = 0
) -> Behaviours:
    """Compare features before the outcome with those where none came.

    Args:
        labelled: Snapshots as `label_snapshots` gives them.
        outcome: What is asked about.
        seed: Of the draws.
    """
    groups = labelled["account_id"].rank("dense").cast(pl.Int64).to_numpy()
    label = labelled["label"].cast(pl.Boolean).to_numpy().astype(bool)
    came = len(np.unique(groups[label]))
    accounts = len(np.unique(groups))
    rows: list[Behaviour] = []
    if came >= LEAST and accounts - came >= LEAST:
        weight = 1.0 / np.bincount(groups)[groups]
        for name, values in _columns(labelled):
            row = _compare(name, values, label, groups, weight, seed=seed)
            rows += [row] if row is not None else []
    rows.sort(key=lambda row: -_surely(row.effect))
    return Behaviours(outcome, accounts, came, labelled.height, tuple(rows))


def _columns(labelled: pl.DataFrame) -> Iterator[tuple[str, Floats]]:
    """Yield numbers and flags as they are, NaN for unknown, and each common level as a flag."""
    for column in labelled.iter_columns():
        if column.name in _DEFINING:
            continue
        if column.dtype == pl.String:
            held = labelled.group_by(column.name).agg(pl.col("account_id").n_unique())
            common = held.filter(pl.col("account_id") >= _LEAST_OF_LEVEL)[column.name]
            for level in common.drop_nulls().sort():
                flags = (column == level).fill_null(value=False)
                yield f"{column.name} = {level}", flags.cast(pl.Float64).to_numpy()
        elif column.dtype.is_numeric() or column.dtype == pl.Boolean:
            yield column.name, column.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _compare(
    name: str, values: Floats, label: Bools, groups: Ints, weight: Floats, *, seed: int
) -> Behaviour | None:
    """Return one row of the table; None where the feature is the same everywhere."""
    known = np.isfinite(values)
    share = float(weight[known].sum() / weight.sum())
    values, label, groups, weight = values[known], label[known], groups[known], weight[known]
    if not label.any() or label.all() or (values == values[0]).all():
        return None
    judged = Judged(values[None], values[None], label, groups, weight)
    return Behaviour(
        name,
        float(np.average(values[label], weights=weight[label])),
        float(np.average(values[~label], weights=weight[~label])),
        judged.auc(seed=seed, draws=_DRAWS),
        share,
    )


def _surely(effect: Figure) -> float:
    """Return how far from chance the near end of the interval is; below 0 where it holds it."""
    return max(effect.low - _CHANCE, _CHANCE - effect.high)
