"""A study: what can be learned from a table, how good that is, and whether to believe it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from groundswell.scoring.drift import Drift, measure_drift
from groundswell.scoring.learning.calibrating import Calibration, calibrate
from groundswell.scoring.learning.challenger import (
    LEAST_POSITIVES,
    Challenge,
    boost,
    challenge,
)
from groundswell.scoring.learning.choosing import Fitted, Way, choose, fit_way, prior_weights
from groundswell.scoring.learning.examples import (
    Examples,
    Split,
    folds_by_chance,
    folds_by_time,
    split_by_chance,
    split_by_time,
)
from groundswell.scoring.learning.leakage import Alarm, find_leaks
from groundswell.scoring.learning.measures import BINS, RANKINGS, Figure, Judged, Ranked
from groundswell.scoring.learning.scorecard import Points, Scorecard
from groundswell.scoring.learning.selecting import select_features
from groundswell.scoring.learning.terms import MOST_LEVELS, Terms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

Verdict = Literal["ok", "no_signal", "too_few"]
Shape = Literal["straight", "bent", "straight and stepped", "bent and stepped"]

LEAST = 20
"""Rows of the rarer outcome without which nothing is learned."""

FEW = 120
"""Rows of the rarer outcome under which a study says how few there are."""

FOLDS = 5
_NO_SIGNAL = 0.5
_INNER_DRAWS = 200
_UNNEEDED = "What is left tells as much without it."


@dataclass(frozen=True)
class Plan:
    """How a table is studied.

    Attributes:
        test_fraction: Share of rows that are judged by.
        seed: Of the split, the folds and the bootstrap.
        by_time: Learn from the first rows and judge by the last, instead of by chance.
        embargo: How long an outcome takes to be known, in the units of time (days): nothing is
            learned from rows whose outcome was not known when the first row judged by came.
        rounds: Judge every row, by models of the other four fifths, in so many rounds, instead of
            one share of the rows.
        prior: The hand-made score: weights by feature or term.
        challenged: Whether steps by gradient boosting are tried beside, from 300 positive rows on.
        most: At most so many features are learned from, beside the hand-made score's components;
            none for all that there are.
        filled_in: Features that somebody fills in, and may because of the outcome; none for all.
    """

    test_fraction: float = 0.3
    seed: int = 0
    by_time: bool = False
    embargo: float = 0.0
    rounds: int = 0
    prior: Mapping[str, float] = field(default_factory=dict[str, float])
    challenged: bool = False
    most: int | None = None
    filled_in: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Tenth:
    """A tenth of the rows judged by, from the highest scores down.

    Attributes:
        rows: How many there are.
        expected: The mean chance that was said.
        observed: The share whose outcome came.
        lift: That, by the share of all rows.
        gain: The share of all positive rows that are in it or above.
    """

    rows: int
    expected: float
    observed: float
    lift: float
    gain: float


@dataclass(frozen=True, slots=True)
class Learned:
    """How the model came to be.

    Attributes:
        rows: Learned from.
        positives: Of them.
        judged_rows: Rows it is judged by; none is learned from.
        judged_positives: Of them.
        shape: Whether numbers count by straight or bent lines, and whether by steps beside.
        penalty: Lambda.
        prior_scale: What the hand-made score was multiplied by; none where it had no say.
        calibration: What was set right: the level, the slope, or the curve.
        inner_auc: AUC among the rows learned from, each judged by a model of others.
    """

    rows: int
    positives: int
    judged_rows: int
    judged_positives: int
    shape: Shape
    penalty: float
    prior_scale: float | None
    calibration: str
    inner_auc: Figure


@dataclass(frozen=True)
class Study:
    """What was found.

    Attributes:
        verdict: `ok`, `no_signal` or `too_few`.
        message: Why, and what to do.
        rows: With a known outcome.
        positives: Of them.
        roc_auc, average_precision, brier, ece, top_decile_lift: On rows not learned from; none
            where nothing was learned.
        alarms: What to look at before it is believed.
        unlabelled: Rows without a known outcome, which were left out.
        left_out: Columns that were not learned from, with the reason.
        learned: How the model came to be.
        tenths: Rows judged by, from the highest scores down.
        drift: How far each feature, and the score, of the rows judged by is from those learned
            from; by time it is an alarm, by chance it is chance.
        challenge: How gradient boosting did; none where it was not tried.
        scorecard: The model; none where there is no signal.
    """

    verdict: Verdict
    message: str
    rows: int
    positives: int
    roc_auc: Figure | None = None
    average_precision: Figure | None = None
    brier: Figure | None = None
    ece: Figure | None = None
    top_decile_lift: Figure | None = None
    alarms: tuple[Alarm, ...] = ()
    unlabelled: int = 0
    left_out: Mapping[str, str] = field(default_factory=dict[str, str])
    learned: Learned | None = None
    tenths: tuple[Tenth, ...] = ()
    drift: tuple[Drift, ...] = ()
    challenge: Challenge | None = None
    scorecard: Scorecard | None = None


@dataclass(frozen=True)
class Lesson:
    """A study, and the model it is of.

    Attributes:
        study: What was found.
        points: The model, as points; none where too little was there to learn from.
        learned: The rows that it was learned from.
        judged: The rows that it was judged by.
    """

    study: Study
    points: Points | None
    learned: Examples
    judged: Examples


def study(examples: Examples, plan: Plan, *, left_out: Mapping[str, str] | None = None) -> Study:
    """Do what `learn` does, and return what was found."""
    return learn(examples, plan, left_out=left_out).study


def learn(examples: Examples, plan: Plan, *, left_out: Mapping[str, str] | None = None) -> Lesson:
    """Learn, judge, and look for what is too good to be true.

    Weights say what a row counts in learning; in judging and in setting chances right every row
    counts as one, as it will when the score is used.

    Args:
        examples: In the order of time, where the plan goes by time.
        plan: How.
        left_out: Columns that are not among the features, with the reason.
    """
    split = (
        split_by_time(examples, test_fraction=plan.test_fraction, embargo=plan.embargo)
        if plan.by_time
        else split_by_chance(examples, test_fraction=plan.test_fraction, seed=plan.seed)
    )
    out = {**(left_out or {}), **_unusable(examples.take(split.train))}
    kept = examples.keep([name for name in examples.features.columns if name not in out])
    learned, judged = kept.take(split.train), kept.take(split.test)
    lacking = _lacking(learned, judged)
    if lacking:
        return Lesson(_too_few(kept, plan, lacking, out), None, learned, judged)
    if plan.most is not None:
        needed = select_features(learned, _folds(learned, plan), most=plan.most)
        unneeded = dict.fromkeys(learned.features.columns, _UNNEEDED)
        out |= {name: reason for name, reason in unneeded.items() if name not in needed}
        kept, learned, judged = kept.keep(needed), learned.keep(needed), judged.keep(needed)
    champion, calibration, inner = _learn(learned, plan)
    fitted, challenged = champion, None
    if plan.challenged and learned.rarer >= LEAST_POSITIVES:
        boosted, set_right, within = _learn_steps(learned, plan, champion)
        challenged = challenge(
            _judge(judged, boosted, set_right),
            _judge(judged, champion, calibration),
            seed=plan.seed,
            by_time=plan.by_time and not plan.rounds,
        )
        if challenged.promoted:
            fitted, calibration, inner = boosted, set_right, within
    seen = _by_rounds(kept, plan) if plan.rounds else _judge(judged, fitted, calibration)
    figures = seen.figures(seed=plan.seed)
    inner_auc = inner.auc(seed=plan.seed, draws=_INNER_DRAWS)
    drift = _drift(learned, judged, fitted)
    points = Points.of(fitted.model, calibration, learned)
    verdict, message = _verdict(figures["roc_auc"], inner_auc, learned.rarer)
    found = Study(
        verdict,
        message,
        len(examples),
        examples.positives,
        figures["roc_auc"],
        figures["average_precision"],
        figures["brier"],
        figures["ece"],
        figures["top_decile_lift"],
        alarms=(
            *find_leaks(learned, judged, champion, filled_in=plan.filled_in),
            *(_drifted(drift) if plan.by_time else ()),
        ),
        left_out=out,
        learned=Learned(
            len(learned),
            learned.positives,
            len(seen.label),
            int(seen.label.sum()),
            _shape_of(fitted),
            fitted.way.penalty,
            fitted.prior_scale,
            calibration.how,
            inner_auc,
        ),
        tenths=_tenths(seen),
        drift=tuple(drift),
        challenge=challenged,
        scorecard=points.card(learned) if verdict == "ok" else None,
    )
    return Lesson(found, points, learned, judged)


def _learn(examples: Examples, plan: Plan) -> tuple[Fitted, Calibration, Judged]:
    """Fit and calibrate; and return what was said of rows by models that had not seen them."""
    by_chance = folds_by_chance(examples, folds=FOLDS, seed=plan.seed)
    fitted = choose(examples, _folds(examples, plan), prior=plan.prior)
    said = _said(examples, by_chance, fitted.way) if plan.by_time else fitted.log_odds
    return fitted, *_set_right(examples, said)


def _learn_steps(
    examples: Examples, plan: Plan, fitted: Fitted
) -> tuple[Fitted, Calibration, Judged]:
    """Do what `_learn` does, with steps beside the lines of what it found."""
    by_chance = folds_by_chance(examples, folds=FOLDS, seed=plan.seed)
    said = _said(examples, by_chance, fitted.way, stepped=plan.seed)
    boosted = replace(fitted, model=boost(fitted.model, examples, seed=plan.seed), log_odds=said)
    return boosted, *_set_right(examples, said)


def _set_right(examples: Examples, said: Floats) -> tuple[Calibration, Judged]:
    calibration = calibrate(said, examples.label, np.ones(len(examples)), rarer=examples.rarer)
    return calibration, _judged(said, calibration.chance(said), examples)


def _shape_of(fitted: Fitted) -> Shape:
    if fitted.model.steps:
        return "bent and stepped" if fitted.way.is_bent else "straight and stepped"
    return "bent" if fitted.way.is_bent else "straight"


def _folds(examples: Examples, plan: Plan) -> list[Split]:
    """Split rows as the plan does, to see what does well on rows not learned from."""
    if plan.by_time:
        in_time = folds_by_time(examples, folds=FOLDS, embargo=plan.embargo)
        # A piece of time that knows one outcome only teaches nothing.
        usable = [fold for fold in in_time if examples.take(fold.train).rarer]
        if usable:
            return usable
    return folds_by_chance(examples, folds=FOLDS, seed=plan.seed)


def _said(
    examples: Examples, folds: Sequence[Split], way: Way, *, stepped: int | None = None
) -> Floats:
    """Return what models said of rows that they had not seen; with steps, of a seed, if asked."""
    found = np.empty(len(examples))
    for fold in folds:
        learned = examples.take(fold.train)
        model, _ = fit_way(learned, way)
        if stepped is not None:
            model = boost(model, learned, seed=stepped)
        found[fold.test] = model.log_odds(examples.features[fold.test])
    return found


def _judge(judged: Examples, fitted: Fitted, calibration: Calibration) -> Judged:
    said = fitted.model.log_odds(judged.features)
    return _judged(said, calibration.chance(said), judged)


def _judged(said: Floats, chances: Floats, rows: Examples) -> Judged:
    return Judged(said[None], chances[None], rows.label, rows.group, np.ones(len(rows)))


def _by_rounds(examples: Examples, plan: Plan) -> Judged:
    """Judge every row in every round, by a model that was learned and calibrated without it."""
    said = np.empty((plan.rounds, len(examples)))
    chances = np.empty_like(said)
    for k in range(plan.rounds):
        for fold in folds_by_chance(examples, folds=FOLDS, seed=plan.seed + k):
            fitted, calibration, _ = _learn(examples.take(fold.train), plan)
            said[k, fold.test] = fitted.model.log_odds(examples.features[fold.test])
            chances[k, fold.test] = calibration.chance(said[k, fold.test])
    return Judged(said, chances, examples.label, examples.group, np.ones(len(examples)))


def _verdict(auc: Figure, inner: Figure, rarer: int) -> tuple[Verdict, str]:
    if min(auc.low, inner.low) <= _NO_SIGNAL:
        where = auc if auc.low <= _NO_SIGNAL else inner
        among = "rows not learned from" if where is auc else "the rows learned from"
        return "no_signal", (
            f"No signal found: among {among} the AUC is {where.value:.3f} "
            f"[{where.low:.3f}, {where.high:.3f}], which chance reaches. "
            "Keep the hand-made score; more outcomes, or other features, may tell more."
        )
    said = (
        f"The score tells the outcome: AUC {auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}] on "
        "rows not learned from."
    )
    if rarer < FEW:
        said += f" It was learned from {rarer} outcomes only: mind the interval."
    return "ok", said


def _lacking(learned: Examples, judged: Examples) -> str:
    """Say what there is too little of; nothing where there is enough."""
    groups = len(np.unique(learned.group))
    if 0 < groups < LEAST:
        return f"Too few groups: {groups} to learn from, and {LEAST} are needed"
    if learned.rarer < LEAST:
        of = "rows" if groups == len(learned) else "groups"
        return (
            f"Too few outcomes: {learned.rarer} {of} of the rarer one among the {groups:,} learned "
            f"from, and {LEAST} are needed"
        )
    if judged.rarer < 1:
        return f"Too few outcomes: only one of the two is among the {len(judged):,} rows judged by"
    return "" if learned.features.columns else "No column tells one row from another"


def _too_few(examples: Examples, plan: Plan, lacking: str, left_out: Mapping[str, str]) -> Study:
    """Judge the hand-made score, where there is one; nothing is learned."""
    figures: dict[str, Figure] = {}
    kept = "Keep the hand-made score."
    if plan.prior and examples.rarer and examples.features.columns:
        terms = Terms.of(examples, bends=0)
        score = terms.design(examples.features) @ prior_weights(terms, plan.prior)
        judged = _judged(score, np.full(len(score), np.nan), examples)
        figures = judged.figures(seed=plan.seed, names=RANKINGS)
        kept = "The figures are those of the hand-made score."
    return Study(
        "too_few",
        f"{lacking}. {kept}",
        len(examples),
        examples.positives,
        roc_auc=figures.get("roc_auc"),
        average_precision=figures.get("average_precision"),
        top_decile_lift=figures.get("top_decile_lift"),
        left_out=left_out,
    )


def _unusable(examples: Examples) -> dict[str, str]:
    """Return the features that tell nothing of another row, with the reason."""
    found: dict[str, str] = {}
    for column in examples.features.iter_columns():
        distinct = column.drop_nulls().n_unique()
        if distinct <= 1 and not column.null_count():
            found[column.name] = "It is the same in every row."
        elif distinct == 0:
            found[column.name] = "It is unknown in every row."
        elif column.dtype == pl.String and distinct > MOST_LEVELS:
            found[column.name] = f"It is a text of {distinct:,} different values."
    return found


def _drift(learned: Examples, judged: Examples, fitted: Fitted) -> list[Drift]:
    units = (len(np.unique(learned.group)), len(np.unique(judged.group)))
    found = [
        measure_drift(learned.features[name], judged.features[name], units=units)
        for name in learned.features.columns
    ]
    before, after = (
        pl.Series("score", fitted.model.log_odds(part.features)) for part in (learned, judged)
    )
    found.append(measure_drift(before, after, units=units))
    return sorted(found, key=lambda item: -item.psi)


def _drifted(drift: Sequence[Drift]) -> list[Alarm]:
    return [
        Alarm(
            "drift",
            item.feature,
            f"`{item.feature}` is spread differently in the rows judged by: PSI {item.psi:.2f}, "
            f"above {item.line:.2f}. Learn from later rows, or leave it out.",
        )
        for item in drift
        if item.warns
    ]


def _tenths(seen: Judged) -> tuple[Tenth, ...]:
    """Return the first round's rows by tenths of their scores, the highest first."""
    ranked = Ranked.of(seen.scores[0], seen.chances[0], seen.label, seen.weight)
    weight = seen.weight[ranked.order]
    middle = np.cumsum(weight) - weight / 2
    tenth = np.minimum((middle / weight.sum() * BINS).astype(np.int64), BINS - 1)
    rows = np.bincount(tenth, minlength=BINS)
    total, said, came = (
        np.bincount(tenth, weights=values, minlength=BINS)
        for values in (weight, weight * ranked.chance, weight * ranked.label)
    )
    base = came.sum() / total.sum()
    gain = np.cumsum(came) / came.sum()
    return tuple(
        Tenth(
            int(rows[k]),
            float(said[k] / total[k]),
            float(came[k] / total[k]),
            float(came[k] / total[k] / base),
            float(gain[k]),
        )
        for k in range(BINS)
        if total[k]
    )
