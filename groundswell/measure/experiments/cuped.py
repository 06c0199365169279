"""What was known of accounts before takes out of a comparison what has nothing to do with contact.

Source: Deng, Xu, Kohavi and Walker, Improving the sensitivity of online controlled experiments by
utilizing pre-experiment data, WSDM 2013.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from groundswell.measure.experiments.effects import Difference, Sample

    Floats = NDArray[np.float64]

ROWS_EACH = 20
"""Accounts there have to be for each covariate: fewer would follow chance."""


@dataclass(frozen=True)
class Adjusted:
    """A sample whose values are those an account of usual usage would have had.

    Attributes:
        sample: The accounts.
        theta: By covariate, how much a value changes with it.
    """

    sample: Sample
    theta: tuple[float, ...]


def adjust_values(sample: Sample, covariates: Floats) -> Adjusted | None:
    """Take out of values what covariates say of them.

    Theta comes from both arms pooled, within strata. Arms are alike before contact but for chance,
    so what is taken out has a mean of nothing in each: the difference keeps its expectation.

    Args:
        sample: The accounts.
        covariates: A row for each, a column per covariate, all from before it was assigned; where
            one is unknown, the account counts as usual of its stratum.

    Returns:
        The same accounts; None where they are too few, or no covariate differs between them.
    """
    centred = _centre(covariates, sample.strata)
    centred = centred[:, (centred**2).sum(axis=0) > 0]
    if not centred.shape[1] or len(centred) < ROWS_EACH * centred.shape[1]:
        return None
    values = _centre(sample.values[:, None], sample.strata)[:, 0]
    scale = np.sqrt((centred**2).mean(axis=0))
    theta = np.linalg.lstsq(centred / scale, values, rcond=None)[0] / scale
    return Adjusted(
        sample.worth(sample.values - centred @ theta), tuple(float(one) for one in theta)
    )


def variance_reduction(plain: Difference, adjusted: Difference) -> float | None:
    """Return the share of the variance that adjusting took away."""
    if plain.variance is None or adjusted.variance is None:
        return None
    return 1 - adjusted.variance / plain.variance


def _centre(values: Floats, strata: NDArray[np.int64]) -> Floats:
    """Return values less the mean of their stratum, 0 where they are unknown."""
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0)
    found = np.empty_like(filled)
    for column in range(values.shape[1]):
        total = np.bincount(strata, weights=filled[:, column])
        n = np.bincount(strata, weights=known[:, column])
        found[:, column] = filled[:, column] - (total / np.maximum(n, 1))[strata]
    return np.where(known, found, 0.0)
