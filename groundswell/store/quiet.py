"""Keeping DuckDB from drawing progress bars of its own."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def silence(connection: DuckDBPyConnection) -> None:
    """Turn the progress bar of a connection off.

    In a notebook without ipywidgets DuckDB refuses any change to it, and draws none either.
    """
    with suppress(duckdb.InvalidInputException):
        connection.execute("SET enable_progress_bar = false")
