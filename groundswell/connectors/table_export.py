"""Files: accounts and tasks as tables that a warehouse loads, in Parquet or CSV.

A part file is whole or not there, is named by the keys in it, and lies in the folder of the day its
deliveries were decided. A delivery that is in the day's parts already is not written again.
"""

from __future__ import annotations

import hashlib
import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from groundswell.connectors.budget import DestinationError
from groundswell.connectors.deliveries import (
    ACCOUNT_FIELDS,
    AccountValues,
    DeliveryKind,
    Outcome,
    Task,
)
from groundswell.connectors.destination import DestinationType, Finding
from groundswell.connectors.settings import Settings
from groundswell.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundswell.connectors.deliveries import Delivery
    from groundswell.connectors.destination import Context
    from groundswell.model import Scalar

TABLES = {DeliveryKind.ACCOUNT: "dim_accounts", DeliveryKind.TASK: "fct_pql"}
"""By kind of delivery, the table it is a row of."""

_MOMENT = pl.Datetime("us", "UTC")
_COMPANY: dict[str, pl.DataType | type[pl.DataType]] = {
    "account_id": pl.String,
    "name": pl.String,
    "domain": pl.String,
    "employees": pl.Int64,
    "industry": pl.String,
    "country": pl.String,
}
_TYPES: dict[str, type[pl.DataType]] = {
    "number": pl.Float64,
    "text": pl.String,
    "long_text": pl.String,
    "flag": pl.Boolean,
    "day": pl.Date,
}
COLUMNS: dict[DeliveryKind, dict[str, Any]] = {
    DeliveryKind.ACCOUNT: {
        "key": pl.String,
        "made_at": _MOMENT,
        **_COMPANY,
        "owner": pl.String,
        **{name: _TYPES[each.kind] for name, each in ACCOUNT_FIELDS.items()},
    },
    DeliveryKind.TASK: {
        "key": pl.String,
        "made_at": _MOMENT,
        **_COMPANY,
        "handoff_id": pl.String,
        "owner": pl.String,
        "subject": pl.String,
        "text": pl.String,
        "due_at": _MOMENT,
        "urgent": pl.Boolean,
    },
}
"""By kind of delivery, the columns of its table."""


class ExportSettings(Settings, frozen=True):
    """Where files are written.

    Attributes:
        folder: Of the tables; made where it is missing.
        format: Of the files.
    """

    folder: str
    format: Literal["parquet", "csv"] = "parquet"


class ExportDestination:
    """A folder with a table for each kind."""

    def __init__(self, settings: ExportSettings, context: Context) -> None:
        self._folder = Path(settings.folder).expanduser()
        self._format = settings.format
        self._context = context

    def check(self) -> list[Finding]:
        """See that the folder may be written to; nothing is made."""
        there = self._folder
        while not there.exists() and there != there.parent:
            there = there.parent
        ok = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
        fix = "" if ok else f"Let Groundswell write to {there}, or set another `folder`."
        said = f"{self._folder} {'may' if ok else 'cannot'} be written to"
        return [Finding("folder", ok=ok, said=said, fix=fix)]

    def send(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """Write the deliveries as rows, those of a day into one part file."""
        outcomes: list[Outcome] = []
        try:
            for (kind, day), of_day in _by_day(deliveries).items():
                outcomes += self._write(kind, day, of_day)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise self._unwritable(error) from error
        return outcomes

    def find(self, deliveries: Sequence[Delivery]) -> dict[str, str]:
        """Return key to part file of those that are written."""
        found: dict[str, str] = {}
        try:
            for (kind, day), of_day in _by_day(deliveries).items():
                there = self._keys(kind, day)
                found.update({d.key: there[d.key] for d in of_day if d.key in there})
        except (OSError, pl.exceptions.PolarsError) as error:
            raise self._unwritable(error) from error
        return found

    def close(self) -> None:
        """Nothing is held open."""

    def _write(self, kind: DeliveryKind, day: date, of_day: list[Delivery]) -> list[Outcome]:
        there = self._keys(kind, day)
        outcomes = [Outcome.sent(d, there[d.key]) for d in of_day if d.key in there]
        rows: dict[str, dict[str, Any]] = {}
        new: list[Delivery] = []
        for delivery in of_day:
            if delivery.key in there:
                continue
            try:
                rows[delivery.key] = _row(delivery)
            except ValueError as error:
                outcomes.append(_refused(delivery, f"{error}"))
            else:
                new.append(delivery)
        if rows:
            part = self._put(kind, day, pl.DataFrame(list(rows.values()), schema=COLUMNS[kind]))
            outcomes += [Outcome.sent(delivery, part) for delivery in new]
        return outcomes

    def _put(self, kind: DeliveryKind, day: date, frame: pl.DataFrame) -> str:
        """Write a part file beside its place, then move it there in one step."""
        named = hashlib.sha256("\n".join(sorted(frame["key"])).encode()).hexdigest()[:24]
        place = self._place(kind, day) / f"part-{named}.{self._format}"
        place.parent.mkdir(parents=True, exist_ok=True)
        unfinished = place.with_name(f".{place.name}.unfinished")
        if self._format == "parquet":
            frame.write_parquet(unfinished)
        else:
            frame.write_csv(unfinished)
        _flush(unfinished)
        unfinished.replace(place)
        _flush(place.parent)
        return str(place.relative_to(self._folder))

    def _keys(self, kind: DeliveryKind, day: date) -> dict[str, str]:
        """Return the keys of a day, with the part each is in."""
        found: dict[str, str] = {}
        for part in sorted(self._place(kind, day).glob(f"part-*.{self._format}")):
            name = str(part.relative_to(self._folder))
            if self._format == "parquet":
                keys = pl.read_parquet(part, columns=["key"])["key"]
            else:
                keys = pl.read_csv(part, columns=["key"], schema_overrides={"key": pl.String})[
                    "key"
                ]
            found.update(dict.fromkeys(keys, name))
        return found

    def _place(self, kind: DeliveryKind, day: date) -> Path:
        return self._folder / TABLES[kind] / f"day={day.isoformat()}"

    def _unwritable(self, error: Exception) -> DestinationError:
        return DestinationError(
            Problem(
                code="destination-unwritable",
                what=f"`{self._context.name}` cannot use {self._folder} ({type(error).__name__}).",
                fix="Nothing is lost. Make room, let Groundswell write there, and take away files "
                "that are not its own.",
            )
        )


def _by_day(deliveries: Sequence[Delivery]) -> dict[tuple[DeliveryKind, date], list[Delivery]]:
    grouped: dict[tuple[DeliveryKind, date], list[Delivery]] = {}
    for delivery in deliveries:
        grouped.setdefault((delivery.kind, delivery.made_at.date()), []).append(delivery)
    return grouped


def _row(delivery: Delivery) -> dict[str, Any]:
    """Return a delivery as a row.

    Raises:
        ValueError: A value is not of the kind its column is.
    """
    body = delivery.body
    assert isinstance(body, (AccountValues, Task)), "the export takes accounts and tasks"
    row: dict[str, Any] = {"key": delivery.key, "made_at": delivery.made_at}
    row |= {name: getattr(body.company, name) for name in _COMPANY}
    row["owner"] = body.owner
    if isinstance(body, AccountValues):
        return {**row, **{name: _value(name, body.values.get(name)) for name in ACCOUNT_FIELDS}}
    return {
        **row,
        "handoff_id": delivery.handoff_id,
        "subject": body.subject,
        "text": body.text,
        "due_at": body.due_at,
        "urgent": body.urgent,
    }


def _value(name: str, value: Scalar) -> Any:
    """Return a value as its column holds it."""
    kind = ACCOUNT_FIELDS[name].kind
    if value is None:
        return None
    if kind == "day" and isinstance(value, str):
        return date.fromisoformat(value)
    if kind == "number" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if kind == "flag" and isinstance(value, bool):
        return value
    if kind in {"text", "long_text"} and isinstance(value, str):
        return value
    raise ValueError(f"`{name}` is {value!r}, not a {kind.replace('_', ' ')}")


def _refused(delivery: Delivery, reason: str) -> Outcome:
    fix = "Look at the values of the account: a score is a number, a day is written 2026-03-02."
    return Outcome.refused(delivery, f"{reason}.", fix)


def _flush(path: Path) -> None:
    """See that what was written outlives a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


DESTINATION = DestinationType(
    name="export",
    title="Files",
    doc="Writes accounts and tasks as dated Parquet or CSV files for a warehouse.",
    settings=ExportSettings,
    open=ExportDestination,
    kinds=frozenset(TABLES),
    usual=frozenset({"account", "task"}),
    batch=500,
)
