"""What the overlay is judged by, told from the stores as of a day.

What nobody has loaded is left out, so that the verdict asks for it by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import polars as pl

from groundswell.clock import utc_day
from groundswell.config.loading import FITTED
from groundswell.engine.customers import SUCCESS_TEAM
from groundswell.engine.measuring.tables import balances
from groundswell.measure.metrics import Period
from groundswell.model import Motion
from groundswell.overlay.facts import OverlayFacts, Practice, TeamInPlace
from groundswell.overlay.figures import Figure
from groundswell.overlay.quarters import Quarter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from groundswell.config.loading import LoadedConfig
    from groundswell.config.resolved import Plan
    from groundswell.engine.measuring.disputes import Dispute
    from groundswell.engine.measuring.gathering import Gathered
    from groundswell.measure.metrics import Measurer
    from groundswell.overlay.figures import Unit

FORMAL = ("security", "procurement")
_ROLES = {
    Motion.SALES_ASSIST: "sales_assist",
    Motion.EXPANSION: "expansion_ae",
    Motion.ENTERPRISE: "enterprise_ae",
}
"""What somebody is on the team of a motion, where their own role says nothing."""

_MEANT = ("days_since_activated", "days_since_limit_hit", "days_since_pricing_viewed")
_MONTHS = 12


def overlay_facts(
    loaded: LoadedConfig, known: Gathered, measurer: Measurer, quarters: Sequence[Quarter]
) -> OverlayFacts:
    """Return what the overlay is judged by.

    Args:
        loaded: The teams, the price list, and the score in use.
        known: What is known by the day, with features of the last days of months.
        measurer: Of the same.
        quarters: Those that are looked at, the latest last.
    """
    ends = [quarter.last for quarter in quarters]
    accounts = _accounts(known)
    return OverlayFacts(
        as_of=known.as_of,
        accounts=accounts,
        features=_features(loaded, known, ends),
        arr=known.arr.select("account_id", "day", "arr_cents"),
        opportunities=known.opportunities,
        touches=known.touches,
        tickets=known.tickets,
        asks=_asks(loaded, known),
        handoffs=known.handoffs,
        pqls=known.pqls,
        conversion=_metric(measurer, "self_serve_conversion", quarters, "share"),
        time_to_value=_metric(measurer, "time_to_value", quarters, "days"),
        nrr=_metric(measurer, "nrr", quarters, "share"),
        arr_total=_recurring(known, quarters),
        self_serve_arr=_alone(known, quarters),
        disputes=count_disputes(loaded.overlay.disputed or {}, known.disputes, quarters),
        cac_payback=_metric(measurer, "cac_payback", quarters, "months"),
        gross_margin=known.gross_margin,
        self_serve_cap_cents=self_serve_cap(loaded.plans.values()),
        teams=_teams(loaded),
        practice=_practice(loaded, known),
    )


def count_disputes(
    declared: Mapping[str, int], disputes: Iterable[Dispute], quarters: Iterable[Quarter]
) -> dict[str, int]:
    """Return how many disputes were opened in each quarter.

    What is declared holds for the quarters before the journal knows of any. In the one in which
    it begins to, others may have been settled without it, so that the greater number holds.
    """
    found = dict(declared)
    opened = [Quarter.of(utc_day(one.opened_at)) for one in disputes]
    if not opened:
        return found
    first = min(opened)
    for quarter in quarters:
        if quarter >= first:
            said = found.get(str(quarter), 0) if quarter == first else 0
            found[str(quarter)] = max(opened.count(quarter), said)
    return found


def self_serve_cap(plans: Iterable[Plan]) -> int | None:
    """Return the most that somebody can pay a year without talking to anybody, in cents.

    None where no plan that is sold without people has a price, with the seats it ends at.
    """
    costs = [
        plan.price_flat
        if plan.price_flat is not None
        else plan.price_per_seat * plan.seats
        if plan.price_per_seat is not None and plan.seats is not None
        else None
        for plan in plans
        if plan.motion in {None, Motion.SELF_SERVE} and plan.talk_to_sales != "only"
    ]
    known = [cost for cost in costs if cost]
    return round(max(known) * _MONTHS * 100) if known else None


def _accounts(known: Gathered) -> pl.DataFrame:
    paid = (
        known.arr.filter(pl.col("arr_cents") > 0)
        .group_by("account_id")
        .agg(pl.col("day").min().alias("paid"))
    )
    return known.accounts.join(paid, on="account_id", how="left")


def _features(loaded: LoadedConfig, known: Gathered, ends: list[date]) -> pl.DataFrame:
    """Return the features of the quarter-ends at which anybody used the product.

    Where nobody did, events are missing rather than users. Asks are left out where no event is
    known to mean one.
    """
    is_used = (pl.col("active_users_28d").sum() > 0).over("as_of")
    rows = known.features.filter(pl.col("as_of").is_in(ends), is_used)
    unheard = [
        f"{kind}_asks_28d"
        for kind in FORMAL
        if not _is_heard(loaded, known.features, f"{kind}_asked")
    ]
    return rows.drop(unheard, strict=False)


def _is_heard(loaded: LoadedConfig, features: pl.DataFrame, meaning: str) -> bool:
    """Return whether events are known to mean something: mapped by the user, or seen."""
    if meaning in loaded.config.events:
        return True
    column = f"days_since_{meaning}"
    return column in features.columns and features[column].is_not_null().any()


def _asks(loaded: LoadedConfig, known: Gathered) -> pl.DataFrame:
    """Return the formal asks of accounts: the last one that each end of a month knows."""
    found: list[pl.DataFrame] = []
    for kind in FORMAL:
        since = pl.col(f"days_since_{kind}_asked")
        if not _is_heard(loaded, known.features, f"{kind}_asked"):
            continue
        found.append(
            known.features.filter(since.is_not_null())
            .select(
                "account_id",
                kind=pl.lit(kind),
                day=pl.col("as_of") - pl.duration(days=since.cast(pl.Int64)),
            )
            .unique()
        )
    return pl.concat(found).sort("day", "account_id", "kind") if found else pl.DataFrame()


def _metric(
    measurer: Measurer, name: str, quarters: Iterable[Quarter], unit: Unit
) -> dict[str, Figure]:
    """Return a metric of every quarter; nothing where the company took it away."""
    found: dict[str, Figure] = {}
    if name not in measurer.metrics:
        return found
    for quarter in quarters:
        told = measurer.figure(name, Period(quarter.first, quarter.last)).estimate
        source = f"metric {name}"
        found[str(quarter)] = Figure(told.value, told.low, told.high, told.n, unit, source)
    return found


def _recurring(known: Gathered, quarters: Iterable[Quarter]) -> dict[str, Figure]:
    """Return the recurring revenue at the end of each quarter since there was any."""
    return _revenue(known.arr, known.arr, quarters)


def _alone(known: Gathered, quarters: Iterable[Quarter]) -> dict[str, Figure]:
    """Return the recurring revenue of accounts that nobody had worked by the end of a quarter."""
    worked = pl.concat(
        rows.select("account_id", worked_on=pl.col(column).cast(pl.Date))
        for rows, column in (
            (known.touches, "at"),
            (known.opportunities, "created_at"),
            (known.handoffs.filter(pl.col("first_touch_at").is_not_null()), "first_touch_at"),
        )
    )
    first = worked.group_by("account_id").agg(pl.col("worked_on").min())
    found: dict[str, Figure] = {}
    for quarter in quarters:
        theirs = first.filter(pl.col("worked_on") <= quarter.last)
        rest = known.arr.join(theirs, on="account_id", how="anti")
        found |= _revenue(rest, known.arr, [quarter])
    return found


def _revenue(
    rows: pl.DataFrame, every: pl.DataFrame, quarters: Iterable[Quarter]
) -> dict[str, Figure]:
    """Return what some accounts pay at the end of each quarter since anybody pays."""
    found: dict[str, Figure] = {}
    for quarter in quarters:
        if every.filter(pl.col("day") <= quarter.last).height:
            held = balances(rows, [quarter.last])["arr_cents"]
            total, n = float(held.sum()), held.len()
            found[str(quarter)] = Figure(total, n=n, unit="money", source="subscriptions")
    return found


def _teams(loaded: LoadedConfig) -> tuple[TeamInPlace, ...]:
    """Return who sells, and who leads them without selling."""
    motion_of = {rule.team: rule.motion for rule in reversed(loaded.motions) if rule.team}
    layers = loaded.overlay.layers
    roles = {role for name in type(layers).model_fields for role in getattr(layers, name).roles}
    counts: dict[str, int] = {}
    members: set[str] = set()
    for name, team in loaded.teams.items():
        if name == SUCCESS_TEAM:
            continue
        of_team = _ROLES.get(motion_of.get(name, Motion.SALES_ASSIST), "sales_assist")
        for member in team.members:
            if member.email in members:
                continue
            members.add(member.email)
            role = member.role if member.role in roles else of_team
            counts[str(role)] = counts.get(str(role), 0) + 1
    leads = {team.manager for team in loaded.teams.values() if team.manager} - members
    found = [TeamInPlace(role, people=count) for role, count in counts.items()]
    return (*found, *([TeamInPlace("manager", people=len(leads))] if members and leads else []))


def _practice(loaded: LoadedConfig, known: Gathered) -> Practice:
    """Return how PQLs are worked."""
    crossed = cast("date | None", known.pqls["qualified_on"].min())
    learned = loaded.score.learned_until
    is_fitted = loaded.score.preset == FITTED and learned is not None and learned <= known.as_of
    people = [
        member
        for name, team in loaded.teams.items()
        if name != SUCCESS_TEAM
        for member in team.members
    ]
    return Practice(
        pql_since=crossed,
        score_is_fitted=is_fitted,
        routing_learned=all(one.capacity is not None for one in people) if people else None,
        outcomes_return=is_fitted,
        has_events=_has_events(known),
    )


def _has_events(known: Gathered) -> bool | None:
    """Return whether activation, limits and pricing views were ever told."""
    rows = known.features
    if not rows.height:
        return None
    return all(name in rows.columns and rows[name].is_not_null().any() for name in _MEANT)
