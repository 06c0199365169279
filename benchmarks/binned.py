"""A scorecard of optbinning, for `benchmarks.learning`: run by the interpreter that has it.

    PYTHON benchmarks/binned.py train.parquet test.parquet scores.npy

The last column of either file is the label; texts are levels, and all else are numbers. What is
written are log-odds, a row of the second file each. All options are optbinning's defaults.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from optbinning import BinningProcess, Scorecard
from sklearn.linear_model import LogisticRegression


def main(train: str, test: str, scores: str) -> None:
    learned, judged = pd.read_parquet(train), pd.read_parquet(test)
    *features, label = learned.columns
    texts = [name for name in features if not pd.api.types.is_numeric_dtype(learned[name])]
    levels = dict.fromkeys(texts, object)
    card = Scorecard(
        BinningProcess(features, categorical_variables=texts), LogisticRegression(max_iter=5_000)
    )
    card.fit(learned[features].astype(levels), learned[label].astype(int))
    np.save(scores, card.decision_function(judged[features].astype(levels)))


if __name__ == "__main__":
    main(*sys.argv[1:])
