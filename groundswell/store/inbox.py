"""The inbox and the write keys: what clients sent, kept before anything is made of it.

They are part of the ledger: a request is acknowledged once its body lies here. An entry leaves
when what was made of it is in the warehouse; should a process die in between, the same entry is
taken again, and appending it again changes nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

REMEMBERED = timedelta(days=4)
"""How long a message is known to have come: longer than senders repeat on their own. What a person
has sent again later is taken again."""


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """A request as it came, from a source that may send.

    Attributes:
        source: Name of the source, as its events bear it.
        wire: The form it is in, such as `segment`.
        method: Of HTTP.
        path: Without the query.
        query: Each parameter's last value.
        headers: Those that say how to read the body, by lower-case name.
        body: Decompressed.
        received_at: When it came, aware UTC.
        message_id: What its sender calls it, where it may be sent again: an entry of that name is
            kept once, for as long as `REMEMBERED`.
        position: Its place in the inbox; entries of a source are drained in this order. 0 until
            it is there.
    """

    source: str
    wire: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    received_at: datetime
    position: int = 0
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class WriteKey:
    """What a source may send with. The key itself is nowhere: only its digest is kept.

    Attributes:
        digest: SHA-256 of the key, hexadecimal. Keys are random, so that no salt is needed.
        name: The source's name.
        wire: The form it sends in.
        hint: The key's last four characters, to tell keys apart.
        created_at: When it was made.
        revoked_at: When it ceased to be good; None while it is.
    """

    digest: str
    name: str
    wire: str
    hint: str
    created_at: datetime
    revoked_at: datetime | None = None


def new_key() -> str:
    """Return a fresh write key: 32 letters and digits, as the clients' own services hand out."""
    return secrets.token_hex(16)


def digest_key(key: str) -> str:
    """Return what is kept of a write key."""
    return hashlib.sha256(key.encode()).hexdigest()


class Inbox(Protocol):
    """Keeps requests until they are drained, durably and in order."""

    def put_entries(self, entries: Sequence[InboxEntry]) -> None:
        """Keep requests, all or none; they are safe against a power cut when this returns.

        One whose `message_id` came before is not kept a second time.

        Raises:
            StoreError: They could not be kept.
        """
        ...

    def take_entries(self, *, limit_bytes: int, limit: int = 1_000) -> list[InboxEntry]:
        """Return the oldest entries, at least one if there is any; they stay where they are."""
        ...

    def drop_entries(self, positions: Iterable[int]) -> None:
        """Let go of entries that are drained."""
        ...

    def waiting(self) -> tuple[int, datetime | None]:
        """Return how many entries wait, and since when the oldest does."""
        ...

    def waiting_by_source(self) -> dict[str, tuple[int, datetime]]:
        """Return the same of each source that has any."""
        ...

    def add_write_key(self, key: WriteKey) -> None:
        """Keep a write key's digest."""
        ...

    def revoke_write_keys(self, name: str, *, at: datetime, but: str | None = None) -> int:
        """Revoke every good key of a source, except one digest; return how many there were."""
        ...

    def write_keys(self) -> list[WriteKey]:
        """Return all write keys, oldest first."""
        ...
