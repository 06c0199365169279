"""Crossing the threshold, debounced: who is qualified, since when, and who was let go.

An account is qualified from the day its score passes the threshold. It is released on the last of
`release_days` days in a row below the threshold less `release_below`. For `cool_down_days` after
that it does not qualify again, unless somebody of it asks for a person in the meantime.

A matrix of accounts x days is walked one day at a time, all accounts at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from groundswell.scoring.combination import line

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from groundswell.config.resolved import ScoreDef

    Days = NDArray[np.int32]
    Flags = NDArray[np.bool_]
    Floats = NDArray[np.float64]

_NEVER = np.int32(-(2**30))
_UNSEEN = np.int32(2**30)


class State(StrEnum):
    """Where an account stands with its score."""

    MONITORED = "monitored"
    QUALIFIED = "qualified"
    RELEASED = "released"


_CODES = {State.MONITORED: 0, State.QUALIFIED: 1, State.RELEASED: 2}
_NAMES = [str(state) for state in _CODES]
_QUALIFIED, _RELEASED = _CODES[State.QUALIFIED], _CODES[State.RELEASED]

STATES_SCHEMA: dict[str, pl.DataType] = {
    "account_id": pl.String(),
    "state": pl.String(),
    "qualified_since": pl.Date(),
    "crossed_on": pl.Date(),
    "released_on": pl.Date(),
    "cooldown_until": pl.Date(),
    "below_since": pl.Date(),
    "last_day": pl.Date(),
}
"""One row per account. `crossed_on` and `released_on` stay known after the state has changed;
`cooldown_until` is the first day it may qualify again; `below_since` begins the present run of
days under the release line; `last_day` is the last day followed."""

TRANSITIONS_SCHEMA: dict[str, pl.DataType] = {
    "account_id": pl.String(),
    "day": pl.Date(),
    "from_state": pl.String(),
    "to_state": pl.String(),
    "score": pl.Float64(),
}


@dataclass(frozen=True)
class Crossings:
    """Where every account stands, and how it came there.

    Attributes:
        account_id: Every account, ascending.
        transitions: One row per change, by account_id and day; columns of `TRANSITIONS_SCHEMA`.
    """

    account_id: pl.Series
    transitions: pl.DataFrame
    _walk: _Walk
    _rules: _Rules

    @cached_property
    def states(self) -> pl.DataFrame:
        """One row per account, by account_id; columns of `STATES_SCHEMA`."""
        return _states_frame(self.account_id, self._walk, self._rules)

    def qualified(self) -> pl.DataFrame:
        """Return account_id, qualified, qualified_since of every account."""
        walk = self._walk
        since = _dates("qualified_since", walk.since)
        return pl.DataFrame(
            [
                self.account_id.alias("account_id"),
                pl.Series("qualified", walk.state == _QUALIFIED),
                since,
            ]
        )

    def as_of(self, day: date) -> pl.DataFrame:
        """Return account_id and state as they were at the end of `day`.

        Only days that were followed can be asked for; an account without a change until then is
        `monitored`.
        """
        last = (
            self.transitions.filter(pl.col("day") <= day)
            .sort("account_id", "day")
            .group_by("account_id", maintain_order=True)
            .agg(pl.col("to_state").last().alias("state"))
        )
        accounts = self.states.select("account_id")
        return accounts.join(last, on="account_id", how="left", maintain_order="left").with_columns(
            pl.col("state").fill_null(str(State.MONITORED))
        )


@dataclass(slots=True)
class _Walk:
    """The states of all accounts while the days are walked; one entry per account."""

    state: NDArray[np.int8]
    since: Days
    crossed: Days
    released: Days
    below: Days
    last: Days

    def step(self, day: np.int32, scores: Floats, raised: Days, rules: _Rules) -> Flags:
        """Take one day in; return which accounts changed their state."""
        seen = ~np.isnan(scores) & (day > self.last)
        qualified = self.state == _QUALIFIED
        under = scores < rules.release_line
        self.below = np.where(
            seen, np.where(under, np.minimum(self.below, day), _UNSEEN), self.below
        ).astype(np.int32)
        let_go = seen & qualified & under & (day - self.below + 1 >= rules.release_days)
        cooling = (self.state == _RELEASED) & (day < self.released + rules.cool_down_days)
        waived = raised >= self.released
        crossing = seen & ~qualified & rules.passing(scores) & (~cooling | waived)

        self.state[let_go] = _RELEASED
        self.released[let_go] = day
        self.since[let_go] = _NEVER
        self.state[crossing] = _QUALIFIED
        self.since[crossing] = day
        self.crossed[crossing] = day
        self.last[seen] = day
        return let_go | crossing


@dataclass(frozen=True, slots=True)
class _Rules:
    line: float
    strict: bool
    release_line: float
    release_days: int
    cool_down_days: int

    @classmethod
    def of(cls, definition: ScoreDef) -> _Rules:
        at = line(definition.qualified)
        return cls(
            line=at,
            strict=definition.qualified.above is not None,
            release_line=at - definition.release_below,
            release_days=definition.release_days,
            cool_down_days=definition.cool_down_days,
        )

    def passing(self, scores: Floats) -> Flags:
        return scores > self.line if self.strict else scores >= self.line


def follow_crossings(
    definition: ScoreDef, scores: pl.DataFrame, *, previous: pl.DataFrame | None = None
) -> Crossings:
    """Follow every account's score through its days.

    Args:
        definition: The score; its threshold, release and cool-down are what counts here.
        scores: One row per (account_id, as_of) with `score`, in any order. A day without a row,
            or without a score, changes nothing; the days between two rows count as the earlier
            one said. `days_since_hand_raised`, when there, waives the cool-down from the day of
            a hand-raise on.
        previous: `Crossings.states` of an earlier call, to go on from; days up to each account's
            `last_day` are passed over, so that following the same days twice changes nothing.
    """
    accounts = _all_accounts(scores, previous)
    days, matrix, raised = _matrices(scores, accounts)
    walk = _begin(accounts, previous)
    rules = _Rules.of(definition)
    changes: list[pl.DataFrame] = []
    for index, day in enumerate(days):
        before = walk.state.copy()
        changed = np.flatnonzero(
            walk.step(day, matrix[:, index], raised[:, index], rules),
        )
        if changed.size:
            changes.append(
                pl.DataFrame(
                    {
                        "account": changed.astype(np.int32),
                        "day": np.full(changed.size, day, np.int32),
                        "before": before[changed],
                        "after": walk.state[changed],
                        "score": matrix[changed, index],
                    }
                )
            )
    return Crossings(accounts, _transitions(accounts, changes), walk, rules)


def _all_accounts(scores: pl.DataFrame, previous: pl.DataFrame | None) -> pl.Series:
    ids = scores.get_column("account_id").cast(pl.String)
    if previous is not None and not previous.get_column("account_id").equals(ids):
        ids = pl.concat([ids, previous.get_column("account_id").cast(pl.String)])
    ascending = len(ids) < 2 or bool((ids.head(len(ids) - 1) < ids.tail(len(ids) - 1)).all())
    return ids.rename("account_id") if ascending else ids.unique().sort()


def _matrices(
    scores: pl.DataFrame, accounts: pl.Series
) -> tuple[list[np.int32], Floats, NDArray[np.int32]]:
    """Lay the long frame out as accounts x days: scores (NaN: none) and last hand-raises."""
    day_numbers = pl.col("as_of").cast(pl.Date).cast(pl.Int32)
    raise_days = (
        (day_numbers - pl.col("days_since_hand_raised").cast(pl.Int32, strict=False))
        if "days_since_hand_raised" in scores.columns
        else pl.lit(None, pl.Int32)
    )
    long = scores.select(
        pl.col("account_id").cast(pl.String),
        day_numbers.alias("day"),
        pl.col("score").cast(pl.Float64).fill_null(float("nan")),
        raise_days.fill_null(int(_NEVER)).cast(pl.Int32).alias("raised"),
    )
    days = long.get_column("day").unique().sort()
    at_account = accounts.search_sorted(long.get_column("account_id")).to_numpy()
    at_day = days.search_sorted(long.get_column("day")).to_numpy()
    shape = (len(accounts), len(days))
    matrix = np.full(shape, np.nan)
    raised = np.full(shape, _NEVER, np.int32)
    matrix[at_account, at_day] = long.get_column("score").to_numpy()
    raised[at_account, at_day] = long.get_column("raised").to_numpy()
    return [np.int32(day) for day in days.to_list()], matrix, raised


def _begin(accounts: pl.Series, previous: pl.DataFrame | None) -> _Walk:
    """Start every account monitored, or where an earlier call left it."""
    if previous is None:
        previous = pl.DataFrame(schema=STATES_SCHEMA)
    known = previous
    if not previous.get_column("account_id").equals(accounts):
        known = accounts.to_frame("account_id").join(
            previous, on="account_id", how="left", maintain_order="left"
        )

    def days(column: str, missing: np.int32) -> Days:
        numbers = known.get_column(column).cast(pl.Date).to_physical()
        return numbers.fill_null(int(missing)).to_numpy().astype(np.int32)

    state = known.get_column("state")
    codes = np.zeros(len(accounts), dtype=np.int8)
    for name in (State.QUALIFIED, State.RELEASED):
        codes[(state == str(name)).fill_null(value=False).to_numpy()] = _CODES[name]
    return _Walk(
        state=codes,
        since=days("qualified_since", _NEVER),
        crossed=days("crossed_on", _NEVER),
        released=days("released_on", _NEVER),
        below=days("below_since", _UNSEEN),
        last=days("last_day", _NEVER),
    )


def _states_frame(accounts: pl.Series, walk: _Walk, rules: _Rules) -> pl.DataFrame:
    cooling = np.where(walk.released == _NEVER, _NEVER, walk.released + rules.cool_down_days)
    return pl.DataFrame(
        [
            accounts.alias("account_id"),
            pl.Series("state", _NAMES).gather(walk.state),
            _dates("qualified_since", walk.since),
            _dates("crossed_on", walk.crossed),
            _dates("released_on", walk.released),
            _dates("cooldown_until", cooling.astype(np.int32)),
            _dates("below_since", walk.below),
            _dates("last_day", walk.last),
        ]
    )


def _dates(name: str, days: Days) -> pl.Series:
    """Return days as dates; null for never, and for not seen."""
    known = (days > _NEVER) & (days < _UNSEEN)
    numbers = pl.Series(name, days)
    if not known.all():
        numbers = numbers.zip_with(pl.Series(known), pl.Series([None], dtype=pl.Int32))
    return numbers.cast(pl.Date)


def _transitions(accounts: pl.Series, changes: list[pl.DataFrame]) -> pl.DataFrame:
    if not changes:
        return pl.DataFrame(schema=TRANSITIONS_SCHEMA)
    names = dict(enumerate(_NAMES))
    ordered = pl.concat(changes).sort("account", "day")
    return ordered.select(
        accounts.gather(ordered.get_column("account")).alias("account_id"),
        pl.col("day").cast(pl.Date),
        pl.col("before").replace_strict(names, return_dtype=pl.String).alias("from_state"),
        pl.col("after").replace_strict(names, return_dtype=pl.String).alias("to_state"),
        "score",
    )
