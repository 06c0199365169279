"""Rows by number: put, grown and packed, they are what was put last."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from groundswell.features.numbered import NumberedRows


@st.composite
def puts(draw: st.DrawFn) -> list[tuple[list[int], list[bool]]]:
    """Numbers that are put, each with whether it has a row; new ones follow the last."""
    count, made = 3, []
    for _ in range(draw(st.integers(1, 12))):
        known = draw(st.lists(st.integers(0, count - 1), unique=True, max_size=count))
        fresh = draw(st.integers(0, 2))
        numbers = [*known, *range(count, count + fresh)]
        count += fresh
        made.append((numbers, [draw(st.booleans()) for _ in numbers]))
    return made


@given(made=puts())
def test_what_was_put_last_is_there(made: list[tuple[list[int], list[bool]]]) -> None:
    rows = NumberedRows(pl.DataFrame({"said": ["a", "b", "c"]}))
    expected: dict[int, str | None] = {0: "a", 1: "b", 2: "c"}
    for turn, (numbers, there) in enumerate(made):
        said = [f"{turn}-{number}" for number in numbers]
        held = [text for text, held in zip(said, there, strict=True) if held]
        frame = pl.DataFrame({"said": held}, schema={"said": pl.String})
        rows.put(np.array(numbers, dtype=np.int64), frame, np.array(there, dtype=bool))
        expected |= {
            number: text if held else None
            for number, text, held in zip(numbers, said, there, strict=True)
        }
        asked = np.array(sorted(expected, reverse=True), dtype=np.int64)
        found = [expected[number] for number in asked.tolist()]
        assert rows.there(asked).tolist() == [text is not None for text in found]
        assert rows.of(asked)["said"].to_list() == [text for text in found if text is not None]
