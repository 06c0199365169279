"""Whether contact helps: qualified accounts that were handed over beside those held out.

All figures are of accounts that had their whole time (the horizon), in the arm they were assigned
to, compared within motions; groups are each motion and each tier.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from groundswell.config.shipped_block import shipped_values
from groundswell.measure.experiments.balance import Balance, check_balance
from groundswell.measure.experiments.comparison import (
    Effect,
    Group,
    Looked,
    UpliftVerdict,
    compare_amounts,
    compare_conversion,
    unknown_effect,
)
from groundswell.measure.experiments.enrolment import (
    NO_MOTION,
    add_covariates,
    began_on,
    enrol_accounts,
    observe_outcomes,
)
from groundswell.measure.experiments.exposure import Exposure, log_exposure, read_exposure
from groundswell.measure.experiments.power import (
    Wait,
    accounts_needed,
    smallest_mean_effect,
    smallest_share_effect,
    wait_for,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from groundswell.config.experiments import ExperimentTerms

_BASE_FROM = 10
"""Conversions of accounts held out from which on their share, not the planned one, is the base."""


@dataclass(frozen=True, slots=True)
class Uplift:
    """What contact adds.

    Attributes:
        as_of: What was known by this day was used.
        since: The first day that counts; None where nobody is held out.
        horizon: Days that every account was given.
        share: Share of accounts that is held out.
        planned: Accounts that the planned effect takes.
        overall: All accounts; None where nobody is held out.
        groups: Each motion, then each tier, by name.
        exposure: How far was done what was meant to be done; None where nobody is held out.
        missing: What would have to be known; empty otherwise.
    """

    as_of: date
    since: date | None
    horizon: int
    share: float
    planned: int | None
    overall: Group | None
    groups: tuple[Group, ...]
    exposure: Exposure | None
    missing: str = ""


@dataclass(frozen=True)
class UpliftTables:
    """What is known by a day.

    Attributes:
        exposures: account_id, exposed_on, held_out, motion, tier; every exposure.
        accounts: account_id, parent_id, hand_raised, paid.
        arr: account_id, day, arr_cents - the total from that day on.
        opportunities: account_id, closed_at, won, amount_cents.
        touches: account_id, at.
        features: account_id, as_of and the covariates; of each the last row by its qualification
            is read.
    """

    exposures: pl.DataFrame
    accounts: pl.DataFrame
    arr: pl.DataFrame
    opportunities: pl.DataFrame
    touches: pl.DataFrame
    features: pl.DataFrame


def measure_uplift(
    tables: UpliftTables, *, terms: ExperimentTerms, share: float, as_of: date
) -> Uplift:
    """Measure what contact adds.

    Args:
        tables: What is known by `as_of`.
        terms: How arms are compared.
        share: Share of accounts that is held out (`guardrails.holdout`).
        as_of: The day.
    """
    observed = observe_experiment(tables, terms=terms, as_of=as_of)
    if observed is None or not observed["held_out"].any() or not 0 < share < 1:
        missing = shipped_values("experiment_words")["no_holdout"]
        return Uplift(as_of, None, terms.horizon, share, None, None, (), None, missing)
    since = terms.since or began_on(tables.exposures) or as_of
    measuring = _Measuring(
        Looked(terms, share), as_of, since, knows_money=tables.arr.height > 0, words=_words()
    )
    return Uplift(
        as_of,
        since,
        terms.horizon,
        share,
        measuring.looked.planned,
        measuring.group("overall", "all", observed),
        tuple(measuring.groups(observed)),
        read_exposure(log_exposure(observed, tables.touches)),
    )


def observe_experiment(
    tables: UpliftTables, *, terms: ExperimentTerms, as_of: date
) -> pl.DataFrame | None:
    """Return the accounts behind the figures: who took part, in which arm, and what came of each.

    Returns:
        As `enrolment.ENROLLED`, with converted, bought_cents, added_cents and the covariates; None
        where nobody was ever held out.
    """
    since = terms.since or began_on(tables.exposures)
    if since is None:
        return None
    enrolled = enrol_accounts(
        tables.exposures, tables.accounts, since=since, horizon=terms.horizon, as_of=as_of
    )
    outcomes = observe_outcomes(enrolled, tables.accounts, tables.arr, tables.opportunities)
    return add_covariates(outcomes, tables.features, terms.covariates)


def _words() -> dict[str, str]:
    return shipped_values("experiment_words")


@dataclass(frozen=True)
class _Measuring:
    """Measures groups of accounts, all in the same way."""

    looked: Looked
    as_of: date
    since: date
    knows_money: bool
    words: dict[str, str]

    def groups(self, observed: pl.DataFrame) -> Iterator[Group]:
        """Measure each motion and each tier."""
        for cut in ("motion", "tier"):
            known = observed.filter(pl.col(cut).is_not_null() & (pl.col(cut) != NO_MOTION))
            names = known[cut].unique().sort().to_list()
            for name in names:
                yield self.group(cut, name, known.filter(pl.col(cut) == name), at_once=len(names))

    def group(self, cut: str, name: str, rows: pl.DataFrame, *, at_once: int = 1) -> Group:
        """Measure some accounts."""
        terms = self.looked.terms
        looked = Looked(terms, self.looked.share, at_once)
        ready = rows.filter("had_its_time")
        conversion = compare_conversion(ready, looked)
        acv, revenue = self._money(ready, looked)
        balance = self._balance(rows)
        contacted = ready.filter(~pl.col("held_out")).height
        held_out = ready.height - contacted
        base = self._base(conversion, held_out)
        wait = self._wait(rows, base, conversion.spread)
        verdict, sentence = self._judge(conversion, wait, balance, (contacted, held_out))
        return Group(
            cut,
            name,
            contacted,
            held_out,
            rows.height - ready.height,
            conversion,
            acv,
            revenue,
            smallest_share_effect(
                base,
                contacted,
                held_out,
                level=terms.level,
                power=terms.power,
                design=conversion.spread,
            ),
            smallest_mean_effect(revenue.variance, level=terms.level, power=terms.power),
            wait,
            balance,
            verdict,
            sentence,
        )

    def _money(self, ready: pl.DataFrame, looked: Looked) -> tuple[Effect, Effect]:
        if not self.knows_money:
            missing = unknown_effect("subscriptions")
            return missing, missing
        return (
            compare_amounts(ready, "bought_cents", looked),
            compare_amounts(ready, "added_cents", looked),
        )

    def _balance(self, rows: pl.DataFrame) -> Balance:
        """Check the sizes of the arms by parent; a parent is in the arm of its first account."""
        parents = rows.unique("parent_id", keep="first", maintain_order=True)
        held = int(parents["held_out"].sum())
        return check_balance(
            parents.height - held,
            held,
            share=self.looked.share,
            below=self.looked.terms.imbalance,
        )

    def _base(self, conversion: Effect, held_out: int) -> float:
        share = conversion.held_out.value
        if share is None or not _BASE_FROM <= share * held_out <= held_out - _BASE_FROM:
            return self.looked.terms.held_out
        return share

    def _wait(self, rows: pl.DataFrame, base: float, design: float) -> Wait:
        """Return the wait for the planned rise, from the share of those held out."""
        terms = self.looked.terms
        needed = accounts_needed(
            base,
            _raised(base, terms),
            holdout=self.looked.share,
            level=terms.level,
            power=terms.power,
            design=design,
        )
        return wait_for(
            needed,
            rows["assigned_on"].to_list(),
            as_of=self.as_of,
            horizon=terms.horizon,
            recent=terms.recent,
            since=self.since,
        )

    def _judge(
        self, conversion: Effect, wait: Wait, balance: Balance, arms: tuple[int, int]
    ) -> tuple[UpliftVerdict, str]:
        """Return the verdict, and one sentence that says it."""
        verdict, least = UpliftVerdict.NO_DIFFERENCE_YET, conversion.always_valid
        if balance.alarm:
            parents = balance.contacted + balance.held_out
            return verdict, self.words["imbalance"].format(
                held_out=balance.held_out,
                parents=parents,
                share=balance.held_out / parents,
                expected=balance.expected,
            )
        if least.value is None or least.low is None or least.high is None:
            said = self.words["too_few"].format(contacted=arms[0], held_out=arms[1])
            return verdict, said + self._waiting(wait)
        if least.low > 0:
            verdict = UpliftVerdict.HELPS
        elif least.high < 0:
            verdict = UpliftVerdict.HURTS
        said = self.words[verdict].format(
            contacted=conversion.contacted.value,
            held_out=conversion.held_out.value,
            difference=100 * least.value,
            low=100 * least.low,
            high=100 * least.high,
        )
        still = self._waiting(wait) if verdict is UpliftVerdict.NO_DIFFERENCE_YET else ""
        return verdict, said + still

    def _waiting(self, wait: Wait) -> str:
        kind = "no_inflow" if wait.weeks is None else "weeks" if wait.weeks else "enough"
        return self.words[kind].format(weeks=wait.weeks, needed=wait.needed)


def _raised(base: float, terms: ExperimentTerms) -> float:
    """Return a share raised as planned, by odds: so it stays a share, whatever it was."""
    ratio = _odds(terms.contacted) / _odds(terms.held_out)
    odds = _odds(base) * ratio
    return odds / (1 + odds)


def _odds(share: float) -> float:
    return share / (1 - share)
