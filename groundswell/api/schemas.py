"""JSON Schema of types that msgspec knows, in the form that an OpenAPI document has it."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

Schema = dict[str, Any]
_REF = "#/components/schemas/{name}"
_NULL: Schema = {"type": "null"}


def components(types: Iterable[Any]) -> Schema:
    """Return the schemas that `schema_of` these types refers to, by name."""
    _, found = msgspec.json.schema_components(tuple(types), ref_template=_REF)
    return {name: _tidy(schema) for name, schema in found.items()}


def schema_of(of: Any) -> Schema:
    """Return the schema of a type; structs and dataclasses in it are referred to."""
    (schema,), _ = msgspec.json.schema_components((of,), ref_template=_REF)
    return schema


def inlined(of: Any) -> Schema:
    """Return the schema of a type, those that it would refer to in their place."""
    (schema,), found = msgspec.json.schema_components((of,), ref_template=_REF)

    def resolved(value: Any) -> Any:
        if isinstance(value, list):
            return [resolved(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            name = value["$ref"].rpartition("/")[2]
            return resolved({key: item for key, item in found[name].items() if key != "title"})
        return {name: resolved(item) for name, item in value.items()}

    return resolved(schema)


def needing(schema: Schema, names: tuple[str, ...]) -> Schema:
    """Return the schema of an object in which one of some members is there, and is not null."""
    if not names or schema.get("type") != "object":
        return schema
    said = {name: not_null(schema["properties"][name]) for name in names}
    return {
        **schema,
        "anyOf": [{"required": [name], "properties": {name: said[name]}} for name in names],
    }


def not_null(schema: Schema) -> Schema:
    """Return a schema that null does not fit."""
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    if rest.get("default", rest) is None:
        del rest["default"]
    if not rest and "anyOf" not in schema:
        return {"not": _NULL}
    choices = [choice for choice in schema.get("anyOf", ()) if choice != _NULL]
    if len(choices) <= 1:
        return {**(choices[0] if choices else {}), **rest}
    return {"anyOf": choices, **rest}


def parameters(struct: type[msgspec.Struct]) -> list[Schema]:
    """Return the members of a struct as parameters of a query, where nothing stands for null."""
    schema = inlined(struct)
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema["required"],
            "schema": not_null(member),
        }
        for name, member in schema["properties"].items()
    ]


def _tidy(value: Any) -> Any:
    """Return a schema as JSON has it, whose descriptions are not indented as code is."""
    if isinstance(value, list | tuple):
        return [_tidy(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: inspect.cleandoc(item)
        if name == "description" and isinstance(item, str)
        else _tidy(item)
        for name, item in value.items()
    }
