"""The tables that metrics and funnels read: one row per thing, as it was known by a day."""

from __future__ import annotations

from typing import Literal

from groundswell.config.vocabulary import ValueType

DAY: Literal["day"] = "day"
_NUMBER, _TEXT, _FLAG = ValueType.NUMBER, ValueType.TEXT, ValueType.BOOLEAN
Column = ValueType | Literal["day"]

MEASURED: dict[str, dict[str, Column]] = {
    "accounts": {
        "account_id": _TEXT,
        "motion": _TEXT,
        "signed_up": DAY,
        "activated": DAY,
        "qualified": DAY,
        "paid": DAY,
        "is_free_mail": _FLAG,
        "employees": _NUMBER,
        "enterprise_shaped": _FLAG,
        "activated_in_14d": _FLAG,
        "qualified_in_30d": _FLAG,
        "paid_in_90d": _FLAG,
        "worked_before_paying": _FLAG,
        "days_to_activation": _NUMBER,
        "first_arr_cents": _NUMBER,
    },
    "usage": {
        "account_id": _TEXT,
        "motion": _TEXT,
        "day": DAY,
        "active_users_28d": _NUMBER,
        "invites_sent_28d": _NUMBER,
        "invites_accepted_28d": _NUMBER,
        "health": _NUMBER,
        "is_paying": _FLAG,
    },
    "pqls": {
        "account_id": _TEXT,
        "motion": _TEXT,
        "tier": _TEXT,
        "qualified_on": DAY,
        "held_out": _FLAG,
        "handed_over": _FLAG,
        "score": _NUMBER,
        "opportunity_in_60d": _FLAG,
        "converted_in_90d": _FLAG,
        "arr_gained_cents": _NUMBER,
    },
    "handoffs": {
        "account_id": _TEXT,
        "motion": _TEXT,
        "team": _TEXT,
        "owner": _TEXT,
        "urgent": _FLAG,
        "opened_on": DAY,
        "touched_on": DAY,
        "closed_on": DAY,
        "touched": _FLAG,
        "touched_in_time": _FLAG,
        "hours_to_touch": _NUMBER,
        "declined": _FLAG,
        "reassigned": _NUMBER,
        "opportunity": _FLAG,
        "won": _FLAG,
        "converted_in_90d": _FLAG,
        "arr_gained_cents": _NUMBER,
        "pql": _FLAG,
    },
    "opportunities": {
        "account_id": _TEXT,
        "motion": _TEXT,
        "created_on": DAY,
        "closed_on": DAY,
        "closed": _FLAG,
        "won": _FLAG,
        "from_pql": _FLAG,
        "amount_cents": _NUMBER,
        "days_to_close": _NUMBER,
    },
    "movements": {
        "account_id": _TEXT,
        "motion": _TEXT,
        "kind": _TEXT,
        "bucket": _TEXT,
        "day": DAY,
        "arr_cents": _NUMBER,
    },
    "retention": {
        "account_id": _TEXT,
        "motion": _TEXT,
        "day": DAY,
        "opening_cents": _NUMBER,
        "closing_cents": _NUMBER,
        "kept_cents": _NUMBER,
        "expanded": _FLAG,
        "worked": _FLAG,
    },
    "balances": {
        "account_id": _TEXT,
        "motion": _TEXT,
        "day": DAY,
        "arr_cents": _NUMBER,
    },
    "costs": {
        "motion": _TEXT,
        "day": DAY,
        "category": _TEXT,
        "acquisition": _FLAG,
        "amount_cents": _NUMBER,
    },
    "settings": {
        "day": DAY,
        "gross_margin": _NUMBER,
    },
    "desks": {
        "rep": _TEXT,
        "day": DAY,
        "capacity": _NUMBER,
        "open": _NUMBER,
    },
}
"""By table, its columns and what they hold; `DAY` for what puts a row into a period."""

JOURNEY_DAYS: tuple[str, ...] = (
    "signed_up",
    "activated",
    "qualified",
    "asked",
    "handed_over",
    "touched",
    "opportunity",
    "won",
    "paid",
    "expanded",
)
"""The days of a journey: one row per account and motion, for funnels."""

JOURNEY: dict[str, Column] = {
    "account_id": _TEXT,
    "motion": _TEXT,
    "worked": _FLAG,
    "held_out": _FLAG,
    **dict.fromkeys(JOURNEY_DAYS, DAY),
}


def readable(table: str) -> dict[str, ValueType]:
    """Return the columns of a table that expressions may read."""
    return {name: kind for name, kind in MEASURED[table].items() if isinstance(kind, ValueType)}


def days_of(table: str) -> list[str]:
    """Return the columns of a table that hold days."""
    return [name for name, kind in MEASURED[table].items() if kind == DAY]
