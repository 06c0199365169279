"""The learner beside its peers, on the same rows; and how it learns from few.

    python -m benchmarks.learning ../shared/data
    python -m benchmarks.learning ../shared/data --optbinning /path/to/bin/python

Peers: scikit-learn's LogisticRegression (one-hot, standardised, defaults), LightGBM (defaults,
100 trees) and, where an interpreter has it, optbinning's Scorecard (defaults), each on the same
split. AUC says nothing of speed: seconds are for orientation, and those of optbinning include the
start of its interpreter for every split.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks.boosted import light_gbm
from groundswell.scoring.learning import Asked, prepare
from groundswell.scoring.learning.choosing import choose
from groundswell.scoring.learning.examples import (
    folds_by_chance,
    folds_by_time,
    split_by_chance,
    split_by_time,
)
from groundswell.scoring.learning.measures import rank_auc
from groundswell.store.plain_table import read_plain_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from groundswell.scoring.learning.examples import Examples, Split

    Floats = NDArray[np.float64]
    Learner = Callable[[Examples, Examples], Floats]

FOLDS = 5
UNSEEN = 10_000
NEGATIVES = 8
"""For each positive row: what a start-up's accounts look like."""

# A hand-made score of somebody who knows the trade; and the same with every other sign turned.
RIGHT = {
    "euribor3m": -1.0,
    "pdays": -0.3,
    "poutcome = success": 0.3,
    "contact = cellular": 0.3,
    "campaign": -0.2,
    "previous": 0.2,
}
HALF_WRONG = {name: -w if k % 2 else w for k, (name, w) in enumerate(RIGHT.items())}


def ours(
    learned: Examples,
    judged: Examples,
    *,
    prior: Mapping[str, float] | None = None,
    by_time: bool = False,
) -> Floats:
    """Return what our learner says of unseen rows."""
    if by_time:
        folds = folds_by_time(learned, folds=FOLDS)
    else:
        folds = folds_by_chance(learned, folds=FOLDS, seed=0)
    return choose(learned, folds, prior=prior).model.log_odds(judged.features)


def scikit_learn(learned: Examples, judged: Examples) -> Floats:
    """Return what scikit-learn's logistic regression says."""
    types = learned.features.schema
    texts = [name for name, kind in types.items() if kind == pl.String]
    numbers = [name for name in types if name not in texts]
    model = make_pipeline(
        make_column_transformer(
            (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
            (OneHotEncoder(handle_unknown="ignore"), texts),
        ),
        LogisticRegression(max_iter=5_000),
    )
    model.fit(learned.features.to_pandas(), learned.label)
    return model.decision_function(judged.features.to_pandas())


def opt_binning(python: str) -> Learner | None:
    """Return what has optbinning's scorecard speak, by an interpreter; none if that has it not."""
    tried = subprocess.run(
        [python, "-I", "-c", "import optbinning"], check=False, capture_output=True
    )
    if tried.returncode:
        return None

    def learner(learned: Examples, judged: Examples) -> Floats:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            files = [folder / "train.parquet", folder / "test.parquet", folder / "scores.npy"]
            for rows, file in zip((learned, judged), files, strict=False):
                label = pl.Series("the label", rows.label)
                rows.features.with_columns(label).write_parquet(file)
            # Isolated, or the modules of this folder would go before those of the same name.
            command = [python, "-I", "-W", "ignore", str(BINNED), *map(str, files)]
            ran = subprocess.run(command, check=False, capture_output=True, text=True)
            if ran.returncode:
                raise RuntimeError(ran.stderr)
            return np.load(files[-1])

    return learner


BINNED = Path(__file__).with_name("binned.py")

LEARNERS: dict[str, Learner] = {
    "groundswell": ours,
    "scikit-learn": scikit_learn,
    "LightGBM": light_gbm,
}


def report(data: Path, *, optbinning: str) -> None:
    """Print the AUC of every learner on every table.

    Args:
        data: The folder of the real data sets.
        optbinning: The interpreter that may have optbinning.
    """
    learners = {**LEARNERS, "optbinning": opt_binning(optbinning)}
    bank = data / "bank_marketing" / "bank-additional-full.csv.gz"
    bank_rows = prepare(read_plain_table(bank), Asked("y", drop=["duration"])).examples
    sales = data / "salvirt_b2b" / "B2B_dataset.csv"
    sales_rows = prepare(read_plain_table(sales), Asked("Status")).examples
    tables: dict[str, tuple[Examples, Sequence[Split], bool]] = {
        "bank, by chance": (
            bank_rows,
            [split_by_chance(bank_rows, test_fraction=0.3, seed=0)],
            False,
        ),
        "bank, by time": (bank_rows, [split_by_time(bank_rows, test_fraction=0.3)], True),
        "B2B sales, 5 x 5": (
            sales_rows,
            [f for k in range(5) for f in folds_by_chance(sales_rows, folds=FOLDS, seed=k)],
            False,
        ),
    }
    print(f"{'':<18}" + "".join(f"{name:>22}" for name in learners))
    for name, (examples, splits, by_time) in tables.items():
        line = f"{name:<18}"
        for learner in learners.values():
            if learner is None:
                line += f"{'not installed':>22}"
                continue
            options = {"by_time": True} if by_time and learner is ours else {}
            began, found = time.perf_counter(), []
            for split in splits:
                learned, judged = examples.take(split.train), examples.take(split.test)
                said = learner(learned, judged, **options)
                found.append(rank_auc(said, judged.label, judged.weight))
            line += f"{np.mean(found):>13.3f} {time.perf_counter() - began:>6.1f} s"
        print(line, flush=True)
    learning_curve(bank_rows)


def learning_curve(examples: Examples, *, counts: Sequence[int] = (20, 60, 120, 300)) -> None:
    """Print the mean AUC of unseen rows by how many positive rows were learned from."""
    ways: dict[str, Learner] = {
        "right prior": lambda a, b: ours(a, b, prior=RIGHT),
        "half wrong": lambda a, b: ours(a, b, prior=HALF_WRONG),
        "no prior": ours,
        "scikit-learn": scikit_learn,
        "LightGBM": light_gbm,
    }
    # Without what says the same as euribor3m, so that the prior is about all there is.
    kept = [c for c in examples.features.columns if c not in _SAME]
    examples = examples.keep(kept)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(examples))
    unseen, rest = examples.take(order[:UNSEEN]), examples.take(order[UNSEEN:])
    print(f"\n{'positive rows':<14}" + "".join(f"{name:>20}" for name in ways))
    for count in counts:
        found: dict[str, list[float]] = {name: [] for name in ways}
        for seed in range(_DRAWS):
            learned = rest.take(_some(rest, count, seed=seed))
            for name, way in ways.items():
                said = way(learned, unseen)
                found[name].append(rank_auc(said, unseen.label, unseen.weight))
        cells = (f"{np.mean(f):>12.3f} ± {np.std(f):.3f}" for f in found.values())
        print(f"{count:<14}" + "".join(cells), flush=True)


_DRAWS = 10
_SAME = ("emp.var.rate", "nr.employed", "cons.price.idx", "cons.conf.idx")


def _some(examples: Examples, count: int, *, seed: int) -> NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    positive, other = np.flatnonzero(examples.label), np.flatnonzero(~examples.label)
    return np.concatenate(
        [rng.permutation(positive)[:count], rng.permutation(other)[: NEGATIVES * count]]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder of the real data sets")
    parser.add_argument(
        "--optbinning",
        metavar="PYTHON",
        default=sys.executable,
        help="interpreter that has optbinning; default: this one",
    )
    asked = parser.parse_args()
    if shutil.which(asked.optbinning) is None:
        parser.error(f"--optbinning: there is no interpreter {asked.optbinning}")
    report(asked.data, optbinning=asked.optbinning)


if __name__ == "__main__":
    main()
