"""What contact changes: two arms of accounts compared, each difference with its interval.

Arms are compared within strata (motions) and put together by how many accounts each stratum has, so
that an arm with more of the accounts that buy anyway does not look better for it. Parents are what
is assigned, so accounts of one parent count together: they vary as one.

Sources: Newcombe, Interval estimation for the difference between independent proportions, Stat.
Med. 1998 (method 10), put together over strata as in Zou and Donner, Construction of confidence
limits about effect measures, Stat. Med. 2008; Welch 1947 for means; Liang and Zeger 1986 and Imbens
and Kolesar 2016 for clusters.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri, stdtrit

from groundswell.measure.estimates import LEVEL, NOTHING, Estimate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

FEWEST = 2
"""Parents in an arm below which how much they vary cannot be told."""


@dataclass(frozen=True)
class Sample:
    """Accounts of an experiment, a row each.

    Attributes:
        values: What came of it: 1 or 0 for a conversion, or an amount.
        contacted: Its arm: contacted, or else held out.
        strata: The number of its motion, from 0 on.
        clusters: The number of its parent, from 0 on.
    """

    values: Floats
    contacted: Flags
    strata: Ints
    clusters: Ints

    @classmethod
    def of(
        cls,
        values: ArrayLike,
        contacted: ArrayLike,
        *,
        strata: ArrayLike | None = None,
        clusters: ArrayLike | None = None,
    ) -> Sample:
        """Return a sample; with one stratum, and every account its own parent, if not told."""
        of = np.asarray(values, dtype=np.float64)
        return cls(
            of,
            np.asarray(contacted, dtype=np.bool_),
            np.zeros(len(of), dtype=np.int64) if strata is None else _numbered(strata),
            np.arange(len(of), dtype=np.int64) if clusters is None else _numbered(clusters),
        )

    def keep(self, rows: Flags) -> Sample:
        """Return some of the accounts."""
        return Sample(
            self.values[rows], self.contacted[rows], self.strata[rows], self.clusters[rows]
        )

    def worth(self, values: Floats) -> Sample:
        """Return the same accounts with other values."""
        return replace(self, values=values)


@dataclass(frozen=True, slots=True)
class Difference:
    """Contacted accounts less those held out.

    Attributes:
        difference: With its interval, at a moment that was fixed before.
        contacted, held_out: Of each arm, weighed alike, so that one less the other is it.
        variance: Of the difference; None where none can be told.
        cautious: The variance if both arms varied alike, where that is larger: an arm of few
            accounts in which nobody has converted yet only looks as if it did not vary.
        design: How many times larger it is than if every account were its own parent.
        left_out: Accounts of strata where an arm has too few to tell.
    """

    difference: Estimate
    contacted: Estimate
    held_out: Estimate
    variance: float | None
    cautious: float | None
    design: float
    left_out: int


def newcombe(hits: int, n: int, hits_held: int, n_held: int, *, level: float = LEVEL) -> Estimate:
    """Return the difference of two shares with the interval of Newcombe's tenth method.

    >>> found = newcombe(56, 70, 48, 80)
    >>> round(found.value, 4), round(found.low, 4), round(found.high, 4)
    (0.2, 0.0524, 0.3339)
    """
    if not n or not n_held:
        return Estimate(None, n=n + n_held)
    share = np.array([hits_held / n_held, hits / n])
    low, high = _wilson(share, np.array([n_held, n], dtype=np.float64), level)
    return _put_together(share, low, high, np.array([-1.0, 1.0]), n + n_held)


def compare_shares(sample: Sample, *, level: float = LEVEL) -> Difference:
    """Compare the shares of two arms, the values being 0 or 1.

    The interval keeps its shape near 0 and 1, where the plain one promises too much; parents of
    several accounts make it as much wider as they make the variance larger, never narrower.
    """
    cells = _cells(sample)
    if cells is None:
        return _unknown(sample)
    low, high = _wilson(cells.means, cells.n / max(cells.design, 1.0), level)
    n = int(cells.n.sum())

    def told(signs: Floats) -> Estimate:
        weights = cells.weights * signs
        of = int(cells.n[weights != 0].sum())
        return _put_together(cells.means, low, high, weights, of)

    return Difference(
        told(cells.signs),
        told(cells.signs.clip(0)),
        told((-cells.signs).clip(0)),
        cells.variance or None,
        max(cells.variance, cells.alike) or None,
        cells.design,
        len(sample.values) - n,
    )


def compare_means(sample: Sample, *, level: float = LEVEL) -> Difference:
    """Compare the means of two arms, by Welch's t.

    Where all values of both arms are the same there is no interval: how much they vary is unknown.
    """
    cells = _cells(sample)
    if cells is None:
        return _unknown(sample)

    def told(signs: Floats, variance: float) -> Estimate:
        used = signs != 0
        value = float((cells.weights * signs * cells.means).sum())
        n = int(cells.n[used].sum())
        freedom = _freedom(cells.variances[used], cells.parents[used])
        if not variance or freedom is None:
            return Estimate(value, n=n)
        half = float(stdtrit(freedom, 0.5 + level / 2)) * float(np.sqrt(variance))
        return Estimate(value, value - half, value + half, n)

    contacted, held_out = cells.signs.clip(0), (-cells.signs).clip(0)
    return Difference(
        told(cells.signs, cells.variance),
        told(contacted, float(cells.variances[contacted > 0].sum())),
        told(held_out, float(cells.variances[held_out > 0].sum())),
        cells.variance or None,
        max(cells.variance, cells.alike) or None,
        cells.design,
        len(sample.values) - int(cells.n.sum()),
    )


# --- arms within strata ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Cells:
    """Every arm of every stratum that can be told from, held out before contacted.

    `variances` holds what each adds to the variance of the difference by itself, while `variance`
    knows that a parent may have accounts in several strata.
    """

    n: Floats
    parents: Floats
    means: Floats
    weights: Floats
    signs: Floats
    variances: Floats
    variance: float
    alike: float
    design: float


def _cells(sample: Sample) -> _Cells | None:
    """Return the arms within strata; None where no stratum has enough in both."""
    cell = 2 * sample.strata + sample.contacted
    count = 2 * (int(sample.strata.max(initial=-1)) + 1)
    parents = _parents(cell, sample.clusters, count)
    enough: Flags = np.all(parents.reshape(-1, 2) >= FEWEST, axis=1)
    if not enough.any():
        return None
    if not enough.all():
        kept = sample.keep(enough[sample.strata])
        return _cells(replace(kept, strata=_numbered(kept.strata)))
    n = np.bincount(cell, minlength=count).astype(np.float64)
    means = np.bincount(cell, weights=sample.values, minlength=count) / n
    weights = np.repeat(n.reshape(-1, 2).sum(axis=1) / n.sum(), 2)
    signs = np.tile([-1.0, 1.0], count // 2)
    rest = sample.values - means[cell]
    pull = (weights * signs / n)[cell] * rest
    # As Welch has it, the sum of squares is divided by one less than there are to vary.
    together = pull * np.sqrt(parents / (parents - 1))[cell]
    alone = float(((pull * np.sqrt(n / (n - 1))[cell]) ** 2).sum())
    variance = float((np.bincount(sample.clusters, weights=together) ** 2).sum())
    design = variance / alone if alone > 0 else _largest_design(sample)
    apart = _sums(cell, sample.clusters, together, count)
    within = np.bincount(sample.strata, weights=rest**2) / (n.reshape(-1, 2).sum(axis=1) - 2)
    alike = float((weights**2 * np.repeat(within, 2) / n).sum()) * max(design, 1.0)
    return _Cells(n, parents, means, weights, signs, apart, variance, alike, design)


def _parents(cell: Ints, clusters: Ints, count: int) -> Floats:
    """Return how many parents each cell has accounts of."""
    pairs = np.unique(cell * _spread(clusters) + clusters)
    found = np.bincount(pairs // _spread(clusters), minlength=count)
    return np.asarray(found, dtype=np.float64)


def _sums(cell: Ints, clusters: Ints, pull: Floats, count: int) -> Floats:
    """Return the sum of squares of what each parent adds, by cell."""
    pairs, place = np.unique(cell * _spread(clusters) + clusters, return_inverse=True)
    squares = np.bincount(place, weights=pull) ** 2
    found = np.bincount(pairs // _spread(clusters), weights=squares, minlength=count)
    return np.asarray(found, dtype=np.float64)


def _spread(clusters: Ints) -> int:
    return int(clusters.max(initial=0)) + 1


def _largest_design(sample: Sample) -> float:
    """Return the design if all accounts of a parent did the same. Source: Kish 1965."""
    sizes = np.bincount(sample.clusters).astype(np.float64)
    return float((sizes**2).sum() / sizes.sum())


def _freedom(variances: Floats, parents: Floats) -> float | None:
    """Return Welch and Satterthwaite's degrees of freedom."""
    below = float((variances**2 / (parents - 1)).sum())
    return float(variances.sum()) ** 2 / below if below > 0 else None


def _wilson(share: Floats, n: Floats, level: float) -> tuple[Floats, Floats]:
    """Return the limits of Wilson's score; `n` need not be whole."""
    z = float(ndtri(0.5 + level / 2))
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (middle - half).clip(0, 1), (middle + half).clip(0, 1)


def _put_together(share: Floats, low: Floats, high: Floats, weights: Floats, n: int) -> Estimate:
    """Return a weighted sum of shares with limits from theirs. Source: Zou and Donner 2008."""
    value = float((weights * share).sum())
    below = np.where(weights > 0, share - low, high - share)
    above = np.where(weights > 0, high - share, share - low)
    return Estimate(
        value,
        value - float(np.sqrt(((weights * below) ** 2).sum())),
        value + float(np.sqrt(((weights * above) ** 2).sum())),
        n,
    )


def _unknown(sample: Sample) -> Difference:
    n = len(sample.values)
    return Difference(Estimate(None, n=n), NOTHING, NOTHING, None, None, 1.0, n)


def _numbered(of: ArrayLike) -> Ints:
    _, place = np.unique(np.asarray(of), return_inverse=True)
    return place.astype(np.int64)
