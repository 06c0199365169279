"""Saying for each effective value of the configuration what it is and where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel

from groundswell.config.expressions import Expression
from groundswell.config.findings import Key, key_path
from groundswell.config.loading import DEFAULT, effective_guardrails
from groundswell.config.plays import LINES
from groundswell.config.secrets import mask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from groundswell.config.loading import LoadedConfig
    from groundswell.config.resolved import ComponentSpec, Meaning, Saying, ScoreDef
    from groundswell.model import Scalar

_RESOLVED = {
    *(
        "include",
        "events",
        "features",
        "score",
        "motions",
        "triggers",
        "alerts",
        "risks",
        "offers",
        "plays",
        "brief",
    ),
    "guardrails",
    "metrics",
    "mistakes",
}
_HIDDEN = {"doc"}


@dataclass(frozen=True, slots=True)
class ConfigValue:
    """One effective value.

    Attributes:
        path: Its key, such as `guardrails.min_account_age`.
        value: What holds; secrets are masked.
        origin: `groundswell.yaml:14`, `preset hybrid` or `default (groundswell)`.
    """

    path: str
    value: Scalar
    origin: str


def explain_config(loaded: LoadedConfig) -> list[ConfigValue]:
    """Return every effective value, block by block, in the order of the reference."""
    return list(_rows(loaded))


def _rows(loaded: LoadedConfig) -> Iterator[ConfigValue]:
    for block in type(loaded.config).model_fields:
        if block not in _RESOLVED:
            yield from _flat(loaded, getattr(loaded.config, block), (block,))
    yield from _events(loaded)
    for name, feature in loaded.features.items():
        yield from _flat(loaded, feature.model_dump(exclude_unset=True), ("features", name))
    yield from _score(loaded)
    yield from _motions(loaded)
    for name, trigger in loaded.triggers.items():
        for word in ("family", "when", "say"):
            yield from _flat(loaded, getattr(trigger, word), ("triggers", name, word))
    yield from _alerts(loaded)
    yield from _risks(loaded)
    for name, offer in loaded.offers.items():
        told = {"offer": offer.kind, "when": offer.when, "say": offer.say, "plan": offer.plan}
        for word, value in told.items():
            if value is not None:
                yield from _flat(loaded, value, ("offers", name, word))
    yield from _plays(loaded)
    yield from _metrics(loaded)
    for name, mistake in loaded.mistakes.items():
        told = {"severity": mistake.severity, **{f"at.{k}": v for k, v in mistake.at.items()}}
        for word, value in {**told, "mend": mistake.mend}.items():
            yield from _flat(loaded, value, ("mistakes", name, *word.split(".")))
    yield from _flat(loaded, effective_guardrails(loaded.config), ("guardrails",))


def _metrics(loaded: LoadedConfig) -> Iterator[ConfigValue]:
    for name, metric in loaded.metrics.items():
        told = {"of": metric.table, "on": metric.on, "among": metric.among}
        how: Scalar = " / ".join(one.text for one in metric.of) or True
        for word, value in {**told, metric.how: how}.items():
            if value is not None:
                yield from _flat(loaded, value, ("metrics", name, word))


def _plays(loaded: LoadedConfig) -> Iterator[ConfigValue]:
    for name, play in loaded.plays.items():
        key: Key = ("plays", name)
        yield from _flat(loaded, play.title, (*key, "title"))
        if play.when is not None:
            yield from _flat(loaded, play.when, (*key, "when"))
        for line in LINES:
            said: tuple[Saying, ...] = getattr(play, line)
            for place, saying in enumerate(said):
                path = key_path((*key, line, place))
                origin = _origin(loaded, path if loaded.where(path) else key_path((*key, line)))
                yield ConfigValue(path, _saying(saying), origin)
    for place, clause in enumerate(loaded.briefing.clauses):
        path = key_path(("brief", "clauses", place))
        yield ConfigValue(path, _saying(clause.saying), _origin(loaded, path))
    yield from _flat(loaded, loaded.briefing.most, ("brief", "most"))
    if loaded.config.brief.rewrite is not None:
        yield from _flat(loaded, loaded.config.brief.rewrite, ("brief", "rewrite"))


def _saying(saying: Saying) -> str:
    when = f" when {' '.join(saying.when.text.split())}" if saying.when is not None else ""
    return f"{saying.say}{when}"


def _alerts(loaded: LoadedConfig) -> Iterator[ConfigValue]:
    alerts = loaded.alerts
    values = {"high": alerts.high, "very_high": alerts.very_high}
    values |= {"again_after": f"{alerts.again_after_days}d", "for": alerts.who}
    for word, value in values.items():
        yield from _flat(loaded, value, ("alerts", word))
    for name, sign in alerts.signs.items():
        for word in ("family", "when", "points", "say"):
            yield from _flat(loaded, getattr(sign, word), ("alerts", "signs", name, word))


def _risks(loaded: LoadedConfig) -> Iterator[ConfigValue]:
    risks = loaded.risks
    for word, value in {"again_after": f"{risks.again_after_days}d", "for": risks.who}.items():
        yield from _flat(loaded, value, ("risks", word))
    for name, sign in risks.signs.items():
        for word in ("when", "say"):
            yield from _flat(loaded, getattr(sign, word), ("risks", "signs", name, word))


def _flat(
    loaded: LoadedConfig, value: object, key: Key, *, origin: str | None = None
) -> Iterator[ConfigValue]:
    """Yield the plain values below a block; a list of plain values is one."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", by_alias=True)
    if isinstance(value, Expression):
        value = value.text
    if isinstance(value, dict) and value:
        for name, item in cast("dict[str, Any]", value).items():
            if name not in _HIDDEN:
                yield from _flat(loaded, item, (*key, name), origin=origin)
        return
    items = cast("list[Any]", value) if isinstance(value, list) else []
    if any(isinstance(item, dict | list) for item in items):
        for index, item in enumerate(items):
            yield from _flat(loaded, item, (*key, index), origin=origin)
        return
    path = key_path(key)
    yield ConfigValue(path, _shown(value, key), origin or _origin(loaded, path))


def _origin(loaded: LoadedConfig, path: str) -> str:
    return loaded.origin(path)


def _shown(value: object, key: Key) -> Scalar:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        items = cast("list[object]", list(value))
        return ", ".join(str(_shown(item, key)) for item in items) or "none"
    if isinstance(value, dict):
        return "none"
    return mask(" ".join(str(value).split()), key)


def _events(loaded: LoadedConfig) -> Iterator[ConfigValue]:
    """Yield each meaning with what carries it, one row for all of its matchers."""
    rows: dict[str, list[str]] = {}
    for meaning in loaded.meanings:
        parts = ["events", meaning.name, *([meaning.label] if meaning.label else [])]
        rows.setdefault(key_path(tuple(parts)), []).append(_matcher(meaning))
    for path, matchers in rows.items():
        yield ConfigValue(path, "; ".join(matchers), _origin(loaded, path))


def _matcher(meaning: Meaning) -> str:
    said = [*meaning.events, *(f"page {page}" for page in meaning.pages)]
    text = " | ".join(said)
    where = " and ".join(f"{path} = {' or '.join(texts)}" for path, texts in meaning.where)
    flags = [flag for flag in ("paid", "enterprise") if getattr(meaning, flag)]
    return (
        f"{text}{f' where {where}' if where else ''}{f' ({chr(44).join(flags)})' if flags else ''}"
    )


def _score(loaded: LoadedConfig) -> Iterator[ConfigValue]:
    score = loaded.score
    yield ConfigValue("score.preset", score.preset, _preset_origin(loaded))
    yield ConfigValue("score.version", score.version, f"preset {score.preset}")
    yield ConfigValue("score.combine", score.combine, f"preset {score.preset}")
    for word in ("qualified", "enterprise", "bands"):
        yield from _limits(loaded, score, word)
    for word, value in loaded.config.score.release.model_dump(by_alias=True).items():
        yield from _flat(loaded, value, ("score", "release", word))
    for part, definition in score.parts.items():
        yield from _flat(loaded, definition.weight, ("score", "weights", part.value))
        for component in definition.components:
            path = key_path(("score", part.value, component.name))
            yield ConfigValue(path, _component(component), _origin(loaded, path))


def _preset_origin(loaded: LoadedConfig) -> str:
    written = loaded.where("score.preset")
    return _origin(loaded, "score.preset") if written else DEFAULT


def _limits(loaded: LoadedConfig, score: ScoreDef, word: str) -> Iterator[ConfigValue]:
    limits = cast("BaseModel | None", getattr(score, word))
    if limits is None:
        return
    for name, value in limits.model_dump().items():
        if value is not None:
            yield from _flat(loaded, value, ("score", word, name))


def _component(component: ComponentSpec) -> str:
    """Return a component in one line."""
    if component.when is not None:
        text = f"{component.points:g} when {component.when.text}"
    elif component.lookup is not None:
        points = ", ".join(f"{value} {given:g}" for value, given in component.lookup.items())
        text = f"{component.feature}: {points}"
    else:
        corners = zip(component.at or (), component.give or (), strict=True)
        points = ", ".join(f"{value:g} -> {given:g}" for value, given in corners)
        text = f"{component.feature}: {points}"
    return f"{text}; unknown {component.unknown:g}"


def _motions(loaded: LoadedConfig) -> Iterator[ConfigValue]:
    """Yield the rules in the order they are tried; the shipped ones count on after the user's."""
    for index, rule in enumerate(loaded.motions):
        team = f", team {rule.team}" if rule.team else ""
        text = f"{rule.name}: {rule.motion}{team} when {' '.join(rule.when.text.split())}"
        shipped = rule.place is None or rule.place.file.startswith("presets/")
        origin = (
            DEFAULT if shipped or rule.place is None else f"{rule.place.file}:{rule.place.line}"
        )
        yield ConfigValue(f"motions[{index}]", text, origin)
