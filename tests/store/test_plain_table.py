"""Reading a file that somebody exported: delimiters, compression, types, and errors."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip

import polars as pl
import pytest

from groundswell.errors import LoadError, UsageError
from groundswell.store.plain_table import read_plain_table

ROWS = {"day": [dt.date(2026, 6, 30), None], "name": ["a,b", "c"], "x": [1.0, 2.5]}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_delimiter_is_seen_in_the_first_line(tmp_path, delimiter):
    path = tmp_path / "t.csv"
    text = f'"day"{delimiter}"name"{delimiter}x\n2026-06-30{delimiter}"a,b"{delimiter}1\n'
    path.write_text(f"{text}NA{delimiter}c{delimiter}2.5\n", encoding="utf-8")
    assert read_plain_table(path).to_dict(as_series=False) == ROWS


def test_compressed_files_byte_order_marks_and_the_other_formats(tmp_path):
    text = b"\xef\xbb\xbfx,y\n1,a\n,b\n"
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text))
    (tmp_path / "a.csv.bz2").write_bytes(bz2.compress(text))
    pl.DataFrame({"x": [1, None], "y": ["a", "b"]}).write_parquet(tmp_path / "a.parquet")
    (tmp_path / "a.jsonl").write_text('{"x": 1, "y": "a"}\n{"x": null, "y": "b"}\n')
    for name in ("a.csv.gz", "a.csv.bz2", "a.parquet", "a.jsonl"):
        found = read_plain_table(tmp_path / name).to_dict(as_series=False)
        assert found == {"x": [1, None], "y": ["a", "b"]}, name


def test_a_type_that_shows_late_is_seen(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x\n" + "1\n" * 5_000 + "2.5\n", encoding="utf-8")
    assert read_plain_table(path)["x"].dtype == pl.Float64


@pytest.mark.parametrize(
    ("name", "content", "error", "said"),
    [
        ("none.csv", None, LoadError, "There is no file"),
        ("table.xlsx", b"", UsageError, "does not tell how the file is written"),
        ("bad.parquet", b"no parquet", LoadError, "cannot be read as parquet"),
        ("bad.csv", b"x,y\n1,2\n1,2,3,4\n", LoadError, "cannot be read as csv"),
        ("empty.csv", b"", LoadError, "cannot be read as csv"),
        ("bad.csv.gz", b"no gzip", LoadError, "cannot be read as csv"),
        ("latin.csv", "x\né\n".encode("latin-1"), LoadError, "UTF-8"),
        ("bad.jsonl", b'{"x": 1}\n{"x": ', LoadError, "cannot be read as jsonl"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path, name, content, error, said):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=said):
        read_plain_table(tmp_path / name)
