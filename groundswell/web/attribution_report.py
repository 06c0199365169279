"""Attribution in words, tables and a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import altair as alt

from groundswell.engine.measuring.attributing import quarter_name
from groundswell.web.document import Picture, Report, Section, Table
from groundswell.web.pictures import BLUE, GREY, ORANGE, WIDTH, Row, data_of, themed
from groundswell.web.weekly_report import BUCKETS
from groundswell.web.wording import counted, named, share

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from groundswell.engine.measuring.attributing import AttributionReport
    from groundswell.engine.measuring.locking import Lock
    from groundswell.measure.attribution import Comparison, Moved, QuarterTotal, Receipt, Total

_COLOURS = {"product_sourced": BLUE, "sales_converted": GREY, "sales_sourced": ORANGE}
_CENTS, _THOUSAND = 100, 1_000
_QUARTERS, _SHOWN = 8, 5
_TAG = (
    "Influenced is a tag: of product-sourced and shared revenue, what sales had a part in. It is "
    "in a bucket already, and never added to anything."
)


def write_attribution(found: AttributionReport) -> Report:
    """Return where the revenue of a quarter came from."""
    name, shown = quarter_name(found.quarter), found.shown
    about = f"{name}, as of {found.as_of}. Recurring revenue a year, in {found.currency}."
    sections: list[Section] = []
    if shown is None:
        verdict = [f"Nothing was gained up to {name}."]
    else:
        verdict = _verdict(shown, name)
        sections += [_buckets(shown), _motions(shown)] if shown.gained_cents else []
        sections.append(_reconciled(shown))
    sections.append(_history(found))
    sections.append(_rules(found))
    if found.next is not None:
        note = (
            "The rules that are written now are others than those of this quarter. They take "
            "effect with the next one; on the revenue of this quarter they would make this "
            "difference:"
        )
        sections.append(_compared("What the edit would change", note, found.next))
    if found.what_if is not None:
        note = "On the revenue of this quarter the other rules would make this difference:"
        sections.append(_compared("What if", note, found.what_if))
    if found.receipts:
        sections.append(_receipts(found.receipts))
    if found.missing:
        note = "Nothing is loaded of these, so nothing was decided by them:"
        sections.append(Section("What is not known", (note,), items=found.missing))
    return Report("Attribution", about, tuple(verdict), tuple(sections))


def draw_buckets(quarters: Sequence[QuarterTotal], currency: str) -> alt.LayerChart:
    """Draw what was gained in each quarter, by bucket."""
    rows: list[Row] = [
        {
            "quarter": quarter_name(quarter.first),
            "bucket": BUCKETS[total.bucket],
            "amount": total.amount_cents / _CENTS / _THOUSAND,
        }
        for quarter in quarters
        for total in quarter.buckets
    ]
    scale = alt.Scale(domain=list(BUCKETS.values()), range=[_COLOURS[bucket] for bucket in BUCKETS])
    chart = (
        alt.Chart(data_of(rows))
        .mark_bar()
        .encode(
            alt.X("quarter:O", title=None, axis=alt.Axis(labelAngle=0)),
            alt.Y("sum(amount):Q", title=f"Gained a year, thousand {currency}"),
            alt.Color("bucket:N", scale=scale, title=None),
        )
    )
    return themed(alt.layer(chart).properties(width=WIDTH))


def _verdict(shown: QuarterTotal, name: str) -> list[str]:
    if not shown.gained_cents:
        return [f"Nothing was gained in {name}."]
    parts = [
        f"{share(one.amount_cents / shown.gained_cents)} {BUCKETS[one.bucket].split(',')[0]}"
        for one in shown.buckets
    ]
    said = [f"{money(shown.gained_cents)} was gained in {name}: {', '.join(parts)}."]
    if shown.unsettled_cents:
        said.append(
            f"{money(shown.unsettled_cents)} of it may yet go to another bucket, where an "
            "opportunity is won or told of late."
        )
    return said


def _buckets(shown: QuarterTotal) -> Section:
    heads = ("bucket", "gained", "gains", "accounts", "to product", "to sales", "influenced")
    rows = [(BUCKETS[one.bucket], *_cells(one)) for one in shown.buckets]
    accounts = {account for one in shown.buckets for account in one.accounts}
    rows.append(
        (
            "all",
            money(shown.gained_cents),
            f"{sum(one.receipts for one in shown.buckets):,}",
            f"{len(accounts):,}",
            money(sum(one.product_cents for one in shown.buckets)),
            money(sum(one.sales_cents for one in shown.buckets)),
            "",
        )
    )
    return Section("Buckets", (_TAG,), Table(heads, tuple(rows)))


def _cells(one: Total) -> tuple[str, ...]:
    return (
        money(one.amount_cents),
        f"{one.receipts:,}",
        f"{len(one.accounts):,}",
        money(one.product_cents),
        money(one.sales_cents),
        "" if one.bucket == "sales_sourced" else money(one.influenced_cents),
    )


def _motions(shown: QuarterTotal) -> Section:
    heads = ("bucket", "motion", "gained", "gains", "accounts")
    rows = tuple(
        (
            BUCKETS[one.bucket],
            (one.motion or "").replace("_", "-"),
            money(one.amount_cents),
            f"{one.receipts:,}",
            f"{len(one.accounts):,}",
        )
        for one in shown.motions
    )
    return Section("By motion", (), Table(heads, rows, frozenset((1,))))


def _reconciled(shown: QuarterTotal) -> Section:
    rows = (
        (f"recurring revenue before {shown.first}", money(shown.opening_cents)),
        *((BUCKETS[one.bucket], money(one.amount_cents)) for one in shown.buckets),
        ("contracted and churned", money(shown.lost_cents)),
        (f"recurring revenue at the end of {shown.last}", money(shown.closing_cents)),
    )
    note = "To the cent; both ends are sums over the subscriptions, told apart from the buckets."
    return Section("Reconciled", (note,), Table(("", "amount"), rows))


def _history(found: AttributionReport) -> Section:
    quarters = found.quarters[-_QUARTERS:]
    locks = {lock.first: lock for lock in found.locks}
    heads = ("quarter", *(BUCKETS[bucket] for bucket in BUCKETS), "all", "rules")
    rows = tuple(
        (
            quarter_name(one.first),
            *(money(total.amount_cents) for total in one.buckets),
            money(one.gained_cents),
            _locked(locks[one.first]),
        )
        for one in quarters
    )
    pictures = (
        Picture(
            "buckets",
            "Where revenue came from",
            "Each quarter by its own rules.",
            draw_buckets(quarters, found.currency),
        ),
    )
    return Section(
        "Quarters",
        (),
        Table(heads, rows, frozenset((5,))),
        pictures=pictures if quarters else (),
    )


def _locked(lock: Lock) -> str:
    return named(lock.version) + ("" if lock.is_locked else ", not locked")


def _rules(found: AttributionReport) -> Section:
    lock = next((one for one in found.locks if one.first == found.quarter), found.locks[-1])
    version = next(one for one in found.versions if one.version == lock.version)
    since = "" if version.since is None else f", known since {version.since:%Y-%m-%d %H:%M} UTC"
    note = f"This quarter is judged by {named(version.version)}{since}."
    if not lock.is_locked:
        note += (
            " It was not locked: no rules were known before the quarter began, so the first that "
            "ever were hold."
        )
    items = tuple(f"{named(key)}: {_said(value)}" for key, value in _flat(version.written))
    return Section("Rules", (note,), items=items)


def _flat(written: dict[str, Any], above: str = "") -> Iterator[tuple[str, object]]:
    for key, value in written.items():
        if isinstance(value, dict):
            yield from _flat(cast("dict[str, Any]", value), f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _said(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, cast("list[object]", value))) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def _compared(heading: str, note: str, compared: Comparison) -> Section:
    moved = [
        *(_moved(one, BUCKETS, "product") for one in compared.buckets),
        *(_moved(one, {}, "nobody", "credited to ") for one in compared.reps),
        *(_moved(one, {}, "not influenced", "tagged ") for one in compared.tags),
    ]
    change = compared.product_after_cents - compared.product_before_cents
    if change:
        moved.append(f"{money(abs(change))} {'more' if change > 0 else 'less'} to the product")
    heads = ("bucket", named(compared.before_rules), named(compared.after_rules))
    rows = tuple(
        (title, money(compared.before_cents[bucket]), money(compared.after_cents[bucket]))
        for bucket, title in BUCKETS.items()
    )
    notes = (note,) if moved else (note, "None: every dollar stays where it is.")
    return Section(heading, notes, Table(heads, rows), items=tuple(moved))


def _moved(one: Moved, titles: dict[str, str], none: str, said: str = "") -> str:
    before, after = (titles.get(name or "", name) or none for name in (one.before, one.after))
    rest = len(one.accounts) - _SHOWN
    more = f" and {counted(rest, 'other')}" if rest > 0 else ""
    return (
        f"{money(one.amount_cents)} {said}{after} instead of {before}: "
        f"{', '.join(one.accounts[:_SHOWN])}{more}"
    )


def _receipts(receipts: Sequence[Receipt]) -> Section:
    heads = ("account", "day", "gained", "bucket", "rep", "why")
    rows = tuple(
        (
            one.account_id,
            str(one.day),
            money(one.amount_cents),
            BUCKETS[one.bucket] + (", influenced" if one.is_influenced else ""),
            one.rep or "",
            one.why,
        )
        for one in receipts
    )
    return Section(
        "Receipts", (), Table(heads, rows, words=frozenset((1, 3, 4)), prose=frozenset((5,)))
    )


def money(cents: int) -> str:
    """Write cents as an amount.

    >>> money(-123456)
    '-1,234.56'
    """
    return f"{cents / _CENTS:,.2f}"
