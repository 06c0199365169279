"""What an admin does with a project that a server holds, asked over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from groundswell.engine.administering import ApiKeyState, ColleagueState, WriteKeyState
    from groundswell.engine.colleagues import CreatedApiKey
    from groundswell.engine.keys import CreatedKey
    from groundswell.store.colleagues import AuditEntry


@dataclass(frozen=True, slots=True)
class AdminClient:
    """The methods of `Administration`; they raise what those raise."""

    _call: Callable[..., Any]

    def write_keys(self) -> list[WriteKeyState]:
        """See `Administration.write_keys`."""
        return self._call("administration.write_keys")

    def create_write_key(self, name: str, wire: str) -> CreatedKey:
        """See `Administration.create_write_key`."""
        return self._call("administration.create_write_key", name=name, wire=wire)

    def rotate_write_key(self, name: str) -> CreatedKey:
        """See `Administration.rotate_write_key`."""
        return self._call("administration.rotate_write_key", name=name)

    def revoke_write_key(self, name: str) -> int:
        """See `Administration.revoke_write_key`."""
        return self._call("administration.revoke_write_key", name=name)

    def colleagues(self) -> list[ColleagueState]:
        """See `Administration.colleagues`."""
        return self._call("administration.colleagues")

    def add_colleague(
        self, email: str, role: str, *, name: str = "", password: str | None = None
    ) -> ColleagueState:
        """See `Administration.add_colleague`."""
        return self._call(
            "administration.add_colleague", email=email, role=role, name=name, password=password
        )

    def change_role(self, email: str, role: str) -> ColleagueState:
        """See `Administration.change_role`."""
        return self._call("administration.change_role", email=email, role=role)

    def disable(self, email: str) -> ColleagueState:
        """See `Administration.disable`."""
        return self._call("administration.disable", email=email)

    def enable(self, email: str) -> ColleagueState:
        """See `Administration.enable`."""
        return self._call("administration.enable", email=email)

    def api_keys(self) -> list[ApiKeyState]:
        """See `Administration.api_keys`."""
        return self._call("administration.api_keys")

    def create_api_key(self, name: str, scope: str) -> CreatedApiKey:
        """See `Administration.create_api_key`."""
        return self._call("administration.create_api_key", name=name, scope=scope)

    def revoke_api_key(self, name: str) -> int:
        """See `Administration.revoke_api_key`."""
        return self._call("administration.revoke_api_key", name=name)

    def audit(self, *, limit: int = 200, who: str | None = None) -> list[AuditEntry]:
        """See `Administration.audit`."""
        return self._call("administration.audit", limit=limit, who=who)
