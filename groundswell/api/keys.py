"""Which source a write key belongs to, known without asking the ledger for each request."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from groundswell.store.inbox import digest_key

if TYPE_CHECKING:
    from groundswell.store.inbox import Inbox, WriteKey

REVOKED_SECONDS = 1.0
"""How long a revoked key may still be taken."""

UNKNOWN_SECONDS = 0.1
"""How long a new key may not be taken yet, which is how often unknown keys make us look."""


class KeyRing:
    """The good write keys, read from the ledger now and then."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._keys: dict[str, WriteKey] = {}
        self._read_at = float("-inf")

    def find(self, key: str) -> WriteKey | None:
        """Return the write key of this text; None when there is no such, or it was revoked.

        Raises:
            StoreError: The ledger cannot be read.
        """
        digest = digest_key(key)
        age = time.monotonic() - self._read_at
        if age >= REVOKED_SECONDS or (digest not in self._keys and age >= UNKNOWN_SECONDS):
            kept = self._inbox.write_keys()
            self._keys = {item.digest: item for item in kept if item.revoked_at is None}
            self._read_at = time.monotonic()
        return self._keys.get(digest)
