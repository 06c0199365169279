"""The benchmarks run: at a size that says nothing about speed, and nothing is asked of it."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from benchmarks import loading

if TYPE_CHECKING:
    import pytest


def test_loading(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Both formats are loaded, and each line tells rate, CPU and the ratio to the floor."""
    monkeypatch.setattr(sys, "argv", ["loading", "--events", "20K"])
    loading.main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["parquet", "csv", "peak"]
    for line in lines[:2]:
        assert re.search(r"events/s +[\d.]+ CPU s per 1M \(floor [\d.]+\) +[\d.]+ x floor", line)
