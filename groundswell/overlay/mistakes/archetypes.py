"""Ways in which companies fail as a whole: told from quarters, and from who sells to whom."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from groundswell.overlay.mistakes.known import day_of, quarter_start

if TYPE_CHECKING:
    from datetime import date

    from groundswell.overlay.mistakes.known import Sight

_CENTS = 100


def cost_creep(sight: Sight) -> None:
    """See that customers cost more while fewer come by themselves."""
    cac = _change(sight, "cac_cents")
    conversion = _change(sight, "self_serve_conversion")
    if cac is None or conversion is None:
        return
    if cac >= sight.at("cac") and conversion <= sight.at("conversion"):
        sight.see("creep", cac=cac, conversion=conversion)


def team_before_signals(sight: Sight) -> None:
    """See a sales team, or who leads one, before signals and PQLs."""
    known = sight.known
    names = ("sellers", "leaders", "signals_ask", "has_definition")
    sight.lacks(*(name for name in names if getattr(known, name) is None))
    if known.signals_ask is not False or known.has_definition is not False:
        return
    if known.sellers is None or known.leaders is None:
        return
    if known.leaders > 0 or known.sellers >= sight.at("sellers"):
        sight.see("premature", sellers=known.sellers, leaders=known.leaders)


def walls_in_free(sight: Sight) -> None:
    """See that gates and walls rise while self-serve falls."""
    gates = _change(sight, "gates_per_free_account")
    conversion = _change(sight, "self_serve_conversion")
    if gates is None or conversion is None:
        return
    if gates >= sight.at("gates") and conversion <= sight.at("conversion"):
        sight.see("war", gates=gates, conversion=conversion)


def pipeline_beside_footprint(sight: Sight) -> None:
    """See a pipeline of strangers beside enterprises that use the product, worked by nobody."""
    frames = sight.frames("opportunities", "usage", "accounts", "features", "handoffs")
    if frames is None:
        return
    opportunities, usage, accounts, features, handoffs = frames
    recent = opportunities.filter(
        day_of("created_at") > sight.since("days"), pl.col("amount_cents") > 0
    )
    if not sight.has(recent.height, "opportunities", "opportunities with an amount"):
        return
    strangers = recent.join(usage, on="account_id", how="anti")
    share = int(strangers["amount_cents"].sum()) / int(recent["amount_cents"].sum())
    latest = features.sort("as_of").unique("account_id", keep="last")
    rich = latest.filter(pl.col("active_users_28d") >= sight.at("users"))
    footprint = accounts.filter(
        pl.col("employees") > sight.at("employees"), pl.col("owner").is_null()
    ).join(rich, on="account_id", how="semi")
    for worked in (opportunities, handoffs):
        footprint = footprint.join(worked, on="account_id", how="anti")
    if share >= sight.at("share") and footprint.height >= sight.at("footprint"):
        sight.see("beside", footprint["account_id"], share=share, footprint=footprint.height)


def disputes_every_quarter(sight: Sight) -> None:
    """See disputes over the line in each of several quarters, and rules edited inside one."""
    frames = sight.frames("disputes", "edits", "quarters")
    if frames is None:
        return
    disputes, edits, quarters = frames
    lines_by = dict(quarters.select("quarter", "commission_lines").iter_rows())
    disputed, lines, over = 0, 0, True
    for back in range(int(sight.at("quarters")), 0, -1):
        begun, after = (_begun(sight, back=one) for one in (back, back - 1))
        of = lines_by.get(begun)
        if of is None:
            sight.lacks(f"quarters.commission_lines of {begun}")
            return
        n = disputes.filter(pl.col("opened") >= begun, pl.col("opened") < after).height
        over = over and of > 0 and n >= sight.at("disputed") * of
        disputed, lines = disputed + n, lines + of
    if not sight.has(lines, "lines", "lines of commission"):
        return
    first = _begun(sight, back=int(sight.at("quarters")))
    inside = edits.filter(
        pl.col("what") == "attribution",
        day_of("at") >= first,
        day_of("at") < _begun(sight),
    ).height
    if over and inside >= sight.at("edits"):
        sight.see("war", disputed=disputed, lines=lines, edits=inside)


def few_large_deals(sight: Sight) -> None:
    """See few, slow, large deals carry the company while its engine decays."""
    frames = sight.frames("opportunities")
    customers = _change(sight, "self_serve_customers")
    if frames is None or customers is None:
        return
    first = _begun(sight, back=int(sight.at("quarters")))
    won = frames[0].filter(
        pl.col("won").fill_null(value=False),
        day_of("closed_at") >= first,
        day_of("closed_at") < _begun(sight),
        pl.col("amount_cents") > 0,
    )
    large = won.filter(pl.col("amount_cents") >= sight.at("amount") * _CENTS)
    if not large.height:
        return
    cycle = large.select((day_of("closed_at") - day_of("created_at")).dt.total_days().median())
    days = float(cycle.item())
    share = int(large["amount_cents"].sum()) / int(won["amount_cents"].sum())
    is_slow = large.height <= sight.at("deals") and days >= sight.at("cycle")
    if is_slow and share >= sight.at("share") and customers <= sight.at("customers"):
        values = {"cycle": days, "share": share, "customers": customers}
        sight.see("pivot", large["account_id"], deals=large.height, **values)


def _begun(sight: Sight, *, back: int = 0) -> date:
    """Return the first day of the quarter that is not over yet, or of one so many back."""
    return quarter_start(sight.as_of + timedelta(days=1), back=back)


def _change(sight: Sight, name: str) -> float | None:
    """Return how many times what it was a number of the last quarter is; None if not known."""
    frames = sight.frames("quarters")
    if frames is None:
        return None
    told = dict(frames[0].select("quarter", name).iter_rows())
    days = [_begun(sight, back=back) for back in (1, 1 + int(sight.at("quarters")))]
    now, before = (told.get(day) for day in days)
    missing = [
        f"quarters.{name} of {day}"
        for day, value in zip(days, (now, before), strict=True)
        if value is None
    ]
    sight.lacks(*missing)
    if now is None or not before:
        return None
    return float(now) / float(before)
