"""Group commit: requests that arrive together are made durable together.

One thread writes. While it waits for the disk, what arrives gathers; the next commit takes it all.
A request is told of its commit, or of its failure, and never of success before.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groundswell.store.inbox import Inbox, InboxEntry

WAITING_BYTES = 256 << 20
"""Bodies that may wait for their commit; more are turned away."""


class OverloadedError(Exception):
    """More waits for the disk than may wait."""


class GroupCommit:
    """Puts entries into the inbox, many in one commit.

    Belongs to one event loop; `put` is called there, and nowhere else.
    """

    def __init__(self, inbox: Inbox, *, waiting_bytes: int = WAITING_BYTES) -> None:
        self._inbox = inbox
        self._limit = waiting_bytes
        self._bytes = 0
        self._waiting: list[tuple[InboxEntry, asyncio.Future[None]]] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = False
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="inbox", daemon=True)
        self._thread.start()

    async def put(self, entry: InboxEntry) -> None:
        """Return once the entry is durable.

        Raises:
            OverloadedError: Too much waits already.
            StoreError: The inbox cannot be written.
        """
        if self._stopping or self._bytes + len(entry.body) > self._limit:
            raise OverloadedError
        done = self._loop.create_future()
        with self._lock:
            self._bytes += len(entry.body)
            self._waiting.append((entry, done))
        self._wake.set()
        await done

    def close(self) -> None:
        """Commit what waits, and end; from another thread than the event loop's."""
        self._stopping = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while taken := self._take():
                self._commit(taken)
            if self._stopping and not self._waiting:
                return

    def _take(self) -> list[tuple[InboxEntry, asyncio.Future[None]]]:
        with self._lock:
            taken, self._waiting = self._waiting, []
            self._bytes = 0
        return taken

    def _commit(self, taken: list[tuple[InboxEntry, asyncio.Future[None]]]) -> None:
        failure: Exception | None = None
        try:
            self._inbox.put_entries([entry for entry, _ in taken])
        except Exception as error:  # noqa: BLE001 - whoever waits has to hear of it, whatever it is
            failure = error
        self._loop.call_soon_threadsafe(_tell, [done for _, done in taken], failure)


def _tell(waiting: list[asyncio.Future[None]], failure: Exception | None) -> None:
    for done in waiting:
        if done.done():  # its client went away
            continue
        if failure is None:
            done.set_result(None)
        else:
            done.set_exception(failure)
