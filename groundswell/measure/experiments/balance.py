"""Whether the arms are as large as they should be; if not, something else than chance made them.

Source: Fabijan et al., Diagnosing sample ratio mismatch in online controlled experiments, KDD 2019.
"""

from __future__ import annotations

from dataclasses import dataclass

from scipy.special import chdtrc

ALARM_BELOW = 0.001
FEWEST_EXPECTED = 5
"""Parents expected in an arm below which chi-square does not hold, and the exact test is taken."""


@dataclass(frozen=True, slots=True)
class Balance:
    """How many parents are in each arm, and how many should be.

    Attributes:
        contacted, held_out: Parents in each arm; they are what is assigned.
        expected: Share that should be held out.
        p: How often chance alone does this or worse; None where there is nobody.
        alarm: Whether that is too seldom to be chance: then no difference is to be believed.
    """

    contacted: int
    held_out: int
    expected: float
    p: float | None
    alarm: bool


def check_balance(
    contacted: int, held_out: int, *, share: float, below: float = ALARM_BELOW
) -> Balance:
    """Tell whether so many parents in each arm are chance.

    >>> check_balance(8000, 2000, share=0.2).alarm, check_balance(8000, 1800, share=0.2).alarm
    (False, True)

    Args:
        contacted: Parents in that arm.
        held_out: And in the other.
        share: Share that should be held out.
        below: The chance below which it is an alarm.
    """
    total = contacted + held_out
    if not total:
        return Balance(contacted, held_out, share, None, alarm=False)
    expected = [(1 - share) * total, share * total]
    if min(expected) >= FEWEST_EXPECTED:
        far = sum((n - e) ** 2 / e for n, e in zip((contacted, held_out), expected, strict=True))
        p = float(chdtrc(1, far))
    else:
        from scipy import stats  # noqa: PLC0415 # half a second to import, and seldom needed

        p = float(stats.binomtest(held_out, total, share).pvalue)
    return Balance(contacted, held_out, share, p, alarm=p < below)
