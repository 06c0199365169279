"""Partial statements come to the same versions, in whichever order they arrive."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.intake.stating import fill_in

START = datetime(2026, 6, 1, tzinfo=UTC)
SCHEMA = pa.schema(
    [
        ("user_id", pa.string()),
        ("email", pa.string()),
        ("title", pa.string()),
        ("properties", pa.string()),
        ("valid_from", pa.timestamp("us", "UTC")),
    ]
)


def said(
    day: int,
    *,
    once: tuple[str, ...] = (),
    unset: tuple[str, ...] = (),
    email: str | None = None,
    title: str | None = None,
    **properties: Any,
) -> dict[str, Any]:
    marks = {"$set_once": list(once), "$unset": list(unset)}
    told = {**properties, **{name: names for name, names in marks.items() if names}}
    return {
        "user_id": "u1",
        "email": email,
        "title": title,
        "properties": json.dumps(told) if told else None,
        "valid_from": START + timedelta(days=day),
    }


def versions(*batches: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Take statements in, batch by batch; return what is known since each day."""
    stored: dict[datetime, dict[str, Any]] = {}
    for batch in batches:
        held = pa.Table.from_pylist(list(stored.values()), schema=SCHEMA)
        whole = fill_in(held, pa.Table.from_pylist(batch, schema=SCHEMA), key="user_id")
        stored |= {row["valid_from"]: row for row in whole.to_pylist()}
    return {(at - START).days: _known(row) for at, row in sorted(stored.items())}


def _known(row: dict[str, Any]) -> dict[str, Any]:
    told = {"email": row["email"], "title": row["title"], **json.loads(row["properties"] or "{}")}
    return {name: value for name, value in told.items() if value is not None}


def test_what_is_set_once_gives_way_to_what_was_known() -> None:
    first, again = said(1, plan="pro"), said(2, once=("plan",), plan="free")
    assert versions([first, again])[2] == {"plan": "pro"}
    assert versions([again], [first])[2] == {"plan": "pro"}


def test_what_is_set_once_stays_until_something_is_set() -> None:
    told = [
        said(1, once=("plan", "email"), plan="free", email="a@x.example"),
        said(2, once=("plan",), plan="trial"),
        said(3, title="CTO"),
        said(4, plan="pro"),
    ]
    known = versions(told)
    assert known[1] == known[2] == {
        "plan": "free", "email": "a@x.example", "$set_once": ["email", "plan"]
    }  # fmt: skip
    assert known[3] == {**known[1], "title": "CTO"}
    assert known[4] == {
        "plan": "pro", "email": "a@x.example", "title": "CTO", "$set_once": ["email"]
    }  # fmt: skip
    for order in permutations(told):
        assert versions(*([one] for one in order)) == known


@pytest.mark.parametrize("names", [("plan", "email"), ("*",)])
def test_what_is_taken_away_is_known_no_more(names: tuple[str, ...]) -> None:
    known = versions(
        [said(1, plan="pro", email="a@x.example"), said(2, unset=names), said(3, title="CTO")]
    )
    assert known == {
        1: {"plan": "pro", "email": "a@x.example"},
        2: {"$unset": list(names)},
        3: {"title": "CTO"},
    }


def test_what_is_taken_away_and_set_anew_is_known() -> None:
    told = [said(1, plan="pro"), said(2, unset=("plan",)), said(3, plan="free")]
    assert versions(told)[3] == {"plan": "free"}
    assert versions([told[1]], [told[2]], [told[0]])[2] == {"$unset": ["plan"]}
    once = said(3, once=("plan",), plan="trial")
    assert versions([*told[:2], once])[3] == {"plan": "trial", "$set_once": ["plan"]}


def test_one_moment_may_say_several_things() -> None:
    told = [said(1, plan="pro", a=1), said(2, unset=("plan",)), said(2, a=2)]
    assert versions(told)[2] == {"a": 2, "$unset": ["plan"]}
    assert versions([told[1]], [told[2]], [told[0]])[2] == {"a": 2, "$unset": ["plan"]}


def test_a_property_may_have_the_name_of_a_column() -> None:
    row = said(1, title="CTO", once=("title",))
    row["properties"] = '{"title":7,"$set_once":["title"]}'
    (found,) = fill_in(SCHEMA.empty_table(), pa.Table.from_pylist([row]), key="user_id").to_pylist()
    assert (found["title"], json.loads(found["properties"])["title"]) == ("CTO", 7)


@pytest.mark.parametrize("mark", ['"x"', "7", '{"a":1}', "[7,null]"])
def test_marks_that_are_none_change_nothing(mark: str) -> None:
    row = {**said(1), "properties": f'{{"$set_once":{mark},"$unset":{mark},"a":1}}'}
    (found,) = fill_in(SCHEMA.empty_table(), pa.Table.from_pylist([row]), key="user_id").to_pylist()
    assert json.loads(found["properties"]) == {"a": 1}


STATEMENTS = st.lists(
    st.tuples(st.booleans(), st.sampled_from(("a", "b", "email", "title"))), max_size=5
)


@given(STATEMENTS, st.randoms(use_true_random=False))
def test_any_order_comes_to_the_same(drawn: list[tuple[bool, str]], chance: Any) -> None:
    """Each thing is set at most once, and set once as often as may be."""
    told: list[dict[str, Any]] = []
    set_already: set[str] = set()
    for day, (is_once, name) in enumerate(drawn):
        once = is_once or name in set_already
        set_already |= set() if once else {name}
        told.append(said(day, once=(name,) if once else (), **{name: f"{name}{day}"}))
    whole = versions(told)
    shuffled = list(told)
    chance.shuffle(shuffled)
    assert versions(*([one] for one in [*shuffled, *shuffled])) == whole
