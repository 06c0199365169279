"""How figures are written for people: rounded, with their interval, or `not known`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groundswell.scoring.learning.measures import Figure

NOT_KNOWN = "not known"
MEASURES = {
    "roc_auc": ("AUC", ".3f"),
    "average_precision": ("average precision", ".3f"),
    "brier": ("Brier score", ".4f"),
    "ece": ("calibration error", ".4f"),
    "top_decile_lift": ("lift of the top tenth", ".1f"),
}
"""How the figures of a ranking are called, and with how many decimals they are written."""

HOW_TO_READ = (
    "Each interval holds the figure in 95 of 100 draws. AUC is the chance that a row with the "
    "outcome has a higher score than one without: 0.5 is chance. Lift is how many times as often "
    "the outcome comes as on average. Brier score and calibration error are best at 0."
)

_FEW, _NEARLY_ALL = 0.1, 0.95
_LEAST = 0.001


def known(found: Figure | None) -> Figure | None:
    """Return a figure, or None where any of its numbers is none."""
    if found is None or not all(map(math.isfinite, (found.value, found.low, found.high))):
        return None
    return found


def share(value: float) -> str:
    """Write a share in percent, with a decimal where it would be lost without.

    >>> share(0.332), share(0.0367), share(0.9964), share(1.0), share(0.0)
    ('33%', '3.7%', '99.6%', '100%', '0%')
    >>> share(0.0002), share(0.9999)
    ('under 0.1%', 'over 99.9%')
    """
    if 0 < value < _LEAST:
        return f"under {_LEAST:.1%}"
    if 1 - _LEAST < value < 1:
        return f"over {1 - _LEAST:.1%}"
    return f"{value:.{_digits(value)}%}"


def _digits(value: float) -> int:
    return int(0 < value < _FEW or _NEARLY_ALL < value < 1)


def amount(value: float) -> str:
    """Write a number: thousands set apart, decimals only where they matter.

    >>> amount(42480.4), amount(5.0), amount(5.333333), amount(0.0357)
    ('42,480', '5', '5.33', '0.0357')
    """
    if abs(value) >= 100 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def signed(points: float, *, digits: int = 1) -> str:
    """Write points with their sign; what is nothing has none.

    >>> signed(12.04), signed(-3.0), signed(-0.01), signed(-0.4, digits=0)
    ('+12.0', '-3.0', '0.0', '0')
    """
    rounded = round(points, digits)
    return f"{rounded:+.{digits}f}" if rounded else f"{0:.{digits}f}"


def counted(count: int, noun: str) -> str:
    """Write how many there are of something.

    >>> counted(1, "account"), counted(1200, "week")
    ('1 account', '1,200 weeks')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def named(name: str) -> str:
    """Write a name that a machine reads, so that it stands out.

    >>> named("seats"), named("od`d")
    ('`seats`', "`od'd`")
    """
    return "`" + name.replace("`", "'") + "`"


@dataclass(frozen=True, slots=True)
class Written:
    """A figure in words; without a low and a high where it has none.

    >>> str(Written("5", "4", "6")), Written("5", "4", "6").interval, str(Written("5"))
    ('5 [4, 6]', '4 to 6', '5')
    """

    value: str
    low: str = ""
    high: str = ""

    @property
    def interval(self) -> str:
        """What holds it in 95 of 100 draws."""
        return f"{self.low} to {self.high}" if self.low else ""

    def __str__(self) -> str:
        return f"{self.value} [{self.low}, {self.high}]" if self.low else self.value


def figure(found: Figure | None, form: str = ".3f", *, scale: float = 1.0) -> Written:
    """Write a figure by a form of Python's format.

    >>> from groundswell.scoring.learning.measures import Figure
    >>> str(figure(Figure(0.8123, 0.79, 0.83))), str(figure(None))
    ('0.812 [0.790, 0.830]', 'not known')
    >>> str(figure(Figure(0.018, -0.04, 0.072), "+.1f", scale=100))
    '+1.8 [-4.0, +7.2]'
    """
    of = known(found)
    if of is None:
        return Written(NOT_KNOWN)
    return Written(*(f"{number * scale:{form}}" for number in (of.value, of.low, of.high)))


def share_figure(found: Figure | None) -> Written:
    """Write a figure that is a share in percent.

    >>> from groundswell.scoring.learning.measures import Figure
    >>> str(share_figure(Figure(0.25, 0.2, 0.31))), str(share_figure(Figure(0.0366, 0.027, 0.1)))
    ('25% [20%, 31%]', '3.7% [2.7%, 10.0%]')
    """
    of = known(found)
    return figure(of, f".{_digits(of.value)}%" if of else "")
