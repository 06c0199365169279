"""What the rows of a source look like to SQL, before anything is known of what they mean.

An `Origin` finds their columns and JSON paths and gives the SQL that reads one. There are two: a
table with columns (CSV, Parquet, PostgreSQL), and lines of JSON. SQL is text here, not sqlglot
expressions: it runs on DuckDB alone, within this room, and uses functions that sqlglot rewrites;
whatever a user wrote enters it only through `quote_name` and `quote_text`.
"""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# Arrow ships no types.

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa
import pyarrow.types as pat

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from groundswell.config.shape import Shape

ROW = "__row"
LINE = "__line"


class Native(StrEnum):
    """What a value is when it arrives."""

    TEXT = "text"
    INTEGER = "integer"
    FLOAT = "float"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    INSTANT = "instant"
    LOCAL_TIME = "local time"
    DATE = "date"
    NESTED = "nested"


@dataclass(frozen=True, slots=True)
class Value:
    """SQL that reads one value, and what it yields."""

    sql: str
    native: Native
    may_nest: bool = False


class Origin(Protocol):
    """Finds columns and paths of a source."""

    def find(self, path: str) -> Value | None:
        """Return how to read a path, or None where the source has no such column."""
        ...

    def used_by(self, paths: Iterable[str]) -> set[str]:
        """Return the columns that these paths take whole."""
        ...

    def rest(self, shape: Shape, *, used: set[str]) -> str | None:
        """Return SQL for a JSON object of every column not used, or None when there is none."""
        ...


def quote_name(name: str) -> str:
    """Return a name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """Return text as a SQL literal."""
    return "'" + text.replace("'", "''").replace("\0", "") + "'"


def json_path(path: str) -> str:
    """Return a dotted path as a JSON path with every key quoted.

    A part `[0]` takes an item of a list; a path that begins with `$` is taken as it stands.

    >>> json_path("properties.$groups.company")
    '$."properties"."$groups"."company"'
    >>> json_path("groups.company[0]")
    '$."groups"."company"[0]'
    """
    if path.startswith("$."):
        return path
    parts: list[str] = []
    for part in path.split("."):
        key, bracket, index = part.partition("[")
        item = f"[{index}" if bracket and index[:-1].isdigit() and index.endswith("]") else ""
        name = key if item else part
        parts.append('."' + name.replace('"', '\\"') + f'"{item}')
    return "$" + "".join(parts)


def _key_path(key: str) -> str:
    return '$."' + key.replace('"', '\\"') + '"'


_NATIVE: tuple[tuple[object, Native], ...] = (
    (pat.is_boolean, Native.BOOLEAN),
    (pat.is_integer, Native.INTEGER),
    (pat.is_floating, Native.FLOAT),
    (pat.is_decimal, Native.DECIMAL),
    (pat.is_date, Native.DATE),
    (pat.is_nested, Native.NESTED),
)


def native_of(type_: pa.DataType) -> Native:
    """Return what values of an Arrow type are to us."""
    if pat.is_dictionary(type_):
        return native_of(type_.value_type)
    if isinstance(type_, pa.BaseExtensionType):
        return native_of(type_.storage_type)
    if pat.is_timestamp(type_):
        return Native.INSTANT if type_.tz else Native.LOCAL_TIME
    for test, native in _NATIVE:
        if test(type_):  # pyright: ignore[reportCallIssue]
            return native
    return Native.TEXT


def null_texts(sql: str, nulls: Sequence[str]) -> str:
    """Return SQL that turns the spellings of "no value" into null."""
    for text in dict.fromkeys(("", *nulls)):
        sql = f"NULLIF({sql}, {quote_text(text)})"
    return sql


@dataclass(frozen=True, slots=True)
class TableOrigin:
    """A table with typed columns; CSV is one whose columns are all text."""

    schema: pa.Schema
    nulls: tuple[str, ...] = ("",)
    ignore_case: bool = False
    _names: dict[str, str] = field(default_factory=dict[str, str], init=False)

    def __post_init__(self) -> None:
        """Index the names as they are to be found."""
        for name in self.names:
            self._names.setdefault(self._key(name), name)

    @property
    def names(self) -> list[str]:
        """Their columns, in order."""
        return [name for name in self.schema.names if name != ROW]

    def _key(self, name: str) -> str:
        return name.lower() if self.ignore_case else name

    def _column(self, path: str) -> tuple[str, str] | None:
        """Return (column, rest of the path): the longest prefix that is a column."""
        if self._key(path) in self._names:
            return self._names[self._key(path)], ""
        parts = path.split(".")
        for cut in range(len(parts) - 1, 0, -1):
            head = self._key(".".join(parts[:cut]))
            if head in self._names:
                return self._names[head], ".".join(parts[cut:])
        return None

    def find(self, path: str) -> Value | None:
        """Return how to read a column, or a path into a column that holds JSON."""
        found = self._column(path)
        if found is None:
            return None
        name, rest = found
        native = native_of(self.schema.field(name).type)
        sql = quote_name(name)
        if rest:
            text = f"to_json({sql})" if native is Native.NESTED else sql
            inner = f"json_extract_string({text}, {quote_text(json_path(rest))})"
            guarded = f"CASE WHEN json_valid({text}) THEN {inner} END"
            return Value(null_texts(guarded, self.nulls), Native.TEXT, may_nest=True)
        if native is Native.NESTED:
            return Value(f"CAST(to_json({sql}) AS VARCHAR)", Native.TEXT, may_nest=True)
        if native is Native.TEXT:
            return Value(null_texts(self._text(name), self.nulls), native)
        return Value(sql, native)

    def _text(self, name: str) -> str:
        type_ = self.schema.field(name).type
        plain = pat.is_string(type_) or pat.is_large_string(type_) or pat.is_string_view(type_)
        return quote_name(name) if plain else f"CAST({quote_name(name)} AS VARCHAR)"

    def whole(self, path: str) -> str | None:
        """Return the column that a path is, if it is one and not a path into one."""
        found = self._column(path)
        return found[0] if found and not found[1] else None

    def used_by(self, paths: Iterable[str]) -> set[str]:
        """Return the columns that these paths take whole."""
        found = [self._column(path) for path in paths]
        return {pair[0] for pair in found if pair and not pair[1]}

    def rest(self, shape: Shape, *, used: set[str]) -> str | None:
        """Return SQL for a JSON object of the columns not used, with values of their own type."""
        dropped = {self._key(name) for name in shape.drop}
        names = [
            name
            for name in self.names
            if name not in used
            and self._key(name) not in dropped
            and (shape.keep is None or name in shape.keep)
        ]
        if not names:
            return None
        pairs: list[str] = []
        for name in names:
            if native_of(self.schema.field(name).type) is Native.TEXT:
                value = null_texts(self._text(name), self.nulls)
            else:
                value = quote_name(name)
            pairs.append(f"{quote_text(name)}, {value}")
        return f"json_strip_nulls(json_object({', '.join(pairs)}))"


@dataclass(frozen=True, slots=True)
class LineOrigin:
    """Lines of JSON, one object each; every path is asked of the line at once."""

    nulls: tuple[str, ...] = ("",)
    loose_keys: tuple[str, ...] = ()
    paths: list[str] = field(default_factory=list[str])

    def find(self, path: str) -> Value:
        """Return how to read a path; lines of JSON may hold any.

        A key of `loose_keys` answers to its name in any case.
        """
        asked = [json_path(path)]
        if "." in path and not path.startswith("$."):
            asked.insert(0, _key_path(path))
        asked += [_key_path(key) for key in self._spellings(path)]
        items = [null_texts(f"__found[{self._index(item)}]", self.nulls) for item in asked]
        sql = items[0] if len(items) == 1 else f"COALESCE({', '.join(items)})"
        return Value(sql, Native.TEXT, may_nest=True)

    def _spellings(self, path: str) -> list[str]:
        return [key for key in self.loose_keys if key != path and key.lower() == path.lower()]

    def _index(self, path: str) -> int:
        if path not in self.paths:
            self.paths.append(path)
        return self.paths.index(path) + 1

    def used_by(self, paths: Iterable[str]) -> set[str]:
        """Return the keys that these paths take whole, as far as a path can tell."""
        whole = {path for path in paths if not path.startswith("$.")}
        return whole | {key for path in whole for key in self._spellings(path)}

    def rest(self, shape: Shape, *, used: set[str]) -> str | None:
        """Return SQL for what is left of the line when the keys used are taken out."""
        if shape.keep is not None:
            if not shape.keep:
                return None
            pairs = [
                f"{quote_text(key)}, json_extract({LINE}, {quote_text(json_path(key))})"
                for key in shape.keep
            ]
            return f"json_strip_nulls(json_object({', '.join(pairs)}))"
        gone = sorted(used | set(shape.drop))
        # RFC 7396: a null in a merge patch takes the key away.
        pairs = [f"{quote_text(key)}, NULL" for key in gone]
        return f"json_merge_patch({LINE}, json_object({', '.join(pairs)}))"
