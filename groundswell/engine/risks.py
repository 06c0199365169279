"""Risk alerts: what the whole pass adds to the journal of customers at risk, and what is shown.

As with the alerts of expansion, a day sees the journal only before it, so a second pass of the day
gives the same, and the journal keeps each once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from groundswell.engine.champions import silent_champions
from groundswell.model import Risk, as_plain
from groundswell.routing import at_risk, risk_news, tell_risk, watched_accounts
from groundswell.store.ledger import JournalEntry

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date, datetime

    import polars as pl

    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.computing import Computer
    from groundswell.engine.customers import CsmBook
    from groundswell.engine.standing import Standing
    from groundswell.store.ledger import Ledger

RISK_ALERT = "risk_alert"


def find_risks(
    loaded: LoadedConfig,
    computer: Computer,
    standing: Standing,
    ledger: Ledger,
    book: CsmBook,
    *,
    accounts: pl.DataFrame,
    barred: Collection[str],
) -> list[Risk]:
    """Return the risks of a day that say something new, by account.

    Args:
        loaded: The signs, and who looks after whom.
        computer: Says how long champions have been silent.
        standing: Where every account stands.
        ledger: Says what was told before.
        book: Names somebody for who has nobody.
        accounts: account_id, name, domain.
        barred: Accounts that nobody may contact: nobody is told of them.
    """
    risks, currency = loaded.risks, loaded.config.currency
    watched = watched_accounts(risks, standing.frame)
    watched = watched.filter(~watched.get_column("account_id").is_in(list(barred)))
    if not watched.height:
        return []
    champions = silent_champions(
        computer.activity,
        computer.filing(),
        watched.get_column("account_id").to_list(),
        as_of=standing.as_of,
    )
    watched = watched.join(champions, on="account_id", how="left", maintain_order="left")
    shown = at_risk(risks, watched)
    wanted = accounts.join(shown, on="account_id", how="semi")
    told = {row[0]: row[1:] for row in wanted.select("account_id", "name", "domain").iter_rows()}
    last = _latest(risks_told(ledger, before=standing.as_of))
    found: list[Risk] = []
    for row in shown.iter_rows(named=True):
        account_id = row["account_id"]
        name, domain = told.get(account_id, (None, None))
        care = book.care(account_id, row, domain=domain)
        assert care is not None, "it pays"
        inbox = loaded.customer_success.inbox
        risk = tell_risk(risks, row, care, inbox=inbox, name=name, currency=currency)
        news = risk_news(risk, last.get(account_id), again_after_days=risks.again_after_days)
        if news is not None:
            found.append(news)
    return found


def risk_entry(risk: Risk, *, now: datetime) -> JournalEntry:
    """Return how the journal keeps a risk: once per account and day."""
    return JournalEntry(
        key=f"{RISK_ALERT}:{risk.account_id}:{risk.as_of}",
        account_id=risk.account_id,
        kind=RISK_ALERT,
        at=now,
        as_of=risk.as_of,
        body={**as_plain(risk), "reason": risk.sentence},
    )


def risk_of(entry: JournalEntry) -> Risk:
    """Return the risk that an entry of the journal keeps."""
    plain = {name: value for name, value in entry.body.items() if name != "reason"}
    return msgspec.convert(plain, Risk)


def risks_told(ledger: Ledger, *, before: date, account_id: str | None = None) -> list[Risk]:
    """Return the risks that the journal keeps of the days before one, in their order."""
    entries = ledger.journal(account_id=account_id, kinds=(RISK_ALERT,))
    told = [risk_of(entry) for entry in entries if entry.as_of < before]
    return sorted(told, key=lambda risk: risk.as_of)


def present_risks(loaded: LoadedConfig, told: Iterable[Risk], *, as_of: date) -> list[Risk]:
    """Return the latest risk of each account that is not out of date, dearest first.

    What still holds is told again after `again_after`, so that a risk that is older is over.

    Args:
        loaded: How long a risk stands, and who may not be contacted.
        told: Risks by the end of the day, in the order of their days.
        as_of: The day.
    """
    days = max(loaded.risks.again_after_days, 1)
    barred = set(loaded.guardrails.do_not_contact)
    standing = [risk for risk in _latest(told).values() if (as_of - risk.as_of).days <= days]
    return dearest_first(risk for risk in standing if risk.account_id not in barred)


def dearest_first(risks: Iterable[Risk]) -> list[Risk]:
    """Return risks by what the account pays, then by health, the newer before the older."""
    return sorted(
        risks,
        key=lambda risk: (
            -(risk.mrr or 0.0),
            100.0 if risk.health is None else risk.health,
            -risk.as_of.toordinal(),
            risk.account_id,
        ),
    )


def _latest(risks: Iterable[Risk]) -> dict[str, Risk]:
    return {risk.account_id: risk for risk in risks}
