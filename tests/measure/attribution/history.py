"""Histories of accounts for the tests of attribution: short rows in days, made into frames."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import polars as pl

from groundswell.config.attribution import AttributionRules, resolve_attribution
from groundswell.config.attribution_schema import AttributionBlock
from groundswell.config.findings import Findings
from groundswell.measure.attribution import Facts, Receipt, attribute
from groundswell.measure.recurring import arr_movements

START = dt.date(2026, 1, 1)
ANN, BOB = "ann@ours.example", "bob@ours.example"
_AT = pl.Datetime("us", "UTC")
_ARR = {"account_id": pl.String, "day": pl.Date, "arr_cents": pl.Int64, "plan": pl.String}
_OPPORTUNITIES = {
    "opportunity_id": pl.String,
    "account_id": pl.String,
    "created_at": _AT,
    "closed_at": _AT,
    "won": pl.Boolean,
    "source": pl.String,
    "owner": pl.String,
    "motion": pl.String,
}
_HANDOFFS = {
    "handoff_id": pl.String,
    "account_id": pl.String,
    "owner": pl.String,
    "opened_at": _AT,
    "first_touch_at": _AT,
}
_PQLS = {"account_id": pl.String, "qualified_on": pl.Date, "released_on": pl.Date}
_FEATURES = {
    "account_id": pl.String,
    "as_of": pl.Date,
    "active_users_90d": pl.Float64,
    "active_days_90d": pl.Float64,
    "is_activated": pl.Boolean,
}


def on(after: int) -> dt.date:
    return START + dt.timedelta(days=after)


def at(after: int | None) -> dt.datetime | None:
    return None if after is None else dt.datetime.combine(on(after), dt.time(15), dt.UTC)


def shipped(**differs) -> AttributionRules:
    block = AttributionBlock.as_shipped()
    rules = resolve_attribution(block, windows=("90d",), findings=Findings({}))
    return replace(rules, **differs)


def deal(name="o", account="a", opened=0, closed=None, won=None, **more) -> tuple:
    told = {"source": "outbound", "owner": ANN, "motion": "sales_assist"} | more
    return (name, account, at(opened), at(closed), won, *told.values())


def handed(name="h", account="a", opened=0, touched=None, owner=BOB) -> tuple:
    return (name, account, owner, at(opened), at(touched))


def history(
    *,
    arr=(("a", 100, 12_000),),
    parents=(),
    deals=(),
    touches=(),
    handoffs=(),
    pqls=(),
    used=(),
) -> Facts:
    """Return facts: arr (account, day, total), touches (account, rep, day), PQLs (account, from,
    to), used (account, day, people, active days, activated).
    """
    steps = pl.DataFrame(
        [(account, on(day), cents, "team") for account, day, cents in arr],
        schema=_ARR,
        orient="row",
    )
    names = {account for account, *_ in arr}
    known = {name: name for name in names} | dict(parents)
    crossings = [(a, on(first), on(last) if last is not None else None) for a, first, last in pqls]
    return Facts(
        movements=arr_movements(steps),
        accounts=pl.DataFrame(
            list(known.items()),
            schema={"account_id": pl.String, "parent_id": pl.String},
            orient="row",
        ),
        opportunities=pl.DataFrame(list(deals), schema=_OPPORTUNITIES, orient="row"),
        touches=pl.DataFrame(
            [(account, rep, at(day)) for account, rep, day in touches],
            schema={"account_id": pl.String, "rep": pl.String, "at": _AT},
            orient="row",
        ),
        handoffs=pl.DataFrame(list(handoffs), schema=_HANDOFFS, orient="row"),
        pqls=pl.DataFrame(crossings, schema=_PQLS, orient="row"),
        features=pl.DataFrame(
            [(account, on(day), *rest) for account, day, *rest in used],
            schema=_FEATURES,
            orient="row",
        ),
    )


def judged(facts: Facts, rules: AttributionRules | None = None) -> list[Receipt]:
    held = rules or shipped()
    return attribute(facts, lambda _: held)


def one(rules: AttributionRules | None = None, **told) -> Receipt:
    (receipt,) = judged(history(**told), rules)
    return receipt
