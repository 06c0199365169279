"""Made-up rows whose truth is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from groundswell.scoring.learning.examples import Examples

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def made() -> Callable[..., Examples]:
    """Make rows of three numbers, a text and a flag, of which some tell the outcome."""

    def make(
        rows: int, *, seed: int = 0, strength: float = 1.0, base: float = -1.0, **columns: Any
    ) -> Examples:
        rng = np.random.default_rng(seed)
        strong, weak, noise = rng.normal(size=(3, rows))
        plan = rng.choice(["free", "team", "pro"], rows, p=[0.6, 0.3, 0.1])
        flag = rng.random(rows) < 0.05
        truth = base + strength * (0.7 * strong + 0.5 * weak + 1.5 * (plan == "pro") + 2 * flag)
        label = rng.random(rows) < expit(truth)
        features = pl.DataFrame(
            {
                "strong": strong,
                "weak": weak,
                "noise": noise,
                "plan": plan,
                "flag": flag.astype(float),
                **{name: values(rng, label) for name, values in columns.items()},
            }
        )
        return Examples(features, label, np.arange(rows), np.ones(rows), np.arange(rows) * 1.0)

    return make
