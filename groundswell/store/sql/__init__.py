"""Static SQL, kept in files named after the engine it is for.

A file holds named statements: a line `-- name: what_it_is`, comments that say why, the SQL.
"""

from __future__ import annotations

import functools
import re
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@functools.cache
def load_statements(file: str) -> Mapping[str, str]:
    """Return the statements of `file`.sql in this folder by name, in the order they stand."""
    text = (
        resources.files("groundswell.store.sql").joinpath(f"{file}.sql").read_text(encoding="utf-8")
    )
    head, *blocks = re.split(r"^-- name: *(\w+) *$", text, flags=re.MULTILINE)
    assert all(line.startswith("--") for line in head.split("\n") if line), file
    names = blocks[0::2]
    bodies = ("\n".join(_code(body)) for body in blocks[1::2])
    return MappingProxyType(dict(zip(names, bodies, strict=True)))


def _code(body: str) -> list[str]:
    return [line for line in body.strip().split("\n") if not line.startswith("--")]
