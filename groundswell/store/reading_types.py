"""How a value is read as an instant, a number, a boolean, ...: SQL that yields null if not.

Nothing is guessed. A time counts when it says where on the clock it stands: ISO 8601 with an
offset, an instant of a typed column, or whatever the mapping names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.config.columns import CanonicalColumn, ColumnType
from groundswell.store.reading_origin import Native, Value, quote_text

if TYPE_CHECKING:
    from groundswell.config.schema import TimeFormat
    from groundswell.config.shape import Shape

_UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1}


def typed_sql(column: CanonicalColumn, value: Value, *, source: str, shape: Shape) -> str:
    """Return SQL that reads the picked value `source` as the type of `column`."""
    decimal = shape.dialect.decimal
    match column.type:
        case ColumnType.TIME:
            return time_sql(source, value.native, shape.times.get(column.name))
        case ColumnType.DATE:
            return _date_sql(source, value.native, shape.times.get(column.name))
        case ColumnType.INTEGER:
            return _integer_sql(source, value.native)
        case ColumnType.MONEY:
            return _money_sql(source, value.native, decimal)
        case ColumnType.BOOLEAN:
            return _boolean_sql(source, value.native)
        case ColumnType.JSON:
            opens = f"(starts_with({source}, '{{') OR starts_with(ltrim({source}), '{{'))"
            return f"CASE WHEN {opens} AND json_valid({source}) THEN {source} END"
        case ColumnType.EMAIL:
            text = _text_sql(source, value)
            return rf"CASE WHEN regexp_full_match({text}, '[^@\s]+@[^@\s]+') THEN {text} END"
        case ColumnType.DOMAIN:
            return _domain_sql(_text_sql(source, value))
        case _:
            return _text_sql(source, value)


def _text_sql(source: str, value: Value) -> str:
    if value.native is Native.FLOAT:
        # Other tools make 10803.0 of an id as soon as one row has none.
        whole = f"{source} = trunc({source}) AND abs({source}) < 9007199254740992"
        number = f"CAST(CAST({source} AS BIGINT) AS VARCHAR)"
        return f"CASE WHEN {whole} THEN {number} ELSE CAST({source} AS VARCHAR) END"
    if value.native is not Native.TEXT:
        return f"CAST({source} AS VARCHAR)"
    # Text of typed tables stands as it is, and that of CSV comes trimmed.
    return f"NULLIF(trim({source}), '')" if value.may_nest else source


def _domain_sql(text: str) -> str:
    host = rf"lower(regexp_extract({text}, '^(?:[a-zA-Z]+://)?(?:www\.)?([^/:?#\s]+)', 1))"
    return (
        rf"CASE WHEN regexp_full_match({host}, '[^@.\s]+(\.[^@.\s]+)+') "
        rf"AND NOT regexp_matches({text}, '\s') THEN {host} END"
    )


# --- times ------------------------------------------------------------------------------------


def time_sql(source: str, native: Native, written: TimeFormat | None) -> str:
    """Return SQL that reads an instant; null where it is not written as it is said to be."""
    zone = written.zone if written else None
    unit = written.unit if written else None
    match native:
        case Native.INSTANT:
            return f"CAST({source} AS TIMESTAMPTZ)"
        case Native.LOCAL_TIME | Native.DATE:
            return _in_zone(f"CAST({source} AS TIMESTAMP)", zone)
        case Native.INTEGER | Native.FLOAT | Native.DECIMAL:
            return _from_epoch(source, unit, zone) if unit else "CAST(NULL AS TIMESTAMPTZ)"
        case Native.TEXT:
            return _time_from_text(source, written)
        case _:
            return "CAST(NULL AS TIMESTAMPTZ)"


def _time_from_text(source: str, written: TimeFormat | None) -> str:
    text = f"trim({source})"
    if written and written.unit:
        return _from_epoch(text, written.unit, written.zone)
    if written and written.format:
        parsed = f"try_strptime({text}, {quote_text(written.format)})"
        return parsed if _names_zone(written.format) else _in_zone(parsed, written.zone)
    iso = f"CASE WHEN {_has_offset(text)} THEN TRY_CAST({text} AS TIMESTAMPTZ)"
    if written and written.zone:
        local = (
            rf"regexp_full_match({text}, '\d{{4}}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d([.,]\d+)?)?)?')"
        )
        instant = _in_zone(f"TRY_CAST({text} AS TIMESTAMP)", written.zone)
        return f"{iso} WHEN {local} THEN {instant} END"
    return f"{iso} END"


def _names_zone(format_: str) -> bool:
    return "%z" in format_ or "%Z" in format_


def _has_offset(text: str) -> str:
    offset = " OR ".join(f"substr({text}, -{at}, 1) IN ('+', '-')" for at in (6, 3, 5))
    return (
        f"substr({text}, 11, 1) IN ('T', ' ', 't') AND substr({text}, 5, 1) = '-' "
        f"AND (right({text}, 1) IN ('Z', 'z') OR {offset} OR ends_with({text}, ' UTC'))"
    )


def _in_zone(local: str, zone: str | None) -> str:
    if zone is None:
        return "CAST(NULL AS TIMESTAMPTZ)"
    if zone.upper() in ("UTC", "ETC/UTC", "Z"):
        return f"make_timestamptz(epoch_us({local}))"
    return f"timezone({quote_text(zone)}, {local})"


def _from_epoch(source: str, unit: str, zone: str | None) -> str:
    number = f"TRY_CAST({source} AS DECIMAL(28, 9))"
    if unit == "ns":
        micros = f"TRY_CAST(floor({number} / 1000) AS BIGINT)"
    else:
        micros = f"TRY_CAST(floor({number} * {_UNITS[unit]}) AS BIGINT)"
    bounded = (
        f"CASE WHEN {micros} BETWEEN -62135596800000000 AND 253402300799999999 THEN {micros} END"
    )
    if zone is None or zone.upper() in ("UTC", "ETC/UTC", "Z"):
        return f"make_timestamptz({bounded})"
    return f"timezone({quote_text(zone)}, make_timestamp({bounded}))"


def _date_sql(source: str, native: Native, written: TimeFormat | None) -> str:
    if native in (Native.DATE, Native.LOCAL_TIME, Native.INSTANT):
        return f"CAST({source} AS DATE)"
    if native is not Native.TEXT:
        return "CAST(NULL AS DATE)"
    text = f"trim({source})"
    if written and written.format:
        return f"CAST(try_strptime({text}, {quote_text(written.format)}) AS DATE)"
    return (
        rf"CASE WHEN regexp_full_match({text}, '\d{{4}}-\d\d') "
        rf"THEN TRY_CAST({text} || '-01' AS DATE) "
        rf"WHEN regexp_full_match({text}, '\d{{4}}-\d\d-\d\d') THEN TRY_CAST({text} AS DATE) END"
    )


# --- numbers ----------------------------------------------------------------------------------


def _integer_sql(source: str, native: Native) -> str:
    if native is Native.INTEGER:
        return f"TRY_CAST({source} AS BIGINT)"
    if native in (Native.FLOAT, Native.DECIMAL):
        whole = f"{source} = trunc({source})"
        return f"CASE WHEN {whole} THEN TRY_CAST({source} AS BIGINT) END"
    if native is Native.TEXT:
        text = f"trim({source})"
        whole = rf"regexp_full_match({text}, '[+-]?\d+(\.0*)?')"
        return f"CASE WHEN {whole} THEN TRY_CAST({text} AS BIGINT) END"
    return "CAST(NULL AS BIGINT)"


def _money_sql(source: str, native: Native, decimal: str) -> str:
    """Return SQL for money to two places, half away from zero."""
    if native in (Native.INTEGER, Native.FLOAT, Native.DECIMAL):
        return f"TRY_CAST({source} AS DECIMAL(18, 2))"
    if native is not Native.TEXT:
        return "CAST(NULL AS DECIMAL(18, 2))"
    text = f"trim({source})"
    point = r"\." if decimal == "." else ","
    number = text if decimal == "." else f"replace({text}, ',', '.')"
    pattern = rf"[+-]?(\d+({point}\d*)?|{point}\d+)([eE][+-]?\d{{1,2}})?"
    return (
        f"CASE WHEN regexp_full_match({text}, '{pattern}') "
        f"THEN TRY_CAST({number} AS DECIMAL(18, 2)) END"
    )


def _boolean_sql(source: str, native: Native) -> str:
    if native is Native.BOOLEAN:
        return source
    if native is Native.INTEGER:
        return f"CASE {source} WHEN 1 THEN true WHEN 0 THEN false END"
    if native is Native.TEXT:
        word = f"lower(trim({source}))"
        return (
            f"CASE WHEN {word} IN ('true', 't', 'yes', 'y', '1') THEN true "
            f"WHEN {word} IN ('false', 'f', 'no', 'n', '0') THEN false END"
        )
    return "CAST(NULL AS BOOLEAN)"
