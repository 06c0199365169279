"""What people dismissed of what the product offered, and until when; part of the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


class Dismissals(Protocol):
    """Remembers who dismissed which kind of offer."""

    def dismiss_offer(
        self, persons: Iterable[str], kind: str, *, offer: str, at: datetime, until: datetime
    ) -> datetime:
        """Remember that a person dismissed a kind of offer; never for shorter than before.

        Args:
            persons: The names that the person goes by: a user id, `anon:<anonymous id>`.
            kind: What was offered.
            offer: The id of the offer itself.
            at: When it was dismissed.
            until: How long it holds, at least.

        Returns:
            How long it holds.
        """
        ...

    def dismissed_offers(self, persons: Iterable[str], *, at: datetime) -> dict[str, datetime]:
        """Return the kinds of offer that a person of these names has dismissed, and until when."""
        ...
