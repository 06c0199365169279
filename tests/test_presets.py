"""What ships, read by LibYAML: it means what any other reader of YAML 1.2 says it means."""

from __future__ import annotations

from importlib.resources import files

import pytest
from ruamel.yaml import YAML

from groundswell.config.document import parse_document, parse_preset
from groundswell.presets import load_preset, preset_path, read_preset

_ROOT = files("groundswell.presets")
NAMES = sorted(
    f"{folder}{file.name}"
    for folder in ("", "score/")
    for file in _ROOT.joinpath(folder).iterdir()
    if file.name.endswith(".yaml")
)


def test_all_that_ship_are_read():
    assert {"features.yaml", "motions.yaml", "score/hybrid.yaml"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("block", [None, "events"])
def test_every_key_stands_and_says_the_same(name: str, block: str | None):
    by_any = parse_document(read_preset(name), preset_path(name), block=block)
    ours = parse_preset(name, block=block)
    assert repr(ours.data) == repr(by_any.data)  # which tells 1 from 1.0 and from True
    assert ours.spots == by_any.spots
    assert ours.problems == by_any.problems
    assert ours.files == by_any.files


@pytest.mark.parametrize("name", NAMES)
def test_plain_data_are_the_same(name: str):
    assert repr(load_preset(name)) == repr(YAML(typ="safe", pure=True).load(read_preset(name)))
