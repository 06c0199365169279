"""What came since accounts were last scored, and waits for it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Pending:
    """What came since accounts were last scored."""

    touched: set[int] = field(default_factory=set[int])
    unsure: set[str] = field(default_factory=set[str])
    accounts: set[str] = field(default_factory=set[str])
    actors: set[int] = field(default_factory=set[int])
    users: set[str] = field(default_factory=set[str])
    fresh: bool = False  # whether any of that waits since the last time

    def __bool__(self) -> bool:
        return bool(self.touched) or self.beyond_counting

    @property
    def beyond_counting(self) -> bool:
        """Whether accounts must be computed from the facts around them."""
        return bool(self.unsure or self.accounts or self.actors or self.users)
