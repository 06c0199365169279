"""Batches on their way to the warehouse: small ones are put together."""

# pyright: reportUnknownParameterType=false, reportUnknownMemberType=false
# Arrow ships no types.

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from groundswell.errors import GroundswellError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from groundswell.store.reading import Batch

# An append of many rows costs less a row: one commit, one look for duplicates, whole row groups.
GATHERED_ROWS = 1_000_000


def gather(batches: Iterable[Batch], *, rows: int = GATHERED_ROWS) -> Iterator[Batch]:
    """Put batches together as long as they stay within `rows`; order is kept, nothing is cut.

    When the source fails, what was read before is yielded first: it is loaded, as it would have
    been batch by batch.
    """
    pending: list[Batch] = []
    held = 0
    failure: GroundswellError | None = None
    source = iter(batches)
    while True:
        try:
            batch = next(source, None)
        except GroundswellError as error:
            failure = error
            break
        if batch is None:
            break
        if pending and held + batch.rows.num_rows > rows:
            yield _joined(pending)
            pending, held = [], 0
        pending.append(batch)
        held += batch.rows.num_rows
    if pending:
        yield _joined(pending)
    if failure is not None:
        raise failure


def _joined(batches: list[Batch]) -> Batch:
    """Return batches as one; how far it got, and its cursor, are those of the last."""
    if len(batches) == 1:
        return batches[0]
    cursors = [batch.cursor for batch in batches if batch.cursor is not None]
    return replace(
        batches[-1],
        rows=pa.concat_tables([batch.rows for batch in batches]),
        rejects=[reject for batch in batches for reject in batch.rejects],
        cursor=cursors[-1] if cursors else None,
    )
