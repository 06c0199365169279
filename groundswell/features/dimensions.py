"""What is known about an account beside its events, as known by the end of each day.

Versions of accounts hold from their `valid_from`; the first, when it gives none, from the
account's creation, or always. Subscriptions hold from their start to their end, and their terms
as accounts' versions do. What belongs to an account that was merged counts for the account it
went into, for as long as the merge holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from groundswell.features.plan import NEVER
from groundswell.features.steps import Spans, merge_spans
from groundswell.model import Kind
from groundswell.store.versions import DIMENSIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from groundswell.features.people import Filing, People
    from groundswell.features.plan import FeaturePlan
    from groundswell.features.rollup import Facts

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

DEPARTURE_DAYS = 28
"""How long it is news that an admin left."""
ENTERPRISE_EMPLOYEES = 500
"""A company with more employees than this is enterprise-sized. Source: MODELS 6."""
_NAMELESS = DIMENSIONS[Kind.SUBSCRIPTIONS].instead


@dataclass(frozen=True)
class Dimensions:
    """Dimensions of all accounts over time, ready to be read as of any days.

    Attributes:
        exists: When an account is one of its own: from when it is known, while not merged away.
        since: Day each account was first heard of.
        versions: Versions of accounts; their rows index `facts`.
        facts: employees, industry, country, owner, parent_id, target, tech_overlap, domain,
            created (day).
        filed: account_id, domain, is_free_mail, free_mail_since, parent_id by account.
        subscriptions: Their rows index `terms`.
        paid: Those of them that cost something.
        terms: plan, cents, seats, seat_limit, usage_limit, plan_since, began (the instant),
            first_day, end_said (the day of the end that these terms say, if any).
        rises: Days on which an account's recurring revenue went up.
        opportunities: When each is open.
        departures: When an admin has left, for as long as that is news.
        tickets: account, person, day, topic (with the days as of which the account holds).
        joined: When a person belongs; the row is the position in `joined_since`.
        joined_since: Day the person began to belong.
        first_known: First day as of which anything of a kind is known: subscriptions,
            opportunities, tickets.
    """

    exists: Spans
    since: Ints
    versions: Spans
    facts: pl.DataFrame
    filed: pl.DataFrame
    subscriptions: Spans
    paid: Spans
    terms: pl.DataFrame
    rises: Spans
    opportunities: Spans
    departures: Spans
    tickets: pl.DataFrame
    joined: Spans
    first_known: dict[Kind, int]


def know_dimensions(
    plan: FeaturePlan, filing: Filing, warehouse: Facts, people: People
) -> Dimensions:
    """Read every dimension once and lay it out as spans of days."""
    accounts = filing.accounts.sort("account")
    number = accounts.select("account", "account_id")
    where = places(filing)
    facts, versions = _versions(plan, warehouse.read(Kind.ACCOUNTS).join(number, on="account_id"))
    told = {
        Kind.SUBSCRIPTIONS: _subscriptions(warehouse.read(Kind.SUBSCRIPTIONS)),
        Kind.OPPORTUNITIES: _opportunities(warehouse.read(Kind.OPPORTUNITIES)),
        Kind.TICKETS: _tickets(warehouse.read(Kind.TICKETS), filing),
    }
    bought, deals, tickets = (placed(rows, number, where) for rows in told.values())
    members = filing.members
    count = int(_ints(members["person"]).max(initial=0)) + 1
    pair = _ints(members["account"]) * count + _ints(members["person"])
    pair, start, until = merge_spans(pair, _ints(members["since"]), _ints(members["until"]))
    costs = bought.with_row_index("row").filter(pl.col("cents") > 0)
    return Dimensions(
        exists=_existing(accounts, filing.merges),
        since=_ints(accounts["since"]),
        versions=versions,
        facts=facts,
        filed=accounts,
        subscriptions=_spans(bought, order="began"),
        paid=_spans(costs, order="began", row="row"),
        terms=bought,
        rises=_rises(bought),
        opportunities=_spans(deals),
        departures=_departures(people, pair, count, start, until),
        tickets=tickets,
        joined=Spans.of(pair // count, start, until, row=start),
        first_known={
            kind: int(_ints(rows["start"]).min(initial=NEVER)) for kind, rows in told.items()
        },
    )


def _ints(column: pl.Series) -> Ints:
    return column.cast(pl.Int64).to_numpy()


def _day(column: str) -> pl.Expr:
    return pl.col(column).dt.epoch("d").cast(pl.Int64)


def _spans(frame: pl.DataFrame, *, order: str = "start", row: str | None = None) -> Spans:
    return Spans.of(
        _ints(frame["account"]),
        _ints(frame["start"]),
        _ints(frame["until"]),
        None if row is None else _ints(frame[row]),
        order=_ints(frame[order]),
    )


def _departures(people: People, pair: Ints, count: int, start: Ints, until: Ints) -> Spans:
    """Say when an admin's leaving is news: for `DEPARTURE_DAYS`, unless they come back before.

    Args:
        people: Who is known as an admin, and since when.
        pair: Account * count + person, ascending.
        count: More than any person.
        start: From when each belonged; spans of a pair neither overlap nor touch.
        until: And until when.
    """
    back = np.append(np.where(pair[1:] == pair[:-1], start[1:], NEVER), NEVER)[: len(pair)]
    known = until >= people.admin_since(pair % count)
    end = np.where(known, np.minimum(until + DEPARTURE_DAYS, back), until)
    return Spans.of(pair // count, until, end)


def _existing(accounts: pl.DataFrame, merges: pl.DataFrame) -> Spans:
    """Say when each account stands by itself."""
    account = _ints(accounts["account"])
    since = _ints(accounts["since"])
    gone, low, high = merge_spans(
        _ints(merges["account"]), _ints(merges["since"]), _ints(merges["until"])
    )
    owner = np.concatenate([account, gone])
    begin = np.concatenate([np.full(len(account), -NEVER), high])
    end_owner = np.concatenate([gone, account])
    end = np.concatenate([low, np.full(len(account), NEVER)])
    order, end_order = np.lexsort((begin, owner)), np.lexsort((end, end_owner))
    owner, begin, end = owner[order], begin[order], end[end_order]
    return Spans.of(owner, np.maximum(begin, since[owner]), end)


def places(filing: Filing) -> pl.DataFrame:
    """Return where what belongs to an account counts: account, place, from, to (days)."""
    merges = filing.merges.select(
        pl.col("account").cast(pl.Int64),
        pl.col("into").cast(pl.Int64).alias("place"),
        pl.col("since").cast(pl.Int64).alias("from"),
        pl.col("until").cast(pl.Int64).alias("to"),
    )
    own = _existing(filing.accounts.sort("account").with_columns(since=-NEVER), filing.merges)
    itself = pl.DataFrame(
        {"account": own.account, "place": own.account, "from": own.start, "to": own.until}
    )
    return pl.concat([itself, merges])


def placed(rows: pl.DataFrame, number: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Cut rows (account_id, start, until, ...) by where their account counts."""
    return (
        rows.join(
            number.with_columns(pl.col("account").cast(pl.Int64)),
            on="account_id",
            maintain_order="left",
        )
        .join(places, on="account", maintain_order="left")
        .with_columns(
            pl.max_horizontal("start", "from").alias("start"),
            pl.min_horizontal("until", "to").alias("until"),
            pl.col("place").alias("account"),
            (pl.col("start") >= pl.col("from")).alias("starts_here"),
            (pl.col("until") <= pl.col("to")).alias("ends_here"),
        )
        .filter(pl.col("start") < pl.col("until"))
        .drop("place", "from", "to", "account_id")
    )


def _versions(plan: FeaturePlan, accounts: pl.DataFrame) -> tuple[pl.DataFrame, Spans]:
    wanted = {name.strip().casefold() for name in plan.config.market.tech_stack}
    used = (
        pl.col("tech_stack")
        .str.to_lowercase()
        .str.split(",")
        .list.eval(pl.element().str.strip_chars())
        .list.set_intersection(sorted(wanted))
        .list.len()
    )
    facts = accounts.with_columns(
        _day("valid_from").fill_null(_day("created_at")).fill_null(-NEVER).alias("start"),
        _day("created_at").alias("created"),
        (used / len(wanted) if wanted else pl.lit(None, pl.Float64)).alias("tech_overlap"),
    ).sort("account", "valid_from", nulls_last=False, maintain_order=True)
    until = facts.select(pl.col("start").shift(-1).over("account").fill_null(NEVER).alias("until"))[
        "until"
    ]
    spans = Spans.of(_ints(facts["account"]), _ints(facts["start"]), _ints(until))
    return facts, spans


def _subscriptions(rows: pl.DataFrame) -> pl.DataFrame:
    """Say which terms each subscription had from when until when.

    Its start and its end are what the last version says; plan, revenue, seats and limits are each
    version's own, until the next one holds. So is the end that is said ahead (`end_said`), by a
    version that says since when it holds: of any other nobody knows when the end became known, and
    to know of a cancellation before it came would be to look into the future.
    """
    nameless = pl.col("subscription_id").is_null()
    holds = pl.col("start") < pl.col("until")
    momentary = (pl.col("start") == _day("started_at")) & (pl.col("until") == _day("ended_at"))
    identity = ["subscription_id", *(pl.when(nameless).then(name) for name in _NAMELESS)]
    return (
        rows.sort("valid_from", nulls_last=False, maintain_order=True)
        .with_columns(
            pl.when(pl.col("valid_from").is_not_null()).then(_day("ended_at")).alias("end_said"),
            pl.col("started_at", "ended_at").last().over(identity),
            _day("valid_from").alias("from"),
            _day("valid_from").shift(-1).over(identity).alias("next"),
        )
        .with_columns(
            pl.max_horizontal(_day("started_at"), "from").alias("start"),
            pl.min_horizontal(_day("ended_at"), "next").fill_null(NEVER).alias("until"),
            (pl.col("mrr") * 100).cast(pl.Int64).alias("cents"),
            pl.col("started_at").dt.epoch("us").alias("began"),
            _day("started_at").alias("first_day"),
        )
        .filter(holds | momentary.fill_null(value=False))
        .sort(
            *("account_id", "started_at", "subscription_id", pl.when(nameless).then("plan")),
            "start",
            maintain_order=True,
        )
        .with_columns(_plan_since().alias("plan_since"))
        .select(
            "account_id",
            "start",
            "until",
            "plan",
            "cents",
            "seats",
            "seat_limit",
            "usage_limit",
            "plan_since",
            "began",
            "first_day",
            "end_said",
        )
    )


def _plan_since() -> pl.Expr:
    """Day the plan began: terms that follow some of the same plan without a gap carry it on.

    Terms that begin later have no say, whichever subscription they are of.
    """
    same = ["account_id", "plan"]
    until = pl.col("until").cum_max().shift(1).over(same, order_by="start")
    follows = pl.col("plan").is_not_null() & (until >= pl.col("start"))
    begun = pl.when(~follows.fill_null(value=False)).then("start")
    return begun.forward_fill().over(same, order_by="start")


def _opportunities(rows: pl.DataFrame) -> pl.DataFrame:
    """When each version of each opportunity says that it is open."""
    created = _day("created_at")
    return (
        rows.with_columns(
            _day("valid_from").fill_null(created).alias("known"), created.alias("made")
        )
        .sort("opportunity_id", "valid_from", nulls_last=False, maintain_order=True)
        .with_columns(
            pl.col("known").shift(-1).over("opportunity_id").fill_null(NEVER).alias("next"),
            pl.when(pl.col("won").is_not_null() & pl.col("closed_at").is_null())
            .then(pl.col("known"))
            .otherwise(_day("closed_at").fill_null(NEVER))
            .alias("closed"),
        )
        .select(
            "account_id",
            pl.max_horizontal("known", "made").alias("start"),
            pl.min_horizontal("next", "closed").alias("until"),
        )
    )


def _tickets(rows: pl.DataFrame, filing: Filing) -> pl.DataFrame:
    persons = filing.persons.select("user_id", pl.col("person").cast(pl.Int64))
    return rows.join(persons, on="user_id", how="left", maintain_order="left").select(
        "account_id",
        _day("at").alias("start"),
        pl.lit(NEVER, pl.Int64).alias("until"),
        _day("at").alias("day"),
        pl.col("person").fill_null(-1),
        "topic",
    )


def _rises(bought: pl.DataFrame) -> Spans:
    """Return the days on which the recurring revenue of an account went up; merging is none."""
    changes = pl.concat(
        [
            bought.filter("starts_here").select("account", pl.col("start").alias("day"), "cents"),
            bought.filter("ends_here").select(
                "account", pl.col("until").alias("day"), -pl.col("cents")
            ),
        ]
    )
    up = (
        changes.group_by("account", "day")
        .agg(pl.col("cents").sum())
        .filter((pl.col("cents") > 0) & (pl.col("day") < NEVER))
        .sort("account", "day")
    )
    day = _ints(up["day"])
    return Spans.of(_ints(up["account"]), day, np.full(len(day), NEVER), row=day)
