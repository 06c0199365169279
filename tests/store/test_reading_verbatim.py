"""A column taken as it stands gives the same batch as one that went through the query."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from groundswell.connectors.shape import shape_from
from groundswell.model import Kind
from groundswell.store.reading import read_tables
from groundswell.store.reading_batches import _in_order
from groundswell.store.reading_origin import ROW
from groundswell.store.reading_raw import table_batch
from groundswell.store.reading_verbatim import loose_json

if TYPE_CHECKING:
    from groundswell.store.reading_batches import Batch

OLD = dt.datetime(1999, 1, 1, tzinfo=dt.UTC)
NOON = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)
IDS = st.sampled_from([None, "", "m1", "m2", "null", "x" * 1001, "ä"])
TIMES = st.sampled_from([None, NOON, NOON + dt.timedelta(days=3), OLD])
PROPERTIES = st.sampled_from(
    [
        None, "", "{}", '{"a": 1}', '{"b": 2, "a": null}', '{"a": {"b": [1, 2]}}', '{"a": 1,}',
        '{"a": NaN}', '{"a": "x, nan"}', '{"a":', "[1]", ' {"a": 1}', '{"a": "\\u0000"}',
    ]
)  # fmt: skip
ROWS = st.lists(
    st.tuples(IDS, IDS, IDS, st.sampled_from(["e", "", None]), TIMES, TIMES, PROPERTIES)
)
NAMES = ("message_id", "user_id", "account_id", "event", "timestamp", "received_at", "properties")


def _read(columns: list[list[object]], text: pa.DataType) -> Batch:
    times = pa.timestamp("us", tz="Europe/Berlin")
    types = [text, text, text, text, times, times, text]
    arrays = [pa.array(column, type_) for column, type_ in zip(columns, types, strict=True)]
    raw = table_batch(pa.table(arrays, names=list(NAMES)), first=1)
    shape = shape_from(Kind.EVENTS, None, {}, None)
    (batch,) = read_tables(shape, [raw], source="s", name="t", received_at=NOON, threads=1)
    return batch


@settings(max_examples=40)
@given(rows=ROWS)
def test_same_batch_either_way(rows: list[tuple[object, ...]]) -> None:
    """Large strings always go through the query."""
    columns = [[row[i] for row in rows] for i in range(len(NAMES))]
    taken, queried = _read(columns, pa.string()), _read(columns, pa.large_string())
    assert taken.rows.equals(queried.rows)
    assert taken.rejects == queried.rejects


def test_judged_in_any_order() -> None:
    """Pieces that come back swapped are put right before columns are laid beside them."""
    swapped = pa.table({ROW: pa.array([3, 4, 0, 1, 2]), "x": ["d", "e", "a", "b", "c"]})
    assert _in_order(swapped).column("x").to_pylist() == ["a", "b", "c", "d", "e"]
    dropped = swapped.slice(2).take(pa.array([0, 2]))
    assert _in_order(dropped).equals(dropped)


def test_loose_json_finds_candidates() -> None:
    """Everything that is no strict JSON for its commas, NaN or infinity; in slices as well."""
    loose = ['{"a": 1,}', '{"a": [1 , \n]}', '{"a":NaN}', '{"a": -Infinity}', "[ inf]"]
    plain = ["{}", '{"a": "nanny"}', '{"a": 1, "b": [2]}', None, ""]
    found = loose_json(pa.chunked_array([plain, pa.array([*plain, *loose]).slice(3)]))
    assert found.tolist() == [False] * 7 + [True] * 5
