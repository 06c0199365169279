"""News of accounts that somebody works already: it goes to whoever that is, with no second handoff.

An account that has an owner or an open opportunity in the CRM, or an open handoff, is not handed
over again. That it qualified, or asked for a person once more, is told to its owner instead.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from groundswell.handoff.life import State, Step
from groundswell.routing import NOTHING_KNOWN, is_held_back, is_owned
from groundswell.store.ledger import JournalEntry
from groundswell.store.outbox import Group

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from groundswell.config.resolved import Guardrails
    from groundswell.engine.handing.opening import About, Opener
    from groundswell.engine.standing import Standing
    from groundswell.handoff.life import Handoff
    from groundswell.routing import AccountState

OWNER_TOLD = "owner_told"
ASKED, QUALIFIED = "asked", "qualified"

NEWS_DAYS = 1
"""What began longer before the day that is decided on is no news."""

_RAISED = "days_since_hand_raised"


def find_news(
    guardrails: Guardrails,
    standing: Standing,
    states: Mapping[str, AccountState],
    *,
    now: datetime,
) -> list[JournalEntry]:
    """Return what there may be to tell to whoever works an account, by account.

    That an account asked for a person is news of every account: whether somebody works it is known
    when it is written (`told_group`).

    Args:
        guardrails: Whom nobody may contact, and who is held out.
        standing: Where accounts stand.
        states: What the ledger knows about them.
        now: When it is told.
    """
    frame, today = standing.frame, standing.as_of
    found = [
        _entry(row, today - timedelta(days=int(row[_RAISED])), ASKED, now)
        for row in frame.filter(pl.col(_RAISED) <= NEWS_DAYS).iter_rows(named=True)
        if not states.get(row["account_id"], NOTHING_KNOWN).do_not_contact
    ]
    first = today - timedelta(days=NEWS_DAYS)
    crossed = standing.transitions.filter(
        (pl.col("to_state") == QUALIFIED) & (pl.col("day") >= first)
    ).select("account_id", "day")
    for row in frame.join(crossed, on="account_id").iter_rows(named=True):
        state = states.get(row["account_id"], NOTHING_KNOWN)
        if is_owned(row) and not is_held_back(guardrails, row, state):
            found.append(_entry(row, row["day"], QUALIFIED, now))
    return sorted(found, key=lambda entry: entry.key)


def told_group(
    opener: Opener, entry: JournalEntry, handoff: Handoff | None, about: About
) -> Group | None:
    """Return what is written of a piece of news; None where nobody works the account.

    A handoff that rests is woken when its account asks for a person.

    Args:
        opener: Makes the step.
        entry: The news, as `find_news` gives it.
        handoff: The account's open handoff, if it has one.
        about: The account.
    """
    if handoff is None:
        return Group((entry,)) if is_owned(about.values) else None
    if entry.body["news"] != ASKED or handoff.as_of >= entry.as_of:
        return None
    if handoff.state is not State.SNOOZED:
        return Group((entry,))
    facts = {"due_at": opener.due_again(handoff)}
    return Group((entry, opener.step(handoff, Step.WOKEN, why=entry.body["reason"], facts=facts)))


def _entry(row: Mapping[str, Any], day: date, news: str, now: datetime) -> JournalEntry:
    account_id, owner = str(row["account_id"]), row.get("owner")
    said = "It asked for a person." if news == ASKED else "It qualified."
    who = f" {owner} owns it in the CRM." if owner else ""
    return JournalEntry(
        key=f"{OWNER_TOLD}:{account_id}:{news}:{day}",
        account_id=account_id,
        kind=OWNER_TOLD,
        at=now,
        as_of=day,
        body={"news": news, "owner": owner, "reason": f"{said}{who}"},
    )
