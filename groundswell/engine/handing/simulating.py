"""Replaying the past under another policy: which accounts would have been handed over, and when.

Every day is decided as it would have been, on the features as they were, by both policies, each
with a memory of its own. What people did with a handoff is not known of one that never was: each
stands open for `OPEN_DAYS`, and then counts as let go.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from groundswell.config.loading import FITTED, load_config
from groundswell.engine.deciding import decide_untold
from groundswell.engine.registry import definition_of
from groundswell.engine.telling import parents_of
from groundswell.errors import Problem, UsageError
from groundswell.handoff.life import State
from groundswell.model import Motion
from groundswell.routing import AccountState, read_by_decisions, route_frame
from groundswell.scoring import SCORED, follow_crossings, score_frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.computing import Computer
    from groundswell.engine.registry import Model

OPEN_DAYS = 30
"""Days for which a handoff of the past stands open."""

RUN_IN = 60
"""Days before the first that are followed, so that who was qualified then is not newly so."""

FIXED = ("events", "features", "identity", "plans")
"""Blocks in which a policy may not differ: other features would need other facts."""

MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Given:
    """One handing over that would have been.

    Attributes:
        account_id: Who.
        day: When.
        motion: How the account would have been sold to.
        team: Whose it would have been.
        rule: By which rule.
        score: As it was.
    """

    account_id: str
    day: date
    motion: str
    team: str | None
    rule: str
    score: float


@dataclass(frozen=True, slots=True)
class Differing:
    """An account that two policies treat in different ways.

    Attributes:
        account_id: Who.
        change: `only now`, `only then` (by the other policy), `other motion` or `other day`.
        now: What the present policy does; None for nothing.
        then: What the other one does.
    """

    account_id: str
    change: str
    now: Given | None
    then: Given | None


@dataclass(frozen=True)
class Simulation:
    """What another policy would have changed.

    Attributes:
        first, last: The days that were decided on.
        accounts: Accounts that were looked at.
        now: Handings over of the present policy, by motion.
        then: The same of the other one.
        both: Accounts that both hand over on the same day, in the same motion.
        changes: How many accounts differ, by how they do.
        differing: Those, by account; at most `MOST_SHOWN`.
    """

    first: date
    last: date
    accounts: int
    now: dict[str, int]
    then: dict[str, int]
    both: int
    changes: dict[str, int]
    differing: tuple[Differing, ...]


def simulate_policy(
    present: LoadedConfig,
    policy: Path,
    computer: Computer,
    published: Model | None,
    *,
    since: date,
    until: date,
) -> Simulation:
    """Replay the past under the policy of a file; see `Project.simulate`.

    Args:
        present: The policy in use.
        policy: A groundswell.yaml.
        computer: Answers for features.
        published: The definition that a policy with `preset: fitted` scores by.
        since: The first day that counts.
        until: The last one.

    Raises:
        ConfigError: The policy cannot be used.
        UsageError: It would need other features, or the days are out of order.
    """
    other = load_config(policy)
    check_policy(present, other)
    if other.config.score.preset == FITTED and published is not None:
        other = replace(other, score=definition_of(published, other))
    return simulate(
        present,
        other,
        computer.features(days_of(since, until)),
        since=since,
        until=until,
        parents=parents_of(computer.filing().accounts),
    )


def check_policy(present: LoadedConfig, other: LoadedConfig) -> None:
    """Refuse a policy that would need other facts.

    Raises:
        UsageError: A block differs that may not.
    """
    differ = [name for name in FIXED if present.fingerprint(name) != other.fingerprint(name)]
    if differ:
        named = ", ".join(f"`{name}`" for name in differ)
        raise UsageError(
            Problem(
                "simulate-policy",
                f"The policy differs in {named}, which say what features are.",
                "Change score, motions, triggers, guardrails and teams; leave those as they are.",
            )
        )


def days_of(since: date, until: date) -> list[date]:
    """Return every day that has to be computed.

    Raises:
        UsageError: The first comes after the last.
    """
    if since > until:
        raise UsageError(
            Problem(
                "simulate-days",
                f"{since} comes after {until}, the last day that is known.",
                "Name an earlier `--since`.",
            )
        )
    first = since - timedelta(days=RUN_IN)
    return [first + timedelta(days=k) for k in range((until - first).days + 1)]


def simulate(
    present: LoadedConfig,
    other: LoadedConfig,
    frames: Iterable[pl.DataFrame],
    *,
    since: date,
    until: date,
    parents: Mapping[str, str],
) -> Simulation:
    """Decide on every day of the past by two policies, and compare.

    Args:
        present: The policy in use.
        other: The one that is tried.
        frames: Features of every day of `days_of`; all days of an account in one frame.
        since: The first day that counts.
        until: The last one.
        parents: Account id to that of its parent; holdouts go by it.
    """
    given: tuple[dict[str, Given], dict[str, Given]] = ({}, {})
    counts: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    accounts = 0
    for frame in frames:
        accounts += frame["account_id"].n_unique()
        for place, loaded in enumerate((present, other)):
            for item in _handed(loaded, frame, since=since, parents=parents):
                counts[place][item.motion] += 1
                given[place].setdefault(item.account_id, item)
    differing = list(_compared(*given))
    return Simulation(
        since,
        until,
        accounts,
        dict(counts[0].most_common()),
        dict(counts[1].most_common()),
        len(given[0].keys() & given[1].keys()) - sum(_in_both(item) for item in differing),
        dict(Counter(item.change for item in differing).most_common()),
        tuple(differing[:MOST_SHOWN]),
    )


def _in_both(item: Differing) -> bool:
    return item.now is not None and item.then is not None


def _compared(now: Mapping[str, Given], then: Mapping[str, Given]) -> Iterable[Differing]:
    for account in sorted({*now, *then}):
        ours, theirs = now.get(account), then.get(account)
        if ours is None or theirs is None:
            yield Differing(account, "only then" if ours is None else "only now", ours, theirs)
        elif ours.motion != theirs.motion:
            yield Differing(account, "other motion", ours, theirs)
        elif ours.day != theirs.day:
            yield Differing(account, "other day", ours, theirs)


def _handed(
    loaded: LoadedConfig, frame: pl.DataFrame, *, since: date, parents: Mapping[str, str]
) -> Iterable[Given]:
    """Yield the handings over of some accounts, by account and day."""
    rows = frame.sort("account_id", "as_of")
    scores = score_frame(loaded.score, rows)
    added = [scores[name] for name in scores.columns if name not in rows.columns]
    scored = pl.DataFrame([*rows.get_columns(), *added])
    scored = scored.with_columns(_qualified(loaded, scored))
    started = _trigger_starts(loaded, scored)
    routes = route_frame(scored.drop("qualified"), {}, rules=loaded.motions)
    human = (routes["motion"] != str(Motion.SELF_SERVE)) & ~routes["owned"]
    wanted = human & (scored["qualified"] | routes["hand_raised"]) & (scored["as_of"] >= since)
    read = {*SCORED, *read_by_decisions(loaded.motions), "qualified"}
    narrow = scored.select(name for name in scored.columns if name in read)
    memory: dict[str, date] = {}
    for place in np.flatnonzero(wanted.to_numpy()).tolist():
        row = narrow.row(place, named=True)
        last = memory.get(row["account_id"])
        if last is not None and (row["as_of"] - last).days < OPEN_DAYS:
            continue
        begun = ((name, days[place]) for name, days in started.items())
        since_when = {name: day for name, day in begun if day is not None}
        state = _state(row, last, parents)
        noon = datetime.combine(row["as_of"], time(12), UTC)
        decision = decide_untold(loaded, row, state, since_when, now=noon)
        if decision.hand_over:
            memory[row["account_id"]] = row["as_of"]
            yield Given(
                row["account_id"],
                row["as_of"],
                str(decision.motion),
                decision.team,
                decision.rule,
                round(float(row["score"]), 1),
            )


def _state(row: Mapping[str, Any], last: date | None, parents: Mapping[str, str]) -> AccountState:
    state = AccountState(
        qualified=bool(row["qualified"]), parent_id=parents.get(str(row["account_id"]))
    )
    if last is None:
        return state
    return replace(
        state,
        last_handoff_on=last,
        last_closed_on=last + timedelta(days=OPEN_DAYS),
        last_closed_as=str(State.EXPIRED),
    )


def _qualified(loaded: LoadedConfig, scored: pl.DataFrame) -> pl.Series:
    """Return whether each row's account was qualified at the end of its day."""
    followed = scored.select("account_id", "as_of", "score", "days_since_hand_raised")
    moves = follow_crossings(loaded.score, followed).transitions.select(
        "account_id", pl.col("day").alias("as_of"), pl.col("to_state")
    )
    state = scored.select("account_id", "as_of").join_asof(
        moves.sort("account_id", "as_of"),
        on="as_of",
        by="account_id",
        check_sortedness=False,
    )
    return (state["to_state"] == "qualified").fill_null(value=False).alias("qualified")


def _trigger_starts(loaded: LoadedConfig, scored: pl.DataFrame) -> dict[str, Sequence[date | None]]:
    """Return, by trigger, since when it has held on each row; None where it does not."""
    specs = list(loaded.triggers.values())
    first = (scored["account_id"] != scored["account_id"].shift(1)).fill_null(value=True).to_numpy()
    days = scored["as_of"].to_list()
    found: dict[str, Sequence[date | None]] = {}
    held = scored.select(
        spec.when.to_polars().cast(pl.Boolean).fill_null(value=False).alias(spec.name)
        for spec in specs
    )
    places = np.arange(len(days))
    for spec in specs:
        holds: NDArray[np.bool_] = held[spec.name].to_numpy()
        # A run begins where it holds and did not the day before, or another account begins.
        before = np.concatenate([[False], holds[:-1]])
        begins = holds & (first | ~before)
        start = np.maximum.accumulate(np.where(begins, places, 0))
        found[spec.name] = [
            days[begin] if holding else None
            for begin, holding in zip(start.tolist(), holds.tolist(), strict=True)
        ]
    return found
