"""What the ledger knows about an account when it is decided on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from groundswell.model import Scalar


@dataclass(frozen=True, slots=True)
class AccountState:
    """What was decided and done before, as known at the end of the as-of day.

    Attributes:
        qualified: The debounced state of the score: qualified now.
        qualified_since: Since when.
        open_handoff: A handoff of this account is not closed yet.
        last_handoff_on: When a handoff of it was last opened.
        last_closed_on: When a handoff of it was last closed, if none is open.
        last_closed_as: How that ended: `declined`, `lost`, ...
        last_touch_on: When anybody of it was last contacted by a person.
        contact: The user a rep would write to, when already chosen.
        person_touches: When each user of it was last contacted.
        do_not_contact: Nobody may write to this account.
        parent_id: The account it is a subsidiary of; holdouts go by parent.
        explored: It is contacted though its score is too low, to learn from it.
    """

    qualified: bool = False
    qualified_since: date | None = None
    open_handoff: bool = False
    last_handoff_on: date | None = None
    last_closed_on: date | None = None
    last_closed_as: str | None = None
    last_touch_on: date | None = None
    contact: str | None = None
    person_touches: Mapping[str, date] = field(default_factory=dict[str, "date"])
    do_not_contact: bool = False
    parent_id: str | None = None
    explored: bool = False

    @property
    def in_queue(self) -> bool:
        """Whether a person may be brought in though nobody of it asked: qualified, or explored."""
        return self.qualified or self.explored


NOTHING_KNOWN = AccountState()
"""The state of an account that nothing was ever decided on."""


def is_owned(values: Mapping[str, Scalar]) -> bool:
    """Tell whether somebody works the account already: an open opportunity, or an owner."""
    return number(values, "open_opportunities") > 0 or values.get("owner") is not None


def has_raised_hand(values: Mapping[str, Scalar], state: AccountState, as_of: date) -> bool:
    """Tell whether somebody asked for a person, and no handoff has answered it since."""
    if number(values, "hand_raises_28d") <= 0:
        return False
    since = values.get("days_since_hand_raised")
    if state.last_handoff_on is None or not isinstance(since, int | float):
        return state.last_handoff_on is None
    return since < (as_of - state.last_handoff_on).days


def number(values: Mapping[str, Scalar], name: str) -> float:
    """Return a number, with unknown as 0: for counts that only matter when something is there."""
    value = values.get(name)
    return float(value) if isinstance(value, int | float) else 0.0
