"""Reading groundswell.yaml: every mistake found, or the configuration resolved.

The file is read with the place of every key, checked block by block, and resolved against what
ships. Each step tells what is wrong and goes on with the rest, so one run shows all mistakes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from pydantic import Field

from groundswell.config import presets
from groundswell.config.alerts import potential_features, resolve_alerts, tell_unknown_signs
from groundswell.config.attribution import resolve_attribution
from groundswell.config.commissions import resolve_commissions
from groundswell.config.digests import digest
from groundswell.config.document import read_document
from groundswell.config.experiments import resolve_experiments
from groundswell.config.features import check_features
from groundswell.config.findings import key_path
from groundswell.config.meanings import resolve_meanings
from groundswell.config.metrics import resolve_funnels, resolve_metrics, tell_unknown_metrics
from groundswell.config.mistakes import resolve_mistakes
from groundswell.config.offers import resolve_offers, tell_unknown_offers
from groundswell.config.overlay import resolve_overlay
from groundswell.config.paybacks import resolve_payback
from groundswell.config.plays import (
    resolve_brief,
    resolve_clauses,
    resolve_plays,
    tell_unknown_plays,
)
from groundswell.config.pricing import resolve_pricing
from groundswell.config.reports import Weekly, resolve_reports
from groundswell.config.retention import resolve_retention
from groundswell.config.risks import (
    customer_features,
    merge_risks,
    resolve_customer_success,
    resolve_risks,
)
from groundswell.config.rules import (
    resolve_guardrails,
    resolve_rules,
    resolve_triggers,
)
from groundswell.config.schema import Block, Config, GuardrailsBlock, SourceDef
from groundswell.config.scores import resolve_score
from groundswell.config.sign_in import check_sign_in
from groundswell.config.stores import (
    check_sources,
    check_tables,
    check_urls,
    resolve_destinations,
    resolve_plans,
)
from groundswell.config.teams import resolve_teams
from groundswell.config.validation import validate
from groundswell.config.vocabulary import (
    DECISION_OUTPUTS,
    SCORE_OUTPUTS,
    WATCHED,
    ValueType,
    feature_types,
)
from groundswell.errors import ConfigError, nearest
from groundswell.model import Part

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from groundswell.config.attribution import AttributionRules
    from groundswell.config.commissions import CommissionPlan
    from groundswell.config.document import Document
    from groundswell.config.experiments import ExperimentTerms
    from groundswell.config.expressions import Expression
    from groundswell.config.findings import Findings, Key, Spot
    from groundswell.config.metrics import Funnel, Metric
    from groundswell.config.mistakes import MistakeSpec
    from groundswell.config.overlay_schema import OverlayBlock
    from groundswell.config.paybacks import PaybackTerms
    from groundswell.config.pricing import PricingTerms
    from groundswell.config.resolved import (
        Alerts,
        Briefing,
        CustomerSuccess,
        Guardrails,
        Meaning,
        OfferSpec,
        Plan,
        Play,
        Risks,
        Rule,
        ScoreDef,
        Team,
        TriggerSpec,
    )
    from groundswell.config.retention import Retention
    from groundswell.config.schema import FeatureDef
    from groundswell.config.validation import Checked
    from groundswell.errors import Place
    from groundswell.model import Motion

CONFIG_FILE = "groundswell.yaml"
DEFAULT = "default (groundswell)"
FITTED = "fitted"
"""The preset that is learned from outcomes."""

_UNREADABLE = ("config-yaml", "config-file", "config-encoding", "config-include")


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A configuration without mistakes, resolved, that can say where each value came from.

    Attributes:
        config: The blocks as written, with defaults.
        root: The project's folder.
        meanings: What events mean; the shipped ones where the file says nothing.
        features: The built-in features with their windows written out, then the user's.
        types: The type of every feature and of every output of the score.
        score: The score as it is computed.
        motions: The user's rules, then the shipped ones.
        triggers: The shipped triggers, with the user's in their place or after them.
        alerts: When somebody is told that a customer could take more.
        risks: When somebody is told that a customer is at risk.
        customer_success: Which customers have a person of their own.
        plays: What reps are advised to do, in the order it is tried.
        briefing: How a brief is worded.
        offers: What the product shows, in the order it is tried.
        guardrails: What must hold before a person contacts a user.
        plans: The price list in its order.
        teams: The people, by team.
        conditions: The condition (`for`) of each destination that has one.
        metrics: What is measured: the shipped ones, with the user's in their place or after them.
        funnels: The stages of each motion.
        attribution: Which bucket a new or expanded dollar is in.
        commissions: What reps are paid for.
        payback: What salespeople cost, and bring.
        pricing: What the price list is checked by.
        experiments: How it is told whether a person helps.
        overlay: When self-serve needs sales beside it.
        mistakes: What is watched for, by name.
        weekly: When the weekly report is sent, and where to; None where it is not.
        retention: For how long what came in is kept as it came.
        files: The files read, as they are named in messages.
    """

    config: Config
    root: Path
    meanings: tuple[Meaning, ...]
    features: dict[str, FeatureDef]
    types: dict[str, ValueType]
    score: ScoreDef
    motions: tuple[Rule, ...]
    triggers: dict[str, TriggerSpec]
    alerts: Alerts
    risks: Risks
    customer_success: CustomerSuccess
    plays: dict[str, Play]
    briefing: Briefing
    offers: dict[str, OfferSpec]
    guardrails: Guardrails
    plans: dict[str, Plan]
    teams: dict[str, Team]
    conditions: dict[str, Expression]
    metrics: dict[str, Metric]
    funnels: dict[Motion, Funnel]
    attribution: AttributionRules
    commissions: CommissionPlan
    payback: PaybackTerms
    pricing: PricingTerms
    experiments: ExperimentTerms
    overlay: OverlayBlock
    mistakes: dict[str, MistakeSpec]
    weekly: Weekly | None
    retention: Retention
    files: tuple[str, ...] = ()
    _spots: Mapping[str, Spot] = field(default_factory=dict[str, "Spot"], repr=False)

    def where(self, path: str) -> Place | None:
        """Return where the value of a key such as `motions[0].when` stands in the file."""
        spot = self._spots.get(path)
        return spot.value if spot else None

    def origin(self, path: str) -> str:
        """Return where a value came from: a line of a file, a preset, or Groundswell itself."""
        spot = self._spots.get(path)
        if spot is not None:
            return f"{spot.key.file}:{spot.key.line}"
        if path.startswith("score.") and not path.startswith("score.release"):
            return f"preset {self.score.preset}"
        return DEFAULT

    def fingerprint(self, *keys: str) -> str:
        """Return a hash of what these blocks say once resolved; of all when none is named.

        What depends on a block (the roll-up on `events` and `features`) is stale when its
        fingerprint has changed.

        Raises:
            KeyError: There is no such block.
        """
        resolved: dict[str, object] = {
            "events": self.meanings,
            "features": self.features,
            "score": self.score,
            "motions": [(rule.name, rule.when, rule.motion, rule.team) for rule in self.motions],
            "triggers": self.triggers,
            "alerts": self.alerts,
            "risks": self.risks,
            "customer_success": self.customer_success,
            "plays": list(self.plays.values()),
            "brief": self.briefing,
            "offers": list(self.offers.values()),
            "guardrails": self.guardrails,
            "plans": self.plans,
            "teams": self.teams,
        }
        blocks = {name: getattr(self.config, name) for name in Config.model_fields} | resolved
        return digest({key: blocks[key] for key in keys or blocks})


def load_config(path: Path, *, texts: Mapping[Path, str] | None = None) -> LoadedConfig:
    """Read and resolve a configuration.

    Args:
        path: groundswell.yaml, or the folder it stands in.
        texts: What is read in place of what some files hold, by their resolved paths.

    Raises:
        ConfigError: With every mistake, each at its place.
    """
    file = path / CONFIG_FILE if _is_folder(path) else path
    document = read_document(file, root=file.parent, texts=texts)
    findings = _readable(document)
    data = {name: value for name, value in document.data.items() if value is not None}
    checked = validate(Config, data, findings=findings, entry=_entry)
    assert checked is not None, "Config has a default for every key"
    return _Resolver(file.parent, document, data, checked, findings).resolve()


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that no file can have; reading it says so
        return False


def effective_guardrails(config: Config) -> GuardrailsBlock:
    """Return the shipped guardrails with what the user wrote in their place."""
    written = config.guardrails.model_dump(exclude_unset=True)
    return GuardrailsBlock.model_validate(presets.shipped_guardrails() | written)


class SourcesFile(Block):
    """A file that holds only `sources:`, for one load."""

    sources: dict[str, SourceDef] = Field(description="Where records come from.")


def load_sources(path: Path) -> dict[str, SourceDef]:
    """Read a file of sources, such as the mapping of one load.

    Raises:
        ConfigError: With every mistake, each at its place.
    """
    document = read_document(path, root=path.parent)
    findings = _readable(document)
    checked = validate(SourcesFile, document.data, findings=findings, entry=_entry)
    sources = checked.value.sources if checked else {}
    check_sources(sources, findings=findings)
    findings.raise_any()
    return sources


def _readable(document: Document) -> Findings:
    """Return a collection of mistakes, unless so much could not be read that others would follow.

    Raises:
        ConfigError: A file is missing, or is not YAML.
    """
    findings = document.findings()
    if any(problem.code.startswith(_UNREADABLE) for problem in findings.problems):
        findings.raise_any()
    return findings


def _entry(key: Key) -> Key:
    """Return what is taken out with a wrong key: what has no meaning without it."""
    block = key[0] if key else None
    if block == "features":
        return key[:2]
    if block == "sources":
        return key[:4] if key[2:3] in {("columns",), ("constants",)} else key[:2]
    if block == "score":
        return key[:3] if len(key) > 1 and key[1] in {part.value for part in Part} else key[:2]
    return key


@dataclass(slots=True)
class _Resolver:
    """Resolves the blocks that could be kept, one after the other."""

    root: Path
    document: Document
    data: dict[str, Any]
    checked: Checked[Config]
    findings: Findings

    @property
    def config(self) -> Config:
        return self.checked.value

    def resolve(self) -> LoadedConfig:
        """Return the whole.

        Raises:
            ConfigError: With every mistake.
        """
        meanings = self._meanings()
        features = self._features(meanings)
        types = feature_types(features)
        success = resolve_customer_success(self.config.customer_success, self.config.plans)
        features |= customer_features(success)
        alerts = self._alerts(features, types)
        risks = self._risks(types)
        features |= potential_features(alerts.high, alerts.signs.values())
        score = self._score(types)
        types |= SCORE_OUTPUTS
        self._check_limits(types)
        motions = self._motions(types)
        triggers = self._triggers(types)
        plans = resolve_plans(self.config.plans)
        plays, briefing = self._plays(types)
        offers = self._offers(types, plans)
        teams = self._teams(types)
        conditions = resolve_destinations(
            self.config.destinations, types=types, findings=self.findings
        )
        check_sources(self.config.sources, findings=self.findings)
        check_urls(self.config.warehouse, self.config.ledger, findings=self.findings)
        check_sign_in(self.config.sign_in, findings=self.findings)
        check_tables(self.config.warehouse, self.config.tables, findings=self.findings)
        metrics, funnels = self._metrics(), self._funnels()
        attribution = resolve_attribution(
            self.config.attribution, windows=self.config.windows, findings=self.findings
        )
        retention = resolve_retention(
            self.config.retention,
            features=features,
            attribution=attribution,
            warehouse=self.config.warehouse,
            findings=self.findings,
        )
        commissions = resolve_commissions(self.config.commissions, findings=self.findings)
        payback = resolve_payback(self.config.payback, findings=self.findings)
        pricing = resolve_pricing(self.config.pricing, findings=self.findings)
        experiments = resolve_experiments(
            self.config.experiments, types=types, findings=self.findings
        )
        overlay = resolve_overlay(self.config.overlay, findings=self.findings)
        mistakes = resolve_mistakes(self.config.mistakes, findings=self.findings)
        weekly = resolve_reports(
            self.config.reports, self.config.destinations.keys(), findings=self.findings
        )
        self.findings.raise_any()
        assert score is not None, "why there is none was told"
        return LoadedConfig(
            config=self.config,
            root=self.root,
            meanings=meanings,
            features=features,
            types=types,
            score=score,
            motions=motions,
            triggers=triggers,
            alerts=alerts,
            risks=risks,
            customer_success=success,
            plays=plays,
            briefing=briefing,
            offers=offers,
            guardrails=resolve_guardrails(effective_guardrails(self.config)),
            plans=plans,
            teams=teams,
            conditions=conditions,
            metrics=metrics,
            funnels=funnels,
            attribution=attribution,
            commissions=commissions,
            payback=payback,
            pricing=pricing,
            experiments=experiments,
            overlay=overlay,
            mistakes=mistakes,
            weekly=weekly,
            retention=retention,
            files=tuple(self.document.files),
            _spots={key_path(key): spot for key, spot in self.document.spots.items()},
        )

    def _raw(self, block: str) -> dict[str, Any]:
        value = self.data.get(block)
        return cast("dict[str, Any]", value) if isinstance(value, dict) else {}

    def _meanings(self) -> tuple[Meaning, ...]:
        """Return the user's meanings, and the shipped ones that the user says nothing about."""
        events = self.config.events
        ours = resolve_meanings(events, findings=self.findings)
        return ours + tuple(m for m in presets.shipped_meanings() if m.name not in events)

    def _features(self, meanings: tuple[Meaning, ...]) -> dict[str, FeatureDef]:
        self.findings.broken.update(self._raw("features").keys() - self.config.features.keys())
        try:
            builtin = presets.shipped_features(tuple(self.config.windows))
        except ConfigError:
            missing = [w for w in presets.DEFAULT_WINDOWS if w not in self.config.windows]
            what = "The built-in features read windows that `windows` leaves out."
            fix = f"Add {', '.join(f'`{window}`' for window in missing)}."
            self.findings.tell(("windows",), "config-missing-window", what, fix)
            builtin = presets.shipped_features(presets.DEFAULT_WINDOWS)
        ours = check_features(
            self.config.features, builtin=builtin, meanings=meanings, findings=self.findings
        )
        return {**builtin, **ours}

    def _score(self, types: Mapping[str, ValueType]) -> ScoreDef | None:
        block = self.config.score
        preset = presets.shipped_score(block.prior if block.preset == FITTED else block.preset)
        assert preset is not None, "every preset but the fitted one ships"
        return resolve_score(block, preset, types=types, findings=self.findings)

    def _check_limits(self, types: Mapping[str, ValueType]) -> None:
        name = self.config.limits.usage
        if types.get(name) is ValueType.NUMBER or name in self.findings.broken:
            return
        near = nearest(name, types)
        fix = f"Did you mean `{near}`?" if near else "Name a feature that counts usage."
        key = ("limits", "usage")
        if name in types:
            what = f"`{name}` is {types[name].words}, and no measure of usage."
            self.findings.tell(key, "config-type", what, "Name a feature that is a number.")
        else:
            self.findings.tell(key, "config-unknown-feature", f"Unknown feature `{name}`.", fix)

    def _motions(self, types: Mapping[str, ValueType]) -> tuple[Rule, ...]:
        rules = self.config.motions
        positions = self.checked.positions(("motions",), len(rules))
        raw = self.data.get("motions")
        for index, item in enumerate(cast("list[Any]", raw) if isinstance(raw, list) else []):
            if index not in positions:
                self._check_when(("motions", index), item, types)
        ours = resolve_rules(
            rules, positions, types=types, teams=self._raw("teams"), findings=self.findings
        )
        shipped = presets.shipped_rules()
        findings = presets.shipped_blocks().findings()
        theirs = resolve_rules(
            shipped, range(len(shipped)), types=types, teams=None, findings=findings
        )
        findings.raise_any()
        return ours + theirs

    def _check_when(self, key: Key, item: Any, types: Mapping[str, ValueType]) -> None:
        """Check the condition of an entry that is wrong in another way."""
        when = cast("dict[str, Any]", item).get("when") if isinstance(item, dict) else None
        if isinstance(when, str):
            expect = ValueType.BOOLEAN
            self.findings.expression((*key, "when"), when, types=types, expect=expect)

    def _triggers(self, types: Mapping[str, ValueType]) -> dict[str, TriggerSpec]:
        for name, item in self._raw("triggers").items():
            if name not in self.config.triggers:
                self._check_when(("triggers", name), item, types)
        findings = presets.shipped_blocks().findings()
        shipped = resolve_triggers(presets.shipped_triggers(), types=types, findings=findings)
        findings.raise_any()
        ours = resolve_triggers(self.config.triggers, types=types, findings=self.findings)
        taken = {name for name, trigger in self.config.triggers.items() if trigger is None}
        for name in sorted(taken - shipped.keys()):
            what = f"There is no shipped trigger `{name}` to take away."
            near = nearest(name, shipped)
            fix = f"Did you mean `{near}`?" if near else "Take the line out."
            key: Key = ("triggers", name)
            self.findings.tell(key, "config-unknown-trigger", what, fix, at_key=True)
        return {name: spec for name, spec in (shipped | ours).items() if name not in taken}

    def _alerts(self, features: Mapping[str, FeatureDef], types: Mapping[str, ValueType]) -> Alerts:
        """Return the shipped signs with the user's in their place or after them."""
        ours, theirs = self.config.alerts, presets.shipped_alerts()
        raw = self._raw("alerts").get("signs")
        for name, item in cast("dict[str, Any]", raw if isinstance(raw, dict) else {}).items():
            if name not in ours.signs:
                self._check_when(("alerts", "signs", name), item, types)
        findings = presets.shipped_blocks().findings()
        shipped = resolve_alerts(
            theirs, theirs.signs, features=features, types=types, findings=findings
        )
        findings.raise_any()
        written = {name: getattr(ours, name) for name in ours.model_fields_set - {"signs"}}
        alerts = resolve_alerts(
            theirs.model_copy(update=written),
            ours.signs,
            features=features,
            types=types,
            findings=self.findings,
        )
        tell_unknown_signs(ours.signs, shipped.signs, findings=self.findings)
        taken = {name for name, sign in ours.signs.items() if sign is None}
        signs = {**shipped.signs, **alerts.signs}
        return replace(alerts, signs={k: sign for k, sign in signs.items() if k not in taken})

    def _risks(self, types: Mapping[str, ValueType]) -> Risks:
        """Return the shipped signs of risk with the user's in their place or after them."""
        ours = self.config.risks
        raw = self._raw("risks").get("signs")
        for name, item in cast("dict[str, Any]", raw if isinstance(raw, dict) else {}).items():
            if name not in ours.signs:
                self._check_when(("risks", "signs", name), item, {**types, **WATCHED})
        findings = presets.shipped_blocks().findings()
        shipped = resolve_risks(presets.shipped_risks(), types=types, findings=findings)
        findings.raise_any()
        return merge_risks(ours, shipped, types=types, findings=self.findings)

    def _plays(self, types: Mapping[str, ValueType]) -> tuple[dict[str, Play], Briefing]:
        """Return the user's plays before the shipped ones, and how a brief is worded."""
        findings = presets.shipped_blocks().findings()
        shipped = resolve_plays(presets.shipped_plays(), types=types, findings=findings)
        clauses = resolve_clauses(presets.shipped_clauses(), types=types, findings=findings)
        findings.raise_any()
        told, raw = self.config.plays, self._raw("plays")
        for name, item in raw.items():
            if name not in told:
                self._check_when(("plays", name), item, types)
        places = self.checked.positions
        ours = resolve_plays(told, types=types, findings=self.findings, places=places)
        plays = ours | {name: play for name, play in shipped.items() if name not in told}
        written = self.config.motions
        positions = self.checked.positions(("motions",), len(written))
        # A play that something else is wrong with is there all the same.
        known = dict.fromkeys([*plays, *(name for name, item in raw.items() if item is not None)])
        tell_unknown_plays(told, known, shipped, written, positions, findings=self.findings)
        briefing = resolve_brief(
            self.config.brief, clauses, types=types, findings=self.findings, places=places
        )
        return plays, briefing

    def _offers(
        self, types: Mapping[str, ValueType], plans: Mapping[str, Plan]
    ) -> dict[str, OfferSpec]:
        """Return the user's offers, and after them the shipped ones that they do not name."""
        for name, item in self._raw("offers").items():
            if name not in self.config.offers:
                self._check_when(("offers", name), item, {**types, **DECISION_OUTPUTS})
        findings = presets.shipped_blocks().findings()
        shipped = resolve_offers(
            presets.shipped_offers(), types=types, plans=plans, findings=findings
        )
        findings.raise_any()
        told = self.config.offers
        ours = resolve_offers(told, types=types, plans=plans, findings=self.findings)
        tell_unknown_offers(told, presets.shipped_offers(), findings=self.findings)
        return ours | {name: offer for name, offer in shipped.items() if name not in told}

    def _metrics(self) -> dict[str, Metric]:
        """Return the shipped metrics with the user's in their place or after them."""
        shipped, told = presets.shipped_metrics(), self.config.metrics
        ours = resolve_metrics(told, known=shipped, findings=self.findings)
        tell_unknown_metrics(told, shipped, findings=self.findings)
        taken = {name for name, metric in told.items() if metric is None}
        return {name: one for name, one in {**shipped, **ours}.items() if name not in taken}

    def _funnels(self) -> dict[Motion, Funnel]:
        """Return the shipped funnels with the user's in their place."""
        ours = resolve_funnels(self.config.funnels, findings=self.findings)
        shipped, told = presets.shipped_funnels(), self.config.funnels
        return {**{motion: one for motion, one in shipped.items() if motion not in told}, **ours}

    def _teams(self, types: Mapping[str, ValueType]) -> dict[str, Team]:
        teams = self.config.teams
        positions = {
            name: self.checked.positions(("teams", name, "members"), len(team.members))
            for name, team in teams.items()
        }
        return resolve_teams(teams, positions, types=types, findings=self.findings)
