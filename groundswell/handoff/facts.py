"""What a brief knows of an account in figures: the company, its usage, its limits, its intent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.config.sentences import write_amount, write_value
from groundswell.handoff.brief import Fact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from groundswell.handoff.brief import Story
    from groundswell.model import Scalar


def account_facts(story: Story, currency: str) -> Iterator[Fact]:
    """Yield what kind of company an account is, and what it pays and could."""
    values = story.values
    if story.domain:
        yield Fact("Domain", story.domain)
    for label, name in (
        ("Employees", "employees"),
        ("Industry", "industry"),
        ("Country", "country"),
        ("People here", "users_total"),
        ("Plan", "plan"),
    ):
        value = values.get(name)
        if value is not None:
            yield Fact(label, write_value(value))
    mrr = values.get("mrr")
    if isinstance(mrr, int | float) and mrr:
        yield Fact("Pays a month", write_amount(float(mrr), currency=currency))
    acv = values.get("estimated_acv")
    if isinstance(acv, int | float):
        yield Fact("Could be worth a year", write_value(acv, style="money", currency=currency))
    if story.added_arr:
        more = write_value(story.added_arr, style="money", currency=currency)
        yield Fact("More a year", f"about {more}")


def usage_facts(story: Story) -> Iterator[Fact]:
    """Yield since when, by how many and how often it is used, and what most."""
    values = story.values
    age = values.get("account_age_days")
    if isinstance(age, int | float):
        yield Fact("Signed up", _ago(age))
    active = values.get("active_users_28d")
    if isinstance(active, int | float):
        days = values.get("active_days_28d")
        often = f", on {write_value(days)} of 28 days" if isinstance(days, int | float) else ""
        yield Fact("Active people", f"{write_value(active)} in four weeks{often}")
    trend = values.get("usage_trend_28d")
    if isinstance(trend, int | float):
        times = write_value(trend, style="times")
        yield Fact("Against the four weeks before", times)
    yield from story.features


def limit_facts(values: Mapping[str, Scalar]) -> Iterator[Fact]:
    """Yield what the plan allows, and how much of that is used."""
    for label, used, limit in (
        ("Seats", "seats_used", "seat_limit"),
        ("Usage", "usage_ratio", "usage_limit"),
    ):
        of, allowed = values.get(used), values.get(limit)
        if not isinstance(of, int | float) or not isinstance(allowed, int | float):
            continue
        if used == "usage_ratio":
            share = write_value(of, style="percent")
            yield Fact(label, f"{share} of {write_value(allowed)} a month")
        else:
            yield Fact(label, f"{write_value(of)} of {write_value(allowed)}")
    hits = values.get("limit_hits_28d")
    if isinstance(hits, int | float) and hits > 0:
        last = values.get("days_since_limit_hit")
        when = f", last {_ago(last)}" if isinstance(last, int | float) else ""
        yield Fact("Limits hit", f"{_often(hits)} in four weeks{when}")


_INTENT = (
    ("Asked for a person", "hand_raises_28d", "days_since_hand_raised"),
    ("Upgrades started", "upgrades_started_28d", "days_since_upgrade_started"),
    ("Pricing viewed", "pricing_views_28d", "days_since_pricing_viewed"),
    ("Invoice asked for", "invoice_requests_28d", "days_since_invoice_requested"),
    ("Procurement", "procurement_asks_28d", "days_since_procurement_asked"),
    ("Security", "security_asks_28d", "days_since_security_asked"),
    ("Enterprise features looked at", "enterprise_feature_views_28d", None),
    ("Features asked for", "feature_requests_28d", "days_since_feature_requested"),
    ("Tickets", "tickets_28d", "days_since_support_ticket"),
)


def intent_facts(story: Story, values: Mapping[str, Scalar]) -> Iterator[Fact]:
    """Yield what people looked at and asked for, what says most first."""
    for label, name, last in _INTENT:
        count = values.get(name)
        if not isinstance(count, int | float) or count <= 0:
            continue
        days = values.get(last) if last else None
        when = f", last {_ago(days)}" if isinstance(days, int | float) else ""
        yield Fact(label, f"{_often(count)} in four weeks{when}")
    for request in story.requests:
        yield Fact("Ticket", request)


def _often(count: float) -> str:
    return write_value(count, style="often")


def _ago(days: float) -> str:
    return write_value(days, style="ago")
