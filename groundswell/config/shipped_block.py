"""Blocks whose every key has its default in a shipped file, so that the file is the only source."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar, Self, cast

from pydantic import BaseModel, ConfigDict, model_validator

from groundswell.config.block import Block
from groundswell.presets import load_preset


def _let_out(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Let every key be left out, and show what then holds."""
    schema.pop("required", None)
    if issubclass(model, ShippedBlock):
        for name, value in shipped_values(model.shipped).items():
            schema["properties"][name]["default"] = value


class ShippedPart(Block):
    """A mapping inside a `ShippedBlock`."""

    model_config = ConfigDict(json_schema_extra=_let_out)


class ShippedBlock(ShippedPart):
    """A block that is completed from `presets/<shipped>.yaml`, its mappings key by key."""

    shipped: ClassVar[str]

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return _completed(cast("dict[str, Any]", data), shipped_values(cls.shipped))

    @classmethod
    def as_shipped(cls) -> Self:
        """Return the block of a file that says nothing about it."""
        return cls.model_validate({})


@cache
def shipped_values(name: str) -> dict[str, Any]:
    """Return what `presets/<name>.yaml` says."""
    return load_preset(f"{name}.yaml")


def _completed(data: dict[str, Any], shipped: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {**shipped, **data}
    for name, value in shipped.items():
        given = data.get(name)
        if isinstance(value, dict) and isinstance(given, dict):
            inner, below = cast("dict[str, Any]", given), cast("dict[str, Any]", value)
            found[name] = _completed(inner, below)
    return found
