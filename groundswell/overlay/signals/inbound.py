"""Who comes and asks: enterprises among new accounts, and asks that self-serve cannot answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from groundswell.overlay.facts import ACCOUNTS, ASKS, NEW, USED, at_end, is_known, within
from groundswell.overlay.figures import Figure, rate_of, share_of
from groundswell.overlay.signals.signal import Evidence, Reading

if TYPE_CHECKING:
    from groundswell.config.overlay_schema import OverlayBlock
    from groundswell.overlay.facts import OverlayFacts
    from groundswell.overlay.quarters import Quarter

FORMAL = ("security", "procurement")
"""The kinds of ask that self-serve cannot answer."""

_WEEKS = 13
_FEATURE_WEEKS = 4


def enterprise_inbound(facts: OverlayFacts, terms: OverlayBlock, quarter: Quarter) -> Reading:
    """Count the enterprise-shaped among the accounts that signed up in a quarter."""
    source = f"accounts signed up in {quarter}: employees, asks, hands raised by its end"
    if not is_known(facts.accounts, "account_id", "signed_up", "employees"):
        return Reading(Figure(None, unit="share", source=source), missing=(ACCOUNTS,))
    new = within(facts.accounts, "signed_up", quarter)
    if not new.height:
        return Reading(Figure(None, unit="share", source=source), missing=(NEW.format(quarter),))
    shaped = enterprise_shaped(facts, terms, quarter)
    return Reading(
        share_of(shaped.height, new.height, source=source),
        shaped.height,
        tuple(Evidence(account_id, fact) for account_id, fact in shaped.iter_rows()),
    )


def enterprise_shaped(facts: OverlayFacts, terms: OverlayBlock, quarter: Quarter) -> pl.DataFrame:
    """Return the new accounts of a quarter that are shaped like an enterprise.

    What an account did after the quarter is left out, so that a quarter reads the same for ever,
    and each is read as early as the others.

    Returns:
        account_id, fact - those that say most first.
    """
    large = terms.signals.enterprise_inbound.employees
    new = within(facts.accounts, "signed_up", quarter)
    asked = (
        formal_asks(facts, terms, quarter)
        .group_by("account_id")
        .agg(kinds=pl.col("kind").unique().sort().str.join(" and "))
    )
    raised = (
        (pl.col("hand_raised") <= quarter.last).fill_null(value=False)
        if "hand_raised" in new.columns
        else pl.lit(value=False)
    )
    is_large = (pl.col("employees") > large).fill_null(value=False)
    facts_of = [
        pl.when(is_large).then(pl.format("{} employees", pl.col("employees").cast(pl.Int64))),
        pl.when(pl.col("kinds").is_not_null()).then(pl.format("asked about {}", "kinds")),
        pl.when(raised).then(pl.lit("chose to contact sales")),
    ]
    return (
        new.join(asked, on="account_id", how="left")
        .with_columns(
            fact=pl.concat_str(facts_of, separator="; ", ignore_nulls=True),
            said=pl.sum_horizontal(is_large, pl.col("kinds").is_not_null(), raised),
        )
        .filter(pl.col("said") > 0)
        .sort("said", "employees", "account_id", descending=[True, True, False], nulls_last=True)
        .select("account_id", "fact")
    )


def security_asks(facts: OverlayFacts, terms: OverlayBlock, quarter: Quarter) -> Reading:
    """Count the accounts a week that ask about security or procurement."""
    asked = formal_asks(facts, terms, quarter)
    is_dated = facts.asks.width > 0
    source = (
        f"asks and tickets of {quarter}"
        if is_dated
        else f"features of the last four weeks of {quarter}, and tickets"
    )
    unknown = Figure(None, unit="per_week", source=source)
    used = at_end(facts.features, quarter)
    if not is_dated and not is_known(used, "security_asks_28d"):
        return Reading(unknown, missing=(ASKS,))
    if not asked.height and not used.height:
        return Reading(unknown, missing=(USED.format(quarter),))
    weekly = asked.unique(["account_id", "week"])
    by_account = (
        asked.group_by("account_id")
        .agg(
            asks=pl.len(),
            weeks=pl.col("week").n_unique(),
            kinds=pl.col("kind").unique().sort().str.join(" and "),
        )
        .sort("weeks", "asks", "account_id", descending=[True, True, False])
    )
    weeks = _WEEKS if is_dated else _FEATURE_WEEKS
    return Reading(
        rate_of(weekly.height, weeks, unit="per_week", source=source),
        by_account.height if is_dated else by_account.height * _WEEKS // _FEATURE_WEEKS,
        tuple(
            Evidence(
                row["account_id"], f"asked about {row['kinds']} in {row['weeks']} of {weeks} weeks"
            )
            for row in by_account.iter_rows(named=True)
        ),
    )


def formal_asks(facts: OverlayFacts, terms: OverlayBlock, quarter: Quarter) -> pl.DataFrame:
    """Return the asks about security and procurement of a quarter: account_id, kind, week."""
    found = [_from_asks(facts, terms, quarter), _from_tickets(facts, terms, quarter)]
    if not facts.asks.width:
        found.append(_from_features(facts, quarter))
    return pl.concat(found)


def _asks(rows: pl.DataFrame, day: str, quarter: Quarter) -> pl.DataFrame:
    since = (pl.col(day).cast(pl.Date) - quarter.first).dt.total_days()
    return rows.select(
        pl.col("account_id").cast(pl.String),
        pl.col("kind").cast(pl.String),
        week=(since // 7).clip(0, _WEEKS - 1).cast(pl.Int64),
    )


def _from_asks(facts: OverlayFacts, terms: OverlayBlock, quarter: Quarter) -> pl.DataFrame:
    if not is_known(facts.asks, "account_id", "kind", "day"):
        return _NO_ASKS
    rows = within(facts.asks, "day", quarter).filter(pl.col("kind").is_in(FORMAL))
    if "topic" in rows.columns and terms.self_serve_answers:
        topic = pl.col("topic").str.to_lowercase()
        answered = topic.is_in([text.lower() for text in terms.self_serve_answers])
        rows = rows.filter(~answered.fill_null(value=False))
    return _asks(rows, "day", quarter)


def _from_tickets(facts: OverlayFacts, terms: OverlayBlock, quarter: Quarter) -> pl.DataFrame:
    if not is_known(facts.tickets, "account_id", "topic", "at"):
        return _NO_ASKS
    topic = pl.col("topic").str.to_lowercase()
    formal = topic.str.contains_any(terms.signals.security_asks.topics, ascii_case_insensitive=True)
    answered = topic.is_in([text.lower() for text in terms.self_serve_answers])
    rows = within(facts.tickets, "at", quarter).filter(
        formal.fill_null(value=False), ~answered.fill_null(value=False)
    )
    return _asks(rows.with_columns(kind=pl.lit("security")), "at", quarter)


def _from_features(facts: OverlayFacts, quarter: Quarter) -> pl.DataFrame:
    """Return one ask for each account and kind that the last four weeks tell of."""
    rows = at_end(facts.features, quarter)
    found = [_NO_ASKS]
    for kind in FORMAL:
        if is_known(rows, f"{kind}_asks_28d"):
            asked = rows.filter(pl.col(f"{kind}_asks_28d") > 0)
            found.append(_asks(asked.with_columns(kind=pl.lit(kind)), "as_of", quarter))
    return pl.concat(found)


_NO_ASKS = pl.DataFrame(schema={"account_id": pl.String, "kind": pl.String, "week": pl.Int64})
