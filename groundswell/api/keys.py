"""Which source a write key belongs to, and what an API key opens, without asking each time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Generic, TypeVar

from groundswell.store.colleagues import ApiKey
from groundswell.store.inbox import WriteKey, digest_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from groundswell.store.inbox import Inbox
    from groundswell.store.ledger import Ledger

REVOKED_SECONDS = 1.0
"""How long a revoked key may still be taken."""

UNKNOWN_SECONDS = 0.1
"""How long a new key may not be taken yet, which is how often unknown keys make us look."""

KeyT = TypeVar("KeyT", ApiKey, WriteKey)


class Ring(Generic[KeyT]):
    """The good keys of a kind, read from the ledger now and then."""

    def __init__(self, read: Callable[[], Sequence[KeyT]]) -> None:
        self._read = read
        self._keys: dict[str, KeyT] = {}
        self._read_at = float("-inf")

    def find(self, key: str) -> KeyT | None:
        """Return the key of this text; None when there is no such, or it was revoked.

        Raises:
            StoreError: The ledger cannot be read.
        """
        digest = digest_key(key)
        age = time.monotonic() - self._read_at
        if age >= REVOKED_SECONDS or (digest not in self._keys and age >= UNKNOWN_SECONDS):
            self._keys = {item.digest: item for item in self._read() if item.revoked_at is None}
            self._read_at = time.monotonic()
        return self._keys.get(digest)


class KeyRing(Ring[WriteKey]):
    """The good write keys."""

    def __init__(self, inbox: Inbox) -> None:
        super().__init__(inbox.write_keys)


class ApiKeyRing(Ring[ApiKey]):
    """The good API keys."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger.api_keys)
