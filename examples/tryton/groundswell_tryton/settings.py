"""What `groundswell.yaml` says of a Tryton server."""

from __future__ import annotations

import msgspec

USUAL = frozenset({"score", "tier", "state", "reasons", "play", "deal", "task", "note"})
"""What is written where the user does not say."""


class TrytonSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What the block of `destinations:` says.

    Attributes:
        url: Of the server, such as `https://tryton.example`.
        database: Which of its databases.
        user: Login of a user who may write parties, opportunities and projects.
        password: Of that user.
        company: Id of the company; the user's own where it is left out.
    """

    url: str
    database: str
    user: str
    password: str
    company: int | None = None

    def __repr__(self) -> str:
        """Return what it leads to, without the password."""
        return f"TrytonSettings(url={self.url!r}, database={self.database!r}, user={self.user!r})"
