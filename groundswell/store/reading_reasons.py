"""Why a row cannot be used and how to mend it, in words: one entry for each code of a check."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundswell.config.columns import file_name
from groundswell.store.reading_split import Flaw

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from groundswell.config.schema import TimeFormat
    from groundswell.config.shape import Shape
    from groundswell.store.reading_raw import Flawed

_LONGEST_SHOWN = 60
_ISO_LOCAL = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d([.,]\d+)?)?)?")
_ISO_START = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Reason:
    """What is wrong with a row, under a stable name, and how to mend it."""

    code: str
    what: str
    fix: str


@dataclass(frozen=True, slots=True)
class Case:
    """One row that failed a check: the column (in the file's words) and the text it held."""

    shape: Shape
    column: str
    text: str | None
    received_at: datetime

    @property
    def name(self) -> str:
        """The column as a reader of the documentation knows it."""
        return file_name(self.shape.kind, self.column)

    @property
    def shown(self) -> str:
        """The value, cut to a length that fits a line."""
        text = self.text or ""
        return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def reason_for(code: str, case: Case) -> Reason:
    """Return the words for a failed check."""
    if code == "bad-time":
        return time_reason(case)
    what, fix = _WORDS[code](case)
    return Reason("nul-byte" if code == "nul-character" else code, what, fix)


def time_reason(case: Case) -> Reason:
    """Return why a text is no instant: which of the things a mapping must name is missing."""
    written = case.shape.times.get(case.column)
    text = (case.text or "").strip()
    head = f"`{case.name}` is `{case.shown}`"
    if written and written.unit:
        return Reason(
            "time-not-as-said",
            f"{head}, which is not a number of {_UNIT_NAMES[written.unit]} since 1970.",
            "Mend the value, or `time: {unit: ...}` of the source.",
        )
    if written and written.format:
        return Reason(
            "time-not-as-said",
            f"{head}, which is not written as `{written.format}`.",
            "Mend the value, or `time: {format: ...}` of the source.",
        )
    if _ISO_LOCAL.fullmatch(text) and not (written and written.zone):
        return Reason(
            "time-no-zone",
            f"{head}, which does not say its time zone.",
            "Add an offset (`Z`, `+02:00`), or name the zone: `time: {zone: UTC}`.",
        )
    if _NUMBER.fullmatch(text):
        return Reason(
            "time-no-unit",
            f"{head}, a number that does not say what it counts.",
            "Name the unit under the source: `time: {unit: s}` (s, ms, us or ns since 1970).",
        )
    if _ISO_START.match(text):
        return Reason(
            "time-impossible",
            f"{head}, which is no instant of the calendar.",
            "Write ISO 8601 with an offset, such as `2024-03-01T10:00:00Z`.",
        )
    return Reason(
        "time-unreadable",
        f"{head}, which is not ISO 8601.",
        'Name how it is written: `time: {format: "%d-%m-%Y %H:%M", zone: UTC}`.',
    )


_UNIT_NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


def told(written: TimeFormat | None) -> bool:
    """Return whether a mapping says anything about how a time is written."""
    return bool(written and (written.format or written.unit or written.zone))


def time_yaml(source: str, shape: Shape, column: str, code: str) -> str:
    """Return the lines of YAML that would say how a time column is written."""
    lines = {
        "time-no-zone": "{zone: UTC}",
        "time-no-unit": "{unit: s}",
    }
    written = lines.get(code, '{format: "%d-%m-%Y %H:%M", zone: UTC}')
    return (
        f"sources:\n  {source}:\n    kind: {shape.kind}\n"
        f"    times: {{{file_name(shape.kind, column)}: {written}}}"
    )


# --- words ------------------------------------------------------------------------------------

_Words = tuple[str, str]


def _missing(case: Case) -> _Words:
    return (
        f"The row has no `{case.name}`.",
        (
            f"Every row of {case.shape.kind} needs one; another column may hold it: "
            f"`--map {case.name}=THEIRS`."
        ),
    )


def _bad_number(case: Case) -> _Words:
    return (
        f"`{case.name}` is `{case.shown}`, not a whole number.",
        "Write digits only, such as `250`.",
    )


def _bad_money(case: Case) -> _Words:
    example = "1234.50" if case.shape.dialect.decimal == "." else "1234,50"
    return (
        f"`{case.name}` is `{case.shown}`, not an amount of money.",
        (
            f"Write digits without currency or thousands separators, such as `{example}`; "
            "`csv: {decimal: ...}` names the decimal mark."
        ),
    )


def _too_late(case: Case) -> _Words:
    return (
        f"`{case.name}` is `{case.shown}`, more than 24 hours after the row was received.",
        "Correct the clock of the sender, or the `time:` of the source.",
    )


_WORDS: dict[str, Callable[[Case], _Words]] = {
    "missing-value": _missing,
    "missing-ids": lambda _case: (
        "The row has neither `user_id` nor `anonymous_id`.",
        "An event needs someone who did it; map the column that says who: `--map user_id=THEIRS`.",
    ),
    "bad-json": lambda _case: (
        "The line is not one JSON object.",
        "Write one complete object a line, with quoted names and no trailing comma.",
    ),
    "bad-properties": lambda case: (
        f"`{case.name}` is `{case.shown}`, not a JSON object.",
        'Write an object such as `{"plan": "pro"}`, or leave it empty.',
    ),
    "bad-number": _bad_number,
    "bad-money": _bad_money,
    "negative-number": lambda case: (
        f"`{case.name}` is `{case.shown}`, below zero.",
        "Give zero or more; leave it empty where it is unknown.",
    ),
    "bad-boolean": lambda case: (
        f"`{case.name}` is `{case.shown}`, neither true nor false.",
        "Write true or false (also t/f, yes/no, y/n, 1/0).",
    ),
    "bad-date": lambda case: (
        f"`{case.name}` is `{case.shown}`, not a date.",
        "Write `2024-03-01` or `2024-03`, or name the format: `time: {format: ...}`.",
    ),
    "bad-email": lambda case: (
        f"`{case.name}` is `{case.shown}`, not an e-mail address.",
        "Mend it, or leave it empty where it is unknown.",
    ),
    "bad-domain": lambda case: (
        f"`{case.name}` is `{case.shown}`, not a domain.",
        "Write it as in `acme.com`, or leave it empty where it is unknown.",
    ),
    "nul-byte": lambda case: (
        f"`{case.name}` holds a NUL character.",
        "Take it out: no database keeps text with NUL characters.",
    ),
    "nul-character": lambda _case: (
        "The line holds a NUL character (`\\u0000`).",
        "Take it out: no database keeps text with NUL characters.",
    ),
    "not-an-id": lambda case: (
        f"`{case.name}` is `{case.shown}`, a list or an object.",
        f"Give text or a number; name the part that is the id: `--map {case.name}={case.name}.id`.",
    ),
    "junk-id": lambda case: (
        f"`{case.name}` is `{case.shown}`, which programs write when they have no id.",
        f"Leave it empty, or name it as no value: `null: ['', '{case.shown}']` in the source.",
    ),
    "too-long": lambda case: (
        f"`{case.name}` is {len((case.text or '').encode())} bytes long; 1000 are allowed.",
        "Check that the right column is mapped.",
    ),
    "time-in-future": _too_late,
    "received-in-future": lambda case: (
        f"`{case.name}` is `{case.shown}`, more than 24 hours after this load.",
        "Correct the clock of the receiver, or the `times:` of the source.",
    ),
    "time-too-old": lambda case: (
        f"`{case.name}` is `{case.shown}`, before the year 2000.",
        "Check the unit and format under `time:` of the source.",
    ),
    "time-out-of-range": lambda case: (
        f"`{case.name}` is `{case.shown}`, outside 1970-01-02 .. 2199-12-31.",
        "Check the unit and format under `time:`; leave it empty where it is unknown.",
    ),
    "ends-before-start": lambda case: (
        f"`{case.name}` is `{case.shown}`, before the start of the row.",
        "Mend one of the two times.",
    ),
}

_FLAWS: dict[Flaw, tuple[str, str, str]] = {
    Flaw.TOO_FEW: (
        "csv-too-few",
        "The row has {found} fields; the header has {fields}.",
        "Add what is missing, or quote fields that hold line breaks.",
    ),
    Flaw.TOO_MANY: (
        "csv-too-many",
        "The row has {found} fields; the header has {fields}.",
        "Quote fields that hold the delimiter.",
    ),
    Flaw.OPEN_QUOTE: (
        "csv-open-quote",
        "A quote opens on this line and is never closed.",
        "Close it, or double a quote that is part of the text.",
    ),
    Flaw.AFTER_QUOTE: (
        "csv-after-quote",
        "Text follows the closing quote of a field, up to the delimiter.",
        "Double quotes that are part of the text, or name the `escape` under `csv:`.",
    ),
    Flaw.BAD_ENCODING: (
        "bad-encoding",
        "The row holds bytes that are not UTF-8.",
        "Name the encoding under the source: `csv: {{encoding: latin-1}}`.",
    ),
    Flaw.NUL: (
        "nul-byte",
        "The row holds a NUL character.",
        "Take it out: no database keeps text with NUL characters.",
    ),
}


def flaw_reason(record: Flawed, *, fields: int) -> Reason:
    """Return the words for a record whose shape is wrong."""
    code, what, fix = _FLAWS[record.flaw]
    values = {"found": record.fields, "fields": fields}
    return Reason(code, what.format(**values), fix.format(**values))
