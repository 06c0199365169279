"""Who of our own company signs in, what they may do, and what they did; part of the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


REFUSED = "sign_in.refused"
"""What the audit log calls an attempt to sign in that failed."""


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody of our own company who signs in.

    Attributes:
        email: In lower case; names them once and for all.
        name: What they are called.
        role: What they may see and do: `rep`, `manager`, `analyst` or `admin`.
        created_at: When they were added.
        password: Hash of it; None where they sign in elsewhere, or have none yet.
        subject: Who the identity provider says they are; None before they came from one.
        disabled_at: Since when they may not sign in; None while they may.
    """

    email: str
    name: str
    role: str
    created_at: datetime
    password: str | None = field(default=None, repr=False)
    subject: str | None = None
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that signed in.

    Attributes:
        digest: Of the secret that the browser holds.
        email: Who signed in.
        created_at: When.
        seen_at: When it asked last, within some minutes.
        ends_at: When it has to sign in again, whatever it does.
    """

    digest: str = field(repr=False)
    email: str
    created_at: datetime
    seen_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What a program signs in with.

    Attributes:
        digest: Of the key itself, which nobody keeps.
        name: What it is for; names it among those that are not revoked.
        scope: What it may do: `read`, `people`, `act` or `admin`.
        hint: The end of the key, to tell keys apart.
        created_by: Who made it.
        created_at: When.
        revoked_at: Since when it opens nothing; None while it does.
    """

    digest: str = field(repr=False)
    name: str
    scope: str
    hint: str
    created_by: str
    created_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Something that somebody did, or tried.

    Attributes:
        at: When.
        who: By whom: an e-mail address, or `key` and the name of an API key.
        action: What: `sign_in`, `sign_in_refused`, `handoff.accept`, ...
        about: To what; may be empty.
        detail: How; never a secret.
        address: From which network address; empty where there is none.
    """

    at: datetime
    who: str
    action: str
    about: str = ""
    detail: dict[str, Any] = field(default_factory=dict[str, Any])
    address: str = ""


@dataclass(frozen=True, slots=True)
class SavedView:
    """A search of accounts that somebody kept.

    Attributes:
        email: Whose it is.
        name: What they call it.
        query: As it stands in the address of the page.
    """

    email: str
    name: str
    query: str


class Colleagues(Protocol):
    """Keeps who signs in, and writes down what they do."""

    def add_colleague(self, colleague: Colleague) -> bool:
        """Add somebody; False when the address is there already."""
        ...

    def change_colleague(self, colleague: Colleague) -> bool:
        """Put somebody in the place of who has this address; False when nobody has."""
        ...

    def colleagues(self) -> list[Colleague]:
        """Return everybody by address, those who may not sign in too."""
        ...

    def colleague(self, email: str) -> Colleague | None:
        """Return who has this address."""
        ...

    def open_session(self, session: Session) -> None:
        """Let a browser in."""
        ...

    def session(self, digest: str) -> Session | None:
        """Return the session of this secret; it may have ended."""
        ...

    def see_session(self, digest: str, *, at: datetime) -> None:
        """Note that a session asked for something."""
        ...

    def end_session(self, digest: str) -> None:
        """Forget a session."""
        ...

    def end_sessions(self, email: str) -> int:
        """Forget every session of somebody; return how many there were."""
        ...

    def end_old_sessions(self, *, before: datetime) -> int:
        """Forget the sessions that ended before an instant; return how many there were."""
        ...

    def add_api_key(self, key: ApiKey) -> None:
        """Add a key."""
        ...

    def api_keys(self) -> list[ApiKey]:
        """Return all of them in the order in which they were made, revoked ones too."""
        ...

    def revoke_api_key(self, name: str, *, at: datetime) -> int:
        """Revoke the good keys of a name; return how many there were."""
        ...

    def append_audit(self, entries: Sequence[AuditEntry]) -> None:
        """Write down what was done; nothing written can be changed."""
        ...

    def audit(self, *, limit: int, who: str | None = None) -> list[AuditEntry]:
        """Return what was done, the latest first.

        Args:
            limit: At most so many.
            who: Only by them.
        """
        ...

    def refused_sign_ins(self, *, since: datetime) -> dict[tuple[str, str], int]:
        """Return how often signing in was refused since an instant, by who and network address."""
        ...

    def keep_view(self, view: SavedView) -> None:
        """Keep a view; one of the same name of the same colleague gives way."""
        ...

    def views(self, email: str) -> list[SavedView]:
        """Return the views of somebody by name."""
        ...

    def drop_view(self, email: str, name: str) -> bool:
        """Forget a view; tell whether there was one."""
        ...
