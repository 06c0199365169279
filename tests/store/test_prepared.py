"""SELECTs that are planned once see the rows that were put last, and the store as it is."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from groundswell.store.prepared import Prepared


def names(*values: str) -> pa.Table:
    return pa.table({"name": pa.array(values, pa.string())})


def test_the_rows_that_were_put_last_are_asked() -> None:
    with duckdb.connect(":memory:") as connection:
        table = Prepared(connection, "told")
        asked = "SELECT upper(name) AS name FROM told ORDER BY name"
        counted = "SELECT count(*) AS n FROM told"
        for rows in (("a", "b"), (), ("c",)):
            table.put(names(*rows))
            assert table.ask(asked).column("name").to_pylist() == [one.upper() for one in rows]
            assert table.ask(counted).to_pylist() == [{"n": len(rows)}]


def test_what_else_the_connection_knows_may_change() -> None:
    with duckdb.connect(":memory:") as connection:
        connection.execute("CREATE TABLE kept (name VARCHAR)")
        table = Prepared(connection, "told")
        table.put(names("a", "b"))
        asked = "SELECT name FROM told SEMI JOIN kept USING (name)"
        assert table.ask(asked).num_rows == 0
        connection.execute("INSERT INTO kept VALUES ('b')")
        assert table.ask(asked).column("name").to_pylist() == ["b"]


def test_rows_of_another_schema_are_planned_anew() -> None:
    with duckdb.connect(":memory:") as connection:
        table = Prepared(connection, "told")
        asked = "SELECT * FROM told"
        table.put(names("a"))
        assert table.ask(asked).to_pylist() == [{"name": "a"}]
        table.put(pa.table({"number": pa.array([1, 2], pa.int64())}))
        assert table.ask(asked).to_pylist() == [{"number": 1}, {"number": 2}]
        table.put(names("z"))
        assert table.ask(asked).to_pylist() == [{"name": "z"}]
