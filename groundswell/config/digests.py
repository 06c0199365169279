"""Short hashes of definitions: equal when everything they say is equal."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from pydantic import BaseModel

from groundswell.config.expressions import Expression


def digest(value: object, *, length: int = 16) -> str:
    """Return a hash of a definition's content, in so many hexadecimal digits.

    Two definitions that differ in the order of a mapping's keys only are equal.

    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def _plain(value: object) -> Any:
    if isinstance(value, Expression):
        return value.text
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    if dataclasses.is_dataclass(value):
        return {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, AbstractSet):
        return sorted(value)
    return str(value)
