"""Scoring a whole company as of a day: identity, features, scores, decisions, the journal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING

import polars as pl

from groundswell.clock import utc_day
from groundswell.config.loading import FITTED
from groundswell.engine import deciding
from groundswell.engine.alerting import alert_entry, find_alerts
from groundswell.engine.customers import CsmBook
from groundswell.engine.handing.handing import abouts
from groundswell.engine.handing.owners import OWNER_TOLD, find_news
from groundswell.engine.measuring.locking import keep_rules
from groundswell.engine.publishing import publish_tables
from groundswell.engine.registry import Models, refit_due
from groundswell.engine.reports import RunReport
from groundswell.engine.risks import find_risks, risk_entry
from groundswell.engine.standing import followed_days, lead_up, stand_on
from groundswell.engine.telling import latest_frame, parents_of
from groundswell.model import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    import numpy as np
    from numpy.typing import NDArray

    from groundswell.clock import Clock
    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.computing import Computer
    from groundswell.engine.deciding import Remembered
    from groundswell.engine.handing.handing import Handing
    from groundswell.engine.standing import Eve, Standing
    from groundswell.intake import Filing
    from groundswell.store.ledger import JournalEntry, Ledger

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Whole:
    """A company as of a day, scored and decided on.

    Attributes:
        report: What the run did.
        filing: Who belongs where.
        eve: What led up to the day.
        remembered: What the journal said before it.
        latest: Where every account stands, as `telling.latest_frame` puts it.
        entries: Crossings and decisions that are new to the journal.
        crossings: Keys of all the journal's crossings, the new ones too.
    """

    report: RunReport
    filing: Filing
    eve: Eve
    remembered: Remembered
    latest: pl.DataFrame
    entries: tuple[JournalEntry, ...]
    crossings: frozenset[str]


def run_whole(
    loaded: LoadedConfig,
    computer: Computer,
    ledger: Ledger,
    clock: Clock,
    *,
    day: date,
    kept: Floats | None = None,
    handing: Handing | None = None,
) -> Whole:
    """Score every account, decide on each, find alerts and risks, and record it in the journal.

    Args:
        loaded: The configuration.
        computer: Answers for features.
        ledger: Keeps the journal.
        clock: Tells when it was decided.
        day: As of when.
        kept: As in `features.compute_features`.
        handing: Writes the journal, and hands accounts over; without it nothing is changed.

    Raises:
        UsageError: Nothing was known by that day.
    """
    began = monotonic()
    filing = computer.filing()
    identified = monotonic()
    eve, today = lead_up(loaded, computer.features(followed_days(day), kept=kept), as_of=day)
    standing = stand_on(loaded, eve, today, as_of=day)
    computed = monotonic()
    known = {item.key for item in ledger.journal(kinds=("qualified", "released", OWNER_TOLD))}
    remembered = deciding.remember(ledger, computer.warehouse.read(Kind.TOUCHES), as_of=day)
    routes, entries = decide_on(
        loaded, standing, remembered, parents=parents_of(filing.accounts), clock=clock
    )
    decided = monotonic()
    now = clock.now()
    book = CsmBook.of(loaded, ledger, as_of=day, now=now)
    alerts = find_alerts(
        loaded,
        computer.plan,
        standing,
        remembered,
        ledger,
        routes=routes,
        accounts=filing.accounts,
        book=book,
    )
    risks = find_risks(
        loaded,
        computer,
        standing,
        ledger,
        book,
        accounts=filing.accounts,
        barred={*loaded.guardrails.do_not_contact, *remembered.barred},
    )
    if handing is not None:
        Models(ledger, clock).note_use(loaded.score)
        keep_rules(loaded, ledger, clock)
    told = [*book.entries, *(alert_entry(alert, now=now) for alert in alerts)]
    told += [risk_entry(risk, now=now) for risk in risks]
    written = 0
    if handing is not None:
        written = handing.record([*entries, *told], standing.frame, filing.accounts)
        paying = standing.frame.filter(pl.col("is_paying").fill_null(value=False))
        handing.sweep(
            lambda wanted: abouts(standing.frame, filing.accounts, wanted),
            computer.warehouse,
            paying.get_column("account_id"),
        )
    report = RunReport(
        as_of=day,
        accounts=standing.frame.height,
        qualified=int(standing.frame.get_column("qualified").sum()),
        newly_qualified=deciding.newly(entries, "qualified", known),
        released=deciding.newly(entries, "released", known),
        hand_overs=int(routes.get_column("hand_over").sum()),
        motions=dict(routes.group_by("motion").len().sort("len", descending=True).iter_rows()),
        journal_entries=written,
        alerts=len(alerts),
        risks=len(risks),
        warnings=score_warnings(loaded, day),
        seconds={
            "identity": identified - began,
            "features and scores": computed - identified,
            "decisions": decided - computed,
            "alerts": monotonic() - decided,
        },
    )
    deciding.note(remembered, entries)
    latest = latest_frame(standing, routes, filing.accounts)
    if handing is not None:
        handing.refresh(latest, filing.accounts)
        lacking = publish_tables(
            loaded, computer.warehouse, ledger, latest, filing.accounts, day=utc_day(clock.now())
        )
        report = replace(report, warnings=(*report.warnings, *lacking))
    fresh = tuple(item for item in entries if item.key not in known)
    crossings = known | {item.key for item in fresh if item.kind != deciding.DECIDED}
    return Whole(report, filing, eve, remembered, latest, fresh, frozenset(crossings))


def decide_on(
    loaded: LoadedConfig,
    standing: Standing,
    remembered: Remembered,
    *,
    parents: Mapping[str, str],
    clock: Clock,
) -> tuple[pl.DataFrame, Sequence[JournalEntry]]:
    """Decide on the accounts that stand somewhere; see `deciding.decide_all` for the result.

    What there is to tell of accounts that somebody works already is among the entries.
    """
    states = deciding.states_of(standing, remembered, guardrails=loaded.guardrails, parents=parents)
    routes, entries = deciding.decide_all(loaded, standing, states, remembered, clock=clock)
    return routes, [*entries, *find_news(loaded.guardrails, standing, states, now=clock.now())]


def score_warnings(loaded: LoadedConfig, day: date) -> tuple[str, ...]:
    """Return what is to be known of the score that was used."""
    score = loaded.score
    if loaded.config.score.preset == FITTED and score.learned_until is None:
        what = f"No learned definition is published: accounts were scored by `{score.version}`."
        return (f"{what} `groundswell fit` learns one.",)
    due = refit_due(score, day)
    if due is None:
        return ()
    return (f"`{score.version}` was due to be learned anew on {due}: run `groundswell fit`.",)
