"""Daily alerts: what the whole pass adds to the journal, and what of it is shown.

An alert as of D sees the journal only before D, so a second pass of the day gives the same alerts,
and the journal keeps each once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from groundswell.engine.deciding import states_of
from groundswell.engine.telling import parents_of
from groundswell.features.derived import acv_inputs
from groundswell.model import Alert, as_plain
from groundswell.routing import (
    NOTHING_KNOWN,
    expansion_rules,
    high_accounts,
    is_held_back,
    news_since,
    tell_alert,
)
from groundswell.store.ledger import JournalEntry

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.customers import CsmBook
    from groundswell.engine.deciding import Remembered
    from groundswell.engine.standing import Standing
    from groundswell.features.plan import FeaturePlan
    from groundswell.store.ledger import Ledger

USAGE_ALERT = "usage_alert"


def find_alerts(
    loaded: LoadedConfig,
    plan: FeaturePlan,
    standing: Standing,
    remembered: Remembered,
    ledger: Ledger,
    *,
    routes: pl.DataFrame,
    accounts: pl.DataFrame,
    book: CsmBook,
) -> list[Alert]:
    """Return the alerts of a day that say something new, by account.

    Args:
        loaded: The signs, the rules that say who is told, and the guardrails.
        plan: The prices that a likely value is made of.
        standing: Where every account stands.
        remembered: What was decided, and who was touched.
        ledger: Says what was told before.
        routes: As `deciding.decide_all` gives; who is handed over today needs no alert.
        accounts: account_id, name, parent_id.
        book: Says who is named for an account, and is informed beside who is told.
    """
    rules = expansion_rules(loaded.motions)
    high = high_accounts(loaded.alerts, standing.frame, rules)
    if not high.height:
        return []
    high = high.with_columns(acv_inputs(plan, joined="new_users_60d"))
    states = states_of(
        replace(standing, frame=high),
        remembered,
        guardrails=loaded.guardrails,
        parents=parents_of(accounts),
    )
    handed = set(routes.filter(pl.col("hand_over")).get_column("account_id"))
    wanted = accounts.join(high, on="account_id", how="semi")
    names = dict(wanted.select("account_id", "name").iter_rows())
    last = _latest(told_by(ledger, before=standing.as_of))
    found: list[Alert] = []
    for row in high.iter_rows(named=True):
        account_id = row["account_id"]
        state = states.get(account_id, NOTHING_KNOWN)
        state = replace(state, open_handoff=state.open_handoff or account_id in handed)
        if is_held_back(loaded.guardrails, row, state):
            continue
        currency = loaded.config.currency
        alert = tell_alert(loaded.alerts, row, rules, name=names.get(account_id), currency=currency)
        again_after = loaded.alerts.again_after_days
        news = news_since(alert, last.get(account_id), again_after_days=again_after)
        if news is not None:
            care = book.care(account_id, row)
            csm = None if care is None else care.csm
            found.append(replace(alert, news=news, csm=csm))
    return found


def alert_entry(alert: Alert, *, now: datetime) -> JournalEntry:
    """Return how the journal keeps an alert: once per account and day."""
    return JournalEntry(
        key=f"{USAGE_ALERT}:{alert.account_id}:{alert.as_of}",
        account_id=alert.account_id,
        kind=USAGE_ALERT,
        at=now,
        as_of=alert.as_of,
        body={**as_plain(alert), "reason": alert.sentence},
    )


def told_by(ledger: Ledger, *, before: date, account_id: str | None = None) -> list[Alert]:
    """Return the alerts that the journal keeps of the days before one, in their order."""
    entries = ledger.journal(account_id=account_id, kinds=(USAGE_ALERT,))
    told = [msgspec.convert(entry.body, Alert) for entry in entries if entry.as_of < before]
    return sorted(told, key=lambda alert: alert.as_of)


def present_alerts(loaded: LoadedConfig, told: Iterable[Alert], *, as_of: date) -> list[Alert]:
    """Return the latest alert of each account that is not out of date, best first.

    What still holds is told again after `again_after`, so that an alert that is older is over.

    Args:
        loaded: How long an alert stands, and who may not be contacted.
        told: Alerts by the end of the day, in the order of their days.
        as_of: The day.
    """
    latest = _latest(told).values()
    days = max(loaded.alerts.again_after_days, 1)
    barred = set(loaded.guardrails.do_not_contact)
    standing = [item for item in latest if (as_of - item.as_of).days <= days]
    return best_first(item for item in standing if item.account_id not in barred)


def best_first(alerts: Iterable[Alert]) -> list[Alert]:
    """Return alerts by potential, then by what they are worth, the newer before the older."""
    return sorted(
        alerts,
        key=lambda item: (
            -item.potential,
            -(item.growth.added_arr if item.growth else 0),
            -item.as_of.toordinal(),
            item.account_id,
        ),
    )


def _latest(alerts: Iterable[Alert]) -> dict[str, Alert]:
    return {alert.account_id: alert for alert in alerts}
