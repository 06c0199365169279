"""A fitted model: what it says of a row, and of which terms that is made up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from groundswell.scoring.learning.terms import Terms

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LinearModel:
    """Log-odds that are a sum.

    Attributes:
        terms: What is added up.
        intercept: The log-odds of a row that is average in every term.
        weights: By term.
    """

    terms: Terms
    intercept: float
    weights: Floats

    def log_odds(self, features: pl.DataFrame) -> Floats:
        """Return the log-odds of each row."""
        return self.intercept + self.terms.design(features) @ self.weights

    def contributions(self, features: pl.DataFrame) -> pl.DataFrame:
        """Return what each feature adds to the intercept, by row; their sum is exact."""
        added = self.terms.design(features) * self.weights
        return pl.DataFrame(
            {
                name: added[:, self.terms.columns_of(name)].sum(axis=1)
                for name in self.terms.features
            }
        )
