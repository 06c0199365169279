"""Who may send, sign in and ask: what an admin does, for programs; a page does it by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from groundswell.engine.colleagues import Colleagues, CreatedApiKey
from groundswell.engine.keys import CreatedKey, Keys
from groundswell.store.colleagues import AuditEntry

if TYPE_CHECKING:
    from groundswell.clock import Clock
    from groundswell.store.colleagues import ApiKey, Colleague
    from groundswell.store.inbox import WriteKey
    from groundswell.store.ledger import Ledger

BY = "API"
"""Who is told to have done it; with an API key, what follows in the audit log names that."""


@dataclass(frozen=True, slots=True)
class WriteKeyState:
    """A write key; the key itself is nowhere.

    Attributes:
        name: Of the source.
        wire: The form it sends in.
        hint: The end of the key.
        created_at: When it was made.
        revoked_at: Since when it opens nothing; None while it does.
    """

    name: str
    wire: str
    hint: str
    created_at: datetime
    revoked_at: datetime | None

    @classmethod
    def of(cls, key: WriteKey) -> WriteKeyState:
        """Leave the digest out."""
        return cls(key.name, key.wire, key.hint, key.created_at, key.revoked_at)


@dataclass(frozen=True, slots=True)
class ApiKeyState:
    """An API key; the key itself is nowhere.

    Attributes:
        name: What it is for.
        scope: What it opens.
        hint: The end of the key.
        created_by: Who made it.
        created_at: When.
        revoked_at: Since when it opens nothing; None while it does.
    """

    name: str
    scope: str
    hint: str
    created_by: str
    created_at: datetime
    revoked_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> ApiKeyState:
        """Leave the digest out."""
        return cls(key.name, key.scope, key.hint, key.created_by, key.created_at, key.revoked_at)


@dataclass(frozen=True, slots=True)
class ColleagueState:
    """Somebody who signs in.

    Attributes:
        email: Names them.
        name: What they are called.
        role: What they may see and do.
        created_at: When they were added.
        has_password: Whether a password of ours lets them in.
        disabled_at: Since when they may not sign in; None while they may.
    """

    email: str
    name: str
    role: str
    created_at: datetime
    has_password: bool
    disabled_at: datetime | None

    @classmethod
    def of(cls, colleague: Colleague) -> ColleagueState:
        """Leave the hash of the password out."""
        return cls(
            colleague.email,
            colleague.name,
            colleague.role,
            colleague.created_at,
            colleague.password is not None,
            colleague.disabled_at,
        )


WriteKeyStates = list[WriteKeyState]
ApiKeyStates = list[ApiKeyState]
ColleagueStates = list[ColleagueState]
AuditEntries = list[AuditEntry]


@dataclass(frozen=True)
class Administration:
    """What an admin does, for programs.

    Attributes:
        ledger: Keeps it.
        clock: Tells the time.
    """

    ledger: Ledger = field(repr=False)
    clock: Clock = field(repr=False)

    @property
    def _keys(self) -> Keys:
        return Keys(self.ledger, self.clock)

    @property
    def _colleagues(self) -> Colleagues:
        return Colleagues(self.ledger, self.clock)

    def write_keys(self) -> list[WriteKeyState]:
        """Return all write keys, the oldest first, revoked ones too."""
        return [WriteKeyState.of(key) for key in self._keys.list()]

    def create_write_key(self, name: str, wire: str) -> CreatedKey:
        """Make a write key for a source; it is told this once.

        Raises:
            UsageError: There is no such wire, or the source sends in another one.
        """
        made = self._keys.create(name, wire)
        self._colleagues.note(BY, "write_key.create", about=name, detail={"wire": wire})
        return made

    def rotate_write_key(self, name: str) -> CreatedKey:
        """Make a new write key for a source, and revoke those before it.

        Raises:
            UsageError: The source has none.
        """
        made = self._keys.rotate(name)
        self._colleagues.note(BY, "write_key.rotate", about=name)
        return made

    def revoke_write_key(self, name: str) -> int:
        """Revoke every write key of a source; return how many were good.

        Raises:
            UsageError: The source has none.
        """
        revoked = self._keys.revoke(name)
        self._colleagues.note(BY, "write_key.revoke", about=name)
        return revoked

    def colleagues(self) -> list[ColleagueState]:
        """Return everybody by address, those who may not sign in too."""
        return [ColleagueState.of(colleague) for colleague in self._colleagues.list()]

    def add_colleague(
        self, email: str, role: str, *, name: str = "", password: str | None = None
    ) -> ColleagueState:
        """Let somebody sign in.

        Args:
            email: Their address; names them once and for all.
            role: What they may see and do.
            name: What they are called; the address where nobody says.
            password: To sign in with; None where an identity provider says who they are.

        Raises:
            UsageError: There is no such role, the address is none or taken, or the password too
                short.
        """
        added = self._colleagues.add(email, role=role, name=name, password=password, by=BY)
        return ColleagueState.of(added)

    def change_role(self, email: str, role: str) -> ColleagueState:
        """Give somebody another role; they sign in again.

        Raises:
            UsageError: Nobody has this address, there is no such role, or no admin would be left.
        """
        return ColleagueState.of(self._colleagues.change_role(email, role, by=BY))

    def disable(self, email: str) -> ColleagueState:
        """Let somebody sign in no more, from this moment.

        Raises:
            UsageError: Nobody has this address, or no admin would be left.
        """
        return ColleagueState.of(self._colleagues.disable(email, by=BY))

    def enable(self, email: str) -> ColleagueState:
        """Let somebody sign in again.

        Raises:
            UsageError: Nobody has this address.
        """
        return ColleagueState.of(self._colleagues.enable(email, by=BY))

    def api_keys(self) -> list[ApiKeyState]:
        """Return all API keys in the order in which they were made, revoked ones too."""
        return [ApiKeyState.of(key) for key in self._colleagues.api_keys()]

    def create_api_key(self, name: str, scope: str) -> CreatedApiKey:
        """Make an API key; it is told this once.

        Raises:
            UsageError: There is no such scope, or a good key has this name.
        """
        return self._colleagues.create_api_key(name, scope=scope, by=BY)

    def revoke_api_key(self, name: str) -> int:
        """Let the good keys of a name open nothing any more; return how many there were.

        Raises:
            UsageError: There is no good key of this name.
        """
        return self._colleagues.revoke_api_key(name, by=BY)

    def audit(self, *, limit: int = 200, who: str | None = None) -> list[AuditEntry]:
        """Return what was done, the latest first.

        Args:
            limit: At most so many.
            who: By whom; everybody, if left out.
        """
        return self._colleagues.audit(limit=limit, who=who)
