"""SELECTs that DuckDB plans once and runs again and again, over rows that change.

Planning a long SELECT takes DuckDB tens of milliseconds, running it over a few hundred rows a few.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


class _Held:
    """Rows that DuckDB reads anew each time a statement runs."""

    def __init__(self, rows: pa.Table) -> None:
        self.rows = rows

    def __arrow_c_schema__(self) -> object:
        return self.rows.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.rows.__arrow_c_stream__(requested_schema)


class Prepared:
    """A table of rows at hand, and SELECTs over it and over what else a connection knows."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, table: str) -> None:
        """Use a connection, on which nothing else has the table's name."""
        self._connection = connection
        self._table = table
        self._held: _Held | None = None
        self._names: dict[str, str] = {}

    def put(self, rows: pa.Table) -> None:
        """Have these rows in the table, and no others; plans are kept while the schema is."""
        if self._held is not None and self._held.rows.schema.equals(rows.schema):
            self._held.rows = rows
            return
        for name in self._names.values():
            self._connection.execute(f"DEALLOCATE {name}")
        self._names.clear()
        self._held = _Held(rows)
        self._connection.register(self._table, self._held)

    def ask(self, sql: str) -> pa.Table:
        """Run a SELECT without parameters over the rows that were put."""
        if sql not in self._names:
            name = f"{self._table}_{len(self._names)}"
            self._connection.execute(f"PREPARE {name} AS {sql}")
            self._names[sql] = name
        return self._connection.sql(f"EXECUTE {self._names[sql]}").to_arrow_table()
