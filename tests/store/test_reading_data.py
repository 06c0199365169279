"""The mappings of `examples/`, run on the real data sets they describe."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from ruamel.yaml import YAML

from groundswell.config.schema import SourceDef
from groundswell.connectors.shape import shape_from
from groundswell.store.reading import read_files

EXAMPLES = Path(__file__).parents[2] / "examples"
DATA = Path(__file__).parents[3] / "shared" / "data"
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not DATA.is_dir(), reason="the real data sets are not beside the project"),
]


def load(example: str, name: str) -> pa.Table:
    mapping: dict[str, Any] = YAML(typ="safe").load(EXAMPLES / example / "mapping.yaml")
    source = SourceDef.model_validate(mapping["sources"][name])
    assert source.path
    file = EXAMPLES / example / source.path
    batches = list(
        read_files(shape_from(source.kind, source), [file], source=name, received_at=NOW)
    )
    assert [reject for batch in batches for reject in batch.rejects] == []
    return pa.concat_tables(batch.rows for batch in batches)


@pytest.mark.parametrize(
    ("example", "name", "rows", "key", "distinct"),
    [
        ("relax", "users", 12_000, "user_id", 12_000),
        ("relax", "memberships", 12_000, "account_id", 417),
        ("relax", "signups", 12_000, "message_id", 12_000),
        ("relax", "invites_sent", 6_417, "message_id", 6_417),
        ("relax", "invites_accepted", 6_417, "message_id", 6_417),
        ("relax", "logins", 207_917, "message_id", 207_917),
        ("ravenstack", "accounts", 500, "account_id", 500),
        ("ravenstack", "subscriptions", 5_000, "subscription_id", 5_000),
        ("ravenstack", "subscribers", 5_000, "account_id", 500),
        ("ravenstack", "usage", 25_000, "message_id", 25_000),
        ("ravenstack", "tickets", 2_000, "account_id", 492),
    ],
)
def test_a_source_of_the_examples(
    example: str, name: str, rows: int, key: str, distinct: int
) -> None:
    found = load(example, name)
    assert found.num_rows == rows
    assert len(found.column(key).unique()) == distinct


def test_days_of_relax_lie_where_the_log_says() -> None:
    times = load("relax", "logins").column("occurred_at").to_pylist()
    assert min(times) == dt.datetime(2012, 5, 31, tzinfo=dt.UTC)
    assert max(times) == dt.datetime(2014, 6, 6, tzinfo=dt.UTC)
