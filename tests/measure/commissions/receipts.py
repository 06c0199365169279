"""Receipts, accounts and plans for the tests of commissions."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import polars as pl

from groundswell.config.commission_schema import CommissionsBlock
from groundswell.config.commissions import CommissionPlan, resolve_commissions
from groundswell.config.findings import Findings
from groundswell.measure.commissions import DISPUTES, EMPLOYEES, RECEIPTS

REP, OTHER = "rep@acme.example", "other@acme.example"
START = dt.date(2026, 1, 1)


def day(after: int) -> dt.date:
    return START + dt.timedelta(days=after)


def shipped(**differs) -> CommissionPlan:
    plan = resolve_commissions(CommissionsBlock.as_shipped(), findings=Findings({}))
    return replace(plan, **differs)


def receipt(receipt_id: str, on: int, movement: str, cents: int, **more) -> dict:
    told = {
        "receipt_id": receipt_id,
        "account_id": "a",
        "day": day(on),
        "movement": movement,
        "amount_cents": cents,
        "plan": "team",
        "bucket": "sales_converted",
        "rep": REP,
        "motion": "sales_assist",
        "opportunity_id": None,
        "self_served": False,
        "footprint": False,
        "base_churned": False,
    }
    return told | more


def receipts(*rows: dict) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=RECEIPTS, orient="row")


def untouched(name: str, cents: int, *, on: int = -40, plan: str = "team") -> dict:
    more = {"account_id": name, "plan": plan, "bucket": "product_sourced", "rep": None}
    return receipt(f"r-{name}", on, "new", cents, **more, self_served=True)


def employees(**known: int | None) -> pl.DataFrame:
    rows = {"account_id": list(known), "employees": list(known.values())}
    return pl.DataFrame(rows, schema=EMPLOYEES)


def disputes(*rows: tuple) -> pl.DataFrame:
    """Return disputes; of all of the line where a row does not end with a share."""
    told = [(*row, *[None] * (len(DISPUTES) - len(row))) for row in rows]
    return pl.DataFrame(told, schema=DISPUTES, orient="row")
