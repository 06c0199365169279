"""What a change does to accounts as they stand: decided on anew by both, and compared.

The features of accounts are kept; triggers, rules and guardrails are applied to them as a run
does. What changes the features themselves is not weighed here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import polars as pl

from groundswell.engine.deciding import decide_untold, states_of
from groundswell.engine.signals.answers import Otherwise, Tally
from groundswell.engine.standing import Standing
from groundswell.routing import NOTHING_KNOWN, read_by_decisions, route_frame
from groundswell.scoring import SCORED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.deciding import Remembered

MOST_SHOWN = 50
_EMPTY = pl.DataFrame()


@dataclass(frozen=True, slots=True)
class Decided:
    """A company, decided on.

    Attributes:
        rules: By account the rule that decides it.
        motions: By account how it is sold to.
        handed_over: Accounts that are handed over.
        held_back: By account the guardrails that hold it back.
        triggers: By trigger for how many accounts it holds.
    """

    rules: Mapping[str, str]
    motions: Mapping[str, str]
    handed_over: frozenset[str]
    held_back: Mapping[str, tuple[str, ...]]
    triggers: Mapping[str, int]

    def told(self, account_id: str) -> str:
        """Return what is decided on an account, in words."""
        motion = self.motions[account_id].replace("_", " ")
        if account_id in self.handed_over:
            end = "handed over"
        elif account_id in self.held_back:
            end = f"held back by {', '.join(self.held_back[account_id])}".replace("_", " ")
        else:
            end = "nobody is brought in"
        return f"{motion}, {end}"


@dataclass(frozen=True)
class Stand:
    """Where accounts stand, and what is remembered of them.

    Attributes:
        latest: Features, scores, and what holds, one row each; as `telling.latest_frame` has it.
        remembered: What the journal and the touches say.
        parents: Account id to the id of its parent.
        present: The configuration that they stand by.
    """

    latest: pl.DataFrame
    remembered: Remembered
    parents: Mapping[str, str]
    present: LoadedConfig

    @property
    def as_of(self) -> date:
        """The day that they stand as of."""
        return cast("date", self.latest.item(0, "as_of"))

    def since(self, loaded: LoadedConfig) -> dict[str, dict[str, date]]:
        """Return by account what holds and since when; what is new or other begins today."""
        same = {
            name
            for name, spec in loaded.triggers.items()
            if name in self.present.triggers and self.present.triggers[name].when == spec.when
        }
        found: dict[str, dict[str, date]] = {}
        for account_id, holding in self.latest.select("account_id", "holding").iter_rows():
            held = {one["trigger"]: one["since"] for one in holding or () if one["trigger"] in same}
            if held:
                found[account_id] = held
        for name, spec in loaded.triggers.items():
            if name in same:
                continue
            holds = self.latest.select(
                "account_id",
                spec.when.to_polars().cast(pl.Boolean).fill_null(value=False).alias(""),
            ).filter(pl.col(""))
            for account_id in holds["account_id"]:
                found.setdefault(account_id, {})[name] = self.as_of
        return found


def decide_stand(stand: Stand, loaded: LoadedConfig, *, now: datetime) -> Decided:
    """Decide on every account as it stands by a configuration, as a run does."""
    frame = stand.latest
    standing = Standing(stand.as_of, frame, _EMPTY, _EMPTY, _EMPTY)
    states = states_of(
        standing, stand.remembered, guardrails=loaded.guardrails, parents=stand.parents
    )
    routes = route_frame(frame, states, rules=loaded.motions)
    since = stand.since(loaded)
    read = {*SCORED, *read_by_decisions(loaded.motions)}
    narrow = frame.select(name for name in frame.columns if name in read)
    handed: set[str] = set()
    held: dict[str, tuple[str, ...]] = {}
    for row in narrow.filter(routes["eligible"]).iter_rows(named=True):
        account_id = row["account_id"]
        state = states.get(account_id, NOTHING_KNOWN)
        decision = decide_untold(loaded, row, state, since.get(account_id, {}), now=now)
        if decision.hand_over:
            handed.add(account_id)
        else:
            failed = (result.name for result in decision.guardrails if not result.passed)
            held[account_id] = tuple(failed)
    return Decided(
        rules=dict(routes.select("account_id", "rule").iter_rows()),
        motions=dict(routes.select("account_id", "motion").iter_rows()),
        handed_over=frozenset(handed),
        held_back=held,
        triggers=Counter(name for names in since.values() for name in names),
    )


def compare(now: Decided, then: Decided) -> dict[str, tuple[Tally, ...]]:
    """Return what there is more or less of."""
    counted = {
        "triggers": (now.triggers, then.triggers),
        "rules": (Counter(now.rules.values()), Counter(then.rules.values())),
        "guardrails": (held_by(now), held_by(then)),
        "handed_over": (
            {"handed over": len(now.handed_over)},
            {"handed over": len(then.handed_over)},
        ),
    }
    found = {name: tallies(*both) for name, both in counted.items()}
    return {name: told for name, told in found.items() if told}


def held_by(decided: Decided) -> Counter[str]:
    """Return how many accounts each guardrail holds back."""
    return Counter(name for names in decided.held_back.values() for name in names)


def tallies(before: Mapping[str, int], after: Mapping[str, int]) -> tuple[Tally, ...]:
    """Return what differs between two counts, those of before first."""
    names = dict.fromkeys((*before, *after))
    found = (Tally(name, before.get(name, 0), after.get(name, 0)) for name in names)
    return tuple(one for one in found if one.before != one.after)


def differing(
    now: Decided, then: Decided, names: Mapping[str, str | None]
) -> tuple[int, tuple[Otherwise, ...]]:
    """Return on how many accounts another decision is made, and the first of them."""
    others = sorted(_others(now, then))
    return len(others), tuple(
        Otherwise(account, names.get(account), now.told(account), then.told(account))
        for account in others[:MOST_SHOWN]
    )


def _others(now: Decided, then: Decided) -> Iterable[str]:
    return (account for account in now.rules if now.told(account) != then.told(account))
