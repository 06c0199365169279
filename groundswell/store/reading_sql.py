"""Compiling a shape into the one query that turns their rows into ours.

Three steps: `picked` takes a value out of the source for each column of ours, `typed` reads it as
what it should be, and the last adds the number of the first check that fails. The checks are
listed in the order in which a row is judged, so every row has at most one reason.
"""

# ruff: noqa: S608 - names and texts of users come through quote_name and quote_text only

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundswell.config.columns import COLUMNS, CanonicalColumn, ColumnType
from groundswell.config.shape import PROPERTY, Column, Shape
from groundswell.model import Kind
from groundswell.store.reading_only import compile_only
from groundswell.store.reading_origin import (
    LINE,
    ROW,
    LineOrigin,
    Native,
    Origin,
    TableOrigin,
    Value,
    quote_name,
    quote_text,
)
from groundswell.store.reading_types import typed_sql
from groundswell.store.reading_verbatim import (
    MESSAGE_ID,
    PROPERTIES,
    SUSPECT,
    Verbatim,
    may_stand,
)

if TYPE_CHECKING:
    from datetime import datetime

# Ids that a program writes when it has none: rows of many people would become one.
JUNK_IDS = (
    "undefined", "null", "NULL", "None", "none", "nil", "NaN", "nan", "(null)", "<nil>",
    "[object Object]", "not_authenticated", "anonymous", "N/A", "n/a",
)  # fmt: skip
LONGEST_ID = 1_000


@dataclass(frozen=True, slots=True)
class Check:
    """One thing a row must pass: its code, the column it is about, and SQL that finds fault."""

    code: str
    column: str
    sql: str


@dataclass(frozen=True, slots=True)
class Query:
    """A shape, compiled against one source.

    Attributes:
        rows: SQL over the table `raw`: canonical columns, the row's number, `__problem`,
            `__suspect`.
        texts: SQL over `raw` and `wanted`, which holds row numbers: each value as it stood,
            in text, for telling what is wrong.
        checks: What `__problem` counts, from 1.
        times: Time columns that are read from the source, with what arrives there.
        verbatim: Columns that `rows` leaves out, to be taken from the source as they stand.
    """

    rows: str
    texts: str
    checks: tuple[Check, ...]
    times: dict[str, Native]
    verbatim: dict[str, Verbatim]


def compile_query(
    shape: Shape, origin: Origin, *, source: str, received_at: datetime, look_for_nul: bool = False
) -> Query:
    """Return the query that reads rows of `origin` as records of the shape's kind.

    Args:
        shape: How their columns become ours.
        origin: What the rows look like to SQL.
        source: Name the events are kept under.
        received_at: When the load runs; events that do not say when they came, came then.
        look_for_nul: Whether text columns may hold NUL characters.
    """
    compiler = _Compiler(shape, origin, source=source, received_at=received_at)
    compiler.look_for_nul = look_for_nul
    return compiler.query()


class _Compiler:
    """Holds what the steps share while one query is written."""

    def __init__(self, shape: Shape, origin: Origin, *, source: str, received_at: datetime) -> None:
        self.shape = shape
        self.source = source
        self.received_at = received_at
        self.now = f"TIMESTAMPTZ {quote_text(received_at.isoformat())}"
        self.origin = origin
        self.columns = COLUMNS[shape.kind]
        self.look_for_nul = False
        self.values: dict[str, Value] = {}
        for name, column in shape.columns.items():
            value = self._value(column)
            if value is not None:
                self.values[name] = value
        self.verbatim = self._verbatim()

    # --- picking ------------------------------------------------------------------------------

    def _value(self, column: Column) -> Value | None:
        found = [value for path in column.paths if (value := self.origin.find(path))]
        found = [self._excluding(value, column) for value in found]
        if column.constant is not None:
            text = str(column.constant)
            if isinstance(column.constant, bool):
                text = text.lower()
            found.append(Value(quote_text(text), Native.TEXT))
        if not found:
            return None
        if len(found) == 1:
            return found[0]
        natives = {value.native for value in found}
        native = natives.pop() if len(natives) == 1 else Native.TEXT
        items = [
            value.sql if value.native is native else f"CAST({value.sql} AS VARCHAR)"
            for value in found
        ]
        return Value(
            f"COALESCE({', '.join(items)})", native, may_nest=any(v.may_nest for v in found)
        )

    def _excluding(self, value: Value, column: Column) -> Value:
        faults: list[str] = []
        if column.differs_from and (other := self.origin.find(column.differs_from)):
            faults.append(f"CAST({value.sql} AS VARCHAR) = CAST({other.sql} AS VARCHAR)")
        if column.not_prefix:
            faults.append(f"starts_with({value.sql}, {quote_text(column.not_prefix)})")
        if not faults:
            return value
        # An unknown comparison excludes nothing.
        test = " OR ".join(f"COALESCE({fault}, false)" for fault in faults)
        return Value(
            f"CASE WHEN {test} THEN NULL ELSE {value.sql} END", value.native, value.may_nest
        )

    def _picked(self, *, table: str = "raw") -> str:
        items = [f"{value.sql} AS {quote_name('c_' + name)}" for name, value in self.values.items()]
        rest = self._rest()
        if rest:
            items.append(f"{rest} AS __rest")
        source = table
        where = ""
        if isinstance(self.origin, LineOrigin):
            items += [LINE, "__is_object", "__has_nul", "__is_loose"]
            only = self._only()
            source = self._lines(table)
            where = f" WHERE NOT __is_object OR ({only})" if only else ""
        elif only := self._only():
            where = f" WHERE {only}"
        items.append(ROW)
        return f"SELECT {', '.join(items)} FROM {source}{where}"

    def _only(self) -> str | None:
        return compile_only(self.shape.only, self.origin.find) if self.shape.only else None

    def _lines(self, table: str) -> str:
        """Return SQL that asks each line for all paths at once; a blank line is no row."""
        assert isinstance(self.origin, LineOrigin)
        paths = ", ".join(quote_text(path) for path in self.origin.paths)
        found = f"json_extract_string({LINE}, [{paths}])" if paths else "[]::VARCHAR[]"
        return (
            f"(SELECT {ROW}, CASE WHEN __is_object THEN {LINE} ELSE '{{}}' END AS {LINE}, "
            f"__is_object, __is_object AND contains({LINE}, '\\u0000') AS __has_nul, "
            f"__is_object AND {_loose(LINE)} AS __is_loose, "
            f"CASE WHEN __is_object THEN {found} END AS __found FROM "
            f"(SELECT {ROW}, {LINE}, json_valid({LINE}) "
            f"AND starts_with(ltrim({LINE}, ' \t'), '{{') AS __is_object FROM {table} "
            f"WHERE trim({LINE}, ' \t\r\n') <> ''))"
        )

    def _rest(self) -> str | None:
        taken = [path for column in self.shape.columns.values() for path in column.paths]
        return self.origin.rest(self.shape, used=self.origin.used_by(taken))

    def _verbatim(self) -> dict[str, Verbatim]:
        """Return our columns that are one of theirs, unchanged."""
        if not isinstance(self.origin, TableOrigin) or self.shape.only:
            return {}
        found = {name: self._standing(name, self.origin) for name in self.columns}
        return {name: verbatim for name, verbatim in found.items() if verbatim is not None}

    def _standing(self, name: str, origin: TableOrigin) -> Verbatim | None:
        column = self.shape.columns.get(name)
        of = self.columns[name].type
        if column is None or name not in self.values or of not in _STANDING:
            return None
        if column.constant is not None or column.differs_from or column.not_prefix:
            return None
        if of is ColumnType.JSON and self._properties() != _only(name):
            return None
        sources = [source for path in column.paths if (source := origin.whole(path))]
        known = sum(origin.find(path) is not None for path in column.paths)
        if known != 1 or len(sources) != 1:
            return None
        time = of is ColumnType.TIME
        if not may_stand(origin.schema.field(sources[0]).type, time=time):
            return None
        if time:
            arrival = name == "received_at" and self.shape.kind is Kind.EVENTS
            return Verbatim(sources[0], missing=self.received_at if arrival else None)
        empty = ("{}",) if of is ColumnType.JSON else ()
        return Verbatim(sources[0], nulls=tuple(dict.fromkeys(("", *origin.nulls, *empty))))

    # --- typing -------------------------------------------------------------------------------

    def _typed(self) -> str:
        items = ["*"]
        for name, column in self.columns.items():
            if name not in self.values:
                continue
            sql = typed_sql(
                column, self.values[name], source=quote_name("c_" + name), shape=self.shape
            )
            items.append(f"{sql} AS {quote_name('v_' + name)}")
        return f"SELECT {', '.join(items)} FROM picked"

    # --- judging ------------------------------------------------------------------------------

    def _checks(self) -> list[Check]:
        checks: list[Check] = []
        if isinstance(self.origin, LineOrigin):
            checks.append(Check("bad-json", "", "NOT __is_object"))
            checks.append(Check("nul-character", "", "__has_nul"))
        for name, column in self.columns.items():
            checks += self._column_checks(name, column)
        if self.shape.kind is Kind.EVENTS:
            checks += self._event_checks()
        for name, column in self.columns.items():
            if column.after and name in self.values and column.after in self.values:
                sql = f"{_v(name)} < {_v(column.after)}"
                checks.append(Check("ends-before-start", name, sql))
        return checks

    def _column_checks(self, name: str, column: CanonicalColumn) -> list[Check]:
        if name not in self.values:
            return [Check("missing-value", name, "true")] if column.required else []
        checks = [Check(_BAD[column.type], name, f"{_c(name)} IS NOT NULL AND {_v(name)} IS NULL")]
        if column.type in _TEXTUAL:
            checks = self._text_checks(name, column)
        if column.type is ColumnType.JSON and not isinstance(self.origin, LineOrigin):
            checks.append(Check("nul-byte", name, f"contains({_v(name)}, '\\u0000')"))
        if column.type in (ColumnType.INTEGER, ColumnType.MONEY) and not column.negative:
            checks.append(Check("negative-number", name, f"{_v(name)} < 0"))
        if column.type is ColumnType.TIME and not self._is_event_time(name):
            sql = f"{_v(name)} NOT BETWEEN {_FIRST_INSTANT} AND {_LAST_INSTANT}"
            checks.append(Check("time-out-of-range", name, sql))
        if column.required:
            checks.append(Check("missing-value", name, f"{_v(name)} IS NULL"))
        return checks

    def _text_checks(self, name: str, column: CanonicalColumn) -> list[Check]:
        checks: list[Check] = []
        if self.look_for_nul:
            checks.append(Check("nul-byte", name, f"contains({_v(name)}, chr(0))"))
        if column.type is ColumnType.ID:
            if self.values[name].may_nest:
                checks.append(Check("not-an-id", name, f"{_v(name)}[1] IN ('{{', '[')"))
            if name != "message_id":
                junk = ", ".join(quote_text(word) for word in JUNK_IDS)
                sql = f"strlen({_v(name)}) < 18 AND {_v(name)} IN ({junk})"
                checks.append(Check("junk-id", name, sql))
        if column.type is ColumnType.ID or name == "event":
            checks.append(Check("too-long", name, f"strlen({_v(name)}) > {LONGEST_ID}"))
        if column.type in _PATTERNED:
            sql = f"{_c(name)} IS NOT NULL AND {_v(name)} IS NULL"
            checks.append(Check(_BAD[column.type], name, sql))
        return checks

    def _is_event_time(self, name: str) -> bool:
        return self.shape.kind is Kind.EVENTS and name == "occurred_at"

    def _event_checks(self) -> list[Check]:
        ids = [_v(name) for name in ("user_id", "anonymous_id") if name in self.values]
        nobody = " AND ".join(f"{sql} IS NULL" for sql in ids) or "true"
        checks = [Check("missing-ids", "user_id", nobody)]
        if "received_at" in self.values:
            sql = f"{_v('received_at')} > {self.now} + INTERVAL 24 HOUR"
            checks.append(Check("received-in-future", "received_at", sql))
        if "occurred_at" in self.values:
            late = f"{_v('occurred_at')} > {self._received()} + INTERVAL 24 HOUR"
            early = f"{_v('occurred_at')} < TIMESTAMPTZ '2000-01-01 00:00:00+00'"
            checks.append(Check("time-in-future", "occurred_at", late))
            checks.append(Check("time-too-old", "occurred_at", early))
        return checks

    def _received(self) -> str:
        if "received_at" in self.values:
            return f"COALESCE({_v('received_at')}, {self.now})"
        return self.now

    # --- the whole ----------------------------------------------------------------------------

    def query(self) -> Query:
        checks = tuple(self._checks())
        cases = " ".join(f"WHEN {check.sql} THEN {i}" for i, check in enumerate(checks, start=1))
        outputs = [
            f"{self._output(name)} AS {quote_name(name)}"
            for name in self.columns
            if name not in self.verbatim or name == MESSAGE_ID
        ]
        if self.shape.kind is Kind.EVENTS:
            outputs.append(f"{quote_text(self.source)} AS source")
        typed = f"WITH picked AS ({self._picked()}), typed AS ({self._typed()})"
        judged = (
            f"SELECT {ROW}, {', '.join(outputs)}, "
            f"CAST(CASE {cases} ELSE 0 END AS SMALLINT) AS __problem{self._suspect()} FROM typed"
        )
        texts = [f"CAST({_c(name)} AS VARCHAR) AS {quote_name(name)}" for name in self.values]
        if isinstance(self.origin, LineOrigin):
            texts.append(LINE)
        return Query(
            rows=f"{typed} {judged}",
            texts=f"WITH wanted_rows AS (SELECT raw.* FROM raw SEMI JOIN wanted USING ({ROW})), "
            f"picked AS ({self._picked(table='wanted_rows')}) "
            f"SELECT {', '.join([ROW, *texts])} FROM picked",
            checks=checks,
            times={
                name: self.values[name].native
                for name, column in self.columns.items()
                if column.type is ColumnType.TIME and name in self.values
            },
            verbatim=self.verbatim,
        )

    def _suspect(self) -> str:
        """Return SQL of `__suspect`: JSON that may be of a kind that DuckDB alone takes for JSON.

        Properties that are taken as they stand are looked at then.
        """
        if PROPERTIES in self.verbatim:
            return ""
        tests = ["__is_loose"] if isinstance(self.origin, LineOrigin) else []
        if "properties" in self.values:
            tests.append(f"COALESCE({_loose(_v('properties'))}, false)")
        return f", {' OR '.join(tests) or 'false'} AS {SUSPECT}"

    def _output(self, name: str) -> str:
        column = self.columns[name]
        if column.type is ColumnType.JSON:
            return self._properties()
        if name == "received_at" and self.shape.kind is Kind.EVENTS:
            return self._received()
        if name == "message_id":
            return self._message_id()
        if name not in self.values:
            return f"CAST(NULL AS {_SQL_TYPES[column.type]})"
        return _v(name)

    def _properties(self) -> str:
        """Return SQL for the properties: their object, unknown columns, single ones asked for."""
        parts: list[str] = []
        if self._rest():
            parts.append("__rest")
        if "properties" in self.values:
            parts.append(_v("properties"))
        single = [name for name in self.values if name.startswith(PROPERTY)]
        if single:
            pairs = [f"{quote_text(name.removeprefix(PROPERTY))}, {_c(name)}" for name in single]
            parts.append(f"json_strip_nulls(json_object({', '.join(pairs)}))")
        if not parts:
            return "CAST(NULL AS VARCHAR)"
        merged = parts[0]
        for part in parts[1:]:
            merged = f"json_merge_patch(COALESCE({merged}, '{{}}'), COALESCE({part}, '{{}}'))"
        return f"NULLIF(CAST({merged} AS VARCHAR), '{{}}')"

    def _message_id(self) -> str:
        """Return SQL for the message's id, or the hash of the event where it has none.

        The hash covers what the event says, however it was written: values as text, properties
        by name. Null where properties nest: those are settled apart (`NESTED_FINGERPRINT`).
        """
        properties = self._properties()
        facts = ["user_id", "anonymous_id", "account_id", "event"]
        items = [f"COALESCE({_v(name)}, '')" if name in self.values else "''" for name in facts]
        if "occurred_at" not in self.values:
            return "CAST(NULL AS VARCHAR)"
        items.append(f"CAST(epoch_us({_v('occurred_at')}) AS VARCHAR)")
        items.append(f"COALESCE({_flat(properties)}, '')")
        hashed = (
            f"CASE WHEN {_nests(properties)} THEN NULL "
            f"ELSE md5(concat_ws(chr(31), {', '.join(items)})) END"
        )
        if "message_id" not in self.values:
            return hashed
        own = "" if MESSAGE_ID in self.verbatim else f" ELSE {_v('message_id')}"
        return f"CASE WHEN {_v('message_id')} IS NULL THEN {hashed}{own} END"


def _c(name: str) -> str:
    return quote_name("c_" + name)


def _v(name: str) -> str:
    return quote_name("v_" + name)


def _only(name: str) -> str:
    """Return the SQL of properties that come from one column and nothing else."""
    return f"NULLIF(CAST({_v(name)} AS VARCHAR), '{{}}')"


def _loose(text: str) -> str:
    """Return SQL that finds what may be a trailing comma, a NaN or an infinity."""
    return rf"regexp_matches({text}, '(?i),\s*[}}\]]|[:,\[]\s*-?(?:nan|inf)')"


def _nests(properties: str) -> str:
    return f"COALESCE(strpos({properties}[2:], '{{') > 0 OR contains({properties}, '['), false)"


def _flat(properties: str) -> str:
    entries = f"map_entries(CAST(CAST({properties} AS JSON) AS MAP(VARCHAR, VARCHAR)))"
    present = f"list_filter(list_sort({entries}), lambda e: e.value IS NOT NULL)"
    texts = f"list_transform({present}, lambda e: e.key || '=' || e.value)"
    # A key written twice has no one value; the text then speaks for itself.
    return f"COALESCE(TRY(array_to_string({texts}, chr(30))), {properties})"


# Over the table `nested`: events without an id whose properties nest.
NESTED_FINGERPRINT = f"""
WITH leaves AS (
    SELECT n.{ROW}, string_agg(t.fullkey || '=' || (t.atom ->> '$'), chr(30) ORDER BY t.fullkey)
        AS said
    FROM nested AS n, json_tree(n.properties) AS t
    WHERE t.atom IS NOT NULL AND (t.atom ->> '$') IS NOT NULL
    GROUP BY n.{ROW}
)
SELECT md5(concat_ws(
        chr(31), COALESCE(n.user_id, ''), COALESCE(n.anonymous_id, ''), COALESCE(n.account_id, ''),
        n.event, CAST(epoch_us(n.occurred_at) AS VARCHAR), COALESCE(l.said, '')
    )) AS message_id
FROM nested AS n LEFT JOIN leaves AS l USING ({ROW})
ORDER BY n.{ROW}
"""

_BAD = {
    ColumnType.ID: "bad-text",
    ColumnType.TEXT: "bad-text",
    ColumnType.EMAIL: "bad-email",
    ColumnType.DOMAIN: "bad-domain",
    ColumnType.TIME: "bad-time",
    ColumnType.DATE: "bad-date",
    ColumnType.INTEGER: "bad-number",
    ColumnType.MONEY: "bad-money",
    ColumnType.BOOLEAN: "bad-boolean",
    ColumnType.JSON: "bad-properties",
}
_PATTERNED = (ColumnType.EMAIL, ColumnType.DOMAIN)
_TEXTUAL = (ColumnType.ID, ColumnType.TEXT, *_PATTERNED)
_STANDING = (ColumnType.ID, ColumnType.TEXT, ColumnType.TIME, ColumnType.JSON)
_SQL_TYPES = {
    ColumnType.TIME: "TIMESTAMPTZ",
    ColumnType.DATE: "DATE",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.MONEY: "DECIMAL(18, 2)",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.ID: "VARCHAR",
    ColumnType.TEXT: "VARCHAR",
    ColumnType.EMAIL: "VARCHAR",
    ColumnType.DOMAIN: "VARCHAR",
}
_FIRST_INSTANT = "TIMESTAMPTZ '1970-01-02 00:00:00+00'"
_LAST_INSTANT = "TIMESTAMPTZ '2200-01-01 00:00:00+00'"
