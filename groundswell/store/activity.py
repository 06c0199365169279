"""The roll-up of the events, kept in DuckDB beside the project and read by accounts.

Whichever engine holds the events, the kernel reads this one table: rows sorted by account,
person, visible and day, so that an account is one run of rows. In a DuckDB warehouse it is made
in place from the SELECT; Spark's workers write and read it as Parquet (`spark_activity`); any
other engine streams its roll-up into a local file.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeAlias

from sqlglot import exp

from groundswell.errors import Problem, StoreError
from groundswell.store.duckdb_warehouse import DuckDBWarehouse, connect, told
from groundswell.store.sql import load_statements
from groundswell.store.warehouse import ShardedWarehouse

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    import duckdb
    import pyarrow as pa

    from groundswell.store.spark_activity import SparkActivity
    from groundswell.store.warehouse import Warehouse

Activity: TypeAlias = "ActivityStore | SparkActivity"
"""The roll-up, wherever it lies."""

COLUMNS = (
    "account",
    "person",
    "day",
    "event",
    "key",
    "n",
    "first_at",
    "last_at",
    "visible",
    "hidden",
)
"""int32 each; `first_at` and `last_at` are seconds of the day. Sums `s0`, `s1`, ... may follow."""

ORDER = "account, person, visible, day"

_WHOLE = 1 << 24
"""Rows of an Arrow batch: more than are read at a time."""

_SQL = load_statements("activity")


class ActivityStore:
    """The roll-up: written whole, read in runs of whole accounts.

    Attributes:
        dialect: The SQL of the SELECTs that `replace` runs.
    """

    dialect = "duckdb"

    def __init__(self, connection: duckdb.DuckDBPyConnection, file: Path) -> None:
        """Use a connection, which the store closes; `file` is for messages."""
        self._connection = connection
        self._file = file
        with told(file):
            connection.execute(_SQL["tables"])

    @property
    def fingerprint(self) -> str | None:
        """What the roll-up was made from, as given to `replace`; None before the first."""
        rows = self._rows("SELECT fingerprint FROM activity_state")
        return str(rows[0][0]) if rows else None

    @property
    def rows(self) -> int:
        """How many rows the roll-up has."""
        return int(str(self._rows(_SQL["count"])[0][0]))

    @property
    def events(self) -> int:
        """How many events its rows count."""
        return int(str(self._rows(_SQL["events"])[0][0]))

    @property
    def sums(self) -> tuple[str, ...]:
        """Names of the float64 columns after the ten that are always there."""
        names = (str(name) for (name,) in self._rows(_SQL["columns"]))
        return tuple(name for name in names if name not in COLUMNS)

    def forget(self) -> None:
        """Let the roll-up there is count as stale, whatever it was made from."""
        with told(self._file):
            self._connection.execute("DELETE FROM activity_state")

    def replace(self, source: exp.Query | pa.RecordBatchReader, *, fingerprint: str) -> int:
        """Put a new roll-up in place of the old, in one transaction; return its rows.

        Args:
            source: A SELECT over the same DuckDB database, or a stream, with the columns of
                `COLUMNS` and any `s0`, `s1`, ... in any order. A stream whose schema says
                `ordered` in its metadata comes in the order of the table and is not sorted.
            fingerprint: What it is made from, such as the warehouse's version and the config's.

        Raises:
            StoreError: A column is missing or there is one too many.
        """
        with told(self._file), self._transaction():
            order = f"ORDER BY {ORDER}"
            if isinstance(source, exp.Query):
                relation = f"({source.sql('duckdb')})"
                names = self._connection.sql(f"SELECT * FROM {relation} LIMIT 0").columns  # noqa: S608
            else:
                self._connection.register("activity_source", source)
                relation, names = "activity_source", source.schema.names
                order = "" if b"ordered" in (source.schema.metadata or {}) else order
            columns = ", ".join(casts(names))
            self._connection.execute(
                _SQL["replace"].format(columns=columns, relation=relation, order=order)
            )
            self._connection.execute(_SQL["runs"])
            self._connection.execute("DELETE FROM activity_state")
            self._connection.execute("INSERT INTO activity_state VALUES (?)", [fingerprint])
        if not isinstance(source, exp.Query):
            self._connection.unregister("activity_source")
        return self.rows

    def counts(self, accounts: tuple[int, int]) -> pa.Table:
        """Return account and rows (int64) of those accounts, first to last, that have some."""
        select = exp.select("account", "rows").from_("activity_runs").where(between(accounts))
        with self._connection.cursor() as cursor, told(self._file):
            return cursor.sql(select.sql("duckdb")).to_arrow_table()

    def read(
        self,
        *,
        columns: Sequence[str],
        accounts: tuple[int, int] | None = None,
        where: exp.Expr | None = None,
    ) -> pa.Table:
        """Return rows, as a rule in order; threads may read at the same time.

        Args:
            columns: The columns wanted.
            accounts: First and last account wanted; all of them when None.
            where: What else holds of the rows wanted.
        """
        select = exp.select(*columns).from_("activity").where(between(accounts), where)
        with self._connection.cursor() as cursor, told(self._file):
            # One batch, so that its columns are read where they lie.
            return cursor.sql(select.sql("duckdb")).to_arrow_table(_WHOLE)

    def ask(self, select: exp.Query, tables: Mapping[str, pa.Table]) -> pa.Table:
        """Return what a SELECT over the roll-up, and some tables beside it, gives."""
        with self._connection.cursor() as cursor, told(self._file):
            for name, rows in tables.items():
                cursor.register(name, rows)
            return cursor.sql(select.sql("duckdb")).to_arrow_table()

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _rows(self, sql: str) -> list[tuple[object, ...]]:
        with told(self._file):
            return self._connection.execute(sql).fetchall()

    @contextmanager
    def _transaction(self) -> Generator[None]:
        self._connection.execute("BEGIN TRANSACTION")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise


class DetachedActivity(ActivityStore):
    """A roll-up in memory, apart from the events: it takes rows, and no SELECT over them."""

    dialect = "none"

    def __init__(self) -> None:
        """Make an empty one."""
        super().__init__(connect(Path(":memory:")), Path("memory"))


def open_activity(warehouse: Warehouse, folder: Path) -> Activity:
    """Open the roll-up: where the warehouse is DuckDB or Spark, else in folder/activity.duckdb."""
    if isinstance(warehouse, DuckDBWarehouse):
        return ActivityStore(warehouse.connection, warehouse.file)
    if isinstance(warehouse, ShardedWarehouse):
        from groundswell.store.spark_activity import SparkActivity  # noqa: PLC0415  (an extra)
        from groundswell.store.spark_warehouse import SparkWarehouse  # noqa: PLC0415

        assert isinstance(warehouse, SparkWarehouse)
        return SparkActivity(warehouse)
    file = folder / "activity.duckdb"
    return ActivityStore(connect(file), file)


def between(accounts: tuple[int, int] | None) -> exp.Expr | None:
    """Return the condition that a row is of an account from the first to the last of two."""
    if accounts is None:
        return None
    low, high = (exp.Literal.number(account) for account in accounts)
    return exp.Between(this=exp.column("account"), low=low, high=high)


def casts(names: Sequence[str]) -> list[str]:
    """Return the columns of the roll-up as SQL that gives each its type.

    Raises:
        StoreError: A column is missing or there is one too many.
    """
    sums = [name for name in names if name not in COLUMNS]
    missing = [name for name in COLUMNS if name not in names]
    wrong = [name for name in sums if not (name[:1] == "s" and name[1:].isdecimal())]
    if missing or wrong:
        raise StoreError(
            Problem(
                code="store-activity-columns",
                what=f"The roll-up lacks {missing} and cannot have {wrong}.",
                fix=f"Give {', '.join(COLUMNS)}, and sums as s0, s1, ...",
            )
        )
    sums.sort(key=lambda name: int(name[1:]))
    return [
        *(f"CAST({name} AS INTEGER) AS {name}" for name in COLUMNS),
        *(f"CAST({name} AS DOUBLE) AS {name}" for name in sums),
    ]
