"""Checking data against the models of `schema`, and saying what is wrong in the reader's words.

What is wrong is told and taken out; what is left is checked further, so that a mistake in one
block does not hide the mistakes in the others.
"""

from __future__ import annotations

import re
import types
import typing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar, cast

from pydantic import BaseModel, ValidationError

from groundswell.config.findings import Key
from groundswell.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic_core import ErrorDetails

    from groundswell.config.findings import Findings

ModelT = TypeVar("ModelT", bound=BaseModel)

_ROUNDS = 20
_NEEDED = {
    "string": ("text", "Write text; put it in quotes if it looks like a number."),
    "int": ("a whole number", "Write digits without quotes, such as `25`."),
    "float": ("a number", "Write a number without quotes, such as `0.4`."),
    "bool": ("`true` or `false`", "Write `true` or `false` without quotes."),
    "list": ("a list", "Write it like `[one, two]`, or one `- item` a line."),
    "dict": ("a mapping", "Write it like `{key: value}`, or one `key: value` a line."),
    "model": ("a mapping", "Write it like `{key: value}`, or one `key: value` a line."),
}
_BOUNDS = {"greater_than_equal": ("ge", "or more"), "less_than_equal": ("le", "or less")}


@dataclass(slots=True)
class Checked(Generic[ModelT]):
    """What could be kept of a block.

    Attributes:
        value: The model, without the entries that were wrong.
        dropped: Keys of the entries that were taken out.
        indices: For each list that lost items, where each of the others stood.
    """

    value: ModelT
    dropped: set[Key] = field(default_factory=set[Key])
    indices: dict[Key, list[int]] = field(default_factory=dict[Key, list[int]])

    def positions(self, key: Key, length: int) -> list[int]:
        """Return where each item of the list at `key` stood in the file."""
        return self.indices.get(key, list(range(length)))


def _itself(key: Key) -> Key:
    return key


def validate(
    model: type[ModelT],
    data: dict[str, Any],
    *,
    findings: Findings,
    at: Key = (),
    entry: Callable[[Key], Key] = _itself,
) -> Checked[ModelT] | None:
    """Return `data` as a model, without what is wrong.

    Args:
        model: The block.
        data: Plain data of a file.
        findings: Told of everything that is wrong.
        at: Where `data` stands.
        entry: Says for a wrong key which entry is to be taken out with it.

    Returns:
        What could be kept; None when a key that must be there is missing or wrong.
    """
    pruner = _Pruner()
    for round_ in range(_ROUNDS):
        try:
            return Checked(model.model_validate(data), pruner.dropped, pruner.indices)
        except ValidationError as error:
            details = error.errors(include_url=False)
        # Taking something out can make something else go missing: only the first round is told.
        if round_ == 0:
            for detail in details:
                _tell(detail, model, data, at, findings)
        keys = [entry(_written(data, detail["loc"])) for detail in details]
        if any(not key for key in keys):
            return None
        data = cast("dict[str, Any]", pruner.without(data, keys, ()))
    return None


def _written(data: Any, loc: tuple[int | str, ...]) -> Key:
    """Return the part of pydantic's location that stands in the data.

    Pydantic names members of unions and keys of short forms that no file holds.
    """
    key: list[int | str] = []
    here: Any = data
    for part in loc:
        if isinstance(here, dict) and part in here:
            here = cast("dict[int | str, Any]", here)[part]
        elif isinstance(here, list) and isinstance(part, int):
            here = cast("list[Any]", here)[part]
        else:
            continue
        key.append(part)
    return tuple(key)


@dataclass(slots=True)
class _Pruner:
    """Takes entries out of nested data, remembering where the others stood."""

    dropped: set[Key] = field(default_factory=set[Key])
    indices: dict[Key, list[int]] = field(default_factory=dict[Key, list[int]])

    def without(self, data: Any, keys: list[Key], at: Key) -> Any:
        """Return a copy of `data` without the entries at `keys`."""
        heads = {key[0] for key in keys}
        whole = {key[0] for key in keys if len(key) == 1}
        self.dropped.update((*at, head) for head in whole)
        deeper = {head: [k[1:] for k in keys if k[0] == head] for head in heads - whole}

        def kept(head: int | str, value: Any) -> Any:
            return self.without(value, deeper[head], (*at, head)) if head in deeper else value

        if isinstance(data, dict):
            items = cast("dict[str, Any]", data).items()
            return {name: kept(name, value) for name, value in items if name not in whole}
        values = cast("list[Any]", data)
        before = self.indices.get(at, list(range(len(values))))
        stay = [index for index in range(len(values)) if index not in whole]
        self.indices[at] = [before[index] for index in stay]
        return [kept(index, values[index]) for index in stay]


def _tell(
    detail: ErrorDetails, model: type[BaseModel], data: Any, at: Key, findings: Findings
) -> None:
    """Put one of pydantic's errors into the reader's words."""
    kind = detail["type"]
    written = _written(data, detail["loc"])
    key = (*at, *written)
    name = str(key[-1]) if key else ""
    context = detail.get("ctx", {})
    if kind == "misfit":
        at_key = detail["loc"][-1] == "[key]"
        findings.tell(key, context["code"], context["what"], context["fix"], at_key=at_key)
    elif kind == "extra_forbidden":
        owner = _model_at(model, written[:-1])
        fix = did_you_mean(name, _keys_of(owner)) if owner else "Take it out."
        findings.tell(key, "config-unknown-key", f"Unknown key `{name}`.", fix, at_key=True)
    elif kind == "missing":
        missing = str(detail["loc"][-1])
        owner = _model_at(model, written)
        said = _description(owner, missing) if owner else ""
        fix = f"Add `{missing}`. {said}".rstrip()
        findings.tell((*key, missing), "config-missing-key", f"`{missing}` is missing.", fix)
    elif kind in {"literal_error", "enum"}:
        _tell_choice(detail, key, findings)
    elif kind in _BOUNDS:
        bound, words = _BOUNDS[kind]
        what = f"`{name}` is {detail['input']}, which is out of range."
        findings.tell(key, "config-out-of-range", what, f"Use {context[bound]:g} {words}.")
    else:
        stem = kind.split("_", maxsplit=1)[0]
        needed, fix = _NEEDED.get(stem, ("what belongs here", detail["msg"] + "."))
        what = f"`{_subject(key)}` is {_kind_of(detail['input'])}, not {needed}."
        findings.tell(key, "config-wrong-type", what, fix)


def _tell_choice(detail: ErrorDetails, key: Key, findings: Findings) -> None:
    allowed = re.findall(r"'([^']*)'", str(detail.get("ctx", {}).get("expected", "")))
    given = detail["input"]
    if detail["loc"][-1] == "[key]":
        fix = did_you_mean(str(given), allowed)
        findings.tell(key, "config-unknown-key", f"Unknown key `{given}`.", fix, at_key=True)
        return
    said = f"`{given}`" if isinstance(given, str) else _kind_of(given)
    what = f"`{_subject(key)}` cannot be {said}."
    findings.tell(key, "config-unknown-value", what, did_you_mean(str(given), allowed))


def _subject(key: Key) -> str:
    """Return the name that a sentence about `key` uses: its last part that is a word."""
    words = [part for part in key if isinstance(part, str)]
    tail = f"[{key[-1]}]" if key and isinstance(key[-1], int) else ""
    return f"{words[-1]}{tail}" if words else "the file"


def _kind_of(value: object) -> str:
    """Return what a value is, in words; never the value, which may be a secret."""
    names: list[tuple[type | tuple[type, ...], str]] = [
        (bool, "true or false"),
        ((int, float), "a number"),
        (str, "text"),
        (list, "a list"),
        (dict, "a mapping"),
    ]
    return next((name for kind, name in names if isinstance(value, kind)), "empty")


def _keys_of(model: type[BaseModel]) -> list[str]:
    return [info.alias or name for name, info in model.model_fields.items()]


def _description(model: type[BaseModel], key: str) -> str:
    fields = {info.alias or name: info for name, info in model.model_fields.items()}
    return (fields[key].description or "") if key in fields else ""


def _models(annotation: Any) -> Iterator[Any]:
    """Yield the plain types that an annotation allows."""
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        yield from _models(typing.get_args(annotation)[0])
    elif origin in {typing.Union, types.UnionType}:
        for member in typing.get_args(annotation):
            yield from _models(member)
    else:
        yield annotation


def _below(annotation: Any, part: int | str) -> Iterator[Any]:
    """Yield the types that stand under `part` of a value of this type."""
    origin = typing.get_origin(annotation)
    if origin is dict:
        yield from _models(typing.get_args(annotation)[1])
    elif origin is list:
        yield from _models(typing.get_args(annotation)[0])
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, info in annotation.model_fields.items():
            if part in {name, info.alias}:
                yield from _models(info.annotation)


def _model_at(model: type[BaseModel], key: Key) -> type[BaseModel] | None:
    """Return the model that a mapping at `key` is read as."""
    here: list[Any] = [model]
    for part in key:
        here = [below for annotation in here for below in _below(annotation, part)]
    found = (kind for kind in here if isinstance(kind, type) and issubclass(kind, BaseModel))
    return next(found, None)
