"""Who asks for an operation, and whether they may: by the token, or by an API key of a scope.

The token of the project's folder opens everything. An API key opens what its scope says: `read`
what is looked at, without who the people of accounts are, `people` that too, `act` what a rep does
beside, `admin` everything. What an operation needs is said here, once, for the routes and for the
document; what is left out of an answer, in `engine.sight`.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import msgspec
from starlette.concurrency import run_in_threadpool

from groundswell.api.keys import ApiKeyRing
from groundswell.api.operations import AUTH_HEADER, Told
from groundswell.engine.colleagues import KEY_PREFIX, Scope
from groundswell.engine.sight import without_people

if TYPE_CHECKING:
    from starlette.requests import Request

    from groundswell.api.operations import Operation
    from groundswell.engine.colleagues import Colleagues

T = TypeVar("T")

ACTS = frozenset({"handoffs.step", "desk.step", "disputes.open", "dismiss_offer"})
"""What a rep does: the operations that scope `act` opens beside those that only read."""

PERSONAL = frozenset(
    {
        "export_person",
        "links",
        "rejects",
        "reject",
        "journal",
        "handoffs.deliveries",
        "handoffs.preview",
    }
)
"""What is of people throughout, or as somebody wrote it: what only reads and needs `people`."""

ADMINISTRATION = "administration."
"""How what only admins look at begins."""

FILES = {"explain": "model", "measuring.attribution": "what_if"}
"""Arguments of what only reads by which a file of the server's machine can be named."""

_FILE_ENDINGS = (".yaml", ".yml")
_ORDER = tuple(Scope)
_BEARER = "Bearer "


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: a program by the name of its key, or whoever bears the token.

    Attributes:
        scope: What is open to them.
        key: The name of their API key; None for who bears the token.
    """

    scope: Scope = Scope.ADMIN
    key: str | None = None

    @property
    def called(self) -> str:
        """What the audit log calls them."""
        return "" if self.key is None else f"key {self.key}"

    def told(self, answer: T) -> T:
        """Return what they are told of an answer: who people are, by the scope of their key."""
        sees_people = _ORDER.index(Scope.PEOPLE) <= _ORDER.index(self.scope)
        return answer if sees_people else without_people(answer)

    def refused(self, needed: Scope) -> Told | None:
        """Return why they may not; None where they may."""
        if _ORDER.index(needed) <= _ORDER.index(self.scope):
            return None
        return Told(
            "scope",
            f"The key `{self.key}` has the scope `{self.scope}`; this needs `{needed}`.",
            f"Ask an admin for a key of scope `{needed}`: `groundswell api-keys create NAME "
            f"--scope {needed}`.",
        )


@dataclass(frozen=True)
class Gate:
    """Tells who asks.

    Attributes:
        token: What opens everything.
        colleagues: Have the API keys, and are told what was done with one; None where none opens.
    """

    token: str = field(repr=False)
    colleagues: Colleagues | None = None
    _ring: ApiKeyRing | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        """Prepare to know keys without asking for each request."""
        if self.colleagues is not None:
            object.__setattr__(self, "_ring", ApiKeyRing(self.colleagues.ledger))

    async def who(self, request: Request) -> Asker | None:
        """Return who asks; None where they bear neither the token nor a good key.

        Raises:
            StoreError: The keys cannot be read.
        """
        given = request.headers.get(AUTH_HEADER, "")
        if hmac.compare_digest(given.encode(), f"{_BEARER}{self.token}".encode()):
            return Asker()
        if self._ring is None or not given.startswith(_BEARER + KEY_PREFIX):
            return None
        found = await run_in_threadpool(self._ring.find, given.removeprefix(_BEARER))
        return None if found is None else Asker(Scope(found.scope), found.name)

    async def note(
        self,
        asker: Asker,
        request: Request,
        operation: Operation,
        told: msgspec.Struct,
        status: int,
    ) -> None:
        """Write down what was done with an API key."""
        if self.colleagues is None or asker.key is None:
            return
        address = request.client.host if request.client is not None else ""
        await run_in_threadpool(
            self.colleagues.note,
            asker.called,
            f"api.{operation.name}",
            about=_about(told),
            detail={"status": status},
            address=address,
        )


def scope_of(operation: Operation) -> Scope:
    """Return the scope that an operation needs."""
    if operation.name.startswith(ADMINISTRATION):
        return Scope.ADMIN
    if operation.method == "GET":
        return Scope.PEOPLE if operation.name in PERSONAL else Scope.READ
    return Scope.ACT if operation.name in ACTS else Scope.ADMIN


def scope_for(operation: Operation, told: msgspec.Struct) -> Scope:
    """Return the scope that an operation needs with these arguments.

    A file of the server's machine is read for whoever may do everything, and for nobody else.
    """
    named = getattr(told, FILES.get(operation.name, ""), None)
    if isinstance(named, str) and (operation.name != "explain" or named.endswith(_FILE_ENDINGS)):
        return Scope.ADMIN
    return scope_of(operation)


def _about(told: msgspec.Struct) -> str:
    """Return what is done something to: the first of the arguments that names it."""
    said = msgspec.structs.asdict(told)
    names = ("email", "name", "handoff", "line", "offer", "destination", "account", "user", "block")
    return next((str(said[name])[:200] for name in names if said.get(name)), "")
