"""Simulated companies whose truth is known: frames and figures from a seed and a few numbers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from groundswell.config.overlay_schema import OverlayBlock
from groundswell.overlay.facts import OverlayFacts, Practice, TeamInPlace
from groundswell.overlay.figures import Figure, share_of
from groundswell.overlay.quarters import Quarter
from groundswell.routing import is_held_out

AS_OF = dt.date(2026, 6, 30)
CAP = 12_000
"""What the highest self-serve plan takes a year."""
QUARTERS = 9
"""Quarters that are simulated, the last one over at `AS_OF`."""

QUIET = {
    "enterprise_inbound": 0.02,
    "stalled": 0.02,
    "rich_unpaid": 0.10,
    "lost_for_people": 0,
    "asks_a_week": 0.15,
    "willing": 1.0,
}
"""What each signal is drawn about where nothing asks for people."""
LOUD = {
    "enterprise_inbound": 0.20,
    "stalled": 0.16,
    "rich_unpaid": 0.50,
    "lost_for_people": 3,
    "asks_a_week": 3.0,
    "willing": 7.0,
}
"""What each signal is drawn about where it asks for people."""

NAMES = {
    "enterprise_inbound": "enterprise_inbound",
    "stalled": "stalled_at_limit",
    "rich_unpaid": "rich_unpaid",
    "lost_for_people": "lost_for_people",
    "asks_a_week": "security_asks",
    "willing": "capped_plan",
}
READY = dict.fromkeys(("sso", "scim", "audit_log", "roles", "soc2", "dpa", "sla"), True)
ENGINE = Practice(
    pql_since=dt.date(2025, 1, 1),
    score_is_fitted=True,
    routing_learned=True,
    outcomes_return=True,
    has_events=True,
)
ASSIST = TeamInPlace("sales_assist", dt.date(2025, 1, 1), 2)


@dataclass(frozen=True)
class Company:
    """What is true of a simulated company.

    Attributes:
        loud: The signals that ask for people, by the names of `LOUD`.
        loud_quarters: In the last quarters that they do so; QUIET before.
        levels: What signals are drawn about instead, by name and quarter, the latest last.
        signups: New accounts a quarter.
        head: Share of companies in the market that are enterprises, beside those that ask.
        midmarket: Share of them with 50 to 500 employees.
        activation: Share of new accounts that is activated, in the quarters up to the last.
        conversion: Self-serve conversion, alike.
        time_to_value: Median days to activation, alike.
        nrr: Net revenue retention, alike.
        growth: Growth of ARR a quarter, alike.
        arr: ARR at the end, in the company's currency.
        cac_payback: Months.
        answered: Share of raised hands that somebody touches in time.
        pqls: PQLs a quarter, and which part of them is enterprise.
        disputes: A quarter.
        teams, practice: Who sells, and how PQLs are worked.
        declared: Of the block `overlay:`.
    """

    loud: tuple[str, ...] = ()
    loud_quarters: int = 3
    levels: dict[str, tuple[float, ...]] = field(default_factory=dict)
    signups: int = 240
    head: float = 0.015
    midmarket: float = 0.2
    activation: tuple[float, ...] = (0.5,)
    conversion: tuple[float, ...] = (0.055,)
    time_to_value: tuple[float, ...] = (4.0,)
    nrr: tuple[float, ...] = (1.22,)
    growth: tuple[float, ...] = (0.14,)
    arr: int = 3_000_000
    cac_payback: float = 11.0
    answered: float = 0.95
    pqls: tuple[int, float] = (30, 0.3)
    disputes: int = 0
    teams: tuple[TeamInPlace, ...] = ()
    practice: Practice = ENGINE
    declared: dict = field(default_factory=dict)

    def terms(self) -> OverlayBlock:
        """Return the block `overlay:` as the company wrote it."""
        declared = {"board_pressure": [], "runway_months": 24, **self.declared}
        return OverlayBlock.model_validate(declared)

    def level(self, name: str, place: int) -> float:
        """Return what a signal is drawn about in a quarter; the last has place `QUARTERS` - 1."""
        if name in self.levels:
            return _at(self.levels[name], place)
        is_loud = name in self.loud and place >= QUARTERS - self.loud_quarters
        return (LOUD if is_loud else QUIET)[name]


def _at(values: tuple[float, ...], place: int) -> float:
    """Return the value of a quarter; the first one stands for all before it."""
    return values[max(place - QUARTERS + len(values), 0)]


def quarter(place: int) -> Quarter:
    return Quarter.of(AS_OF).earlier(QUARTERS - 1 - place)


def simulate(company: Company, seed: int) -> OverlayFacts:
    """Draw the frames of a company."""
    rng = np.random.default_rng(seed)
    accounts = pl.concat([_signed_up(company, rng, place) for place in range(QUARTERS)])
    ends = [_features(company, rng, accounts, place) for place in range(QUARTERS)]
    deals = pl.concat([_deals(company, rng, accounts, place) for place in range(QUARTERS)])
    asks = pl.concat([_asks(company, rng, accounts, place) for place in range(QUARTERS)])
    pqls, handoffs = _worked(company, rng, accounts)
    return OverlayFacts(
        as_of=AS_OF,
        accounts=accounts,
        features=pl.concat(ends),
        arr=_arr(company, rng, accounts),
        opportunities=deals,
        touches=_touches(company, rng, accounts, asks),
        asks=asks,
        handoffs=handoffs,
        pqls=pqls,
        conversion={
            str(quarter(place)): share_of(
                int(rng.binomial(4 * company.signups, _at(company.conversion, place))),
                4 * company.signups,
            )
            for place in range(QUARTERS)
        },
        time_to_value=_figures(company.time_to_value, "days", rng, company.signups // 2),
        nrr=_figures(company.nrr, "share", rng),
        arr_total=_grown(company),
        self_serve_arr=_grown(company),
        cac_payback=_figures((company.cac_payback,), "months", rng),
        disputes={str(quarter(place)): company.disputes for place in range(QUARTERS)},
        gross_margin=0.8,
        self_serve_cap_cents=CAP * 100,
        teams=company.teams,
        practice=company.practice,
    )


@dataclass(frozen=True)
class Touched:
    """The accounts of a company that were handed over or held out, and the truth of each.

    Attributes:
        rows: account_id, parent_id, contacted, bought.
        converts: Those that buy when they are touched and do not by themselves.
    """

    rows: pl.DataFrame
    converts: frozenset[str]

    @property
    def effect(self) -> float:
        """What touching adds to the share that buys, if everybody were touched."""
        return len(self.converts) / self.rows.height


def touch(facts: OverlayFacts, seed: int, *, holdout: float, lift: float, base: float) -> Touched:
    """Draw whom a touch converts among the accounts of a company, and what comes of a holdout.

    Args:
        facts: The company.
        seed: Another seed is the same company with other people in it.
        holdout: Share that is held out, by parent as handoffs are.
        lift: Share that a touch converts.
        base: Share that buys by itself.
    """
    rng = np.random.default_rng(seed)
    ids = facts.accounts["account_id"].to_list()
    fate = rng.random(len(ids))
    anyway, converts = fate < base, (fate >= base) & (fate < base + lift)
    parents = [f"{seed}/{name}" for name in ids]
    contacted = np.array([not is_held_out(holdout, parent) for parent in parents])
    rows = pl.DataFrame(
        {
            "account_id": ids,
            "parent_id": parents,
            "contacted": contacted,
            "bought": anyway | (converts & contacted),
        }
    )
    return Touched(rows, frozenset(np.array(ids)[converts].tolist()))


def _figures(values, unit, rng, n=100) -> dict[str, Figure]:
    found = {}
    for place in range(QUARTERS):
        value = _at(values, place) * float(rng.normal(1, 0.01))
        found[str(quarter(place))] = Figure(value, value * 0.9, value * 1.1, n, unit)
    return found


def _grown(company: Company) -> dict[str, Figure]:
    found, arr = {}, company.arr * 100.0
    for place in reversed(range(QUARTERS)):
        found[str(quarter(place))] = Figure(arr, n=100, unit="money")
        arr /= 1 + _at(company.growth, place)
    return found


def _day(rng, span: Quarter, n: int) -> list[dt.date]:
    days = (span.last - span.first).days + 1
    return [span.first + dt.timedelta(days=int(day)) for day in rng.integers(0, days, n)]


def _signed_up(company: Company, rng, place: int) -> pl.DataFrame:
    """Draw the new accounts of a quarter: the market, and enterprises that come by themselves."""
    n, span = company.signups, quarter(place)
    inbound = company.level("enterprise_inbound", place)
    large = rng.random(n) < company.head
    raised = rng.random(n) < inbound
    sizes = np.where(
        rng.random(n) < company.midmarket, rng.integers(60, 400, n), rng.integers(1, 40, n)
    )
    if company.head:
        large |= raised & (rng.random(n) < 0.7)
    employees = np.where(large, rng.integers(600, 6_000, n), sizes)
    signed = _day(rng, span, n)
    hands = [
        min(day + dt.timedelta(days=5), span.last) if is_raised else None
        for day, is_raised in zip(signed, raised, strict=True)
    ]
    active = rng.random(n) < _at(company.activation, place)
    activated = [
        day + dt.timedelta(days=3) if is_active else None
        for day, is_active in zip(signed, active, strict=True)
    ]
    paying = rng.random(n) < 0.12
    ids = [f"q{place}n{one:04}" for one in range(n)]
    return pl.DataFrame(
        {
            "account_id": ids,
            "domain": [f"{one}.example" for one in ids],
            "employees": employees.astype(np.int64),
            "owner": None,
            "is_free_mail": (rng.random(n) < 0.15) & ~large & ~raised,
            "signed_up": signed,
            "activated": activated,
            "hand_raised": hands,
            "paid": [
                day + dt.timedelta(days=20) if pays else None
                for day, pays in zip(signed, paying, strict=True)
            ],
        },
        schema_overrides={
            "owner": pl.String,
            "activated": pl.Date,
            "hand_raised": pl.Date,
            "paid": pl.Date,
        },
    )


def _features(company: Company, rng, accounts: pl.DataFrame, place: int) -> pl.DataFrame:
    """Draw the usage of every account at the end of a quarter."""
    span = quarter(place)
    here = accounts.filter(pl.col("signed_up") <= span.last)
    n = here.height
    # Who stands at a limit, and who uses the product richly, is drawn about the share of it.
    stalled = rng.random(n) < company.level("stalled", place)
    rich = rng.random(n) < 0.25
    unpaid = rng.random(n) < company.level("rich_unpaid", place)
    pays = np.where(rich, ~unpaid, rng.random(n) < 0.05)
    users = np.where(rich, rng.integers(6, 30, n), rng.integers(1, 5, n)).astype(float)
    return pl.DataFrame(
        {
            "account_id": here["account_id"],
            "as_of": [span.last] * n,
            "employees": here["employees"].cast(pl.Float64),
            "active_users_28d": users,
            "active_days_90d": np.where(rich, 55.0, 12.0),
            "account_age_days": np.where(rich, 200.0, 40.0),
            "features_used_28d": np.where(rich, 6.0, 2.0),
            "mrr": np.where(pays, users * 20, 0.0),
            "days_at_limit": np.where(stalled, rng.integers(65, 200, n), 3).astype(float),
            "seats_used": users * (1 + 0.25 * place),
            "estimated_acv": users * 600,
        }
    )


def _arr(company: Company, rng, accounts: pl.DataFrame) -> pl.DataFrame:
    paying = accounts.filter(pl.col("paid").is_not_null())
    cents = rng.integers(100_000, 900_000, paying.height)
    return paying.select("account_id", day="paid").with_columns(arr_cents=pl.Series(cents))


def _deals(company: Company, rng, accounts: pl.DataFrame, place: int) -> pl.DataFrame:
    """Draw the deals opened in a quarter with enterprises, and the large ones lost in it."""
    span = quarter(place)
    new = accounts.filter(pl.col("signed_up").is_between(span.first, span.last))
    large = new.filter((pl.col("employees") > 500) | pl.col("hand_raised").is_not_null())
    who = large["account_id"].to_list()[:8]
    amounts = rng.lognormal(np.log(company.level("willing", place) * CAP * 100), 0.2, len(who))
    rows = [
        {"account_id": one, "amount_cents": int(cents), "created_at": span.first, "won": None}
        for one, cents in zip(who, amounts, strict=True)
    ]
    lost = int(company.level("lost_for_people", place))
    rows += [
        {
            "account_id": who[one % len(who)] if who else f"lost{one}",
            "amount_cents": 15_000_000,
            "created_at": span.first - dt.timedelta(days=120),
            "closed_at": span.last,
            "won": False,
            "lost_reason": "they implement it and help with the security review",
            "competitor": "Rival",
        }
        for one in range(lost)
    ]
    # One is always lost, for the product: that says nothing of people.
    rows.append(
        {
            "account_id": "product",
            "amount_cents": 20_000_000,
            "created_at": span.first - dt.timedelta(days=120),
            "closed_at": span.last,
            "won": False,
            "lost_reason": "a feature is missing",
            "competitor": "Rival",
        }
    )
    return pl.DataFrame(
        [{**row, "opportunity_id": f"{span}-{one}"} for one, row in enumerate(rows)],
        schema={
            "opportunity_id": pl.String,
            "account_id": pl.String,
            "created_at": pl.Date,
            "amount_cents": pl.Int64,
            "closed_at": pl.Date,
            "won": pl.Boolean,
            "lost_reason": pl.String,
            "competitor": pl.String,
        },
    )


def _asks(company: Company, rng, accounts: pl.DataFrame, place: int) -> pl.DataFrame:
    """Draw formal asks of accounts that are there, so many in each week."""
    span = quarter(place)
    here = accounts.filter(pl.col("signed_up") < span.first)["account_id"].to_list() or ["first"]
    rows = []
    for week in range(13):
        rows += [
            {
                "account_id": here[int(rng.integers(0, len(here)))],
                "kind": "security" if rng.random() < 0.7 else "procurement",
                "topic": "questionnaire",
                "day": span.first + dt.timedelta(days=7 * week + int(rng.integers(0, 7))),
            }
            for _ in range(int(rng.poisson(company.level("asks_a_week", place))))
        ]
    schema = {"account_id": pl.String, "kind": pl.String, "topic": pl.String, "day": pl.Date}
    return pl.DataFrame(rows, schema=schema)


def _touches(company: Company, rng, accounts: pl.DataFrame, asks: pl.DataFrame) -> pl.DataFrame:
    """Draw the answers to raised hands and to formal asks."""
    raised = accounts.select("account_id", day="hand_raised").drop_nulls()
    asked = pl.concat([raised, asks.select("account_id", "day")])
    kept = asked.filter(pl.Series(rng.random(asked.height) < company.answered))
    at = (pl.col("day") + dt.timedelta(days=1)).cast(pl.Datetime("us", "UTC"))
    return kept.select("account_id", at=at)


def _worked(company: Company, rng, accounts: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Draw PQLs, and the handoffs of these where somebody sells."""
    pqls, handoffs = [], []
    count, enterprise = company.pqls
    for place in range(QUARTERS):
        span = quarter(place)
        here = accounts.filter(
            pl.col("signed_up") < span.first if place else pl.lit(value=True),
            pl.col("hand_raised").is_null(),
        )["account_id"].to_list()
        share = enterprise * (place + 1) / QUARTERS
        for day in _day(rng, span, count):
            who = here[int(rng.integers(0, len(here)))]
            motion = "enterprise" if rng.random() < share else "sales_assist"
            pqls.append({"account_id": who, "qualified_on": day, "motion": motion, "tier": "A"})
            opened = dt.datetime.combine(day, dt.time(9), dt.UTC)
            handoffs.append(
                {
                    "account_id": who,
                    "motion": motion,
                    "play": "seat_pressure",
                    "opened_at": opened,
                    "first_touch_at": opened + dt.timedelta(hours=3),
                    "due_at": opened + dt.timedelta(hours=24),
                    "closed_at": opened + dt.timedelta(days=20),
                    "state": "won" if rng.random() < 0.4 else "lost",
                    "reason": "price",
                    "urgent": False,
                }
            )
    moment = pl.Datetime("us", "UTC")
    schema = {"account_id": pl.String, "qualified_on": pl.Date, "motion": pl.String}
    told = pl.DataFrame(pqls, schema={**schema, "tier": pl.String})
    rows = pl.DataFrame(
        handoffs,
        schema={
            "account_id": pl.String,
            "motion": pl.String,
            "play": pl.String,
            "opened_at": moment,
            "first_touch_at": moment,
            "due_at": moment,
            "closed_at": moment,
            "state": pl.String,
            "reason": pl.String,
            "urgent": pl.Boolean,
        },
    )
    return told, rows if company.teams else rows.clear()
