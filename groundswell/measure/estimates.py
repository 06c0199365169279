"""Numbers with their uncertainty: an estimate, its interval, and draws by account behind it.

Accounts are what is drawn, since what one of them does on Monday tells of Tuesday. Each draw gives
every account a Poisson weight that depends on the seed, the account and the draw alone, so that
figures over different tables are drawn alike, and a formula over several has an interval too.

Source: Chamandy et al., Estimating uncertainty for massive data streams, Google 2012 (the Poisson
bootstrap); Wilson, Probable inference, JASA 1927.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.special import ndtri, pdtr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEVEL = 0.95
DRAWS = 200


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and the interval that holds the true one at `LEVEL`.

    Attributes:
        value: The number itself; None where there is nothing to tell it from.
        low, high: The interval; None where none can be told.
        n: How many things it was told from.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0

    @property
    def is_known(self) -> bool:
        """Whether there is a number."""
        return self.value is not None


NOTHING = Estimate(None)


def wilson(hits: int, n: int, *, level: float = LEVEL) -> Estimate:
    """Return a share with the interval of Wilson's score.

    >>> share = wilson(8, 10)
    >>> share.value, round(share.low, 3), round(share.high, 3)
    (0.8, 0.49, 0.943)
    """
    if n == 0:
        return NOTHING
    z = float(ndtri(0.5 + level / 2))
    share = hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return Estimate(share, max(middle - half, 0.0), min(middle + half, 1.0), n)


@dataclass(frozen=True)
class Draws:
    """A Poisson weight for every account in every draw.

    Attributes:
        place: Account id to its row.
        weights: A row per account, a column per draw.
    """

    place: pl.DataFrame
    weights: NDArray[np.uint8]

    @classmethod
    def of(cls, accounts: pl.Series, *, draws: int = DRAWS, seed: int = 0) -> Draws:
        """Draw weights for accounts; those of one account are the same in any company."""
        ids = accounts.drop_nulls().unique().sort()
        first = np.array([_hash(account_id, seed) for account_id in ids], dtype=np.uint64)
        mixed = _mix(first[:, None] + np.arange(1, draws + 1, dtype=np.uint64)[None, :] * _STEP)
        uniform = (mixed >> np.uint64(40)).astype(np.float64) / 2**24
        weights = np.searchsorted(_POISSON, uniform, side="right").astype(np.uint8)
        place = pl.DataFrame({"account_id": ids, "place": np.arange(len(ids), dtype=np.int64)})
        return cls(place, weights)

    def sums(self, accounts: pl.Series, values: Floats) -> Floats:
        """Return the sum of values in every draw, each weighed as its account is."""
        there, at = np.unique(self._places(accounts), return_inverse=True)
        total = np.bincount(at, weights=values, minlength=len(there))
        return total.astype(np.float64) @ self.weights[there].astype(np.float64)

    def quantiles(self, accounts: pl.Series, values: Floats, share: float) -> Floats:
        """Return a quantile of values in every draw; NaN in a draw that has none of them."""
        order = np.argsort(values, kind="stable")
        weights = self.weights[self._places(accounts)[order]].astype(np.float64)
        reached = np.cumsum(weights, axis=0)
        total = reached[-1]
        at = (reached < share * total).sum(axis=0).clip(max=len(values) - 1)
        return np.where(total > 0, values[order][at], np.nan)

    def _places(self, accounts: pl.Series) -> NDArray[np.int64]:
        named = accounts.alias("account_id").to_frame()
        found = named.join(self.place, on="account_id", how="left", maintain_order="left")
        return found["place"].to_numpy()


def interval(value: float | None, drawn: Floats, n: int, *, level: float = LEVEL) -> Estimate:
    """Return an estimate with the interval that its draws span."""
    if value is None or not math.isfinite(value):
        return Estimate(None, n=n)
    known = drawn[np.isfinite(drawn)]
    if n < 2 or len(known) < len(drawn) / 2:
        return Estimate(value, n=n)
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, float(low), float(high), n)


_STEP = np.uint64(0x9E3779B97F4A7C15)
_POISSON = pdtr(np.arange(12), 1.0)


def _hash(account_id: str, seed: int) -> int:
    digest = hashlib.blake2b(account_id.encode(), digest_size=8, salt=seed.to_bytes(8, "little"))
    return int.from_bytes(digest.digest(), "little")


def _mix(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix bits as SplitMix64 ends. Source: Steele et al., Fast splittable generators, 2014."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
