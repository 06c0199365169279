"""Mistakes of how accounts are handed over: criteria, definitions, systems, and pay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from groundswell.overlay.mistakes.known import day_of, quarter_start

if TYPE_CHECKING:
    from datetime import timedelta

    from groundswell.overlay.mistakes.known import Sight

NEEDED = {
    "activated": "is activated",
    "limit_hit": "hits a limit",
    "pricing_viewed": "looks at prices",
}
"""Meanings without which nobody can tell who needs help."""

_GROWN = 1.2
_CHANCE = 0.5
_CENTS = 100


def declined_handoffs(sight: Sight) -> None:
    """See that sales sends back much of what it is handed."""
    frames = sight.frames("handoffs")
    if frames is None:
        return
    opened = frames[0].filter(day_of("opened_at") > sight.since("days"))
    declined = opened.filter(pl.col("state") == "declined")
    decided = (
        declined.height
        + opened.filter(pl.col("accepted_at").is_not_null(), pl.col("state") != "declined").height
    )
    if sight.has(decided, "handoffs", "handoffs that were accepted or declined"):
        share = declined.height / decided
        if share > sight.at("declines"):
            values = {"declined": declined.height, "decided": decided, "declined_share": share}
            sight.see("declines", declined["account_id"], **values)


def late_handoffs(sight: Sight) -> None:
    """See handoffs that nobody touched within their service level."""
    frames = sight.frames("handoffs")
    if frames is None:
        return
    due = frames[0].filter(
        day_of("opened_at") > sight.since("days"),
        day_of("due_at") < sight.as_of,
        (pl.col("closed_at") > pl.col("due_at")).fill_null(value=True)
        | pl.col("first_touch_at").is_not_null(),
    )
    late = due.filter((pl.col("first_touch_at") > pl.col("due_at")).fill_null(value=True))
    if sight.has(due.height, "handoffs", "handoffs that were due"):
        share = late.height / due.height
        if share > sight.at("late"):
            values = {"late": late.height, "due": due.height, "late_share": share}
            sight.see("late", late["account_id"], **values)


def edited_definition(sight: Sight) -> None:
    """See a definition that is edited more often than anybody can learn it."""
    frames = sight.frames("edits")
    if frames is None:
        return
    edits = frames[0].filter(
        pl.col("what") == "definition",
        day_of("at") > sight.since("days"),
        day_of("at") <= sight.as_of,
    )
    if edits.height > sight.at("edits"):
        sight.see("edits", edits=edits.height)


def weak_definition(sight: Sight) -> None:
    """See PQLs that convert too seldom, or no more often than the others."""
    frames = sight.frames("pqls", "accounts", "arr")
    if frames is None:
        return
    pqls, accounts, arr = frames
    within, first = sight.days("within"), sight.since("days")
    last = sight.as_of - within
    ripe = pqls.filter(
        pl.col("qualified_on").is_between(first, last), ~pl.col("held_out").fill_null(value=False)
    )
    if not sight.has(ripe.height, "pqls", "PQLs that had their time"):
        return
    won = _grown(ripe.select("account_id", from_=pl.col("qualified_on")), arr, within)
    share = won / ripe.height
    values = {"won": won, "pqls": ripe.height, "conversion": share}
    if share < sight.at("conversion"):
        sight.see("low", ripe["account_id"], **values)
    others = accounts.filter(pl.col("signed_up").is_between(first, last)).join(
        pqls, on="account_id", how="anti"
    )
    if sight.has(others.height, "rest", "signups that never qualified"):
        rest = _grown(others.select("account_id", from_=pl.col("signed_up")), arr, within)
        if share <= rest / others.height:
            sight.see("above", ripe["account_id"], **values, rest=rest / others.height)


def score_by_chance(sight: Sight) -> None:
    """See a score whose AUC could be that of a coin."""
    auc = sight.known.score_auc
    if auc is None:
        sight.lacks("score_auc")
    elif auc[1] <= _CHANCE:
        sight.see("auc", auc=auc[0], low=auc[1], high=auc[2])


def gaps_in_prices(sight: Sight) -> None:
    """See a dead zone, or `contact sales` below where people sell."""
    if sight.known.pricing is None:
        sight.lacks("pricing")
        return
    names = {"dead_zone", "talk_to_sales_too_low"}
    told = [one for one in sight.known.pricing if one.name in names]
    seen = [one for one in told if one.is_seen]
    sight.lacks(*(name for one in told for name in one.missing_inputs))
    if seen:
        places = " ".join(one.seen_as for one in seen).removesuffix(".")
        accounts = [account for one in seen for account in one.evidence.accounts]
        sight.see("pricing", accounts, count=len(seen), places=places)


def accounts_without_record(sight: Sight) -> None:
    """See accounts that sales cannot see, and records that no account is joined to."""
    frames = sight.frames("accounts", "pqls", "crm")
    if frames is None:
        return
    accounts, pqls, crm = frames
    qualified = pl.col("account_id").is_in(pqls["account_id"].unique().to_list())
    wanted = accounts.filter(qualified | pl.col("paid").is_not_null())
    if not sight.has(wanted.height, "accounts", "accounts that qualified or pay"):
        return
    without = wanted.join(crm, on="account_id", how="anti")
    if without.height >= sight.at("share") * wanted.height:
        values = {"without": without.height, "accounts": wanted.height}
        sight.see("no_record", without["account_id"], **values)
    both = crm.filter(pl.col("account_id").is_null()).join(
        accounts.filter(pl.col("domain").is_not_null()), on="domain", how="inner"
    )
    unjoined = both["record_id"].n_unique()
    if crm.height and unjoined >= sight.at("share") * crm.height:
        sight.see("not_joined", both["account_id_right"], unjoined=unjoined)


def opportunities_without_usage(sight: Sight) -> None:
    """See deals whose account nobody can see using the product."""
    frames = sight.frames("opportunities", "usage")
    if frames is None:
        return
    opportunities, usage = frames
    recent = opportunities.filter(day_of("created_at") > sight.since("days"))
    if not sight.has(recent.height, "opportunities", "opportunities"):
        return
    unused = recent.join(usage, on="account_id", how="anti")
    if unused.height >= sight.at("share") * recent.height:
        values = {"unused": unused.height, "opportunities": recent.height}
        sight.see("no_usage", unused["account_id"].drop_nulls(), **values)


def friction(sight: Sight) -> None:
    """See disputes, reassignments and edits of attribution inside the quarter."""
    begun = quarter_start(sight.as_of)
    if frames := sight.frames("disputes"):
        opened = frames[0].filter(pl.col("opened").is_between(begun, sight.as_of))
        if opened.height >= sight.at("disputes"):
            sight.see("disputes", disputes=opened.height)
    if frames := sight.frames("handoffs"):
        opened = frames[0].filter(day_of("opened_at").is_between(begun, sight.as_of))
        moved = opened.filter(pl.col("reassigned") > 0)
        share = moved.height / opened.height if opened.height else 0.0
        enough = sight.has(opened.height, "handoffs", "handoffs of this quarter")
        if enough and share >= sight.at("reassigned"):
            values = {"handoffs": opened.height, "reassigned_share": share}
            sight.see("reassigned", moved["account_id"], reassigned=moved.height, **values)
    if frames := sight.frames("edits"):
        inside = frames[0].filter(
            pl.col("what") == "attribution",
            day_of("at").is_between(begun, sight.as_of),
        )
        if inside.height >= sight.at("edits"):
            sight.see("edits", edits=inside.height)


def meanings_never_seen(sight: Sight) -> None:
    """See a trial that nothing tells of."""
    seen = sight.known.meanings_seen
    if seen is None:
        sight.lacks("meanings_seen")
    elif unseen := [words for name, words in NEEDED.items() if name not in seen]:
        sight.see("unseen", meanings=", or ".join(unseen))


def pay_on_untouched(sight: Sight) -> None:
    """See a plan that pays on what sold itself, or makes reps prefer cold prospecting."""
    facts = sight.known.commission
    if facts is None:
        sight.lacks("commission")
        return
    if facts.untouched_rate is None:
        sight.lacks("commission.untouched_rate")
    elif facts.untouched_rate > 0:
        sight.see("rate", rate=facts.untouched_rate)
    if facts.paid_untouched_cents is None:
        sight.lacks("commission.paid_untouched_cents")
    elif facts.paid_untouched_cents > 0:
        sight.see("paid", paid=facts.paid_untouched_cents / _CENTS)
    queue, cold = facts.queue_per_hour_cents, facts.cold_per_hour_cents
    if queue is None or cold is None:
        sight.lacks("commission.queue_per_hour_cents", "commission.cold_per_hour_cents")
    elif queue <= cold:
        sight.see("queue", queue=queue / _CENTS, cold=cold / _CENTS)


def _grown(begun: pl.DataFrame, arr: pl.DataFrame, within: timedelta) -> int:
    """Return how many began to pay, or paid a fifth more, within a time from a day on."""
    told = begun.with_row_index("row")
    steps = told.join(arr, on="account_id", how="inner")
    before = (
        steps.filter(pl.col("day") <= pl.col("from_"))
        .sort("day")
        .group_by("row")
        .agg(pl.col("arr_cents").last().alias("before"))
    )
    most = (
        steps.filter(pl.col("day") > pl.col("from_"), pl.col("day") <= pl.col("from_") + within)
        .group_by("row")
        .agg(pl.col("arr_cents").max().alias("most"))
    )
    both = told.join(before, on="row", how="left").join(most, on="row", how="inner")
    paid = pl.col("before").fill_null(0)
    grew = (pl.col("most") > 0) & (pl.col("most") >= paid * _GROWN)
    return both.filter(grew).height
