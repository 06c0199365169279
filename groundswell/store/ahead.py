"""Reading ahead: the next piece is on its way while this one is worked on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

T = TypeVar("T")


def read_ahead(pieces: Iterable[T], *, name: str) -> Generator[T]:
    """Yield pieces while the next one is already being read, and no more than that.

    An error of the source is raised where its piece would have come.

    Args:
        pieces: None of them is None.
        name: What the thread that reads is called.
    """
    source = iter(pieces)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix=name) as aside:
        coming = aside.submit(next, source, None)
        while (piece := coming.result()) is not None:
            coming = aside.submit(next, source, None)
            yield piece
