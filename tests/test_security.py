"""The threat model is kept: every line of it names tests that are there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINES = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "security.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("|") and "---" not in line
][1:]
LEAST = 25


@cache
def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[0][:60])
def test_each_threat_is_stopped_by_something_that_a_test_proves(line):
    threat, stopped, proved = line
    assert threat
    assert stopped
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", proved)
    assert named
    assert proved.count("`") == 2 * len(named), "another thing is named there"
    for path, name in named:
        assert name.startswith("test_")
        assert name in functions_of(ROOT / path), f"there is no {name} in {path}"


def test_the_table_is_read_at_all():
    assert len(LINES) >= LEAST
