"""One suite, every engine: what an append adds and what a read gives back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal
from sqlglot import exp, parse_one

from groundswell.errors import StoreError
from groundswell.model import Kind
from groundswell.store.tables import TABLES
from groundswell.store.warehouse import Appended, ShardedWarehouse, Warehouse, open_warehouse

from .rows import at, event, money, table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engines import Spark


def test_events_are_told_apart_named_and_counted(warehouse: Warehouse) -> None:
    """The whole way of events: pieces, repeats and any order come to one state."""
    rows = [event(number) for number in range(12)]
    again = event(3, event="other", occurred_at=at(-5))
    first = warehouse.append(Kind.EVENTS, table(Kind.EVENTS, *rows[4:], rows[5]), received_at=at(0))
    before = warehouse.version()
    second = warehouse.append(Kind.EVENTS, table(Kind.EVENTS, *rows, again), received_at=at(1))

    assert (first, second) == (Appended(8, 1), Appended(4, 9))
    expected = pl.from_arrow(table(Kind.EVENTS, *rows)).sort(TABLES[Kind.EVENTS].names)
    assert_frame_equal(warehouse.read(Kind.EVENTS), expected)
    assert warehouse.event_counts() == {"export": 4, "login": 4, "page": 4}
    assert warehouse.event_names() == ["export", "page", "login"]
    assert warehouse.version() != before

    actors = warehouse.actors()
    assert actors["actor"].to_list() == list(range(actors.height))
    seen = {
        (row["user_id"], row["anonymous_id"], row["account_id"]): row["first_at"]
        for row in actors.iter_rows(named=True)
    }
    assert seen == {
        (row["user_id"], row["anonymous_id"], row["account_id"]): at(number / 7)
        for number, row in reversed(list(enumerate(rows)))
    }

    after = warehouse.version()
    repeat = warehouse.append(Kind.EVENTS, table(Kind.EVENTS, *rows), received_at=at(2))
    assert repeat == Appended(0, 12)
    assert warehouse.version() == after


def test_the_same_message_id_from_two_sources_is_two_events(warehouse: Warehouse) -> None:
    rows = table(
        Kind.EVENTS, event(1), event(1, source="site"), event(1, source="ap", message_id="pm1")
    )
    assert warehouse.append(Kind.EVENTS, rows, received_at=at(0)) == Appended(3, 0)


def test_versioned_dimensions_keep_what_differs(warehouse: Warehouse) -> None:
    """Undated and first: always held; later: from the load. Dated: as given. Repeats: nothing."""

    def user(email: str | None, key: str = "a", **more: object) -> pa.Table:
        return table(Kind.USERS, {"user_id": key, "email": email, **more})

    def load(rows: pa.Table, day: float) -> int:
        return warehouse.append(Kind.USERS, rows, received_at=at(day)).added

    assert load(user("one"), 0) == 1
    assert load(user("one"), 1) == 0
    assert load(user("two"), 2) == 1
    assert load(user("two"), 3) == 0
    assert load(user("one"), 4) == 1, "a change back is a change"
    assert load(user("dated", "b", valid_from=at(-9)), 5) == 1
    assert load(user("dated", "b"), 6) == 0, "an undated row compares with what holds by then"
    assert load(user("older", "b", valid_from=at(-20)), 7) == 1
    assert load(user("older", "b", valid_from=at(-20)), 8) == 0
    assert load(pa.concat_tables([user("x", "c"), user("y", "c")]), 9) == 1, "the last row stands"
    assert load(pa.concat_tables([user("x", "c"), user("y", "c")]), 10) == 0

    held = warehouse.read(Kind.USERS).select("user_id", "email", "valid_from").rows()
    assert sorted(held, key=str) == sorted(
        [
            ("a", "one", None),
            ("a", "two", at(2)),
            ("a", "one", at(4)),
            ("b", "older", at(-20)),
            ("b", "dated", at(-9)),
            ("c", "y", None),
        ],
        key=str,
    )


def test_an_undated_row_beside_dated_ones_of_its_load_is_what_held_before(
    warehouse: Warehouse,
) -> None:
    """One file with the whole history: the row without `valid_from` is the first, not the last."""
    before = {"account_id": "a", "employees": 40, "owner": None}
    after = {"account_id": "a", "employees": 90, "owner": "rep", "valid_from": at(-50)}
    history = [before, after, {**after, "employees": 200, "valid_from": at(-9)}]

    def load(rows: list[dict[str, object]], day: float) -> int:
        return warehouse.append(
            Kind.ACCOUNTS, table(Kind.ACCOUNTS, *rows), received_at=at(day)
        ).added

    def sizes() -> list[tuple[object, object]]:
        held = warehouse.read(Kind.ACCOUNTS).sort("valid_from", nulls_last=False)
        return held.select("employees", "valid_from").rows()

    assert load(history[:0:-1], 0) == 2
    assert load(history, 1) == 1, "the base, told later than what followed it"
    assert sizes() == [(40, None), (90, at(-50)), (200, at(-9))]
    assert load(history, 2) == 0
    assert load([{**before, "employees": 50}, *history[1:]], 3) == 1, "the base, corrected"
    assert sizes() == [(50, None), (90, at(-50)), (200, at(-9))]
    assert load([before], 4) == 1, "alone it is news of its day"
    assert sizes() == [(50, None), (90, at(-50)), (200, at(-9)), (40, at(4))]


def test_a_load_in_pieces_is_one_statement(warehouse: Warehouse) -> None:
    """Pieces share `received_at`, so the last row of a key stands, whichever piece it is in."""
    one = {"account_id": "a", "name": "One", "employees": 5, "target": True}
    two = {"account_id": "a", "name": "Two", "employees": None, "target": None}
    for day in (0, 1):
        for row in (one, two):
            warehouse.append(Kind.ACCOUNTS, table(Kind.ACCOUNTS, row), received_at=at(day))
    expected = pl.from_arrow(table(Kind.ACCOUNTS, two))
    assert_frame_equal(warehouse.read(Kind.ACCOUNTS), expected)


def test_memberships_keep_the_last_row_of_a_key(warehouse: Warehouse) -> None:
    member = {"user_id": "u", "account_id": "a", "since": None}
    for day, (rows, added) in enumerate(
        [
            ([member], 1),
            ([member], 0),
            ([{**member, "until": at(9)}], 1),
            ([{**member, "since": at(3)}, {**member, "until": at(9)}], 1),
        ]
    ):
        done = warehouse.append(
            Kind.MEMBERSHIPS, table(Kind.MEMBERSHIPS, *rows), received_at=at(day)
        )
        assert done.added == added, day
    held = warehouse.read(Kind.MEMBERSHIPS).select("user_id", "account_id", "since", "until").rows()
    assert held == [("u", "a", None, at(9)), ("u", "a", at(3), None)]


def test_a_subscription_keeps_the_terms_it_had(warehouse: Warehouse) -> None:
    plan = {"account_id": "a", "plan": "pro", "mrr": money("49.90"), "started_at": at(0)}
    named = {**plan, "subscription_id": "s1"}
    ended = {**plan, "ended_at": at(30), "seats": 4}
    rows = table(Kind.SUBSCRIPTIONS, plan, named, {**named, "mrr": money("99.00")})
    assert warehouse.append(Kind.SUBSCRIPTIONS, rows, received_at=at(0)) == Appended(2, 1)
    rows = table(Kind.SUBSCRIPTIONS, ended, {**named, "mrr": money("99.00")})
    assert warehouse.append(Kind.SUBSCRIPTIONS, rows, received_at=at(1)) == Appended(1, 1)
    moved = {**named, "plan": "enterprise", "mrr": money("900.00")}
    rows = table(Kind.SUBSCRIPTIONS, {**moved, "valid_from": at(20)})
    assert warehouse.append(Kind.SUBSCRIPTIONS, rows, received_at=at(21)) == Appended(1, 0)
    held = warehouse.read(Kind.SUBSCRIPTIONS)
    columns = ("subscription_id", "plan", "mrr", "seats", "ended_at", "valid_from")
    versions = held.select(columns).sort("subscription_id", "valid_from", nulls_last=False).rows()
    assert versions == [
        (None, "pro", money("49.90"), None, None, None),
        (None, "pro", money("49.90"), 4, at(30), at(1)),
        ("s1", "pro", money("99.00"), None, None, None),
        ("s1", "enterprise", money("900.00"), None, None, at(20)),
    ]
    assert held.schema == pl.from_arrow(rows).schema


def test_touches_tickets_and_costs_are_told_apart_by_the_whole_row(warehouse: Warehouse) -> None:
    touch = {"account_id": "a", "rep": "r", "kind": "call", "at": at(1)}
    rows = table(Kind.TOUCHES, touch, touch, {**touch, "user_id": "u"})
    assert warehouse.append(Kind.TOUCHES, rows, received_at=at(2)) == Appended(2, 1)
    assert warehouse.append(Kind.TOUCHES, rows, received_at=at(3)) == Appended(0, 3)
    cost = {"month": at(0).date(), "category": "sales", "amount": money("10.01")}
    rows = table(Kind.COSTS, cost, {**cost, "amount": money("10.02")})
    assert warehouse.append(Kind.COSTS, rows, received_at=at(2)) == Appended(2, 0)
    assert_frame_equal(warehouse.read(Kind.COSTS), pl.from_arrow(rows))


def test_queries_join_facts_with_working_tables(warehouse: Warehouse) -> None:
    """Integers on the events, a working table of the caller's, one dialect-free SELECT."""
    rows = table(Kind.EVENTS, *(event(number) for number in range(10)))
    warehouse.append(Kind.EVENTS, rows, received_at=at(0))
    chosen = pl.DataFrame(
        {"actor": [0, 1], "shard": [7, 7]}, schema={"actor": pl.Int32, "shard": pl.UInt8}
    )
    warehouse.put("chosen", pa.table({"actor": [5], "shard": [5]}))
    warehouse.put("chosen", chosen.to_arrow())
    select = parse_one(
        "SELECT c.shard, e.actor, COUNT(*) AS n, MIN(e.occurred_at) AS first_at FROM events AS e "
        "JOIN chosen AS c ON c.actor = e.actor GROUP BY c.shard, e.actor ORDER BY e.actor"
    )
    assert isinstance(select, exp.Query)
    found = warehouse.query(select).read_all()
    assert found.to_pylist() == [
        {"shard": 7, "actor": 0, "n": 2, "first_at": at(0)},
        {"shard": 7, "actor": 1, "n": 2, "first_at": at(1 / 7)},
    ]
    assert found.schema.field("first_at").type == pa.timestamp("us", "UTC")
    assert found.schema.field("n").type == pa.int64()
    assert found.schema.field("actor").type == pa.int32()
    with pytest.raises(StoreError, match="cannot be called `events`"):
        warehouse.put("events", pa.table({"a": [1]}))
    with pytest.raises(StoreError, match="refused"):
        warehouse.query(exp.select("nothing").from_("chosen"))


def test_queries_join_facts_with_dimensions(warehouse: Warehouse) -> None:
    """The views of actors and of a versioned kind, beside the events."""
    warehouse.append(Kind.EVENTS, table(Kind.EVENTS, *map(event, range(8))), received_at=at(0))
    users = table(Kind.USERS, {"user_id": "u1", "email": "one"}, {"user_id": "u2"})
    warehouse.append(Kind.USERS, users, received_at=at(0))
    select = parse_one(
        "SELECT u.user_id, u.email, COUNT(*) AS n FROM events AS e "
        "JOIN actors AS a ON a.actor = e.actor JOIN users AS u ON u.user_id = a.user_id "
        "GROUP BY u.user_id, u.email ORDER BY u.user_id"
    )
    assert isinstance(select, exp.Query)
    seen = [event(number)["user_id"] for number in range(8)]
    assert warehouse.query(select).read_all().to_pylist() == [
        {"user_id": "u1", "email": "one", "n": seen.count("u1")},
        {"user_id": "u2", "email": None, "n": seen.count("u2")},
    ]


def test_what_was_kept_is_there_when_opened_again(
    warehouse: Warehouse, warehouse_url: str, tmp_path: Path
) -> None:
    warehouse.append(Kind.EVENTS, table(Kind.EVENTS, event(1)), received_at=at(0))
    warehouse.append(Kind.USERS, table(Kind.USERS, {"user_id": "a"}), received_at=at(0))
    version = warehouse.version()
    warehouse.close()
    with open_warehouse(warehouse_url, tmp_path) as again:
        assert again.version() == version
        assert again.read(Kind.EVENTS)["message_id"].to_list() == ["m1"]
        assert again.append(
            Kind.USERS, table(Kind.USERS, {"user_id": "a"}), received_at=at(1)
        ) == Appended(0, 1)


def test_rows_that_do_not_fit_are_refused_whole(warehouse: Warehouse) -> None:
    with pytest.raises(StoreError) as refused:
        warehouse.append(
            Kind.USERS, pa.table({"user_ids": ["a"], "created_at": ["x"]}), received_at=at(0)
        )
    told = str(refused.value)
    assert "has no column `user_ids`" in told
    assert "Did you mean `user_id`?" in told
    assert "`users.user_id` is empty in 1 rows" in told
    assert warehouse.read(Kind.USERS).is_empty()


def test_spark_runs_a_function_on_its_workers(spark: Spark, tmp_path: Path) -> None:
    def sizes(shard: pa.Table) -> pa.Table:
        rows = pa.array([shard.num_rows], pa.int64())
        return pa.table({"shard": shard["shard"][:1], "rows": rows})

    url = f"spark://{spark.master}?path={tmp_path}"
    with open_warehouse(url, tmp_path) as opened:
        assert isinstance(opened, ShardedWarehouse)
        opened.append(Kind.EVENTS, table(Kind.EVENTS, *map(event, range(9))), received_at=at(0))
        select = parse_one("SELECT actor % 2 AS shard, event_id FROM events")
        schema = pa.schema([("shard", pa.int32()), ("rows", pa.int64())])
        found = opened.map_shards(select, by="shard", function=sizes, schema=schema)
        assert sorted(found.read_all().to_pylist(), key=lambda row: row["shard"]) == [
            {"shard": 0, "rows": 5},
            {"shard": 1, "rows": 4},
        ]
