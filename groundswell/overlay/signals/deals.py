"""What deals tell: those lost for a competitor's people, and what prospects would pay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from groundswell.overlay.facts import LOST, OPPORTUNITIES, is_known, within
from groundswell.overlay.figures import Figure, median_of, worded
from groundswell.overlay.signals.inbound import enterprise_shaped
from groundswell.overlay.signals.signal import Evidence, Reading

if TYPE_CHECKING:
    from groundswell.config.overlay_schema import OverlayBlock
    from groundswell.overlay.facts import OverlayFacts
    from groundswell.overlay.quarters import Quarter

_DEAL = ("account_id", "created_at", "amount_cents")
_CAP = "what the highest self-serve plan takes a year: set `price` and `seats` of `plans`"
_WILLING = "what prospects would pay: amounts of opportunities, or `overlay.willingness_to_pay`"


def lost_for_people(facts: OverlayFacts, terms: OverlayBlock, quarter: Quarter) -> Reading:
    """Count the large deals that a competitor won by its people rather than its product."""
    ours = terms.signals.lost_for_people
    source = f"opportunities of {worded(ours.amount * 100, 'money')} and more, closed in {quarter}"
    unknown = Figure(None, source=source)
    if not is_known(facts.opportunities, *_DEAL, "closed_at", "won"):
        return Reading(unknown, missing=(OPPORTUNITIES,))
    if not is_known(facts.opportunities, "lost_reason", "competitor"):
        return Reading(unknown, missing=(LOST,))
    closed = within(facts.opportunities, "closed_at", quarter)
    large = closed.filter(
        ~pl.col("won").fill_null(value=True), pl.col("amount_cents") >= round(ours.amount * 100)
    )
    if large.height and not (large["lost_reason"].is_not_null()).any():
        return Reading(unknown, missing=(LOST,))
    people = pl.col("lost_reason").str.contains_any(ours.reasons, ascii_case_insensitive=True)
    lost = large.filter(people.fill_null(value=False), pl.col("competitor").is_not_null()).sort(
        "amount_cents", "account_id", descending=[True, False]
    )
    return Reading(
        Figure(float(lost.height), n=large.height, source=source),
        lost.height,
        tuple(
            Evidence(
                row["account_id"],
                f"{worded(row['amount_cents'], 'money')} lost to {row['competitor']}:"
                f" {row['lost_reason']}",
            )
            for row in lost.iter_rows(named=True)
        ),
    )


def capped_plan(facts: OverlayFacts, terms: OverlayBlock, quarter: Quarter) -> Reading:
    """Tell how many times the cap of self-serve is what prospects would pay."""
    source = f"opportunities of enterprise-shaped accounts opened in {quarter}, and declared hints"
    cap = facts.self_serve_cap_cents
    if cap is None or cap <= 0:
        return Reading(Figure(None, unit="times", source=source), missing=(_CAP,))
    said = [hint for hint in terms.willingness_to_pay if hint.quarter == str(quarter)]
    asked = prospects(facts, terms, quarter)
    wanted = [*asked["amount_cents"].to_list(), *(hint.amount * 100 for hint in said)]
    figure = median_of(
        (amount / cap for amount in wanted),
        unit="times",
        source=f"{source}, over {worded(cap, 'money')} a year",
    )
    if figure.value is None:
        return Reading(figure, missing=(_WILLING,))
    evidence = [
        Evidence(row["account_id"], f"a deal of {worded(row['amount_cents'], 'money')} a year")
        for row in asked.iter_rows(named=True)
    ]
    evidence += [
        Evidence(
            hint.said_by, f"would pay {worded(hint.amount * 100, 'money')} a year, as declared"
        )
        for hint in said
    ]
    return Reading(figure, len(wanted), tuple(evidence))


def prospects(facts: OverlayFacts, terms: OverlayBlock, quarter: Quarter) -> pl.DataFrame:
    """Return the opportunities of a quarter whose account is shaped like an enterprise."""
    empty = pl.DataFrame(schema={"account_id": pl.String, "amount_cents": pl.Int64})
    if not is_known(facts.opportunities, *_DEAL):
        return empty
    opened = within(facts.opportunities, "created_at", quarter).filter(
        pl.col("amount_cents").is_not_null()
    )
    if not opened.height or not is_known(facts.accounts, "account_id", "employees", "signed_up"):
        return empty
    large = facts.accounts.filter(
        pl.col("employees") > terms.signals.enterprise_inbound.employees
    ).select("account_id")
    shaped = pl.concat([large, enterprise_shaped(facts, terms, quarter).select("account_id")])
    return (
        opened.join(shaped, on="account_id", how="semi")
        .sort("amount_cents", "account_id", descending=[True, False])
        .select("account_id", "amount_cents")
    )
