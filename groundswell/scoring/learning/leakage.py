"""The gate: what looks like a signal and is the outcome itself, seen from the future.

Each alarm names a feature and says what to do; none of them is proof, and none is silent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from groundswell.scoring.learning.choosing import Way, fit_design, fit_way
from groundswell.scoring.learning.measures import rank_auc
from groundswell.scoring.learning.terms import Terms

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from numpy.typing import NDArray

    from groundswell.scoring.learning.choosing import Fitted
    from groundswell.scoring.learning.examples import Examples
    from groundswell.scoring.learning.model import LinearModel

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

AlarmCode = Literal[
    "single_feature", "removal", "missingness", "after_outcome", "naive_gap", "drift"
]

ALONE = 0.9
"""A single feature with an AUC above this is alarming."""

REMOVAL = 0.1
"""So is one without which the AUC falls by more than this."""

UNKNOWN_APART = 0.1
"""And one whose being unknown says that much more of the outcome than chance does."""

NAIVE_GAP = 0.1
"""So are features as of today whose AUC is above that as of the snapshot by more than this."""

MOST_NAIVE = 3
"""Features that are named then."""

MOST_REMOVED = 10
"""Features that are tried without: those that move the score most. The others cannot matter."""

_Z = 2.6  # 99 of 100
_NOTHING = 0.5
_PENALTY = 30.0


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something to look at before anything is believed.

    Attributes:
        code: What kind it is.
        feature: Which feature, or `score`.
        message: What was seen and what to do.
    """

    code: AlarmCode
    feature: str
    message: str


def find_leaks(
    learned: Examples,
    judged: Examples,
    fitted: Fitted,
    *,
    filled_in: Collection[str] | None = None,
) -> list[Alarm]:
    """Look for features that may know the outcome.

    Args:
        learned: What the model was learned from.
        judged: Rows that it was not.
        fitted: The model.
        filled_in: Features that somebody fills in, and may because of the outcome; none for all.
    """
    return [
        *_strong_alone(learned),
        *_telling_unknown(learned, filled_in),
        *_missed_most(learned, judged, fitted),
    ]


def _strong_alone(examples: Examples) -> Iterator[Alarm]:
    for name in examples.features.columns:
        auc = strength(examples, name)
        if auc > ALONE:
            yield Alarm(
                "single_feature",
                name,
                f"`{name}` by itself tells the outcome (AUC {auc:.3f}, above {ALONE}). "
                "Check when it is filled in; if that is after the outcome, leave it out.",
            )


def strength(examples: Examples, name: str) -> float:
    """Return the AUC of one feature by itself, whichever way it points, where it is known.

    A level of a text counts as the share of positives among the other half of its rows, so that
    many levels do not look strong by being few rows each.
    """
    column = examples.features[name]
    known = column.is_not_null().to_numpy()
    if column.dtype == pl.String:
        values = _rates(column, examples)
    else:
        values = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
    auc = rank_auc(values[known], examples.label[known], examples.weight[known])
    return max(auc, 1 - auc) if column.dtype != pl.String else auc


def _rates(column: pl.Series, examples: Examples) -> Floats:
    """Return by row the share of positives of its level, among the other half of the groups."""
    frame = pl.DataFrame(
        {
            "level": column,
            "half": examples.group % 2,
            "won": examples.label * examples.weight,
            "rows": examples.weight,
        }
    )
    totals = frame.group_by("level", "half").agg(pl.col("won", "rows").sum())
    other = totals.with_columns(half=1 - pl.col("half"))
    joined = frame.select("level", "half").join(
        other, on=["level", "half"], how="left", nulls_equal=True, maintain_order="left"
    )
    base = examples.base_rate
    # One row at the base rate is added: a level unseen in the other half has that.
    return ((joined["won"].fill_null(0.0) + base) / (joined["rows"].fill_null(0.0) + 1)).to_numpy()


def find_naive_gaps(
    past: tuple[Examples, Examples], today: tuple[Examples, Examples]
) -> list[Alarm]:
    """Look for features that tell far more as they are today than as they were.

    Args:
        past: Rows learned from and rows judged by, with features as of each row's day.
        today: The same rows with features as they are now, as a plain export has them.
    """
    then, now = (_auc_of_ridge(*rows) for rows in (past, today))
    if now - then <= NAIVE_GAP:
        return []
    gaps = {
        name: (strength(today[1], name), strength(past[1], name))
        for name in past[1].features.columns
        if name not in past[1].points and name in today[1].features.columns
    }
    worst = sorted(gaps, key=lambda name: gaps[name][1] - gaps[name][0])[:MOST_NAIVE]
    return [
        Alarm(
            "naive_gap",
            name,
            f"`{name}` as it is today tells the outcome with an AUC of {gaps[name][0]:.2f}, as it "
            f"was before with {gaps[name][1]:.2f}: a table of today's values would claim {now:.2f} "
            f"in all, where {then:.2f} is true. Judge by snapshots, as this did, and give "
            "`valid_from` to what is loaded later than it held.",
        )
        for name in worst
        if gaps[name][0] - gaps[name][1] > NAIVE_GAP / 2
    ]


def _auc_of_ridge(learned: Examples, judged: Examples) -> float:
    terms = Terms.of(learned, bends=0)
    model, _ = fit_way(learned, Way(terms, None, _PENALTY))
    return rank_auc(model.log_odds(judged.features), judged.label, np.ones(len(judged)))


def _telling_unknown(examples: Examples, filled_in: Collection[str] | None) -> Iterator[Alarm]:
    for name in examples.features.columns:
        if filled_in is not None and name not in filled_in:
            continue
        unknown = examples.features[name].is_null().to_numpy()
        if not unknown.any() or unknown.all():
            continue
        of_positive = float(unknown[examples.label].mean())
        of_negative = float(unknown[~examples.label].mean())
        # The AUC of a flag is 1/2 + (difference of the shares) / 2.
        apart = abs(of_positive - of_negative) / 2
        error = np.sqrt(
            of_positive * (1 - of_positive) / examples.positives
            + of_negative * (1 - of_negative) / (len(examples) - examples.positives)
        )
        if apart > UNKNOWN_APART and apart - _Z * error / 2 > UNKNOWN_APART / 2:
            yield Alarm(
                "missingness",
                name,
                f"`{name}` is unknown in {of_positive:.0%} of rows with the outcome and in "
                f"{of_negative:.0%} of those without. If it is filled in because of the outcome, "
                "leave it out; if not, fill it in for all.",
            )


def _missed_most(learned: Examples, judged: Examples, fitted: Fitted) -> Iterator[Alarm]:
    terms, weights = fitted.way.terms, fitted.model.weights
    design, unseen = (terms.design(part.features) for part in (learned, judged))
    whole = rank_auc(unseen @ weights, judged.label, judged.weight)
    for name in _weightiest(design * weights, terms):
        kept = np.flatnonzero([term.feature != name for term in terms.terms])
        auc = _NOTHING
        if len(kept):
            model = _fit_some(design[:, kept], learned, fitted, kept)
            auc = rank_auc(unseen[:, kept] @ model.weights, judged.label, judged.weight)
        if whole - auc > REMOVAL:
            yield Alarm(
                "removal",
                name,
                f"Without `{name}` the AUC falls from {whole:.3f} to {auc:.3f}, by more than "
                f"{REMOVAL}. Check that it is known before the outcome; if not, leave it out.",
            )


def _fit_some(design: Floats, learned: Examples, fitted: Fitted, kept: Ints) -> LinearModel:
    """Fit the same way with some of its terms."""
    way = fitted.way
    terms = Terms(tuple(way.terms.terms[k] for k in kept), way.terms.scales, way.terms.levels)
    prior = way.prior[kept] if way.prior is not None else None
    near = np.append(fitted.model.intercept, fitted.model.weights[kept])
    model, _ = fit_design(design, learned, Way(terms, prior, way.penalty), near=near)
    return model


def _weightiest(added: Floats, terms: Terms) -> list[str]:
    """Return the features that move the score most, by what each term adds: [rows, terms]."""
    moved = {name: added[:, terms.columns_of(name)].sum(axis=1).std() for name in terms.features}
    return sorted(moved, key=lambda name: -moved[name])[:MOST_REMOVED]


def alarm_of_later_dates(name: str, share: float) -> Alarm:
    """Return the alarm of a date that comes after its row's time.

    Args:
        name: The feature.
        share: Of rows, in which it does.
    """
    return Alarm(
        "after_outcome",
        name,
        f"`{name}` is later than its row's time in {share:.0%} of rows, so it could not be known "
        "then. Leave it out.",
    )
