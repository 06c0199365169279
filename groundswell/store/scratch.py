"""A database in memory, for rows that are at hand and are to be asked in SQL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

from groundswell.store.activity import ActivityStore
from groundswell.store.duckdb_warehouse import connect, told
from groundswell.store.prepared import Prepared

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlglot import exp

_FILE = Path(":memory:")


class Scratch:
    """Tables in memory, and SELECTs over them."""

    dialect = "duckdb"

    def __init__(self, *, threads: int | None = None) -> None:
        """Make an empty one; `threads` are those that a query may use, all cores when None."""
        self._connection = connect(_FILE, threads)
        self._connection.execute("SET TimeZone = 'UTC'")

    def put(self, table: str, rows: pa.Table) -> None:
        """Keep rows under a name, in place of those of that name; they are not copied."""
        self._connection.register(table, rows)

    def query(self, select: exp.Query) -> pa.RecordBatchReader:
        """Run a SELECT; the result is whole before the next is run."""
        return self.ask(select.sql(self.dialect)).to_reader()

    def ask(self, sql: str) -> pa.Table:
        """Run a SELECT that was written out before."""
        with told(_FILE):
            return self._connection.sql(sql).to_arrow_table()

    def prepared(self, table: str) -> Prepared:
        """Return a table for rows that change, and SELECTs over it that are planned once."""
        return Prepared(self._connection, table)

    def activity(self) -> ActivityStore:
        """Return a roll-up beside the tables: it may be made from SELECTs over them."""
        return ActivityStore(self._connection, _FILE)

    def close(self) -> None:
        """Let go of everything."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
