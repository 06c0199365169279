"""What the rows of a dimension mean, as the SQL that every engine is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlglot

from groundswell.model import Kind
from groundswell.store import versions
from groundswell.store.dialects import COMPILED

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

DIALECTS = ("duckdb", "postgres", "spark", *(engine.dialect for engine in COMPILED.values()))
ONE_OF_EACH = (Kind.USERS, Kind.SUBSCRIPTIONS, Kind.MEMBERSHIPS, Kind.COSTS)


def test_one_of_each_way_of_keeping_is_shown() -> None:
    """Snapshots of a few kinds say it all: the others differ in their columns only."""
    shown = {versions.DIMENSIONS[kind].keeping for kind in ONE_OF_EACH}
    assert shown == set(versions.Keeping)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_holds_and_what_is_news_in_every_dialect(
    dialect: str, snapshot: SnapshotAssertion
) -> None:
    for kind in ONE_OF_EACH:
        assert versions.current(kind).sql(dialect, pretty=True) == snapshot(name=f"{kind} hold")
        assert versions.news(kind).sql(dialect, pretty=True) == snapshot(name=f"{kind} news")


@pytest.mark.parametrize("kind", list(versions.DIMENSIONS))
@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_text_parses_again_in_its_own_dialect(dialect: str, kind: Kind) -> None:
    for select in (versions.current(kind), versions.news(kind)):
        again = sqlglot.parse_one(select.sql(dialect), read=dialect)
        assert again.named_selects[: len(select.named_selects)] == select.named_selects
        assert again.sql(dialect) == select.sql(dialect)
