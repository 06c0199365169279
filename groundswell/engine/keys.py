"""Write keys: made, listed, rotated and revoked; the ledger keeps their digests alone."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from groundswell.clock import Clock, SystemClock
from groundswell.config.loading import CONFIG_FILE, load_config
from groundswell.config.secrets import expand
from groundswell.connectors.wires.catalogue import wire_named
from groundswell.engine.project import STATE_FOLDER
from groundswell.errors import Problem, UsageError, did_you_mean
from groundswell.store.inbox import WriteKey, digest_key, new_key
from groundswell.store.ledger import open_ledger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.store.ledger import Ledger

HINT = 4  # characters


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A write key on the one occasion that it is shown."""

    name: str
    key: str = field(repr=False)


@dataclass
class Keys:
    """The write keys of a project; a server may run beside it."""

    ledger: Ledger
    clock: Clock

    @classmethod
    def open(
        cls,
        folder: str | Path = ".",
        *,
        clock: Clock | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Self:
        """Open the ledger of the project in `folder`, and nothing else of it.

        Raises:
            ConfigError: The configuration cannot be used.
            StoreError: The ledger cannot be opened.
        """
        root = Path(folder)
        loaded = load_config(root / CONFIG_FILE)
        state = root / STATE_FOLDER
        state.mkdir(exist_ok=True)
        chosen = clock or SystemClock()
        url = expand(loaded.config.ledger, os.environ if environ is None else environ)
        return cls(open_ledger(url, state, clock=chosen), chosen)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.ledger.close()

    def create(self, name: str, wire: str) -> CreatedKey:
        """Make a write key for a source; it may have several.

        Raises:
            UsageError: There is no such wire, or the source sends in another one.
        """
        wire_named(wire)
        other = {key.wire for key in self.list() if key.name == name} - {wire}
        if other:
            raise UsageError(
                Problem(
                    code="key-other-wire",
                    what=f"`{name}` sends as {other.pop()}, so it cannot send as {wire} too.",
                    fix=f"Name another source, such as `{name}-{wire}`.",
                )
            )
        return self._add(name, wire)[0]

    def rotate(self, name: str) -> CreatedKey:
        """Make a new write key for a source and revoke those before it.

        Raises:
            UsageError: The source has none.
        """
        created, kept = self._add(name, self._known(name).wire)
        self.ledger.revoke_write_keys(name, at=self.clock.now(), but=kept.digest)
        return created

    def revoke(self, name: str) -> int:
        """Revoke every write key of a source; return how many were good.

        Raises:
            UsageError: The source has none.
        """
        self._known(name)
        return self.ledger.revoke_write_keys(name, at=self.clock.now())

    def list(self) -> list[WriteKey]:
        """Return all write keys, oldest first, revoked ones too."""
        return self.ledger.write_keys()

    def _add(self, name: str, wire: str) -> tuple[CreatedKey, WriteKey]:
        key = new_key()
        kept = WriteKey(digest_key(key), name, wire, key[-HINT:], self.clock.now())
        self.ledger.add_write_key(kept)
        return CreatedKey(name, key), kept

    def _known(self, name: str) -> WriteKey:
        found = {key.name: key for key in self.list()}
        if name not in found:
            fix = did_you_mean(name, found, noun="Sources with a key")
            raise UsageError(Problem("key-unknown", f"`{name}` has no write key.", fix))
        return found[name]
