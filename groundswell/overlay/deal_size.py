"""What a deal of a layer would bring a year, told from deals, from prospects and from usage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from groundswell.overlay.facts import at_end, is_known, within
from groundswell.overlay.figures import Figure, median_of, worded
from groundswell.overlay.quarters import quarters_until
from groundswell.overlay.signals.deals import prospects
from groundswell.overlay.signals.signal import Evidence, Reading
from groundswell.overlay.signals.usage import rich_unpaid, stalled_at_limit

if TYPE_CHECKING:
    from groundswell.config.overlay_schema import OverlayBlock
    from groundswell.overlay.facts import OverlayFacts

DEALS = "what a deal brings: load `opportunities` with their amount, or set `price` of `plans`"
_HALF_YEAR = 2
_FEWEST = 3


def deal_size(facts: OverlayFacts, terms: OverlayBlock, layer: str) -> Reading:
    """Return the middle deal of a layer, in cents a year.

    Enterprises are told from their opportunities and from what prospects said; the others from
    all opportunities of two quarters, or, where these are few, from what accounts that stand at a
    limit or use the product richly would pay for the people who use it.
    """
    quarters = quarters_until(facts.as_of, _HALF_YEAR)
    if layer == "enterprise_overlay":
        rows = pl.concat([prospects(facts, terms, one) for one in quarters])
        asked = {str(one) for one in quarters}
        hints = [one for one in terms.willingness_to_pay if one.quarter in asked]
        told = [*_told(rows), *((one.said_by, round(one.amount * 100)) for one in hints)]
        return _reading(told, "opportunities of enterprises, and declared hints")
    rows = pl.DataFrame()
    if is_known(facts.opportunities, "account_id", "created_at", "amount_cents"):
        rows = within(facts.opportunities, "created_at", *quarters).filter(
            pl.col("amount_cents") > 0
        )
    if rows.height >= _FEWEST:
        return _reading(_told(rows), "opportunities of two quarters")
    return _reading(_potential(facts, terms), "estimated_acv of stalled and rich accounts")


def _told(rows: pl.DataFrame) -> list[tuple[str, int]]:
    return list(rows.select("account_id", "amount_cents").iter_rows()) if rows.height else []


def _potential(facts: OverlayFacts, terms: OverlayBlock) -> list[tuple[str, int]]:
    (quarter,) = quarters_until(facts.as_of, 1)
    rows = at_end(facts.features, quarter)
    if not is_known(rows, "account_id", "estimated_acv"):
        return []
    ids = {
        one.account_id
        for read in (stalled_at_limit, rich_unpaid)
        for one in read(facts, terms, quarter).evidence
    }
    worth = rows.filter(pl.col("account_id").is_in(ids), pl.col("estimated_acv") > 0)
    return [
        (account, round(acv * 100))
        for account, acv in worth.select("account_id", "estimated_acv").iter_rows()
    ]


def _reading(told: list[tuple[str, int]], source: str) -> Reading:
    figure = median_of((cents for _, cents in told), unit="money", source=source)
    if figure.value is None:
        figure = Figure(None, unit="money", source=source)
    ranked = sorted(told, key=lambda one: (-one[1], one[0]))
    evidence = tuple(Evidence(who, f"{worded(cents, 'money')} a year") for who, cents in ranked)
    return Reading(figure, len(told), evidence)
