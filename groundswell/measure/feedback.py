"""Feedback both ways: what usage tells sales, and what sales and support tell product.

Everything is counted over frames of what was known by a day, each count with the accounts behind
it. What is compared between accounts has an interval; of several things compared beside each other
the intervals hold all together (Bonferroni).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from groundswell.measure.estimates import LEVEL, Estimate, wilson
from groundswell.measure.experiments import newcombe

if TYPE_CHECKING:
    from collections.abc import Sequence

SEGMENTS = ("industry", "country", "size", "tier")
SIZES = ((50, "under 50"), (250, "50 to 249"), (1_000, "250 to 999"))
"""Companies by employees; those of more are `1,000 or more`."""

ANSWER_DAYS = 60
"""How soon after the first contact an answer counts as one."""
BUYING_DAYS = 91
FEWEST = 5
"""Accounts below which a segment, or a side of a comparison, is not told of."""
MOST = 8

_LARGEST = "1,000 or more"


@dataclass(frozen=True, slots=True)
class Likely:
    """An account that nobody works, and that is likely to buy.

    Attributes:
        account_id, name: Which.
        score: Of 100.
        tier: Of the score; None while it is not qualified.
        qualified: Whether it is qualified.
    """

    account_id: str
    name: str | None
    score: float
    tier: str | None
    qualified: bool


@dataclass(frozen=True, slots=True)
class Predictor:
    """A kind of usage that comes before customers pay more.

    Attributes:
        feature: Its name.
        above: More than this counts: the median of customers.
        grew: Share of the customers above it that paid more within the quarter.
        others: The same share of the others.
        difference: Between the two.
        accounts: Customers that are above it now and have not grown since.
    """

    feature: str
    above: float
    grew: Estimate
    others: Estimate
    difference: Estimate
    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answering:
    """How often accounts of a segment answered when they were contacted.

    Attributes:
        segment: `industry`, `country`, `size` or `tier`.
        value: Which.
        answered: Share that had an opportunity, or paid more, within `ANSWER_DAYS`.
        accounts: Those that did.
    """

    segment: str
    value: str
    answered: Estimate
    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What accounts did or asked for before they bought.

    Attributes:
        feature: What it is told by.
        buyers: Share of buyers that did, in the four weeks before.
        others: Share of the accounts that did not buy, over the same days.
        difference: Between the two.
        arr_cents: New and expansion ARR of the buyers that did.
        accounts: These buyers, the dearest first.
    """

    feature: str
    buyers: Estimate
    others: Estimate
    difference: Estimate
    arr_cents: int
    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recurring:
    """Something that was said again and again.

    Attributes:
        kind: `declined`, `lost`, `lost to`, `ticket` or `asked for`.
        what: The reason, the competitor, the topic or the feature.
        count: How often.
        before: How often in as long a time before.
        amount_cents: Of the deals that were lost for it; 0 for the others.
        accounts: Whose, the latest first.
    """

    kind: str
    what: str
    count: int
    before: int
    amount_cents: int
    accounts: tuple[str, ...]


def likely_buyers(
    accounts: pl.DataFrame, *, worked: pl.Series, most: int = 20
) -> tuple[Likely, ...]:
    """Return who is most likely to buy and may be contacted, best first.

    Args:
        accounts: account_id, name, owner, score, tier, paid (day), qualified (whether it is now).
        worked: Accounts that somebody works, or nobody may contact.
        most: How many.
    """
    free = accounts.filter(
        pl.col("owner").is_null(),
        pl.col("paid").is_null(),
        pl.col("score").is_not_null(),
        ~pl.col("account_id").is_in(worked.implode()),
    )
    best = free.sort("qualified", "score", "account_id", descending=[True, True, False]).head(most)
    return tuple(
        Likely(
            row["account_id"],
            row["name"],
            row["score"],
            row["tier"] if row["qualified"] else None,
            row["qualified"],
        )
        for row in best.iter_rows(named=True)
    )


def find_predictors(
    features: pl.DataFrame,
    now: pl.DataFrame,
    arr: pl.DataFrame,
    names: Sequence[str],
    *,
    then: date,
    as_of: date,
) -> tuple[Predictor, ...]:
    """Return which usage of customers came before they paid more, the surest first.

    Only what holds beyond chance, with as many kinds of usage compared beside each other, is told.

    Args:
        features: account_id, is_paying and `names`, as of `then`.
        now: The same as of `as_of`.
        arr: account_id, day, arr_cents - the total from that day on.
        names: The features that are compared.
        then: The day of usage.
        as_of: The day until which growth counts.
    """
    customers = features.filter(pl.col("is_paying").fill_null(value=False))
    grown = _grown(arr, customers.get_column("account_id"), after=then, until=as_of)
    rows = customers.with_columns(grew=pl.col("account_id").is_in(grown.implode()))
    level = 1 - (1 - LEVEL) / max(len(names), 1)
    found: list[Predictor] = []
    for name in names:
        values = rows.get_column(name).cast(pl.Float64).fill_null(0.0)
        above = values.median()
        if not isinstance(above, float):
            continue
        has = values > above
        one, other = rows.filter(has), rows.filter(~has)
        if min(one.height, other.height) < FEWEST:
            continue
        hits, misses = (int(side.get_column("grew").sum()) for side in (one, other))
        difference = newcombe(hits, one.height, misses, other.height, level=level)
        if difference.low is not None and difference.low > 0:
            paying = now.filter(
                pl.col("is_paying").fill_null(value=False),
                pl.col(name).cast(pl.Float64).fill_null(0.0) > above,
                ~pl.col("account_id").is_in(grown.implode()),
            )
            found.append(
                Predictor(
                    name,
                    above,
                    wilson(hits, one.height),
                    wilson(misses, other.height),
                    difference,
                    tuple(paying.get_column("account_id").sort()),
                )
            )
    return tuple(sorted(found, key=lambda one: -(one.difference.low or 0.0))[:MOST])


def count_answers(
    contacts: pl.DataFrame, accounts: pl.DataFrame, answers: pl.DataFrame, *, as_of: date
) -> tuple[Answering, ...]:
    """Return how often each segment answered, those that do most surely first.

    Args:
        contacts: account_id, day - every contact.
        accounts: account_id, industry, country, employees, tier.
        answers: account_id, day - each opportunity that was opened and each rise of ARR.
        as_of: The day; contacts of less than `ANSWER_DAYS` before it are left out.
    """
    first = (
        contacts.group_by("account_id")
        .agg(pl.col("day").min())
        .filter(pl.col("day") <= as_of - timedelta(days=ANSWER_DAYS))
    )
    came = (
        first.join(answers.rename({"day": "answered_on"}), on="account_id")
        .filter(
            pl.col("answered_on").is_between(
                pl.col("day"), pl.col("day") + timedelta(days=ANSWER_DAYS)
            )
        )
        .get_column("account_id")
        .unique()
    )
    rows = (
        first.join(accounts, on="account_id")
        .with_columns(size=size_of("employees"), came=pl.col("account_id").is_in(came.implode()))
        .sort("account_id")
    )
    found: list[Answering] = []
    for segment in SEGMENTS:
        for (value,), group in rows.filter(pl.col(segment).is_not_null()).group_by(
            segment, maintain_order=True
        ):
            if group.height >= FEWEST:
                answered = group.filter("came").get_column("account_id")
                share = wilson(len(answered), group.height)
                found.append(Answering(segment, str(value), share, tuple(answered)))
    return tuple(
        sorted(found, key=lambda one: (-(one.answered.low or 0.0), one.segment, one.value))
    )


def size_of(column: str) -> pl.Expr:
    """Return the size of a company by its employees."""
    size = pl.when(pl.col(column).is_null()).then(None)
    for below, name in SIZES:
        size = size.when(pl.col(column) < below).then(pl.lit(name))
    return size.otherwise(pl.lit(_LARGEST))


def asked_before_buying(
    features: pl.DataFrame, movements: pl.DataFrame, names: Sequence[str], *, as_of: date
) -> tuple[Asked, ...]:
    """Return what buyers did more often than others before they bought, the surest first.

    Args:
        features: account_id, as_of and `names`, of some days; a buyer is looked at on the last of
            them before the purchase, an account that did not buy on a day of a quarter before.
        movements: account_id, day, kind, arr_cents - movements of ARR.
        names: Features that count something of four weeks.
        as_of: Purchases of the quarter that ends with this day are looked at.
    """
    since = as_of - timedelta(days=BUYING_DAYS)
    bought = (
        movements.filter(
            pl.col("kind").is_in(["new", "expansion"]), pl.col("day").is_between(since, as_of)
        )
        .group_by("account_id")
        .agg(pl.col("day").min(), pl.col("arr_cents").sum())
    )
    known = features.select("account_id", "as_of", *names).sort("as_of")
    before = (
        bought.with_columns(eve=pl.col("day") - timedelta(days=1))
        .sort("eve")
        .join_asof(known, left_on="eve", right_on="as_of", by="account_id", check_sortedness=False)
        .filter(pl.col("as_of").is_not_null())
    )
    others = known.filter(pl.col("as_of") <= since).group_by("account_id").last()
    others = others.join(bought, on="account_id", how="anti")
    if min(before.height, others.height) < FEWEST:
        return ()
    level = 1 - (1 - LEVEL) / max(len(names), 1)
    found: list[Asked] = []
    for name in names:
        did = before.filter(pl.col(name) > 0).sort("arr_cents", "account_id", descending=True)
        hits, misses = did.height, others.filter(pl.col(name) > 0).height
        if not hits:
            continue
        difference = newcombe(hits, before.height, misses, others.height, level=level)
        found.append(
            Asked(
                name,
                wilson(hits, before.height),
                wilson(misses, others.height),
                difference,
                int(did.get_column("arr_cents").sum()),
                tuple(did.get_column("account_id")),
            )
        )
    return tuple(sorted(found, key=lambda one: (-(one.difference.low or 0.0), one.feature))[:MOST])


def count_recurring(said: pl.DataFrame, *, as_of: date, most: int = MOST) -> tuple[Recurring, ...]:
    """Return what was said again and again in the last quarter, the most often first.

    Args:
        said: kind, what, account_id, day, amount_cents.
        as_of: The last day of the quarter.
        most: How many of each kind.
    """
    since = as_of - timedelta(days=BUYING_DAYS)
    known = said.filter(pl.col("what").is_not_null())
    present = known.filter(pl.col("day") > since, pl.col("day") <= as_of)
    before = known.filter(
        pl.col("day") > since - timedelta(days=BUYING_DAYS), pl.col("day") <= since
    )
    earlier = {
        (kind, what): count
        for kind, what, count in before.group_by("kind", "what").len().iter_rows()
    }
    found: list[Recurring] = []
    for (kind,), rows in present.group_by("kind", maintain_order=True):
        counted = (
            rows.sort("day", descending=True)
            .group_by("what", maintain_order=True)
            .agg(
                pl.len().alias("count"),
                pl.col("amount_cents").sum(),
                pl.col("account_id").drop_nulls().unique(maintain_order=True),
            )
            .sort("count", "what", descending=[True, False])
            .head(most)
        )
        found += [
            Recurring(
                str(kind),
                row["what"],
                row["count"],
                earlier.get((kind, row["what"]), 0),
                int(row["amount_cents"] or 0),
                tuple(row["account_id"]),
            )
            for row in counted.iter_rows(named=True)
        ]
    return tuple(found)


def _grown(arr: pl.DataFrame, accounts: pl.Series, *, after: date, until: date) -> pl.Series:
    """Return the accounts that came to pay more after a day than on it."""
    steps = arr.filter(pl.col("account_id").is_in(accounts.implode())).sort("day")
    before = (
        steps.filter(pl.col("day") <= after)
        .group_by("account_id")
        .agg(pl.col("arr_cents").last().alias("before"))
    )
    most = (
        steps.filter(pl.col("day") > after, pl.col("day") <= until)
        .group_by("account_id")
        .agg(pl.col("arr_cents").max().alias("most"))
    )
    both = most.join(before, on="account_id", how="left")
    return both.filter(pl.col("most") > pl.col("before").fill_null(0)).get_column("account_id")
