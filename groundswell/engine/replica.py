"""An intake replica: the configuration, the ledger and what runs kept, and nothing else."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from groundswell.clock import Clock, SystemClock
from groundswell.config.loading import CONFIG_FILE, LoadedConfig, load_config
from groundswell.config.secrets import expand
from groundswell.engine.offering import Offering
from groundswell.engine.project import STATE_FOLDER
from groundswell.errors import Problem, UsageError
from groundswell.store.ledger import Ledger, is_shared, open_ledger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.engine.reports import DismissalReport, OfferReport


@dataclass
class Replica:
    """What it takes to keep requests; whoever holds the warehouse drains them."""

    root: Path
    loaded: LoadedConfig
    clock: Clock
    ledger: Ledger
    environ: Mapping[str, str] = field(repr=False)

    @classmethod
    def open(
        cls,
        folder: str | Path = ".",
        *,
        clock: Clock | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Self:
        """Open the ledger of the project in `folder`.

        Raises:
            ConfigError: The configuration cannot be used.
            UsageError: The ledger is one that only one server may serve.
            StoreError: The ledger cannot be opened.
        """
        root = Path(folder)
        loaded = load_config(root / CONFIG_FILE)
        names = os.environ if environ is None else environ
        url = expand(loaded.config.ledger, names)
        if not is_shared(url):
            raise UsageError(
                Problem(
                    code="replica-ledger",
                    what="A server that only takes requests in shares its ledger with others.",
                    fix="Set `ledger: postgresql://...`, which many servers may write to.",
                )
            )
        state = root / STATE_FOLDER
        state.mkdir(exist_ok=True)
        chosen = clock or SystemClock()
        return cls(root, loaded, chosen, open_ledger(url, state, clock=chosen), names)

    def offer(
        self,
        *,
        account_id: str | None = None,
        user_id: str | None = None,
        anonymous_id: str | None = None,
    ) -> OfferReport:
        """See `Project.offer`; it is told from what a run kept in this folder."""
        return self._offering.offer(
            account_id=account_id, user_id=user_id, anonymous_id=anonymous_id
        )

    def dismiss_offer(
        self,
        offer: str,
        *,
        user_id: str | None = None,
        anonymous_id: str | None = None,
        days: int | None = None,
    ) -> DismissalReport:
        """See `Project.dismiss_offer`."""
        return self._offering.dismiss_offer(
            offer, user_id=user_id, anonymous_id=anonymous_id, days=days
        )

    @cached_property
    def _offering(self) -> Offering:
        return Offering(self.loaded, self.ledger, self.clock, self.root / STATE_FOLDER)

    def close(self) -> None:
        """Let go of the ledger."""
        self.ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
