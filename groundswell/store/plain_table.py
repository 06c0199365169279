"""Reading a file as a plain table, with the types that its values show.

This is for a table that somebody exported, to look into; records to be kept go through `reading`,
which guesses nothing.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa

from groundswell.errors import LoadError, Problem
from groundswell.store.reading import expand_paths, format_by_name

if TYPE_CHECKING:
    from pathlib import Path

_DELIMITERS = ",;\t|"
_UNKNOWN = ["", "NA", "N/A", "NaN", "nan", "NULL", "null"]


def read_plain_table(path: str | Path) -> pl.DataFrame:
    """Return the rows of a CSV, JSONL or Parquet file, in their order.

    A CSV file is parted by whichever of comma, semicolon, tab and bar parts its first line most;
    an empty field is unknown, and so is one that says NA or NULL.

    Raises:
        LoadError: The file is not there, or cannot be read.
        UsageError: Its name does not tell how it is written.
    """
    files = expand_paths([path])
    if len(files) > 1:
        told = Problem(
            "file-many", f"`{path}` names {len(files)} files.", "Name one; a table is one file."
        )
        raise LoadError(told)
    (file,) = files
    written = format_by_name(file)
    try:
        if written == "parquet":
            return pl.read_parquet(file)
        with pa.input_stream(str(file)) as stream:  # decompressed as its name says
            text = bytes(stream.read()).removeprefix(codecs.BOM_UTF8)
        if written == "jsonl":
            return pl.read_ndjson(text, infer_schema_length=None)
        return pl.read_csv(
            text,
            separator=_delimiter(text),
            infer_schema_length=None,
            try_parse_dates=True,
            null_values=_UNKNOWN,
        )
    except (OSError, pa.ArrowException, pl.exceptions.PolarsError) as error:
        raise LoadError(
            Problem(
                code="file-unreadable",
                what=f"`{file}` cannot be read as {written}: {_first_line(error)}.",
                fix="Check that it is UTF-8, and that its first line names the columns.",
            )
        ) from None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["it says no more"])[0].rstrip(".")


def _delimiter(text: bytes) -> str:
    """Return what parts the first line, outside of quotes, most; a comma where nothing does."""
    head = text.split(b"\n", 1)[0].decode("utf-8", "replace")
    plain = "".join(head.split('"')[::2])
    return max(_DELIMITERS, key=plain.count)
