"""What was found to be wrong: how bad, seen by what, on which accounts, and what to do."""

from __future__ import annotations

from dataclasses import dataclass, field

from groundswell.config.mistakes import Severity
from groundswell.model import Scalar


@dataclass(frozen=True, slots=True)
class Evidence:
    """What something is seen by.

    Attributes:
        values: Numbers by name.
        accounts: Ids of the accounts behind them, in order.
    """

    values: dict[str, Scalar] = field(default_factory=dict[str, Scalar])
    accounts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was found, or could not be looked for.

    Attributes:
        name: Of the check or the mistake.
        severity: How bad it is; None where nothing was seen and inputs are missing.
        seen_as: What was seen, in a sentence.
        evidence: Its numbers and accounts.
        mend: What to do about it.
        missing_inputs: What would have to be known to look for all of it, by name.
    """

    name: str
    severity: Severity | None
    seen_as: str
    evidence: Evidence
    mend: str
    missing_inputs: tuple[str, ...] = ()

    @property
    def is_seen(self) -> bool:
        """Whether something was found."""
        return self.severity is not None


def not_looked_for(name: str, *missing: str) -> Finding:
    """Return that something could not be looked for, and what is missing."""
    return Finding(name, None, "", Evidence(), "", tuple(dict.fromkeys(missing)))
