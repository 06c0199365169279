"""`plans:`, `sources:`, `destinations:`, `warehouse:` and `ledger:` checked and resolved."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import sqlglot
from sqlglot.errors import ParseError, TokenError

from groundswell.config.columns import ALIASES, COLUMNS
from groundswell.config.quantities import parse_price
from groundswell.config.resolved import Plan
from groundswell.config.secrets import inline_secrets, references
from groundswell.config.vocabulary import ValueType
from groundswell.errors import did_you_mean
from groundswell.model import Motion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from groundswell.config.expressions import Expression
    from groundswell.config.findings import Findings, Key
    from groundswell.config.schema import PlanDef, SourceDef, TimeFormat

_PROPERTY = "properties."
_WAREHOUSES = ("duckdb", "postgresql", "spark")
_COMPILED_ONLY = ("snowflake", "bigquery", "clickhouse", "databricks")
_LEDGERS = ("sqlite", "postgresql")
_OFFSET = re.compile(r"%:?z")
_TERM_MONTHS = {"monthly": 1, "yearly": 12}
_WITHOUT_KIND = frozenset({"webhook", "group_type"})  # keys of a source that only sends


def resolve_plans(plans: Mapping[str, PlanDef]) -> dict[str, Plan]:
    """Return the price list in its order, with prices a month."""
    found: dict[str, Plan] = {}
    for name, plan in plans.items():
        price = parse_price(plan.price) if plan.price is not None else None
        found[name] = Plan(
            name=name,
            price_per_seat=price.per_seat if price else None,
            price_flat=price.flat if price else None,
            price_from=price.start if price else False,
            seats=plan.seats,
            usage=plan.usage,
            motion=Motion(plan.motion) if plan.motion else None,
            talk_to_sales=plan.talk_to_sales,
            term_months=_TERM_MONTHS[plan.term] if plan.term else None,
        )
    return found


def check_urls(warehouse: str, ledger: str, *, findings: Findings) -> None:
    """Check that the stores are some that this version can open."""
    _check_url("warehouse", warehouse, _WAREHOUSES, findings)
    _check_url("ledger", ledger, _LEDGERS, findings)


def check_tables(warehouse: str, tables: Sequence[str], *, findings: Findings) -> None:
    """Check that the warehouse keeps tables for others to read, where any are named."""
    if tables and warehouse.startswith("spark://"):
        what = "A warehouse on Spark keeps no tables for others: its folder is Groundswell's alone."
        fix = "Take `tables` out, and load the files of an `export` destination there instead."
        findings.tell(("tables",), "config-tables-unsupported", what, fix)


def _check_url(name: str, url: str, known: tuple[str, ...], findings: Findings) -> None:
    tell_secrets(url, (name,), findings)
    if url.startswith("${") and references(url):
        return
    scheme, colon, rest = url.partition("://")
    if scheme in known and (rest if colon else scheme in {"duckdb", "sqlite"}):
        return
    allowed = ", ".join(s if s in {"duckdb", "sqlite"} else f"{s}://" for s in known)
    if name == "warehouse" and scheme in _COMPILED_ONLY:
        what = f"This version writes SQL for {scheme} but cannot connect to it."
    elif scheme in known:
        what = f"`{name}` does not say which {scheme} to use."
    else:
        what = f"`{name}` cannot be `{scheme}`."
    findings.tell((name,), f"config-{name}-unsupported", what, f"Use one of: {allowed}.")


def tell_secrets(value: Any, key: Key, findings: Findings) -> None:
    """Tell of every secret that is written out; its value is never shown."""
    for spot in inline_secrets(value, key):
        last = next(part for part in reversed(spot) if isinstance(part, str))
        variable = _variable(spot, last)
        what = f"`{last}` holds a secret in plain text."
        fix = f'Put it into the environment and write "${{{variable}}}" here.'
        findings.tell(spot, "config-inline-secret", what, fix)


def _variable(key: Key, last: str) -> str:
    """Return a name for the environment variable that a secret may be put into."""
    name = "_".join(str(part) for part in key if part != key[0]).upper() or last.upper()
    return re.sub(r"\W", "_", name)


def resolve_destinations(
    destinations: Mapping[str, Mapping[str, Any]],
    *,
    types: Mapping[str, ValueType],
    findings: Findings,
) -> dict[str, Expression]:
    """Return the condition (`for`) of each destination that has one."""
    found: dict[str, Expression] = {}
    for name, block in destinations.items():
        key: Key = ("destinations", name)
        tell_secrets(dict(block), key, findings)
        condition = block.get("for")
        if condition is None:
            continue
        if not isinstance(condition, str):
            what = "`for` is no condition."
            fix = "Write it like `for: tier = 'PQL-Enterprise'`."
            findings.tell((*key, "for"), "config-wrong-type", what, fix)
            continue
        parsed = findings.expression(
            (*key, "for"), condition, types=types, expect=ValueType.BOOLEAN
        )
        if parsed is not None:
            found[name] = parsed
    return found


def check_sources(
    sources: Mapping[str, SourceDef], *, findings: Findings, at: Key = ("sources",)
) -> None:
    """Check each source: where it reads from, the columns it maps, how its times are written."""
    for name, source in sources.items():
        key: Key = (*at, name)
        _check_kind(source, key, findings)
        _check_webhook(source, key, findings)
        _check_origin(name, source, key, findings)
        _check_columns(source, key, findings)
        if source.time is not None:
            _check_time(source.time, (*key, "time"), findings)
        for column, time in source.times.items():
            _check_time(time, (*key, "times", column), findings)
        if source.csv.columns is not None and source.csv.header:
            what = "`columns` names the columns of a file that has a header."
            fix = "Add `header: false`, or map names with the source's own `columns`."
            findings.tell((*key, "csv", "columns"), "config-source-shape", what, fix)
        if source.only is not None:
            _check_only(source.only, (*key, "only"), findings)


def _check_kind(source: SourceDef, key: Key, findings: Findings) -> None:
    only_sends = source.webhook is not None and source.model_fields_set <= _WITHOUT_KIND
    if source.kind is None and not only_sends:
        fix = "Add `kind`. The kind of record the rows become."
        findings.tell((*key, "kind"), "config-missing-key", "`kind` is missing.", fix)


def _check_webhook(source: SourceDef, key: Key, findings: Findings) -> None:
    if source.webhook is None:
        return
    at = (*key, "webhook", "secret")
    for index, secret in enumerate(source.webhook.secret or [""]):
        here = (*at, index) if (*at, index) in findings.spots else at
        if secret.strip():
            tell_secrets(secret, here, findings)
        else:
            variable = _variable(here, "secret")
            what = "A webhook without a secret would let anyone in."
            findings.tell(here, "config-empty-secret", what, f'Write "${{{variable}}}".')


def _check_origin(name: str, source: SourceDef, key: Key, findings: Findings) -> None:
    def tell(what: str, fix: str) -> None:
        findings.tell(key, "config-source-shape", what, fix, at_key=True)

    if source.dsn is not None:
        tell_secrets(source.dsn, (*key, "dsn"), findings)
        if source.path is not None:
            tell(f"`{name}` reads from both `path` and `dsn`.", "Keep one.")
        if (source.table is None) == (source.query is None):
            tell(f"`{name}` needs either `table` or `query` with its `dsn`.", "Give exactly one.")
        return
    for word in ("table", "query", "cursor", "overlap"):
        if getattr(source, word) is not None:
            what = f"`{word}` goes with a database, and `{name}` names none."
            fix = 'Add `dsn: "${DSN}"`, or take it out.'
            findings.tell((*key, word), "config-source-shape", what, fix, at_key=True)


def _check_columns(source: SourceDef, key: Key, findings: Findings) -> None:
    if source.kind is None:
        return
    known = [*COLUMNS[source.kind], *ALIASES.get(source.kind, {})]
    for block in ("columns", "constants", "times"):
        for column in getattr(source, block):
            if column in known or column.startswith(_PROPERTY):
                continue
            what = f"`{source.kind}` has no column `{column}`."
            fix = did_you_mean(column, known, noun="Ours")
            findings.tell((*key, block, column), "config-unknown-column", what, fix, at_key=True)


def _check_time(time: TimeFormat, key: Key, findings: Findings) -> None:
    if (time.format is None) == (time.unit is None) and time.format is not None:
        what = "Times are given both a `format` and a `unit`."
        fix = "Keep `format` for text such as `31/12/2025 18:00`, `unit` for epoch numbers."
        findings.tell(key, "config-time-format", what, fix)
    elif time.format is not None and time.zone is None and not _OFFSET.search(time.format):
        what = f"The format `{time.format}` says no time zone, and none is named."
        fix = "Add `zone`, such as `zone: UTC`; a time zone is never guessed."
        findings.tell((*key, "format"), "config-time-format", what, fix)
    elif time.format is None and time.unit is None and time.zone is None:
        what = "It does not say how times are written."
        fix = "Give `format`, `unit` or `zone`."
        findings.tell(key, "config-time-format", what, fix)


def _check_only(text: str, key: Key, findings: Findings) -> None:
    """Check that a condition over their columns parses; what they are called is not known here."""
    try:
        sqlglot.parse_one(f"SELECT 1 WHERE ({text}\n)")
    except (ParseError, TokenError):
        what = f"`{text}` is no SQL condition."
        fix = "Write it like `status = 'active' AND deleted_at IS NULL`."
        findings.tell(key, "config-expression-syntax", what, fix)
