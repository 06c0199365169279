"""The feed: the latest notices of what happens, for those who look on.

It is a ring: it holds the last so many and no more, and whoever reads too slowly finds the oldest
gone and is told how many. What it would cost to word a notice is paid only while somebody listens;
until then it is kept as it came (`Draft`), in order and already numbered.
"""

from __future__ import annotations

import itertools
import secrets
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from groundswell.engine.reports import Notice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from types import TracebackType
    from typing import Self

SIZE = 10_000
"""Notices that are held."""

_LONGEST = 19  # digits of a number


class Draft(Protocol):
    """Notices that are not worded yet; there is at least one in it."""

    @property
    def at(self) -> datetime:
        """When it was noted."""
        ...

    def __len__(self) -> int:
        """Return how many notices it becomes."""
        ...


@dataclass(frozen=True, slots=True)
class Numbered:
    """A draft and the number of its first notice."""

    first: int
    draft: Draft


@dataclass(frozen=True, slots=True)
class Heard:
    """What a listener hears at once.

    Attributes:
        notices: In order, by their numbers.
        lost: How many came before them that the feed holds no more.
    """

    notices: tuple[tuple[int, Notice], ...]
    lost: int = 0


@dataclass(eq=False)
class Listener:
    """One who listens; a context manager that is told of news by `wake`, from another thread.

    Attributes:
        feed: What is listened to.
        wake: Called when there is more, and when the feed ends.
        place: The number of the last notice that was heard.
        accounts: The accounts it asks for; none for all.
    """

    feed: Feed
    wake: Callable[[], None]
    place: int
    accounts: frozenset[str] = frozenset()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.feed.leave(self)

    def hear(self, most: int) -> Heard:
        """Return what came since the last time, at most so many notices."""
        heard = self.feed.after(self.place, most)
        if heard.notices:
            self.place = heard.notices[-1][0]
        else:
            self.place += heard.lost
        return heard


@dataclass(eq=False)
class Feed:
    """The ring; any thread may use it.

    Attributes:
        size: Notices that are held.
        name: Tells this feed from that of another process: numbers begin anew with each.
        ended: Whether nothing comes any more.
    """

    size: int = SIZE
    name: str = field(default_factory=lambda: secrets.token_hex(4))
    ended: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _last: int = 0
    _worded: deque[tuple[int, Notice]] = field(
        default_factory=deque[tuple[int, Notice]], repr=False
    )
    _wording: tuple[Numbered, ...] = field(default=(), repr=False)  # taken, and not put yet
    _drafts: deque[Numbered] = field(default_factory=deque[Numbered], repr=False)
    _listeners: set[Listener] = field(default_factory=set[Listener], repr=False)

    # --- filling --------------------------------------------------------------------------------

    def add(self, draft: Draft) -> None:
        """Number what is to be told, and let go of the oldest where it is too much."""
        with self._lock:
            self._drafts.append(Numbered(self._last + 1, draft))
            self._last += len(draft)
            while len(self._drafts) > 1 and self._drafts[1].first <= self._last - self.size:
                self._drafts.popleft()

    def drafts(self) -> tuple[Numbered, ...]:
        """Take what is to be worded now: everything while somebody listens, else nothing."""
        with self._lock:
            self._wording = tuple(self._drafts) if self._listeners else ()
            if self._wording:
                self._drafts.clear()
            return self._wording

    def put(self, notices: Sequence[tuple[int, Notice]]) -> None:
        """Add notices by the numbers that their drafts were given, in order."""
        with self._lock:
            self._worded.extend(notices)
            self._wording = ()
            while self._worded and self._worded[0][0] <= self._last - self.size:
                self._worded.popleft()
        self._wake()

    def end(self) -> None:
        """Tell everybody that nothing comes any more."""
        self.ended = True
        self._wake()

    @property
    def asked_for(self) -> frozenset[str]:
        """The accounts that somebody asks for."""
        with self._lock:
            return frozenset[str]().union(*(item.accounts for item in self._listeners))

    def _wake(self) -> None:
        with self._lock:
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener.wake()

    # --- listening ------------------------------------------------------------------------------

    def listen(
        self,
        wake: Callable[[], None],
        *,
        after: str | None = None,
        since: datetime | None = None,
        account: str | None = None,
    ) -> Listener:
        """Listen from now on, or from earlier.

        Args:
            wake: See `Listener`.
            after: The mark (`mark`) of the last notice that was heard. One of another feed says
                that all there is comes after it.
            since: Begin with what was noted from then on; `after` goes before it.
            account: The account that is asked for, if it is one.
        """
        accounts = frozenset[str]() if account is None else frozenset((account,))
        with self._lock:
            listener = Listener(self, wake, self._begin(after, since), accounts)
            self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Listen no more."""
        with self._lock:
            self._listeners.discard(listener)

    def mark(self, number: int) -> str:
        """Return what a listener says later to go on after the notice of that number."""
        return f"{self.name}.{number}"

    def after(self, place: int, most: int) -> Heard:
        """Return what is worded and comes after a place, the oldest of it first."""
        found: list[tuple[int, Notice]] = []
        with self._lock:
            for item in reversed(self._worded):
                if item[0] <= place:
                    break
                found.append(item)
            gone = self._gone()
        found.reverse()
        first = found[0][0] - 1 if found else gone
        return Heard(tuple(found[:most]), max(first - place, 0))

    def _gone(self) -> int:
        """Return the number of the last notice that is held no more, so far as is known now."""
        oldest = next(self._unworded(), None)
        gone = self._last - self.size
        return gone if oldest is None else min(gone, oldest.first - 1)

    def _unworded(self) -> Iterator[Numbered]:
        """Yield what is not worded yet, or is just being worded."""
        return itertools.chain(self._wording, self._drafts)

    def _begin(self, after: str | None, since: datetime | None) -> int:
        if after is not None:
            name, _, number = after.partition(".")
            known = name == self.name and number.isdecimal() and len(number) < _LONGEST
            return min(int(number), self._last) if known else 0
        if since is None:
            return self._last
        for number, notice in self._worded:
            if notice.at >= since:
                return number - 1
        for item in self._unworded():
            if item.draft.at >= since:
                return item.first - 1
        return self._last
