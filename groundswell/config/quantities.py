"""The short texts of groundswell.yaml that stand for a quantity: lengths, shares, prices, zones.

Each `parse_` function is pure; what it cannot take it refuses with a `Misfit`, which says what is
wrong and how to mend it but not where: the caller knows the place.
"""

from __future__ import annotations

import re
import zoneinfo
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal

from groundswell.errors import nearest


class Misfit(ValueError):  # noqa: N818 - no error a user meets; it becomes a Problem
    """A text that does not say what it should."""

    def __init__(self, code: str, what: str, fix: str) -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time; `working` counts working hours only."""

    hours: float
    working: bool = False


@dataclass(frozen=True, slots=True)
class Price:
    """What a plan costs a month; exactly one amount is set. `start` means "from"."""

    per_seat: Decimal | None = None
    flat: Decimal | None = None
    start: bool = False


_DURATION = re.compile(
    r"^(?P<number>\d+(?:\.\d+)?)\s*(?P<working>working\s+)?"
    r"(?P<unit>m|min|minutes?|h|hours?|d|days?|w|weeks?)$"
)
_HOURS = {"m": 1 / 60, "h": 1.0, "d": 24.0, "w": 168.0}
_DAYS = re.compile(r"^(?P<number>\d+)\s*(?P<unit>d|days?|w|weeks?)$")
_HOURS_OF_DAY = re.compile(r"^(\d\d:\d\d)\s*-\s*(\d\d:\d\d)$")
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_WINDOW = re.compile(r"^([1-9][0-9]{0,3}d|lifetime)$")
_QUARTER = re.compile(r"^(\d{4})-Q([1-4])$")
_SHARE = re.compile(r"^(?P<number>-?\d+(?:\.\d+)?)\s*%$")
_PRICE = re.compile(
    r"^(?P<start>from\s+)?(?P<amount>\d+(?:\.\d+)?)(?P<seat>\s+per\s+seat)?"
    r"(?:\s+(?P<period>monthly|yearly))?$"
)
_EMAIL = re.compile(r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$")
_DOMAIN = re.compile(r"^[^\s@/:.]+(\.[^\s@/:.]+)+$")
_NAME = re.compile(r"^[a-z][a-z0-9_]*$")
_CURRENCY = re.compile(r"^[A-Z]{3}$")
_MONTHS_A_YEAR = 12
_WHOLE = 100


def parse_duration(text: object) -> Duration:
    """Return a length such as `24 working hours`, `90 minutes` or `3d`.

    >>> parse_duration("24 working hours")
    Duration(hours=24.0, working=True)
    """
    match = _DURATION.match(str(text).strip())
    if match is None:
        raise Misfit(
            "config-bad-duration",
            f"`{text}` is no length of time.",
            "Write a number and a unit, such as `4 working hours`, `90 minutes` or `3d`.",
        )
    hours = float(match["number"]) * _HOURS[match["unit"][0]]
    return Duration(hours, working=match["working"] is not None)


def parse_days(text: object) -> int:
    """Return a length in whole days, such as `3d` or `2 weeks`.

    >>> parse_days("2 weeks")
    14
    """
    match = _DAYS.match(str(text).strip())
    if match is None:
        raise Misfit(
            "config-bad-duration",
            f"`{text}` is no number of days.",
            "Write it like `3d` or `2 weeks`.",
        )
    return int(match["number"]) * (7 if match["unit"].startswith("w") else 1)


def parse_window(text: object) -> int | None:
    """Return the days of a window such as `28d`; None for `lifetime`.

    >>> parse_window("28d"), parse_window("lifetime")
    (28, None)
    """
    if not _WINDOW.match(str(text)):
        raise Misfit(
            "config-bad-duration",
            f"`{text}` is no window.",
            "Write a number of days, such as `28d`, or `lifetime`.",
        )
    return None if text == "lifetime" else int(str(text)[:-1])


def parse_hours(text: object) -> tuple[time, time]:
    """Return when a working day begins and ends.

    >>> parse_hours("09:00-17:30")
    (datetime.time(9, 0), datetime.time(17, 30))
    """
    match = _HOURS_OF_DAY.match(str(text).strip())
    if match is not None:
        begins, ends = time.fromisoformat(match[1]), time.fromisoformat(match[2])
        if begins < ends:
            return begins, ends
    raise Misfit(
        "config-bad-hours",
        f"`{text}` are no working hours of a day.",
        "Write when they begin and end on the same day, such as `09:00-17:00`.",
    )


def parse_time(text: object) -> time:
    """Return a time of day.

    >>> parse_time("08:30")
    datetime.time(8, 30)
    """
    match = _TIME_OF_DAY.fullmatch(str(text).strip())
    if match is not None:
        return time(int(match[1]), int(match[2]))
    raise Misfit(
        "config-bad-time", f"`{text}` is no time of day.", 'Write it in quotes, such as `"08:00"`.'
    )


def parse_day(text: object) -> date:
    """Return a day.

    >>> parse_day("2026-12-24")
    datetime.date(2026, 12, 24)
    """
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise Misfit(
            "config-bad-day", f"`{text}` is no day.", "Write it like `2026-12-24`."
        ) from None


def parse_quarter(text: object) -> tuple[int, int]:
    """Return the year and the number of a calendar quarter.

    >>> parse_quarter("2026-Q1")
    (2026, 1)
    """
    match = _QUARTER.match(str(text).strip())
    if match is None:
        raise Misfit("config-bad-quarter", f"`{text}` is no quarter.", "Write it like `2026-Q1`.")
    return int(match[1]), int(match[2])


def parse_region(text: object) -> tuple[str, str | None]:
    """Return a country, and a part of it, whose public holidays are known.

    >>> parse_region("US-CA"), parse_region("DE")
    (('US', 'CA'), ('DE', None))
    """
    import holidays  # noqa: PLC0415 - only where somebody names a region

    country, _, part = str(text).partition("-")
    known = holidays.list_supported_countries(include_aliases=False)
    if country not in known:
        near = nearest(country, known)
        hint = f"Did you mean `{near}`? " if near else ""
        raise Misfit(
            "config-bad-region",
            f"The public holidays of `{text}` are not known.",
            f"{hint}Write an ISO code such as `DE`, or with a part of the country `US-CA`.",
        )
    if part and part not in known[country]:
        raise Misfit(
            "config-bad-region",
            f"`{part}` is no part of {country} whose public holidays are known.",
            f"Write `{country}`, or one of: {', '.join(known[country]) or 'none'}.",
        )
    return country, part or None


def parse_share(text: object) -> float:
    """Return a percentage as a share of one.

    >>> parse_share("20%")
    0.2
    """
    match = _SHARE.match(str(text).strip())
    if match is None:
        raise Misfit(
            "config-bad-percentage",
            f"`{text}` is no percentage.",
            "Write it like `20%`.",
        )
    number = float(match["number"])
    if not 0 <= number <= _WHOLE:
        raise Misfit(
            "config-bad-percentage",
            f"`{text}` lies outside 0% to 100%.",
            "Write a percentage from `0%` to `100%`.",
        )
    return number / _WHOLE


def parse_price(text: object) -> Price:
    """Return a price a month; yearly ones are divided by twelve, a bare number is monthly.

    >>> parse_price("12 per seat monthly")
    Price(per_seat=Decimal('12'), flat=None, start=False)
    >>> parse_price("from 900 monthly")
    Price(per_seat=None, flat=Decimal('900'), start=True)
    >>> parse_price("4800 yearly").flat
    Decimal('400')
    """
    match = None if isinstance(text, bool) else _PRICE.match(str(text).strip())
    if match is None:
        raise Misfit(
            "config-bad-price",
            f"`{text}` is no price.",
            "Write it like `12 per seat monthly`, `from 900 monthly` or `4800 yearly`, without a "
            "currency sign.",
        )
    amount = Decimal(match["amount"])
    if match["period"] == "yearly":
        amount /= _MONTHS_A_YEAR
    start = match["start"] is not None
    if match["seat"]:
        return Price(per_seat=amount, start=start)
    return Price(flat=amount, start=start)


def parse_zone(text: object) -> zoneinfo.ZoneInfo:
    """Return the time zone of that IANA name.

    >>> parse_zone("Europe/Berlin").key
    'Europe/Berlin'
    """
    try:
        return zoneinfo.ZoneInfo(str(text))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        near = nearest(str(text), sorted(zoneinfo.available_timezones()))
        hint = f"Did you mean `{near}`? " if near else ""
        raise Misfit(
            "config-bad-time-zone",
            f"`{text}` is no time zone.",
            f"{hint}Use an IANA name such as `Europe/Berlin` or `UTC`.",
        ) from None


def parse_email(text: object) -> str:
    """Return the address, in lower case.

    >>> parse_email("Rep1@acme.example")
    'rep1@acme.example'
    """
    if not _EMAIL.match(str(text)):
        raise Misfit(
            "config-bad-email",
            f"`{text}` is no e-mail address.",
            "Write it like `rep1@acme.example`.",
        )
    return str(text).lower()


def parse_domain(text: object) -> str:
    """Return the domain, in lower case.

    >>> parse_domain("Acme.example")
    'acme.example'
    """
    if not _DOMAIN.match(str(text).lower()):
        raise Misfit(
            "config-bad-domain",
            f"`{text}` is no domain.",
            "Write it like `acme.example`, without `https://` or `@`.",
        )
    return str(text).lower()


def parse_name(text: object) -> str:
    """Return a name that can stand in a condition.

    >>> parse_name("exports_28d")
    'exports_28d'
    """
    if not _NAME.match(str(text)):
        raise Misfit(
            "config-bad-name",
            f"`{text}` cannot be a name here.",
            "Use lower-case letters, digits and `_`, and begin with a letter.",
        )
    return str(text)


def parse_currency(text: object) -> str:
    """Return an ISO 4217 code.

    >>> parse_currency("EUR")
    'EUR'
    """
    if not _CURRENCY.match(str(text)):
        raise Misfit(
            "config-bad-currency",
            f"`{text}` is no currency code.",
            "Use the three capital letters of ISO 4217, such as `USD` or `EUR`.",
        )
    return str(text)


def parse_letter(text: object) -> str:
    """Return a single character, such as a delimiter.

    >>> parse_letter(";")
    ';'
    """
    if not isinstance(text, str) or len(text) != 1:
        raise Misfit(
            "config-bad-letter",
            f"`{text}` is not one character.",
            'Write exactly one, such as `";"`; a tab is `"\\t"`.',
        )
    return text


def parse_quote(text: object) -> str:
    """Return what stands around values: a single character, or nothing.

    >>> parse_quote("")
    ''
    """
    return "" if text == "" else parse_letter(text)
