"""The shipped presets as a project would load them, with edits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from groundswell.config.loading import load_config

if TYPE_CHECKING:
    from groundswell.config.resolved import ScoreDef


@pytest.fixture(scope="session")
def loaded(tmp_path_factory):
    """A project's configuration with a score preset and edits to its parts."""

    def load(name: str, **parts: dict[str, Any]):
        path = tmp_path_factory.mktemp("project") / "groundswell.yaml"
        path.write_text(json.dumps({"score": {"preset": name, **parts}}), encoding="utf-8")
        return load_config(path)

    return load


@pytest.fixture(scope="session")
def edited(loaded):
    """The score of a preset, with edits to its parts; each asked for once."""
    known: dict[str, ScoreDef] = {}

    def edit(name: str, **parts: dict[str, Any]) -> ScoreDef:
        key = json.dumps([name, parts])
        if key not in known:
            known[key] = loaded(name, **parts).score
        return known[key]

    return edit


@pytest.fixture(scope="session")
def types(loaded):
    return loaded("hybrid").types


@pytest.fixture(scope="session")
def hybrid(edited) -> ScoreDef:
    return edited("hybrid")


@pytest.fixture(scope="session")
def points_preset(edited) -> ScoreDef:
    return edited("points")


@pytest.fixture(scope="session")
def buckets(edited) -> ScoreDef:
    return edited("buckets")
