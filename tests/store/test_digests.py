"""Rows are told apart by their bytes, whatever their digests say."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.store.digests import digest_rows, earliest, group_rows

TEXT = st.one_of(st.none(), st.sampled_from(["", "a", "b", "ab", "ä", "12345678", "123456789"]))
ROWS = st.lists(st.tuples(TEXT, TEXT), max_size=30)


def _table(rows: list[tuple[str | None, str | None]], chunk: int = 7) -> pa.Table:
    whole = pa.table(
        {
            "one": pa.array([row[0] for row in rows], pa.string()),
            "two": pa.array([row[1] for row in rows], pa.string()),
        }
    )
    return pa.Table.from_batches(whole.to_batches(max_chunksize=chunk), whole.schema)


@given(rows=ROWS, weak=st.booleans(), start=st.integers(0, 3))
def test_groups_are_those_of_a_dictionary(
    rows: list[tuple[str | None, str | None]], *, weak: bool, start: int
) -> None:
    """Also when every row has one digest, and when the table is a slice of another."""
    table = _table(rows).slice(start)
    digests = digest_rows(table, ("one", "two"))
    if weak:
        digests[:] = 7
    groups = group_rows(table, ("one", "two"), digests=digests)
    seen: dict[tuple[str | None, str | None], int] = {}
    expected = [seen.setdefault(row, len(seen)) for row in rows[start:]]
    assert groups.codes.tolist() == expected
    assert groups.first.tolist() == [expected.index(code) for code in range(len(seen))]


@pytest.mark.parametrize(
    ("one", "other"),
    [(("a", None), ("a", "")), (("ab", "c"), ("a", "bc")), ((None, "a"), ("a", None))],
)
def test_rows_that_look_alike_have_their_own_digests(
    one: tuple[str | None, str | None], other: tuple[str | None, str | None]
) -> None:
    digests = digest_rows(_table([one, other]), ("one", "two"))
    assert digests[0] != digests[1]


def test_a_digest_is_the_same_for_ever() -> None:
    """Stored digests are compared with new ones, so the function may never change."""
    digests = digest_rows(
        _table([("app", "m1"), (None, "ä longer text than 8 bytes")]), ("one", "two")
    )
    assert digests.tolist() == [5770865625798271529, 17066353005486473297]


def test_the_earliest_moment_of_a_group() -> None:
    table = _table([("a", None), ("b", None), ("a", None)])
    groups = group_rows(table, ("one",), digests=digest_rows(table, ("one",)))
    assert earliest(groups, np.array([5, 9, 3])).tolist() == [3, 9]
