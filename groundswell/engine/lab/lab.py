"""The lab of a project: definitions are learned, judged by the past, compared and published."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import groundswell
from groundswell.config.definitions import (
    parse_definition,
    preset_definition,
    read_definition,
)
from groundswell.config.presets import SCORE_PRESETS, shipped_score
from groundswell.config.quantities import parse_days
from groundswell.config.scores import with_line
from groundswell.engine.lab import backtesting, fitting, watching
from groundswell.engine.lab.challenging import Shadow, judge_shadows, say_shadow
from groundswell.engine.lab.history import History, Question
from groundswell.engine.lab.thresholds import HIGHEST, Consequences, Spread, spread, weigh_line
from groundswell.engine.registry import Model, Models, definition_of
from groundswell.errors import Problem, UsageError
from groundswell.model import as_plain
from groundswell.scoring.learning import Behaviours, Outcome, find_behaviours
from groundswell.scoring.learning.backtest import REST_WEEKS, Backtest
from groundswell.scoring.learning.comparison import Comparison

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from groundswell.config.loading import LoadedConfig
    from groundswell.config.resolved import ScoreDef
    from groundswell.engine.computing import Computer

CURRENT, HAND_MADE = "current", "hand-made"
WEEKS = 52
NEAR, FAR = 30, 90
"""Days before the outcome between which behaviour is looked at. Source: MODELS section 4."""

_NAMED = (CURRENT, HAND_MADE, *SCORE_PRESETS)
_EVERY = 4  # of the weekly snapshots, for behaviours
_RANGE = (7, 365)
_SOMEBODY = "somebody"


@dataclass
class Lab:
    """What can be asked of a project's past; see `Project.lab`."""

    loaded: Callable[[], LoadedConfig]
    hand_made: ScoreDef
    computer: Callable[[], Computer]
    models: Models
    day: Callable[[date | None], date]
    adopt: Callable[[], None]
    latest: Callable[[], pl.DataFrame]
    _tried: str = field(default="", repr=False)

    # --- learning -----------------------------------------------------------------------------

    def fit(
        self,
        *,
        outcome: Outcome | None = None,
        horizon: int | None = None,
        weeks: int | None = None,
        seed: int = 0,
        challenger: bool = False,
        as_of: date | None = None,
        who: str = _SOMEBODY,
    ) -> fitting.FitReport:
        """Learn a definition from the company's own outcomes, and keep it as a draft.

        Args:
            outcome: What is asked; as `learning.outcome` says, if left out.
            horizon: Days in which it has to come; as `learning.horizon` says, if left out.
            weeks: Weekly snapshots; as `learning.weeks` says, if left out.
            seed: Of what goes by chance.
            challenger: Whether gradient boosting is tried beside (extra `lab`).
            as_of: The last day that is known; today by default.
            who: Who asks.

        Raises:
            UsageError: There are no events, or the horizon is out of range.
            MissingExtraError: Gradient boosting is asked for and not installed.
        """
        found = self._fit(outcome, horizon, weeks, seed, as_of, challenger=challenger)
        new = False
        if found.definition is not None:
            facts = self._facts(found, seed, as_of=self._known(as_of).until)
            new = self.models.draft(found.definition, who=who, facts=facts)
        return fitting.report_fit(found, new=new)

    def _fit(
        self,
        outcome: Outcome | None,
        horizon: int | None,
        weeks: int | None,
        seed: int,
        as_of: date | None,
        *,
        challenger: bool,
    ) -> fitting.Learnt:
        return fitting.fit(
            self.loaded(),
            self.hand_made,
            self._known(as_of),
            self._question(outcome, horizon),
            weeks=weeks or self.loaded().config.learning.weeks,
            seed=seed,
            challenged=challenger,
        )

    def _facts(self, found: fitting.Learnt, seed: int, *, as_of: date) -> dict[str, Any]:
        """Return what is kept of how a definition came to be."""
        figures = ("roc_auc", "average_precision", "brier", "ece", "top_decile_lift")
        return as_plain(
            {
                "as_of": as_of,
                "outcome": found.outcome,
                "horizon": found.horizon,
                "learned_from": found.first,
                "learned_to": found.last,
                "judged_from": found.judged_from,
                "judged_to": found.judged_until,
                "accounts": found.accounts,
                "prior": found.prior,
                "seed": seed,
                "code": groundswell.__version__,
                "config": self.loaded().fingerprint("events", "features", "identity", "plans"),
                "figures": {name: getattr(found.study, name) for name in figures},
                "alarms": [alarm.code + ": " + alarm.feature for alarm in found.study.alarms],
            }
        )

    def behaviours(
        self,
        outcome: Outcome = "converted",
        *,
        near: int = NEAR,
        far: int = FAR,
        weeks: int = WEEKS,
        as_of: date | None = None,
    ) -> Behaviours:
        """Compare features before an outcome with those where none came.

        Args:
            outcome: What is asked about.
            near: Days before the outcome until which behaviour is looked at.
            far: Days before the outcome from which on it is.
            weeks: Weekly snapshots that are looked at.
            as_of: The last day that is known; today by default.

        Raises:
            UsageError: `near` is not nearer than `far`, or there are no events.
        """
        if near >= far:
            raise UsageError(
                Problem(
                    code="usage-horizon",
                    what=f"`--near {near}` is not nearer to the outcome than `--far {far}`.",
                    fix="Write for example `--near 30 --far 90`.",
                )
            )
        history = self._known(as_of)
        days = history.days(weeks, far=far)[::-_EVERY][::-1]
        labelled = history.labelled_whole(days, Question(outcome, far, near))
        return find_behaviours(labelled, outcome)

    # --- judging ------------------------------------------------------------------------------

    def backtest(
        self,
        definition: str = CURRENT,
        *,
        outcome: Outcome | None = None,
        horizon: int | None = None,
        weeks: int = WEEKS,
        capacity: int | None = None,
        seed: int = 0,
        as_of: date | None = None,
        as_known: bool = False,
        at: float | None = None,
        keep: bool = True,
        who: str = _SOMEBODY,
    ) -> Backtest:
        """Say how a definition would have done, and keep that where the registry knows it.

        Args:
            definition: `current`, `hand-made`, a preset, a version, or a file.
            outcome: What is asked; as `learning.outcome` says, if left out.
            horizon: Days in which it has to come; as `learning.horizon` says, if left out.
            weeks: The last so many whose horizon is over.
            capacity: Accounts that people can take up in a week; as `learning.capacity` says, if
                left out.
            seed: Of the draws.
            as_of: The last day that is known; today by default.
            as_known: Leave out, in each week, the events that had not arrived by then. Every week
                takes a roll-up of its own.
            at: The threshold in place of its own, which makes it another definition.
            keep: Whether it is kept; `keep_backtest` does so later.
            who: Who asks.

        Raises:
            UsageError: There is no such definition, or nothing to judge it by.
            ConfigError: The definition cannot be used.
        """
        score = self.definition(definition)
        if at is not None:
            score = with_line(score, _checked_line(at))
        found = backtesting.backtest(
            self._known(as_of, as_known=as_known),
            self._question(outcome, horizon),
            score,
            weeks=weeks,
            capacity=capacity or self.capacity(),
            seed=seed,
        )
        if keep and self.is_registered(score.version):
            self.models.note_backtest(score.version, _summary(found), who=who)
        return found

    def is_registered(self, version: str) -> bool:
        """Tell whether the registry knows a version."""
        return any(model.version == version for model in self.models.all())

    def keep_backtest(self, found: Backtest, *, who: str) -> None:
        """Keep a backtest with its version; once is enough.

        Raises:
            UsageError: The registry does not know the version.
        """
        if not self.keeps(found):
            self.models.note_backtest(found.version, _summary(found), who=who)

    def keeps(self, found: Backtest) -> bool:
        """Tell whether a backtest is the latest that is kept with its version.

        Raises:
            UsageError: The registry does not know the version.
        """
        kept = self.models.find(found.version).backtests
        return bool(kept) and kept[-1] == json.loads(json.dumps(_summary(found)))

    def compare(
        self,
        first: str,
        second: str,
        *,
        outcome: Outcome | None = None,
        horizon: int | None = None,
        weeks: int = WEEKS,
        capacity: int | None = None,
        seed: int = 0,
        as_of: date | None = None,
    ) -> Comparison:
        """Compare two definitions on the same weeks, with the same capacity.

        Args: as those of `backtest`.

        Raises:
            UsageError: There is no such definition, or nothing to judge them by.
            ConfigError: A definition cannot be used.
        """
        return backtesting.compare_definitions(
            self._known(as_of),
            self._question(outcome, horizon),
            (self.definition(first), self.definition(second)),
            weeks=weeks,
            capacity=capacity or self.capacity(),
            seed=seed,
            currency=self.loaded().config.currency,
        )

    def drift(
        self,
        definition: str = CURRENT,
        *,
        since: date | None = None,
        as_of: date | None = None,
    ) -> watching.Watch:
        """Say whether a definition still holds.

        Args:
            definition: `current`, `hand-made`, a preset, a version, or a file.
            since: As of when features are compared with today's; by default when learning ended,
                or half a year ago.
            as_of: The last day that is known; today by default.

        Raises:
            UsageError: There is no such definition, or there are no events.
            ConfigError: The definition cannot be used.
        """
        begun = self.day(since) if since is not None else None
        history, question = self._known(as_of), self._question(None, None)
        return watching.watch(history, question, self.definition(definition), since=begun)

    def definition(self, name: str) -> ScoreDef:
        """Return a definition: `current`, `hand-made`, a preset, a version, or a file.

        Raises:
            UsageError: There is none of that name.
            ConfigError: It cannot be used.
        """
        if name == CURRENT:
            return self.loaded().score
        if name == HAND_MADE:
            return self.hand_made
        if name in SCORE_PRESETS:
            preset = shipped_score(name)
            assert preset is not None, "it ships"
            return preset_definition(preset, self.loaded())
        if Path(name).suffix in {".yaml", ".yml"}:
            return read_definition(Path(name), self.loaded())
        return definition_of(self.models.find(name, beside=_NAMED), self.loaded())

    def capacity(self) -> int:
        """Return how many accounts people can take up in a week."""
        told = self.loaded().config.learning.capacity
        if told is not None:
            return told
        members = [member for team in self.loaded().teams.values() for member in team.members]
        at_a_time = sum(member.capacity or 0 for member in members)
        return at_a_time // REST_WEEKS or backtesting.DEFAULT_CAPACITY

    # --- the threshold ------------------------------------------------------------------------

    def spread(self) -> Spread:
        """Return how the scores of all accounts spread, by the latest run.

        Raises:
            UsageError: There was no run yet.
        """
        return spread(self.latest())

    def consequences(self, at: float | None = None) -> Consequences:
        """Say what follows from a threshold.

        Args:
            at: A number from 0 to 100; the threshold in use by default.

        Raises:
            UsageError: There was no run yet, or it is no such number.
        """
        if at is not None:
            _checked_line(at)
        score = self.loaded().score
        return weigh_line(self.latest(), score, self.versions(), capacity=self.capacity(), at=at)

    # --- the registry -------------------------------------------------------------------------

    def versions(self) -> list[Model]:
        """Return every version of the score, in the order in which they appeared."""
        return self.models.all()

    def version(self, name: str) -> Model:
        """Return one version, by its name or the beginning of it.

        Raises:
            UsageError: There is none, or several.
        """
        return self.models.find(name)

    def add(self, path: str | Path, *, who: str = _SOMEBODY, reason: str = "") -> Model:
        """Keep a definition from a file as a draft.

        Raises:
            ConfigError: It cannot be used.
        """
        score = read_definition(Path(path), self.loaded())
        self.models.draft(score, who=who, reason=reason, facts={"code": groundswell.__version__})
        return self.models.find(score.version)

    def publish(
        self, name: str, *, who: str = _SOMEBODY, reason: str, anyway: bool = False
    ) -> Model:
        """Let a version score from now on, with `score: {preset: fitted}`.

        Args:
            name: The version, or the beginning of it.
            who: Who says so.
            reason: Why.
            anyway: Though its last backtest found no more than chance does.

        Raises:
            UsageError: There is no such version, or it was not proved.
            ConfigError: It reads a feature that is not there any more.
        """
        definition_of(self.models.find(name), self.loaded())
        model = self.models.publish(name, who=who, reason=reason, anyway=anyway)
        self.adopt()
        return model

    def roll_back(self, *, who: str = _SOMEBODY, reason: str = "") -> Model:
        """Publish again what was published before the present version.

        Raises:
            UsageError: There was none.
        """
        model = self.models.roll_back(who=who, reason=reason or "rolled back")
        self.adopt()
        return model

    def retire(self, name: str, *, who: str = _SOMEBODY, reason: str = "") -> Model:
        """Take a version out of use; without a published one the hand-made score holds.

        Raises:
            UsageError: There is no such version.
        """
        model = self.models.retire(name, who=who, reason=reason)
        self.adopt()
        return model

    # --- continuous learning ------------------------------------------------------------------

    def challenge(self, *, as_of: date | None = None, who: str = _SOMEBODY) -> Shadow:
        """Learn this week's challenger, and judge those of weeks whose horizon is over.

        It is published where `learning.publish` is `when_better`, once it did better than the
        definition in use by more than chance explains.

        Raises:
            UsageError: There are no events.
        """
        history, question = self._known(as_of), self._question(None, None)
        champion = self.loaded().score
        week = history.until
        found = self._fit(None, None, None, 0, as_of, challenger=False)
        if found.definition is not None:
            facts = self._facts(found, 0, as_of=week)
            reason = f"challenger of {champion.version}"
            self.models.draft(
                found.definition, who=who, facts=facts, reason=reason, shadow=_week(week)
            )
        weeks, came, gain = judge_shadows(history, question, champion, self._shadows())
        offered = gain is not None and gain.low > 0 and found.definition is not None
        version = found.definition.version if found.definition is not None else None
        allowed = self.loaded().config.learning.publish == "when_better"
        published = bool(offered and allowed and version) and self._prove_and_publish(
            str(version), champion, as_of, who
        )
        return Shadow(
            week,
            version,
            champion.version,
            weeks,
            came,
            gain,
            offered,
            published,
            say_shadow(
                found.study, weeks, came, gain, version, offered=offered, published=published
            ),
        )

    def _prove_and_publish(
        self, version: str, champion: ScoreDef, as_of: date | None, who: str
    ) -> bool:
        """Publish a challenger whose own backtest finds a signal; tell whether it was."""
        try:
            self.backtest(version, as_of=as_of, who=who)
            self.publish(version, who=who, reason=f"better than {champion.version}")
        except UsageError:  # no week is left that it did not learn from, or nothing is found there
            return False
        return True

    def challenge_if_due(self, *, who: str = "groundswell") -> Shadow | None:
        """Do what `challenge` does, once a week; None where it is not due."""
        week = _week(self.day(None))
        if week == self._tried:
            return None
        self._tried = week
        events = self.models.ledger.model_events()
        if any(event.kind == "shadowed" and _week(event.at.date()) == week for event in events):
            return None
        return self.challenge(who=who)

    def _shadows(self) -> list[tuple[date, ScoreDef]]:
        """Return the challengers, each with the day it was learned on."""
        found: list[tuple[date, ScoreDef]] = []
        for event in self.models.ledger.model_events():
            if event.kind == "shadowed":
                day = date.fromisoformat(event.body["facts"]["as_of"])
                name = f"model {event.version}"
                score = parse_definition(event.body["definition"], name, self.loaded())
                found.append((day, score))
        return found

    # --- what all of them need ------------------------------------------------------------------

    def _known(self, as_of: date | None, *, as_known: bool = False) -> History:
        return History.of(self.computer(), self.day(as_of), as_known=as_known)

    def _question(self, outcome: Outcome | None, horizon: int | None) -> Question:
        settings = self.loaded().config.learning
        far = horizon if horizon is not None else parse_days(settings.horizon)
        low, high = _RANGE
        if not low <= far <= high:
            raise UsageError(
                Problem(
                    code="usage-horizon",
                    what=f"A horizon of {far} days is out of range.",
                    fix=f"Choose {low} to {high} days; 30 to 90 is usual.",
                )
            )
        return Question(outcome or settings.outcome, far)


def _week(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def _checked_line(at: float) -> float:
    if not 0 <= at <= HIGHEST:
        raise UsageError(
            Problem(
                code="usage-threshold",
                what=f"`{at:g}` is no threshold.",
                fix="Write a number from 0 to 100.",
            )
        )
    return at


def _summary(found: Backtest) -> dict[str, Any]:
    """Return what is kept of a backtest: all but its weeks and its pictures."""
    plain: dict[str, Any] = as_plain(found)
    return {name: value for name, value in plain.items() if name not in {"by_week", "distribution"}}
