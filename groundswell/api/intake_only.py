"""`groundswell serve --intake-only`: requests are kept in the shared ledger, and that is all.

Which offer a page shows it says from what a run kept in its folder, if one did. It opens no
warehouse and never leads, so any number of it may stand beside the server that does, also where
the warehouse is a file that lets one process in.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from groundswell.api.app import App
from groundswell.api.browsers import browser_routes
from groundswell.api.hosting import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    Announcement,
    listen,
    serve_until_told,
)
from groundswell.api.intake import Intake
from groundswell.api.keys import KeyRing
from groundswell.api.local import refusing_routes
from groundswell.api.metrics import Metrics
from groundswell.api.operations import Told
from groundswell.config.webhooks import resolve_webhooks
from groundswell.errors import StoreError
from groundswell.intake.committing import GroupCommit

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.applications import Starlette

    from groundswell.engine.replica import Replica

_ELSEWHERE = Told(
    "intake-only",
    "The server of this folder only takes requests in; it has no warehouse open.",
    "Ask in the project folder of a server that was started without --intake-only.",
)


class IntakeServer:
    """An intake replica, served over HTTP until it is told to stop."""

    def __init__(self, replica: Replica) -> None:
        """Prepare to serve.

        Raises:
            ConfigError: The secret of a webhook is not in the environment.
        """
        self._replica = replica
        self._metrics = Metrics()
        self._webhooks = resolve_webhooks(replica.loaded, replica.environ)
        self._intake: Intake | None = None
        self._announcement = Announcement(replica.root, intake_only=True)
        token = self._announcement.token
        self.app = App(
            intake=self._started,
            metrics=self._metrics,
            unready=self._unready,
            leads=lambda: False,
            lifespan=self._lifespan,
            operations=[
                *refusing_routes(_ELSEWHERE, token=token),
                *browser_routes(replica, token=token, keys=KeyRing(replica.ledger)),
            ],
        )

    def run(self, *, host: str = DEFAULT_HOST, port: int = DEFAULT_PORT) -> None:
        """Serve until SIGINT or SIGTERM, then finish what was begun; see `serve_until_told`."""
        with listen(host, port) as listener:
            serve_until_told(self.app, self._announcement, listener=listener)

    def _started(self) -> Intake:
        assert self._intake is not None, "the application runs between the ends of its lifespan"
        return self._intake

    def _unready(self) -> str | None:
        try:
            entries, since = self._replica.ledger.waiting()
        except StoreError:
            return "The ledger cannot be read."
        self._metrics.note_waiting(entries, since, now=self._replica.clock.now())
        return None

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncGenerator[None]:
        ledger = self._replica.ledger
        commit = GroupCommit(ledger)
        self._intake = Intake(
            commit=commit,
            keys=KeyRing(ledger),
            clock=self._replica.clock,
            metrics=self._metrics,
            webhooks=self._webhooks,
        )
        try:
            yield
        finally:
            await asyncio.to_thread(commit.close)
