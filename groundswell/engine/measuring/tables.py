"""The tables that metrics, funnels and reports read, as they were known by a day.

Facts that happened after the day, and what people decided after it, are left out; so the same day
gives the same tables whenever it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from groundswell.config.measured import JOURNEY, MEASURED
from groundswell.config.vocabulary import ValueType
from groundswell.features.dimensions import ENTERPRISE_EMPLOYEES
from groundswell.model import Motion

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from groundswell.engine.measuring.gathering import Gathered

YEAR = timedelta(days=365)
_TYPES: dict[Any, Any] = {
    ValueType.NUMBER: pl.Float64,
    ValueType.TEXT: pl.String,
    ValueType.BOOLEAN: pl.Boolean,
    "day": pl.Date,
}
LACKING = {
    "movements": "Load `subscriptions` (account_id, plan, mrr, started_at, ended_at).",
    "retention": "Load `subscriptions` that go back a year.",
    "balances": "Load `subscriptions` (account_id, plan, mrr, started_at, ended_at).",
    "opportunities": "Load `opportunities`, or read them back from a CRM.",
    "settings": "Set `measuring.gross_margin` in groundswell.yaml.",
    "costs": "Load `costs` (month, category, amount).",
    "pqls": "Run `groundswell run`: no account has qualified yet.",
    "handoffs": "Run `groundswell run`: no account was handed over yet.",
    "desks": "Name the `members` of `teams` with their `capacity`.",
    "accounts": "Load `events`.",
    "usage": "Load `events`.",
}
"""By table, what to do where it is empty."""


@dataclass(frozen=True)
class Tables:
    """The tables as of a day.

    Attributes:
        as_of: The day.
        named: By name, in the columns of `config.measured.MEASURED`.
        journeys: For funnels, in the columns of `JOURNEY`.
        deals: The opportunities with everything that is known of them.
        missing: By table that is empty, what to do about it.
    """

    as_of: date
    named: dict[str, pl.DataFrame]
    journeys: pl.DataFrame
    deals: pl.DataFrame
    missing: dict[str, str]


def build_tables(known: Gathered) -> Tables:
    """Build every table from what is known by a day."""
    accounts = _accounts(known)
    of_motion = accounts.select("account_id", "motion")
    deals = _opportunities(known, accounts)
    named = {
        "accounts": accounts,
        "pqls": _pqls(known, accounts, deals),
        "handoffs": _handoffs(known, deals),
        "opportunities": deals,
        "movements": _movements(known, of_motion),
        "retention": _retention(known, of_motion),
        "balances": balances(known.arr, known.ends).join(of_motion, on="account_id", how="left"),
        "costs": _costs(known),
        "desks": _desks(known),
        "settings": _settings(known),
        "usage": known.usage.join(of_motion, on="account_id", how="left"),
    }
    fitted = {name: _fit(frame, name) for name, frame in named.items()}
    missing = {name: LACKING[name] for name, frame in fitted.items() if not frame.height}
    return Tables(known.as_of, fitted, _journeys(known, accounts, deals), deals, missing)


def balances(arr: pl.DataFrame, days: Iterable[date]) -> pl.DataFrame:
    """Return what each account pays at the end of some days, where it pays anything.

    Args:
        arr: account_id, day, arr_cents - the total from that day on.
        days: Which days.
    """
    asked = pl.DataFrame({"day": sorted(set(days))}, schema={"day": pl.Date})
    every = arr.select("account_id").unique().join(asked, how="cross").sort("day")
    held = every.join_asof(
        arr.sort("day").select("account_id", "day", "arr_cents"),
        on="day",
        by="account_id",
        check_sortedness=False,
    )
    return held.filter(pl.col("arr_cents") > 0).sort("account_id", "day")


# --- accounts ---------------------------------------------------------------------------------


def _accounts(known: Gathered) -> pl.DataFrame:
    """Return every account with the days on which it came somewhere."""
    first_paid = (
        known.arr.filter(pl.col("arr_cents") > 0)
        .sort("day")
        .group_by("account_id")
        .agg(pl.col("day").first().alias("paid"), pl.col("arr_cents").first())
        .rename({"arr_cents": "first_arr_cents"})
    )
    worked = pl.concat(
        [
            known.touches.select("account_id", pl.col("at").dt.date().alias("day")),
            known.opportunities.select("account_id", pl.col("created_at").dt.date().alias("day")),
            known.handoffs.filter(pl.col("first_touch_at").is_not_null()).select(
                "account_id", pl.col("first_touch_at").dt.date().alias("day")
            ),
        ]
    )
    first_worked = worked.group_by("account_id").agg(pl.col("day").min().alias("worked_on"))
    qualified = known.pqls.group_by("account_id").agg(
        pl.col("qualified_on").min().alias("qualified")
    )
    joined = (
        known.accounts.join(first_paid, on="account_id", how="left")
        .join(first_worked, on="account_id", how="left")
        .join(qualified, on="account_id", how="left")
    )
    signed, activated, paid = pl.col("signed_up"), pl.col("activated"), pl.col("paid")
    return joined.with_columns(
        activated_in_14d=_within(activated - signed, 14),
        qualified_in_30d=_within(pl.col("qualified") - signed, 30),
        paid_in_90d=_within(paid - signed, 90),
        worked_before_paying=(pl.col("worked_on") <= paid.fill_null(known.as_of)).fill_null(
            value=False
        ),
        enterprise_shaped=(
            (pl.col("employees") > ENTERPRISE_EMPLOYEES).fill_null(value=False)
            | pl.col("hand_raised").is_not_null()
            | pl.col("asked_for_enterprise")
        ),
        motion=pl.col("motion").fill_null(str(Motion.SELF_SERVE)),
    )


def _within(after: pl.Expr, days: int) -> pl.Expr:
    return (after <= timedelta(days=days)).fill_null(value=False)


# --- what was handed over ---------------------------------------------------------------------


def _opportunities(known: Gathered, accounts: pl.DataFrame) -> pl.DataFrame:
    """Return the opportunities, each in one motion, and whether a PQL led to it.

    The motion is that of the handoff that was open or had been opened in the year before; else a
    customer's is expansion, that of an enterprise is enterprise, and any other sales-assist.
    """
    created = pl.col("created_at").dt.date()
    deals = known.opportunities.with_columns(created.alias("created_on")).sort("created_on")
    handed = known.handoffs.select(
        "account_id",
        pl.col("opened_at").dt.date().alias("created_on"),
        pl.col("opened_at").dt.date().alias("handed_on"),
        pl.col("motion").alias("handed_motion"),
    ).sort("created_on")
    crossed = known.pqls.select(
        "account_id",
        pl.col("qualified_on").alias("created_on"),
        pl.col("qualified_on").alias("crossed_on"),
    ).sort("created_on")
    found = _last(_last(deals, handed, tolerance="365d"), crossed, tolerance="180d")
    found = found.join(
        accounts.select("account_id", "paid", "employees"), on="account_id", how="left"
    )
    closed = pl.col("closed_at").dt.date()
    return found.with_columns(
        motion=pl.coalesce(
            "handed_motion",
            pl.when(pl.col("paid") < pl.col("created_on"))
            .then(pl.lit(str(Motion.EXPANSION)))
            .when(pl.col("employees") > ENTERPRISE_EMPLOYEES)
            .then(pl.lit(str(Motion.ENTERPRISE)))
            .otherwise(pl.lit(str(Motion.SALES_ASSIST))),
        ),
        from_pql=pl.col("handed_on").is_not_null() | pl.col("crossed_on").is_not_null(),
        closed_on=closed,
        closed=pl.col("won").is_not_null() & closed.is_not_null(),
        won=pl.col("won").fill_null(value=False),
        days_to_close=(closed - pl.col("created_on")).dt.total_days(),
    )


def _last(rows: pl.DataFrame, others: pl.DataFrame, *, tolerance: str) -> pl.DataFrame:
    """Add the latest of other rows of the account up to `created_on`, if not too long before."""
    return rows.join_asof(
        others, on="created_on", by="account_id", tolerance=tolerance, check_sortedness=False
    )


def _bought_after(known: Gathered, rows: pl.DataFrame, day: str) -> pl.DataFrame:
    """Add `bought_on` and `gained_cents`: the first rise of recurring revenue from a day on."""
    rises = (
        known.arr.sort("account_id", "day")
        .with_columns(
            gained_cents=pl.col("arr_cents")
            - pl.col("arr_cents").shift(1).over("account_id").fill_null(0)
        )
        .filter(pl.col("gained_cents") > 0)
        .select("account_id", pl.col("day").alias("bought_on"), "gained_cents")
        .sort("bought_on")
    )
    return (
        rows.with_row_index("row")
        .sort(day)
        .join_asof(
            rises,
            left_on=day,
            right_on="bought_on",
            by="account_id",
            strategy="forward",
            coalesce=False,
            check_sortedness=False,
        )
        .sort("row")
        .drop("row")
    )


def _pqls(known: Gathered, accounts: pl.DataFrame, deals: pl.DataFrame) -> pl.DataFrame:
    rows = _bought_after(known, known.pqls, "qualified_on")
    rows = _next(
        rows,
        "qualified_on",
        known.handoffs.with_columns(pl.col("opened_at").dt.date().alias("handed_on")),
        "handed_on",
        "30d",
    )
    rows = _next(rows, "qualified_on", deals, "created_on", "60d")
    tiers = accounts.select("account_id", pl.col("tier").alias("tier_now"))
    return rows.join(tiers, on="account_id", how="left").with_columns(
        tier=pl.coalesce("tier", "tier_now"),
        motion=pl.col("motion").fill_null(str(Motion.SALES_ASSIST)),
        handed_over=pl.col("handed_on").is_not_null(),
        opportunity_in_60d=pl.col("created_on").is_not_null(),
        converted_in_90d=_within(pl.col("bought_on") - pl.col("qualified_on"), 90),
        arr_gained_cents=pl.when(_within(pl.col("bought_on") - pl.col("qualified_on"), 90))
        .then("gained_cents")
        .otherwise(0),
    )


def _next(
    rows: pl.DataFrame, day: str, others: pl.DataFrame, other_day: str, tolerance: str
) -> pl.DataFrame:
    """Add the day of the next of other rows of the account, from a day on and not too late."""
    right = others.select("account_id", other_day).drop_nulls().sort(other_day)
    return rows.sort(day).join_asof(
        right,
        left_on=day,
        right_on=other_day,
        by="account_id",
        strategy="forward",
        tolerance=tolerance,
        coalesce=False,
        check_sortedness=False,
    )


def _handoffs(known: Gathered, deals: pl.DataFrame) -> pl.DataFrame:
    rows = known.handoffs.with_columns(pl.col("opened_at").dt.date().alias("opened_on"))
    rows = _bought_after(known, rows, "opened_on")
    rows = _next(rows, "opened_on", deals, "created_on", "180d")
    crossed = known.pqls.select("account_id").unique().with_columns(pql=pl.lit(value=True))
    touched = pl.col("first_touch_at")
    won = pl.col("state").is_in(["won", "converted"])
    return rows.join(crossed, on="account_id", how="left").with_columns(
        pql=pl.col("pql").fill_null(value=False),
        touched_on=touched.dt.date(),
        closed_on=pl.col("closed_at").dt.date(),
        touched=touched.is_not_null(),
        touched_in_time=(touched <= pl.col("due_at")).fill_null(value=False)
        & (pl.col("breaches") == 0),
        hours_to_touch=(touched - pl.col("opened_at")).dt.total_seconds() / 3600,
        declined=pl.col("state") == "declined",
        opportunity=pl.col("opportunity_at").is_not_null() | pl.col("created_on").is_not_null(),
        won=won,
        converted_in_90d=_within(pl.col("bought_on") - pl.col("opened_on"), 90),
        arr_gained_cents=pl.when(_within(pl.col("bought_on") - pl.col("opened_on"), 90))
        .then("gained_cents")
        .otherwise(0),
    )


def _journeys(known: Gathered, accounts: pl.DataFrame, deals: pl.DataFrame) -> pl.DataFrame:
    """Return the way of every account in its motion: those alone, and one for each handing over.

    An account's own way is its self-serve journey. A PQL begins another in the motion that it was
    routed to, whether it was handed over or not.
    """
    own = accounts.select(
        "account_id",
        "signed_up",
        "activated",
        "paid",
        motion=pl.lit(str(Motion.SELF_SERVE)),
        worked="worked_before_paying",
    )
    handed = known.handoffs.select(
        "account_id",
        "motion",
        handed_over=pl.col("opened_at").dt.date(),
        touched=pl.col("first_touch_at").dt.date(),
    )
    handed = _next(handed, "handed_over", deals, "created_on", "365d")
    won = deals.filter(pl.col("won")).select("account_id", won_on="closed_on")
    handed = _next(handed, "handed_over", won, "won_on", "365d")
    handed = _bought_after(known, handed, "handed_over").with_columns(
        opportunity="created_on",
        won=pl.coalesce("won_on", "bought_on"),
        expanded="bought_on",
        worked=pl.lit(value=True),
    )
    crossed = known.pqls.select(
        "account_id", "motion", "held_out", qualified=pl.col("qualified_on")
    ).filter(pl.col("motion").is_not_null() & (pl.col("motion") != str(Motion.SELF_SERVE)))
    crossed = crossed.sort("qualified").join_asof(
        handed.sort("handed_over").drop("motion"),
        left_on="qualified",
        right_on="handed_over",
        by="account_id",
        strategy="forward",
        tolerance="30d",
        coalesce=False,
        check_sortedness=False,
    )
    alone = handed.join(
        crossed.select("account_id", "handed_over").drop_nulls(),
        on=["account_id", "handed_over"],
        how="anti",
    )
    return pl.concat([_filled(one, JOURNEY) for one in (own, crossed, alone)])


# --- money ------------------------------------------------------------------------------------


def _movements(known: Gathered, of_motion: pl.DataFrame) -> pl.DataFrame:
    return known.movements.join(of_motion, on="account_id", how="left")


def _retention(known: Gathered, of_motion: pl.DataFrame) -> pl.DataFrame:
    """Return, for each day that is looked at, what the accounts of a year before paid and pay."""
    if not known.arr.height:
        return pl.DataFrame(schema={"account_id": pl.String, "motion": pl.String})
    then = balances(known.arr, [day - YEAR for day in known.ends]).select(
        "account_id", (pl.col("day") + YEAR).alias("day"), opening_cents="arr_cents"
    )
    now = balances(known.arr, known.ends).rename({"arr_cents": "closing_cents"})
    touched = known.touches.select("account_id", at=pl.col("at").dt.date()).sort("at")
    rows = (
        then.join(now, on=["account_id", "day"], how="left")
        .with_columns(pl.col("closing_cents").fill_null(0))
        .sort("day")
        .join_asof(
            touched.with_columns(touched_on="at"),
            left_on="day",
            right_on="at",
            by="account_id",
            tolerance="365d",
            check_sortedness=False,
        )
    )
    return rows.join(of_motion, on="account_id", how="left").with_columns(
        kept_cents=pl.min_horizontal("opening_cents", "closing_cents"),
        expanded=pl.col("closing_cents") > pl.col("opening_cents"),
        worked=pl.col("touched_on").is_not_null(),
    )


def _costs(known: Gathered) -> pl.DataFrame:
    """Return what was spent on each day: a month's amount, spread over its days to the cent."""
    days = pl.col("month").dt.days_in_month()
    daily = known.costs.with_columns(
        day=pl.date_ranges("month", pl.col("month").dt.month_end()), days=days
    ).explode("day")
    whole, left = pl.col("amount_cents") // pl.col("days"), pl.col("amount_cents") % pl.col("days")
    kinds = known.cost_kinds
    category = pl.col("category")
    return daily.with_columns(
        amount_cents=whole + (pl.col("day").dt.day() <= left).cast(pl.Int64),
        motion=category.replace_strict(
            {name: kind.motion for name, kind in kinds.items()},
            default=None,
            return_dtype=pl.String,
        ),
        acquisition=category.replace_strict(
            {name: kind.acquisition for name, kind in kinds.items()},
            default=False,
            return_dtype=pl.Boolean,
        ),
    )


def _settings(known: Gathered) -> pl.DataFrame:
    """Return what is set, for every day."""
    if known.gross_margin is None:
        return pl.DataFrame(schema={"day": pl.Date})
    first = known.ends[0] - 2 * YEAR
    return pl.DataFrame({"day": pl.date_range(first, known.as_of, eager=True)}).with_columns(
        gross_margin=known.gross_margin
    )


def _desks(known: Gathered) -> pl.DataFrame:
    """Return what lay on every rep's desk at the end of each day that is looked at."""
    rows: list[dict[str, Any]] = []
    opened = known.handoffs.select("owner", "assigned_at", "closed_at")
    for day in known.ends:
        end = datetime.combine(day + timedelta(days=1), time(), UTC)
        held = opened.filter(
            pl.col("assigned_at") < end,
            pl.col("closed_at").is_null() | (pl.col("closed_at") >= end),
        )
        counts = dict(held.group_by("owner").len().iter_rows())
        rows += [
            {"rep": email, "day": day, "capacity": capacity, "open": counts.get(email, 0)}
            for email, capacity in known.desks.items()
        ]
    return pl.DataFrame(
        rows,
        schema={"rep": pl.String, "day": pl.Date, "capacity": pl.Float64, "open": pl.Float64},
    )


# --- all --------------------------------------------------------------------------------------


def _fit(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return a table in its columns and their types."""
    return _filled(frame, MEASURED[name])


def _filled(frame: pl.DataFrame, columns: Any) -> pl.DataFrame:
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(_TYPES[kind]).alias(name)
        for name, kind in columns.items()
    )
