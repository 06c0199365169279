"""The engines whose SQL is compiled and compared as text, but which do not run here.

No server of theirs runs on a laptop or in a test, so a promise that they give equal results
could not be kept. What is known is said as data: the dialect, and the way to their events today.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from groundswell.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class CompiledDialect:
    """An engine that is compiled for and not run here.

    Attributes:
        name: The engine's name in words.
        dialect: sqlglot's name of its SQL.
        reason: Why it does not run here.
        export: The statement that hands its events over as Parquet.
    """

    name: str
    dialect: str
    reason: str
    export: str

    def problem(self) -> Problem:
        """Say that the engine does not run here, and what to do instead."""
        return Problem(
            code="store-compiled-only",
            what=(
                f"{self.name} does not run here: its SQL is compiled and tested as text only. "
                f"{self.reason}"
            ),
            fix=(
                f"Export the events with {self.export} and `groundswell load events *.parquet`, "
                "or point `warehouse:` at duckdb, postgresql://... or spark://...?path=DIR."
            ),
        )


COMPILED: Mapping[str, CompiledDialect] = MappingProxyType(
    {
        "snowflake": CompiledDialect(
            name="Snowflake",
            dialect="snowflake",
            reason="It is a hosted service with no server to test against.",
            export="`COPY INTO @stage ... FILE_FORMAT = (TYPE = PARQUET)`",
        ),
        "bigquery": CompiledDialect(
            name="BigQuery",
            dialect="bigquery",
            reason="It is a hosted service with no server to test against.",
            export="`EXPORT DATA OPTIONS (format = 'PARQUET', ...)`",
        ),
        "clickhouse": CompiledDialect(
            name="ClickHouse",
            dialect="clickhouse",
            reason="No driver for it is among the dependencies yet.",
            export="`SELECT ... INTO OUTFILE 'events.parquet' FORMAT Parquet`",
        ),
        "databricks": CompiledDialect(
            name="Databricks",
            dialect="databricks",
            reason="It is a hosted service with no server to test against.",
            export="`INSERT OVERWRITE DIRECTORY ... USING PARQUET`",
        ),
    }
)
