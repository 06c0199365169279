"""Decisions on where accounts stand, and what of it the journal keeps.

A decision as of D sees the journal only up to D, so deciding again for the same day gives the same
decisions and writes nothing new.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import msgspec
import polars as pl

from groundswell.handoff.life import STEPS, Handoff, follow
from groundswell.model import Decision, Trigger, as_plain
from groundswell.routing import (
    NOTHING_KNOWN,
    AccountState,
    decide,
    is_explored,
    is_held_out,
    may_offer_human,
    read_by_decisions,
    route_frame,
    tell_triggers,
)
from groundswell.scoring import SCORED, explain_score, score_of_row
from groundswell.store.ledger import JournalEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from groundswell.clock import Clock
    from groundswell.config.loading import LoadedConfig
    from groundswell.config.resolved import Guardrails
    from groundswell.engine.standing import Standing
    from groundswell.model import Scalar, Score
    from groundswell.store.ledger import Ledger

BARRED = "do_not_contact"
"""What the ledger remembers accounts under that a CRM says nobody may contact."""

DECIDED, QUALIFIED, RELEASED = "decided", "qualified", "released"


@dataclass(frozen=True)
class Remembered:
    """What the journal and the touches say about accounts as of a day.

    A decision on the day sees what was decided before it; what was decided on the day itself only
    tells whether there is anything new to record.

    Attributes:
        last: Account id to the body of its latest decision, of the day itself too.
        handed_over: Account id to the day of its latest handoff before the day.
        released: Account id to the day it was last let go before the day.
        touched: Account id to the day of its latest touch.
        people: Account id to each person's latest touch.
        handoffs: Account id to its latest handoff, as the end of the day before left it.
        barred: Accounts that a CRM says nobody may contact.
    """

    last: dict[str, Mapping[str, Any]]
    handed_over: Mapping[str, date]
    released: Mapping[str, date]
    touched: Mapping[str, date]
    people: Mapping[str, Mapping[str, date]]
    handoffs: Mapping[str, Handoff] = field(default_factory=dict[str, "Handoff"])
    barred: frozenset[str] = frozenset()


def remember(
    ledger: Ledger, touches: pl.DataFrame, *, as_of: date, account_id: str | None = None
) -> Remembered:
    """Read what was decided by `as_of` and who was touched by the end of it.

    Args:
        ledger: Holds the decisions.
        touches: Who was touched when, by whom.
        as_of: What came later is not looked at.
        account_id: Only what was decided on this account; everybody's takes seconds to read.
    """
    last: dict[str, Mapping[str, Any]] = {}
    handed: dict[str, date] = {}
    released: dict[str, date] = {}
    for entry in ledger.journal(account_id=account_id, kinds=(DECIDED, RELEASED)):
        if entry.as_of > as_of:
            continue
        before = entry.as_of < as_of
        if entry.kind == RELEASED and not before:
            continue
        if entry.kind == RELEASED:
            released[entry.account_id] = max(
                entry.as_of, released.get(entry.account_id, entry.as_of)
            )
            continue
        known = last.get(entry.account_id)
        if known is None or entry.as_of.isoformat() >= known["as_of"]:
            last[entry.account_id] = entry.body
        if entry.body["hand_over"] and before:
            handed[entry.account_id] = max(entry.as_of, handed.get(entry.account_id, entry.as_of))
    if account_id is not None:
        touches = touches.filter(pl.col("account_id") == account_id)
    touched, people = _touches(touches, as_of)
    handoffs = _handoffs(ledger, as_of, account_id)
    barred = frozenset(ledger.all_remembered(BARRED, prefix=""))
    return Remembered(last, handed, released, touched, people, handoffs, barred)


def _handoffs(ledger: Ledger, as_of: date, account_id: str | None) -> dict[str, Handoff]:
    steps = ledger.journal(account_id=account_id, kinds=STEPS)
    before = [entry for entry in steps if entry.as_of < as_of]
    return {handoff.account_id: handoff for handoff in follow(before).values()}


def _touches(
    touches: pl.DataFrame, as_of: date
) -> tuple[dict[str, date], dict[str, dict[str, date]]]:
    by_day = touches.select("account_id", "user_id", pl.col("at").dt.date().alias("day")).filter(
        pl.col("day") <= as_of
    )
    accounts: dict[str, date] = {}
    people: dict[str, dict[str, date]] = defaultdict(dict)
    for account_id, user_id, day in by_day.sort("day").iter_rows():
        accounts[account_id] = day
        if user_id is not None:
            people[account_id][user_id] = day
    return accounts, dict(people)


def states_of(
    standing: Standing,
    remembered: Remembered,
    *,
    guardrails: Guardrails,
    parents: Mapping[str, str],
) -> dict[str, AccountState]:
    """Return what is known about accounts when they are decided on, of those with a history."""
    barred = {*guardrails.do_not_contact, *remembered.barred}
    rows = standing.frame.select("account_id", "qualified", "qualified_since")
    explored = _explored(standing, remembered, guardrails, parents)
    told = (
        remembered.handed_over,
        remembered.handoffs,
        remembered.touched,
        remembered.people,
        barred,
        parents,
        explored,
    )
    return {
        account_id: AccountState(
            qualified=bool(qualified),
            qualified_since=since,
            open_handoff=_is_open(account_id, remembered),
            last_handoff_on=remembered.handed_over.get(account_id),
            last_closed_on=_closed_on(account_id, remembered),
            last_closed_as=_closed_as(account_id, remembered),
            last_touch_on=remembered.touched.get(account_id),
            person_touches=remembered.people.get(account_id, {}),
            do_not_contact=account_id in barred,
            parent_id=parents.get(account_id),
            explored=account_id in explored,
        )
        for account_id, qualified, since in rows.iter_rows()
        if qualified or since is not None or any(account_id in known for known in told)
    }


def _explored(
    standing: Standing,
    remembered: Remembered,
    guardrails: Guardrails,
    parents: Mapping[str, str],
) -> frozenset[str]:
    """Return the accounts that are contacted though their score is too low, each once at most."""
    share = guardrails.explore_share
    if share <= 0:
        return frozenset()
    low = standing.frame.filter(
        ~pl.col("qualified"), pl.col("score") >= guardrails.explore_from
    ).get_column("account_id")
    return frozenset(
        account_id
        for account_id in low
        if account_id not in remembered.handed_over
        and is_explored(share, parents.get(account_id, account_id), standing.as_of)
    )


def _closed_on(account_id: str, remembered: Remembered) -> date | None:
    handoff = remembered.handoffs.get(account_id)
    if handoff is None or handoff.is_open or handoff.moved_at is None:
        return None
    return handoff.moved_at.date()


def _closed_as(account_id: str, remembered: Remembered) -> str | None:
    handoff = remembered.handoffs.get(account_id)
    return None if handoff is None or handoff.is_open else str(handoff.state)


def _is_open(account_id: str, remembered: Remembered) -> bool:
    handoff = remembered.handoffs.get(account_id)
    if handoff is not None:
        return handoff.is_open
    handed = remembered.handed_over.get(account_id)
    released = remembered.released.get(account_id)
    return handed is not None and (released is None or released < handed)


def decide_account(
    loaded: LoadedConfig,
    row: Mapping[str, Scalar | date],
    state: AccountState,
    triggers_since: Mapping[str, date],
    *,
    now: datetime,
) -> tuple[Score, Decision]:
    """Explain one account's score and decide on it, with the whole trace."""
    currency = loaded.config.currency
    score = explain_score(loaded.score, row, currency=currency)
    values = cast("Mapping[str, Scalar]", row)
    triggers = tell_triggers(loaded.triggers, triggers_since, values, currency=currency)
    decision = decide(
        row,
        score,
        triggers,
        state,
        rules=loaded.motions,
        guardrails=loaded.guardrails,
        now=now,
    )
    return score, decision


def decide_untold(
    loaded: LoadedConfig,
    row: Mapping[str, Any],
    state: AccountState,
    triggers_since: Mapping[str, date],
    *,
    now: datetime,
) -> Decision:
    """Decide as `decide_account` does, on a scored row, without writing the sentences."""
    triggers = [
        Trigger(name, loaded.triggers[name].family, day, "") for name, day in triggers_since.items()
    ]
    return decide(
        row,
        score_of_row(loaded.score, row),
        triggers,
        state,
        rules=loaded.motions,
        guardrails=loaded.guardrails,
        now=now,
    )


def decide_all(
    loaded: LoadedConfig,
    standing: Standing,
    states: Mapping[str, AccountState],
    remembered: Remembered,
    *,
    clock: Clock,
) -> tuple[pl.DataFrame, list[JournalEntry]]:
    """Decide on every account and say what the journal should keep.

    The rule of every account is found at once; the whole trace is made for those that may need a
    human and for those whose decision changed, and each such decision is recorded when it differs
    from the one before.

    Returns:
        The routes (`routing.route_frame`, `hand_over`, `offer_human`, `held_out`), and the
        entries.
    """
    now = clock.now()
    routes = route_frame(standing.frame, states, rules=loaded.motions)
    since = standing.triggers_since()
    chosen = standing.frame.filter(_to_decide(routes, remembered))
    read = {*SCORED, *read_by_decisions(loaded.motions)}
    narrow = chosen.select(name for name in chosen.columns if name in read)
    entries: list[JournalEntry] = []
    handed: list[str] = []
    spoken_to: list[str] = []
    for place, row in enumerate(narrow.iter_rows(named=True)):
        account_id = row["account_id"]
        state = states.get(account_id, NOTHING_KNOWN)
        held = since.get(account_id, {})
        decision = decide_untold(loaded, row, state, held, now=now)
        if decision.hand_over:
            handed.append(account_id)
        if may_offer_human(decision.guardrails):
            spoken_to.append(account_id)
        if _differs(decision, remembered.last.get(account_id)):
            whole = chosen.row(place, named=True)
            score, decision = decide_account(loaded, whole, state, held, now=now)
            entries.append(_decision_entry(decision, score))
    routed = routes.with_columns(
        pl.col("account_id").is_in(handed).alias("hand_over"),
        (pl.col("eligible") & pl.col("account_id").is_in(spoken_to)).alias("offer_human"),
        _held_out(loaded, routes.get_column("account_id"), states),
    )
    return routed, [*_crossing_entries(standing, now), *entries]


def _held_out(
    loaded: LoadedConfig, accounts: pl.Series, states: Mapping[str, AccountState]
) -> pl.Series:
    """Tell of each account whether it is in the holdout, also where it asked for a person."""
    share = loaded.guardrails.holdout_share
    if share <= 0:
        return pl.repeat(value=False, n=len(accounts), dtype=pl.Boolean, eager=True).alias(
            "held_out"
        )
    parents = (states.get(name, NOTHING_KNOWN).parent_id or name for name in accounts)
    return pl.Series("held_out", [is_held_out(share, key) for key in parents], pl.Boolean)


def _to_decide(routes: pl.DataFrame, remembered: Remembered) -> pl.Series:
    """Tell which accounts may need a human, had one or would have, or have another rule."""
    last = remembered.last
    wanted = [
        eligible
        or (before := last.get(account_id)) is None
        or before["hand_over"]
        or before.get("withheld")
        or before["rule"] != rule
        for account_id, rule, eligible in routes.select("account_id", "rule", "eligible").rows()
    ]
    return pl.Series(wanted, dtype=pl.Boolean)


def _differs(decision: Decision, before: Mapping[str, Any] | None) -> bool:
    if before is None:
        return True
    told = (str(decision.motion), decision.rule, decision.hand_over, decision.withheld)
    known = (before["motion"], before["rule"], before["hand_over"], before.get("withheld", False))
    return told != known


def _decision_entry(decision: Decision, score: Score) -> JournalEntry:
    body = as_plain(decision)
    body["score"] = score.value
    body["parts"] = {str(part): value for part, value in score.parts.items()}
    timeless = {name: value for name, value in body.items() if name != "decided_at"}
    digest = hashlib.sha256(msgspec.json.encode(timeless, order="sorted")).hexdigest()[:16]
    body["tier"] = str(score.tier)
    return JournalEntry(
        key=f"{DECIDED}:{decision.account_id}:{decision.as_of}:{digest}",
        account_id=decision.account_id,
        kind=DECIDED,
        at=decision.decided_at,
        as_of=decision.as_of,
        body=body,
    )


def _crossing_entries(standing: Standing, now: datetime) -> list[JournalEntry]:
    """Record each crossing once, on the day it happened."""
    return [
        JournalEntry(
            key=f"{to_state}:{account_id}:{day}",
            account_id=account_id,
            kind=to_state,
            at=now,
            as_of=day,
            body={
                "from": from_state,
                "score": score,
                "reason": f"The score went to {score:.1f}.",
            },
        )
        for account_id, day, from_state, to_state, score in standing.transitions.iter_rows()
    ]


def note(remembered: Remembered, entries: Iterable[JournalEntry]) -> None:
    """Remember decisions that were just recorded as the latest ones."""
    for entry in entries:
        if entry.kind == DECIDED:
            remembered.last[entry.account_id] = entry.body


def newly(entries: Sequence[JournalEntry], kind: str, known: set[str]) -> list[str]:
    """Return the accounts with an entry of this kind whose key was not known before, sorted."""
    return sorted(
        {item.account_id for item in entries if item.kind == kind and item.key not in known}
    )
