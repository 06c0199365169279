"""Versions of the score: which there are, what is known of each, and which one is in use.

The ledger keeps what happened to each version, in order and for ever; where one stands follows
from that. A version is named by a hash of all that its definition says, so a definition that was
changed is another version, and an old score is explained by the very definition that gave it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from groundswell.config.definitions import parse_definition, write_definition
from groundswell.errors import Problem, UsageError, did_you_mean
from groundswell.store.registry import ModelEvent, ModelEventKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundswell.clock import Clock
    from groundswell.config.loading import LoadedConfig
    from groundswell.config.resolved import ScoreDef
    from groundswell.store.ledger import Ledger

REFIT_AFTER = timedelta(days=182)
"""Learn anew after two quarters. Source: MODELS section 4."""

Status = Literal["hand_made", "draft", "shadow", "published", "retired"]

_STATUS: dict[ModelEventKind, Status] = {
    "used": "hand_made",
    "drafted": "draft",
    "shadowed": "shadow",
    "published": "published",
    "retired": "retired",
}


@dataclass(frozen=True, slots=True)
class Move:
    """Something that happened to a version: what, when, by whom and why."""

    what: str
    at: datetime
    who: str
    reason: str = ""


@dataclass(frozen=True)
class Model:
    """A version of the score.

    Attributes:
        version: Its name.
        status: Where it stands.
        definition: What it says, as YAML.
        facts: How it came to be: outcome, horizon, data range, figures, code version, hash of the
            configuration; as far as it was learned.
        backtests: What was found when it was judged by the past, the latest last.
        moves: What happened to it, in order.
    """

    version: str
    status: Status
    definition: str
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    backtests: tuple[dict[str, Any], ...] = ()
    moves: tuple[Move, ...] = ()


@dataclass
class Models:
    """The registry of a project."""

    ledger: Ledger
    clock: Clock

    def all(self) -> list[Model]:
        """Return every version, in the order in which they appeared."""
        events: dict[str, list[ModelEvent]] = {}
        for event in self.ledger.model_events():
            events.setdefault(event.version, []).append(event)
        return [_model(version, told) for version, told in events.items()]

    def find(self, name: str, *, beside: Sequence[str] = ()) -> Model:
        """Return a version by its name, or by the beginning of it.

        Args:
            name: That.
            beside: What else could have been meant.

        Raises:
            UsageError: There is none, or several.
        """
        models = self.all()
        found = [model for model in models if model.version == name] or [
            model for model in models if model.version.startswith(name)
        ]
        if len(found) == 1:
            return found[0]
        names = [*beside, *(model.version for model in models)]
        raise UsageError(
            Problem(
                code="model-unknown",
                what=f"{len(found) or 'No'} versions of the score begin with `{name}`.",
                fix=did_you_mean(name, names, noun="There are")
                if names
                else "See `groundswell models` for those there are; `groundswell fit` makes one.",
            )
        )

    def published(self) -> Model | None:
        """Return the version that was published last and not retired since."""
        found = [model for model in self.all() if model.status == "published"]
        return found[-1] if found else None

    def note_use(self, score: ScoreDef) -> None:
        """Keep a definition that scores are given by, once."""
        self._append("used", score, "groundswell", key=f"used:{score.version}", body=_kept(score))

    def draft(
        self,
        score: ScoreDef,
        *,
        who: str,
        facts: dict[str, Any],
        reason: str = "",
        shadow: str | None = None,
    ) -> bool:
        """Keep a definition that nobody uses yet; tell whether it is new.

        Args:
            score: The definition.
            who: Who made it.
            facts: How it came to be.
            reason: Why.
            shadow: The week in which it runs in shadow; none for a draft of its own.
        """
        kind: ModelEventKind = "drafted" if shadow is None else "shadowed"
        key = f"{kind}:{shadow or score.version}"
        body = {**_kept(score), "facts": facts, "week": shadow}
        return self._append(kind, score, who, key=key, body=body, reason=reason)

    def note_backtest(self, version: str, found: dict[str, Any], *, who: str) -> None:
        """Keep what was found when a version was judged by the past."""
        self._write("backtested", version, who, body=found)

    def publish(self, name: str, *, who: str, reason: str, anyway: bool = False) -> Model:
        """Let a version score from now on; what was published before is retired.

        Raises:
            UsageError: There is no such version, it was never backtested, or a backtest found
                nothing that chance does not reach.
        """
        model, before = self.find(name), self.published()
        if model.status == "published":
            return model
        if not model.backtests:
            raise UsageError(
                Problem(
                    code="model-unproved",
                    what=f"`{model.version}` was never judged by the past.",
                    fix=f"Run `groundswell backtest {model.version}` first.",
                )
            )
        auc = model.backtests[-1].get("roc_auc")
        if not anyway and (auc is None or auc["low"] <= 0.5):
            raise UsageError(
                Problem(
                    code="model-no-signal",
                    what=f"The last backtest of `{model.version}` found no more than chance does.",
                    fix="Keep what is published; or say `--anyway`, which is kept with the reason.",
                )
            )
        return self._put_in_place(model, before, who=who, reason=reason)

    def roll_back(self, *, who: str, reason: str) -> Model:
        """Publish again what was published before the present version.

        Raises:
            UsageError: There was none.
        """
        order = [event.version for event in self.ledger.model_events() if event.kind == "published"]
        before = self.published()
        earlier = [version for version in order if before is None or version != before.version]
        if not earlier:
            raise UsageError(
                Problem(
                    code="model-first",
                    what="No other version was ever published.",
                    fix="Publish one, or write `score: {preset: hybrid}` to score by hand again.",
                )
            )
        return self._put_in_place(self.find(earlier[-1]), before, who=who, reason=reason)

    def retire(self, name: str, *, who: str, reason: str) -> Model:
        """Take a version out of use; without a published one the hand-made score holds.

        Raises:
            UsageError: There is no such version.
        """
        model = self.find(name)
        self._write("retired", model.version, who, reason=reason)
        return self.find(model.version)

    def _put_in_place(self, model: Model, before: Model | None, *, who: str, reason: str) -> Model:
        events = [self._event("published", model.version, who, reason)]
        if before is not None:
            why = f"{model.version} took its place"
            events.insert(0, self._event("retired", before.version, who, why))
        self.ledger.append_model_events(events)
        return self.find(model.version)

    def _append(
        self,
        kind: ModelEventKind,
        score: ScoreDef,
        who: str,
        *,
        key: str,
        body: dict[str, Any],
        reason: str = "",
    ) -> bool:
        event = ModelEvent(key, score.version, kind, self.clock.now(), who, reason, body)
        return self.ledger.append_model_events([event]) > 0

    def _write(
        self,
        kind: ModelEventKind,
        version: str,
        who: str,
        *,
        reason: str = "",
        body: dict[str, Any] | None = None,
    ) -> None:
        self.ledger.append_model_events([self._event(kind, version, who, reason, body)])

    def _event(
        self,
        kind: ModelEventKind,
        version: str,
        who: str,
        reason: str = "",
        body: dict[str, Any] | None = None,
    ) -> ModelEvent:
        """Return an event of now, which may happen to a version again and again."""
        now = self.clock.now()
        key = f"{kind}:{version}:{now.isoformat()}:{self.ledger.last_model_event()}"
        return ModelEvent(key, version, kind, now, who, reason, body or {})


def definition_of(model: Model, loaded: LoadedConfig) -> ScoreDef:
    """Return the definition of a version, as it is computed.

    Raises:
        ConfigError: A feature that it reads is not there any more.
    """
    return parse_definition(model.definition, f"model {model.version}", loaded)


def refit_due(definition: ScoreDef, today: date) -> date | None:
    """Return since when a definition should be learned anew; None where not yet, or never was."""
    if definition.learned_until is None:
        return None
    due = definition.learned_until + REFIT_AFTER
    return due if due <= today else None


def _kept(score: ScoreDef) -> dict[str, Any]:
    return {"definition": write_definition(score)}


def _model(version: str, events: Sequence[ModelEvent]) -> Model:
    status: Status = "draft"
    definition, facts = "", dict[str, Any]()
    for event in events:
        definition = event.body.get("definition", definition)
        facts = event.body.get("facts", facts)
        known = _STATUS.get(event.kind)
        # What is in use stays in use when it is drafted or used once more.
        if known is not None and not (
            event.kind in {"used", "drafted", "shadowed"} and status in {"published", "retired"}
        ):
            status = known
    return Model(
        version,
        status,
        definition,
        facts,
        tuple(event.body for event in events if event.kind == "backtested"),
        tuple(Move(event.kind, event.at, event.who, event.reason) for event in events),
    )
