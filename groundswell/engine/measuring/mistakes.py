"""Which of the mistakes that are watched for can be seen in the company's own data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import polars as pl

from groundswell.clock import utc_day
from groundswell.engine.customers import SUCCESS_TEAM
from groundswell.engine.measuring.accuracy import score_accuracy
from groundswell.engine.measuring.locking import Rulebook
from groundswell.engine.measuring.paying import check_pay, credit_reps
from groundswell.engine.told import all_told
from groundswell.measure.metrics import Measurer, Period
from groundswell.overlay.findings import Finding
from groundswell.overlay.mistakes import CommissionFacts, Known, detect_mistakes
from groundswell.overlay.pricing import check_pricing

if TYPE_CHECKING:
    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.computing import Computer
    from groundswell.engine.measuring.gathering import Gathered
    from groundswell.engine.measuring.paying import Credited
    from groundswell.engine.measuring.tables import Tables
    from groundswell.store.ledger import Ledger

QUARTERS = 4
"""How many calendar quarters that are over are compared."""
ACTIVE_DAYS, YOUNG_DAYS = 28, 90
OUTCOME_DAYS = 90
"""How long outcomes of a score are waited for."""

_GATES = ("limit_hits_28d", "paywalls_seen_28d")
_SEEN_BY = {
    "activated": "days_since_activated",
    "limit_hit": "days_since_limit_hit",
    "pricing_viewed": "days_since_pricing_viewed",
}


@dataclass(frozen=True)
class MistakesReport:
    """Which mistakes are seen, as of a day.

    Attributes:
        as_of: What was known by this day was used.
        currency: Of every amount.
        titles: What each is called.
        findings: What was seen, and what could not be looked for.
    """

    as_of: date
    currency: str
    titles: dict[str, str]
    findings: tuple[Finding, ...]


def report_mistakes(
    loaded: LoadedConfig,
    computer: Computer,
    known: Gathered,
    tables: Tables,
    *,
    signals_ask: bool | None = None,
) -> MistakesReport:
    """Look for every mistake that is watched for.

    Args:
        loaded: What is watched for, and the teams.
        computer: Its ledger says what was edited, and what CRMs were told.
        known: What is known by the day; its features hold the last days of quarters that are
            over (`quarter_ends`) and the day `OUTCOME_DAYS` before.
        tables: The same as tables.
        signals_ask: Whether the signals of the overlay ask for people; None if nobody looked.
    """
    told = know(loaded, computer, known, tables, signals_ask=signals_ask)
    return MistakesReport(
        known.as_of,
        loaded.config.currency,
        {name: spec.title for name, spec in loaded.mistakes.items()},
        tuple(detect_mistakes(told, loaded.mistakes)),
    )


def days_for_mistakes(as_of: date) -> list[date]:
    """Return the days of which features have to be known."""
    return [*quarter_ends(as_of), as_of - timedelta(days=OUTCOME_DAYS)]


def quarter_ends(as_of: date, count: int = QUARTERS) -> list[date]:
    """Return the last days of the quarters that are over, ascending.

    >>> [str(day) for day in quarter_ends(date(2026, 5, 20), 2)]
    ['2025-12-31', '2026-03-31']
    """
    number = (as_of + timedelta(days=1)).year * 4 + ((as_of + timedelta(days=1)).month - 1) // 3
    firsts = [_first_of(number - back) for back in range(count - 1, -1, -1)]
    return [first - timedelta(days=1) for first in firsts]


def _first_of(quarter: int) -> date:
    return date(quarter // 4, quarter % 4 * 3 + 1, 1)


def know(
    loaded: LoadedConfig,
    computer: Computer,
    known: Gathered,
    tables: Tables,
    *,
    signals_ask: bool | None = None,
) -> Known:
    """Return what mistakes are seen by; see `report_mistakes`."""
    today = known.features.filter(pl.col("as_of") == known.as_of)
    accounts = tables.named["accounts"].join(
        known.accounts.select("account_id", "domain", "owner", "hand_raised"), on="account_id"
    )
    auc = score_accuracy(loaded, known, then=known.as_of - timedelta(days=OUTCOME_DAYS))
    limit_at = loaded.config.limits.at
    crm = _crm(loaded, computer.ledger, known)
    credited = _credited(loaded, computer, known, tables)
    return Known(
        known.as_of,
        accounts=accounts,
        arr=known.arr,
        crm=crm,
        disputes=_disputes(known),
        edits=_edits(loaded, computer.ledger, known.as_of),
        features=today,
        handoffs=known.handoffs,
        opportunities=known.opportunities,
        pqls=known.pqls,
        quarters=_quarters(loaded, known, tables, credited),
        touches=known.touches,
        usage=today.filter(pl.col("days_since_active").is_not_null()).select("account_id"),
        score_auc=_bounds(auc.value, auc.low, auc.high),
        meanings_seen=_meanings(today),
        pricing=tuple(check_pricing(loaded.plans, today, terms=loaded.pricing, limit_at=limit_at)),
        sellers=_sellers(loaded),
        leaders=_leaders(loaded),
        signals_ask=signals_ask,
        has_definition=known.pqls.height > 0,
        commission=_commission(loaded, known, credited),
    )


def _bounds(
    value: float | None, low: float | None, high: float | None
) -> tuple[float, float, float] | None:
    if value is None or low is None or high is None:
        return None
    return value, low, high


def _crm(loaded: LoadedConfig, ledger: Ledger, known: Gathered) -> pl.DataFrame | None:
    """Return what the CRM knows: its deals and touches, and the accounts it took from us.

    None where nothing tells of a CRM.
    """
    told = [
        pl.DataFrame({"account_id": list(all_told(ledger, name))}, schema={"account_id": pl.String})
        for name in loaded.config.destinations
    ]
    of_deals = known.opportunities.select("account_id", record_id=pl.col("opportunity_id"))
    rows = pl.concat(
        [
            of_deals,
            *(
                rows.select("account_id").unique().with_columns(record_id="account_id")
                for rows in (known.touches, *told)
            ),
        ],
        how="diagonal_relaxed",
    )
    if not rows.height:
        return None
    domains = known.accounts.select("account_id", "domain")
    return rows.join(domains, on="account_id", how="left")


def _edits(loaded: LoadedConfig, ledger: Ledger, as_of: date) -> pl.DataFrame:
    """Return when the definition of a PQL, and the rules of attribution, were edited.

    That is when another version than before was used for the first time.
    """
    end = datetime.combine(as_of + timedelta(days=1), time(), UTC)
    used = sorted(event.at for event in ledger.model_events() if event.kind == "used")
    rows = [("definition", at) for at in used[1:]]
    rows += [("attribution", at) for at in Rulebook.of(loaded, ledger).edits()]
    return pl.DataFrame(
        [row for row in rows if row[1] < end],
        schema={"what": pl.String, "at": pl.Datetime("us", "UTC")},
        orient="row",
    )


def _disputes(known: Gathered) -> pl.DataFrame | None:
    """Return the lines that were disputed; None where nobody ever used the journal for it."""
    if not known.disputes:
        return None
    return pl.DataFrame(
        [(one.receipt_id, utc_day(one.opened_at)) for one in known.disputes],
        schema={"receipt_id": pl.String, "opened": pl.Date},
        orient="row",
    )


def _credited(
    loaded: LoadedConfig, computer: Computer, known: Gathered, tables: Tables
) -> Credited | None:
    """Return what reps are credited with, where a mistake is told by it.

    It takes the footprints of every deal, and nothing else reads it.
    """
    if not known.disputes and not loaded.commissions.untouched_rate:
        return None
    return credit_reps(loaded, computer, known, tables)


def _commission(
    loaded: LoadedConfig, known: Gathered, credited: Credited | None
) -> CommissionFacts:
    """Return what the plan pays, as it is written; at no rate nothing is paid on the untouched."""
    plan, rate = check_pay(loaded, known), loaded.commissions.untouched_rate
    entries = credited.entries if credited is not None else ()
    return CommissionFacts(
        untouched_rate=float(rate),
        paid_untouched_cents=sum(one.pay_cents for one in entries if one.line.is_untouched),
        queue_per_hour_cents=plan.queue.per_hour_cents,
        cold_per_hour_cents=plan.cold.per_hour_cents,
    )


def _quarters(
    loaded: LoadedConfig, known: Gathered, tables: Tables, credited: Credited | None
) -> pl.DataFrame:
    measurer = Measurer(loaded.metrics, tables.named, tables.missing)
    rows: list[dict[str, object]] = []
    for last in quarter_ends(known.as_of):
        quarter = Period(_first_of(last.year * 4 + (last.month - 1) // 3), last)
        rows.append(
            {
                "quarter": quarter.first,
                "cac_cents": _told(measurer, "cac", quarter),
                "self_serve_conversion": _told(measurer, "self_serve_conversion", quarter),
                "self_serve_customers": _told(measurer, "self_serve_customers", quarter),
                "gates_per_free_account": _gates(known.features.filter(pl.col("as_of") == last)),
                "commission_lines": None if credited is None else _lines(credited, quarter),
            }
        )
    return pl.DataFrame(
        rows,
        schema={
            "quarter": pl.Date,
            "cac_cents": pl.Float64,
            "self_serve_conversion": pl.Float64,
            "self_serve_customers": pl.Float64,
            "gates_per_free_account": pl.Float64,
            "commission_lines": pl.Int64,
        },
    )


def _lines(credited: Credited, quarter: Period) -> int:
    """Return how many lines of commission were earned in a quarter."""
    return sum(quarter.first <= line.day <= quarter.last for line in credited.lines)


def _told(measurer: Measurer, name: str, period: Period) -> float | None:
    """Return a metric's number; None where the company took it away, or nothing is known."""
    return measurer.value(name, period) if name in measurer.metrics else None


def _gates(rows: pl.DataFrame) -> float | None:
    """Return the limits hit and paywalls met in four weeks, for each young free account.

    Young ones, since who stays free for long grows into its limits though nobody moved them. None
    where none was active.
    """
    active = rows.filter(
        ~pl.col("is_paying").fill_null(value=False),
        pl.col("days_since_active") < ACTIVE_DAYS,
        pl.col("account_age_days") <= YOUNG_DAYS,
    )
    if not active.height:
        return None
    gates = active.select(pl.sum_horizontal(pl.col(name).fill_null(0).sum() for name in _GATES))
    return float(gates.item()) / active.height


def _meanings(today: pl.DataFrame) -> frozenset[str] | None:
    if not today.height:
        return None
    return frozenset(
        name
        for name, feature in _SEEN_BY.items()
        if feature in today.columns and today.get_column(feature).is_not_null().any()
    )


def _sellers(loaded: LoadedConfig) -> int:
    """Return how many people sell: the members of all teams but customer success."""
    return len(
        {
            member.email
            for name, team in loaded.teams.items()
            if name != SUCCESS_TEAM
            for member in team.members
        }
    )


def _leaders(loaded: LoadedConfig) -> int:
    """Return how many lead them: managers who are on no team themselves."""
    members = {member.email for team in loaded.teams.values() for member in team.members}
    led = {
        team.manager
        for name, team in loaded.teams.items()
        if name != SUCCESS_TEAM and team.manager is not None
    }
    return len(led - members)
