"""The decision on one account, with its whole trace; and the rule of every account at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from groundswell.model import Decision, Motion
from groundswell.routing.guardrails import HOLDOUT, READ, Case, check_guardrails
from groundswell.routing.motions import (
    DEFAULT_MOTION,
    DEFAULT_RULE,
    decision_values,
    match_rules,
    quadrant_column,
    quadrant_of,
    try_rules,
    watch_column,
    watch_of,
)
from groundswell.routing.state import NOTHING_KNOWN, has_raised_hand, is_owned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    import numpy as np
    from numpy.typing import NDArray

    from groundswell.config.resolved import Guardrails, Rule
    from groundswell.model import GuardrailResult, Scalar, Score, Trigger
    from groundswell.routing.state import AccountState


def decide(
    row: Mapping[str, Scalar | date],
    score: Score,
    triggers: Sequence[Trigger],
    state: AccountState,
    *,
    rules: Sequence[Rule],
    guardrails: Guardrails,
    now: datetime,
) -> Decision:
    """Decide on one account. The same arguments always give the same decision.

    A human is brought in when the motion is a human one, the account is qualified or has asked
    for a person, every guardrail passes, no handoff is open, and nobody works the account
    already. The last holds whichever rule matched: the signal goes to the owner, and there is no
    second handoff.

    Args:
        row: account_id, as_of and the account's features; a missing feature is unknown.
        score: Its score as of that day.
        triggers: What holds for it.
        state: What the ledger knows about it.
        rules: In the order they are tried; the first whose condition is true decides.
        guardrails: What must hold before a person contacts it.
        now: The instant of the decision.
    """
    as_of = score.as_of
    values = decision_values(row, score, qualified=state.in_queue)
    rule, traces = try_rules(rules, values)
    case = Case(
        account_id=score.account_id,
        as_of=as_of,
        values=values,
        triggers=triggers,
        state=state,
        raised=has_raised_hand(values, state, as_of),
    )
    checked = check_guardrails(guardrails, case)
    verdict = _weigh(rule, case, checked)
    owner = values.get("owner")
    return Decision(
        account_id=score.account_id,
        as_of=as_of,
        decided_at=now,
        motion=rule.motion if rule else DEFAULT_MOTION,
        rule=rule.name if rule else DEFAULT_RULE,
        hand_over=verdict.hand_over,
        withheld=verdict.withheld,
        explored=state.explored and not case.raised,
        reason=verdict.reason,
        rules=traces,
        guardrails=checked,
        triggers=tuple(triggers),
        quadrant=quadrant_of(values),
        model_version=score.model_version,
        team=rule.team if rule else None,
        play=rule.play if rule else None,
        owner=None if owner is None else str(owner),
        watch=watch_of(values),
    )


def read_by_decisions(rules: Sequence[Rule]) -> frozenset[str]:
    """Return the features that `decide` looks at: a row of these alone is decided on alike."""
    own = {
        "hand_raises_28d",
        "days_since_hand_raised",
        "open_opportunities",
        "owner",
        "is_high_value",
    }
    return READ.union(own, *(rule.when.names for rule in rules))


@dataclass(frozen=True, slots=True)
class _Verdict:
    hand_over: bool
    reason: str
    withheld: bool = False


def _weigh(rule: Rule | None, case: Case, checked: Sequence[GuardrailResult]) -> _Verdict:
    """Say whether a human is brought in, and why or why not."""
    motion = rule.motion if rule else DEFAULT_MOTION
    because = f"Rule `{rule.name}` matched" if rule else "No rule matched"
    if is_owned(case.values):
        return _Verdict(hand_over=False, reason=f"{because}; {_goes_to_owner(case.values)}")
    if motion is Motion.SELF_SERVE:
        return _Verdict(hand_over=False, reason=f"{because}: self-serve.")
    if not (case.state.in_queue or case.raised):
        return _Verdict(hand_over=False, reason=f"{because}; not handed over: not qualified.")
    if case.state.open_handoff:
        return _Verdict(hand_over=False, reason=f"{because}; a handoff is open already.")
    failed = [result for result in checked if not result.passed]
    if failed:
        why = " ".join(result.reason for result in failed)
        reason = f"{because}; held back by a guardrail: {why}"
        withheld = [result.name for result in failed] == [HOLDOUT]
        return _Verdict(hand_over=False, reason=reason, withheld=withheld)
    why = "it is qualified" if case.state.qualified else "lower scores are explored by it"
    why = "it asked for a person" if case.raised else why
    return _Verdict(hand_over=True, reason=f"{because}; handed over because {why}.")


def _goes_to_owner(values: Mapping[str, Scalar]) -> str:
    owner = values.get("owner")
    if owner is None:
        return "an opportunity is open: the signal goes there, no second handoff."
    return f"{owner} owns the account: the signal goes there, no second handoff."


def route_frame(
    frame: pl.DataFrame, states: Mapping[str, AccountState], *, rules: Sequence[Rule]
) -> pl.DataFrame:
    """Find the rule of every account at once, and which accounts may need a human.

    It agrees with `decide` on everything it gives. `decide` itself, with its trace, is then only
    needed for accounts that are `eligible`, or that are to be recorded or shown.

    Args:
        frame: One row per account: features, and the columns of `scoring.score_frame`.
        states: By account id; an account that is missing has no history.
        rules: As for `decide`.

    Returns:
        One row per row: account_id, as_of, rule, motion, team, play, quadrant, watch, qualified,
        hand_raised, owned, open_handoff, eligible. `eligible` is everything that `decide` asks for
        handing over, except the guardrails.
    """
    known = _known(frame, states)
    matched = match_rules(rules, frame.with_columns(known.get_column("qualified")))
    known = known.with_columns(
        _told(matched, "rule", [*(rule.name for rule in rules), DEFAULT_RULE]),
        _told(matched, "motion", [*(str(rule.motion) for rule in rules), str(DEFAULT_MOTION)]),
        _told(matched, "team", [*(rule.team for rule in rules), None]),
        _told(matched, "play", [*(rule.play for rule in rules), None]),
        quadrant_column(frame),
        watch_column(frame),
    )
    human = pl.col("motion") != str(Motion.SELF_SERVE)
    wanted = pl.col("qualified") | pl.col("hand_raised")
    return known.select(
        "account_id",
        "as_of",
        "rule",
        "motion",
        "team",
        "play",
        "quadrant",
        "watch",
        "qualified",
        "hand_raised",
        "owned",
        "open_handoff",
        (human & wanted & ~pl.col("owned") & ~pl.col("open_handoff")).alias("eligible"),
    )


def _told(matched: NDArray[np.int64], name: str, values: Sequence[str | None]) -> pl.Series:
    return pl.Series(name, values, pl.String).gather(matched)


def _known(frame: pl.DataFrame, states: Mapping[str, AccountState]) -> pl.DataFrame:
    """Say what the ledger knows of each row: qualified, hand_raised, owned, open_handoff."""
    found = [states.get(account, NOTHING_KNOWN) for account in frame.get_column("account_id")]
    read = ("hand_raises_28d", "days_since_hand_raised", "open_opportunities")
    owner = frame.get_column("owner").is_not_null() if "owner" in frame.columns else None
    known = pl.DataFrame(
        [
            frame.get_column("account_id"),
            frame.get_column("as_of"),
            *(_numbers(frame, name) for name in read),
            pl.Series("qualified", [state.in_queue for state in found], pl.Boolean),
            pl.Series("open_handoff", [state.open_handoff for state in found], pl.Boolean),
            pl.Series("last_handoff_on", [state.last_handoff_on for state in found], pl.Date),
        ]
    )
    handoff_ago = (pl.col("as_of").cast(pl.Date) - pl.col("last_handoff_on")).dt.total_days()
    unanswered = (
        pl.when(pl.col("last_handoff_on").is_null())
        .then(pl.lit(value=True))
        .otherwise((pl.col("days_since_hand_raised") < handoff_ago).fill_null(value=False))
    )
    return known.with_columns(
        ((pl.col("hand_raises_28d").fill_null(0.0) > 0) & unanswered).alias("hand_raised"),
        (
            (pl.col("open_opportunities").fill_null(0.0) > 0)
            | pl.lit(value=False if owner is None else owner)
        ).alias("owned"),
    )


def _numbers(frame: pl.DataFrame, name: str) -> pl.Series:
    """Return a column as numbers; null all through when the frame has no such column."""
    if name in frame.columns:
        return frame.get_column(name).cast(pl.Float64)
    return pl.Series(name, [None], dtype=pl.Float64).new_from_index(0, frame.height)
