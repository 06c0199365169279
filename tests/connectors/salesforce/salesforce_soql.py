"""SOQL, as much of it as is asked: paths, IN, LIKE, semi-joins; strict about what is no SOQL."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

Row = dict[str, Any]
Test = Callable[[Row], bool]

_TOKENS = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\\n\r]|\\.)*')"
    r"|(?P<moment>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d))"
    r"|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z][\w.]*)"
    r"|(?P<mark>!=|>=|<=|[=<>(),]))"
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "\\": "\\", "'": "'", '"': '"'}
_LONGEST = 100_000


class MalformedError(Exception):
    """It is no SOQL, or names what is not there."""

    def __init__(self, message: str, code: str = "MALFORMED_QUERY") -> None:
        super().__init__(message)
        self.code = code


class Query:
    """One query, parsed against a schema and run over records."""

    def __init__(self, text: str, schema: dict[str, dict[str, Row]]) -> None:
        if len(text) > _LONGEST:
            raise MalformedError("the query is too long", "QUERY_TOO_COMPLICATED")
        self._tokens = list(_tokens(text))
        self._at = 0
        self._schema = schema
        self.columns, self.sobject, self.test, self.order = self._select(None)
        if self._at != len(self._tokens):
            raise MalformedError(f"unexpected token: {self._tokens[self._at]}")

    def run(self, tables: dict[str, dict[str, Row]]) -> list[Row]:
        """Return the rows, as the API shows them."""
        self._tables = tables
        rows = [row for row in tables[self.sobject].values() if self.test(row)]
        if self.order:
            rows.sort(key=lambda row: str(self._value(self.sobject, row, self.order)))
        return [self._shown(row) for row in rows]

    def _shown(self, row: Row) -> Row:
        shown: Row = {"attributes": {"type": self.sobject}}
        for column in self.columns:
            *parents, name = column.split(".")
            place = shown
            for depth, parent in enumerate(parents):
                there = self._parent(self.sobject, row, parents[: depth + 1])
                if there is None:
                    place[parent] = None
                    break
                place = place.setdefault(parent, {"attributes": {}})
            else:
                place[name] = self._value(self.sobject, row, column)
        return shown

    def _select(self, outer: str | None) -> tuple[list[str], str, Test, str | None]:
        self._take("SELECT")
        columns = [self._word()]
        while self._is(","):
            self._take(",")
            columns.append(self._word())
        self._take("FROM")
        sobject = self._word()
        if sobject not in self._schema:
            raise MalformedError(f"sObject type '{sobject}' is not supported.", "INVALID_TYPE")
        if outer == sobject:
            raise MalformedError("The inner and outer selects should not be on the same object")
        for column in columns:
            self._field(sobject, column)
        test: Test = lambda row: True  # noqa: E731
        if self._is("WHERE"):
            self._take("WHERE")
            test = self._either(sobject)
        order = None
        if self._is("ORDER"):
            self._take("ORDER")
            self._take("BY")
            order = self._word()
            self._field(sobject, order)
        return columns, sobject, test, order

    def _either(self, sobject: str) -> Test:
        tests = [self._one(sobject)]
        words: set[str] = set()
        while self._is("AND") or self._is("OR"):
            words.add(self._word().upper())
            if len(words) > 1:
                raise MalformedError("AND and OR need parentheses")
            tests.append(self._one(sobject))
        whole = any if words == {"OR"} else all
        return lambda row: whole(test(row) for test in tests)

    def _one(self, sobject: str) -> Test:
        if self._is("("):
            self._take("(")
            test = self._either(sobject)
            self._take(")")
            return test
        path = self._word()
        field = self._field(sobject, path)
        if not field.get("filterable", True):
            raise MalformedError(f"field '{path}' can not be filtered", "INVALID_FIELD")
        if self._is("NOT") or self._is("IN"):
            inside = not self._is("NOT")
            if not inside:
                self._take("NOT")
            self._take("IN")
            members = self._members(sobject)
            return lambda row: (_folded(self._value(sobject, row, path)) in members()) is inside
        if self._is("LIKE"):
            self._take("LIKE")
            pattern = _pattern(self._text())
            return lambda row: bool(pattern.fullmatch(self._value(sobject, row, path) or ""))
        return self._compared(sobject, path, field)

    def _compared(self, sobject: str, path: str, field: Row) -> Test:
        mark = self._next()[1]
        if mark not in {"=", "!=", "<", ">", "<=", ">="}:
            raise MalformedError(f"unexpected token: {mark}")
        value = self._literal()
        dated = isinstance(value, datetime)
        if value is not None and dated != (field["type"] == "datetime"):
            raise MalformedError(f"filter on '{path}' has the wrong type", "INVALID_FIELD")

        def test(row: Row) -> bool:
            found = self._value(sobject, row, path)
            if mark in {"=", "!="} and not dated:
                return (_folded(found) == _folded(value)) is (mark == "=")
            if found is None:
                return False
            left = datetime.fromisoformat(found) if dated else found
            return {
                "=": left == value,
                "!=": left != value,
                "<": left < value,
                ">": left > value,
                "<=": left <= value,
                ">=": left >= value,
            }[mark]

        return test

    def _members(self, sobject: str) -> Callable[[], set[Any]]:
        self._take("(")
        if self._is("SELECT"):
            columns, inner, test, _ = self._select(sobject)
            self._take(")")
            return lambda: {
                _folded(self._value(inner, row, columns[0]))
                for row in self._tables[inner].values()
                if test(row)
            }
        values = {_folded(self._literal())}
        while self._is(","):
            self._take(",")
            values.add(_folded(self._literal()))
        self._take(")")
        return lambda: values

    def _field(self, sobject: str, path: str) -> Row:
        *parents, name = path.split(".")
        for parent in parents:
            sobject = self._related(sobject, parent)[1]
        field = self._schema[sobject].get(name)
        if field is None:
            raise MalformedError(f"No such column '{name}' on entity '{sobject}'.", "INVALID_FIELD")
        return field

    def _related(self, sobject: str, parent: str) -> tuple[str, str]:
        for name, field in self._schema[sobject].items():
            if field.get("relationshipName") == parent:
                return name, field["refersTo"]
        raise MalformedError(f"no relationship '{parent}' on '{sobject}'", "INVALID_FIELD")

    def _parent(self, sobject: str, row: Row, parents: list[str]) -> Row | None:
        there: Row | None = row
        for parent in parents:
            field, sobject = self._related(sobject, parent)
            there = self._tables[sobject].get((there or {}).get(field) or "")
            if there is None:
                return None
        return there

    def _value(self, sobject: str, row: Row, path: str) -> Any:
        *parents, name = path.split(".")
        there = self._parent(sobject, row, parents)
        return None if there is None else there.get(name)

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise MalformedError("unexpected end of the query")
        self._at += 1
        return self._tokens[self._at - 1]

    def _is(self, word: str) -> bool:
        token = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        return token[0] in {"word", "mark"} and token[1].upper() == word

    def _take(self, word: str) -> None:
        if not self._is(word):
            raise MalformedError(f"expected {word}")
        self._at += 1

    def _word(self) -> str:
        kind, text = self._next()
        if kind != "word":
            raise MalformedError(f"unexpected token: {text}")
        return text

    def _text(self) -> str:
        kind, text = self._next()
        if kind != "text":
            raise MalformedError(f"unexpected token: {text}")
        return text[1:-1]

    def _literal(self) -> Any:
        kind, text = self._next()
        if kind == "text":
            return re.sub(r"\\(.)", lambda found: _escaped(found[1]), text[1:-1])
        if kind == "moment":
            return datetime.fromisoformat(text)
        if kind == "number":
            return float(text)
        named = {"true": True, "false": False, "null": None}
        if text.lower() not in named:
            raise MalformedError(f"unexpected token: {text}")
        return named[text.lower()]


def _tokens(text: str) -> Any:
    at = 0
    while at < len(text.rstrip()):
        found = _TOKENS.match(text, at)
        if found is None:
            raise MalformedError(f"unexpected character at {at}: {text[at : at + 20]}")
        yield str(found.lastgroup), found[str(found.lastgroup)]
        at = found.end()


def _escaped(letter: str) -> str:
    if letter not in _ESCAPES:
        raise MalformedError(f"invalid escape: \\{letter}")
    return _ESCAPES[letter]


def _pattern(text: str) -> re.Pattern[str]:
    parts = {"%": ".*", "_": "."}
    pieces = re.findall(r"\\.|.", text, re.DOTALL)
    found = [
        parts.get(piece)
        or re.escape(piece if len(piece) == 1 else _ESCAPES.get(piece[1], piece[1]))
        for piece in pieces
    ]
    return re.compile("".join(found), re.IGNORECASE | re.DOTALL)


def _folded(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value
