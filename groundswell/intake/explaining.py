"""Answer why a user belongs to an account, and who belongs to one, as of any day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from groundswell.clock import day_number
from groundswell.intake.spans import day_of
from groundswell.model import Link

if TYPE_CHECKING:
    from datetime import date

    from groundswell.intake.filing import Filing


def explain_user(filing: Filing, user_id: str, as_of: date) -> list[Link]:
    """Tell which accounts a user belongs to as of a day, and why.

    A link that has ended by then is told with its `until`; one that a stronger rule took back,
    or that became known later, is not.

    Args:
        filing: As `resolve` gives.
        user_id: The user.
        as_of: The UTC day whose knowledge is used.

    Returns:
        The links, in the order they came about.
    """
    return _believed(filing.links.filter(pl.col("user_id") == user_id), as_of)


def explain_account(filing: Filing, account_id: str, as_of: date) -> list[Link]:
    """Tell who belongs to an account as of a day, and why; the other side of `explain_user`.

    Args:
        filing: As `resolve` gives.
        account_id: The account.
        as_of: The UTC day whose knowledge is used.

    Returns:
        The links, in the order they came about.
    """
    return _believed(filing.links.filter(pl.col("account_id") == account_id), as_of)


def _believed(links: pl.DataFrame, as_of: date) -> list[Link]:
    today = day_number(as_of)
    known = (
        links.filter((pl.col("visible") <= today) & (pl.col("hidden") > today))
        .with_columns(pl.when(day_of("until") <= today).then("until").alias("until"))
        .sort("since", "user_id", "account_id", "source", "reason")
    )
    columns = ("user_id", "account_id", "since", "until", "source", "reason")
    return [Link(**row) for row in known.select(columns).iter_rows(named=True)]
