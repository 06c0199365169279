"""The shipped presets as definitions, without a project around them."""

from __future__ import annotations

from typing import Any

import pytest
from groundswell.config.expressions import Expression
from groundswell.config.resolved import ComponentSpec, PartDef, ScoreDef
from groundswell.config.schema import ComponentDef, FeatureDef, PresetDef
from groundswell.config.vocabulary import ValueType, feature_types
from groundswell.model import Part
from groundswell.presets import read_preset
from ruamel.yaml import YAML

WINDOWS = ("7d", "14d", "28d", "30d", "60d", "90d", "lifetime")


def _types() -> dict[str, ValueType]:
    declared: dict[str, FeatureDef] = {}
    for name, data in YAML(typ="safe").load(read_preset("features.yaml")).items():
        for window in WINDOWS if "<w>" in name else ("",):
            filled = {key: window if item == "<w>" else item for key, item in data.items()}
            declared[name.replace("<w>", window)] = FeatureDef.model_validate(filled)
    return feature_types(declared)


def _spec(types: dict[str, ValueType], part: Part, name: str, form: ComponentDef) -> ComponentSpec:
    give = form.give
    return ComponentSpec(
        name=name,
        part=part,
        feature=form.from_,
        at=tuple(form.at) if form.at else None,
        give=tuple(give) if isinstance(give, list) else None,
        lookup=give if isinstance(give, dict) else None,
        when=Expression.parse(form.when, types=types) if form.when else None,
        points=give if isinstance(give, int | float) else None,
        unknown=form.unknown,
        say=form.say,
        say_unknown=form.say_unknown,
        feature_type=types[form.from_] if form.from_ else None,
    )


def define(name: str, types: dict[str, ValueType], **parts: dict[str, Any]) -> ScoreDef:
    """Return a preset with edits: component name to its form, None to take it away."""
    data = YAML(typ="safe").load(read_preset(f"score/{name}.yaml"))
    for part, edits in parts.items():
        data[part] = {key: v for key, v in {**data[part], **edits}.items() if v is not None}
    preset = PresetDef.model_validate(data)
    return ScoreDef(
        preset=preset.name,
        version=f"{preset.name}-test",
        combine=preset.combine,
        parts={
            part: PartDef(
                preset.weights[part.value],
                tuple(
                    _spec(types, part, key, form)
                    for key, form in getattr(preset, part.value).items()
                    if form is not None
                ),
            )
            for part in Part
        },
        qualified=preset.qualified,
        enterprise=preset.enterprise,
        release_below=10.0,
        release_days=7,
        cool_down_days=30,
        bands=preset.bands,
    )


@pytest.fixture(scope="session")
def types() -> dict[str, ValueType]:
    return _types()


@pytest.fixture(scope="session")
def edited(types):
    """A preset by name, with edits to its parts."""

    def edit(name: str, **parts: dict[str, Any]) -> ScoreDef:
        return define(name, types, **parts)

    return edit


@pytest.fixture(scope="session")
def hybrid(edited) -> ScoreDef:
    return edited("hybrid")


@pytest.fixture(scope="session")
def points_preset(edited) -> ScoreDef:
    return edited("points")


@pytest.fixture(scope="session")
def buckets(edited) -> ScoreDef:
    return edited("buckets")
