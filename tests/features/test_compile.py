"""The roll-up in every dialect, as it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from groundswell.features import compile_plan
from groundswell.features.compile import compile_marks, compile_rollup
from groundswell.features.meanings import encode
from groundswell.features.properties import DIALECTS

from .worlds import EVENTS, loaded, user_features

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

NAMES = ("exports_28d", "export_kinds", "zap_uses", "exported_total")
PLAN = compile_plan(loaded({name: user_features()[name] for name in NAMES}))
CODING = encode(PLAN, EVENTS)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_rollup_in_every_dialect(dialect: str, snapshot: SnapshotAssertion) -> None:
    assert compile_rollup(CODING, dialect=dialect).sql(dialect, pretty=True) == snapshot


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_is_read_from_properties(dialect: str, snapshot: SnapshotAssertion) -> None:
    select = compile_marks(CODING, dialect=dialect)
    assert select is not None
    assert select.sql(dialect, pretty=True) == snapshot


def test_events_are_joined_by_their_ids_where_they_carry_no_actor() -> None:
    sql = compile_rollup(CODING, dialect="duckdb", joins_on_actor=False).sql("duckdb")
    assert "f.user_id IS NOT DISTINCT FROM e.user_id" in sql
    assert "f.actor" not in sql
