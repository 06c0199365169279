"""Every YAML block of the documentation is a part of a groundswell.yaml that loads."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from groundswell import presets
from groundswell.config.loading import load_config

ROOT = Path(__file__).parents[1]
# The page of presets shows whole files of presets; they are loaded with every configuration.
SHOWN = ROOT / "docs" / "reference" / "presets.md"
PAGES = sorted({ROOT / "README.md", *(ROOT / "docs").rglob("*.md")} - {SHOWN})
BLOCKS = {
    f"{page.relative_to(ROOT)}:{text[: found.start()].count(chr(10)) + 1}": found.group(1)
    for page in PAGES
    for text in [page.read_text(encoding="utf-8")]
    for found in re.finditer(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
}
YAML_LINES = YAML()
DEMO = files(presets).joinpath("demo.yaml").read_text(encoding="utf-8")


def test_there_are_examples():
    assert any(place.startswith("docs/concepts/features.md") for place in BLOCKS)


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_an_example_loads_in_the_place_of_the_demo_companys_own(block, tmp_path):
    whole = YAML_LINES.load(DEMO)
    whole["identity"]["aliases"] = {}  # which the demo fills in
    told = YAML_LINES.load(block)
    assert set(told), "a block of YAML says something"
    whole.update(told)
    file = tmp_path / "groundswell.yaml"
    with file.open("w", encoding="utf-8") as stream:
        YAML_LINES.dump(whole, stream)
    loaded = load_config(file)
    for name in told.get("features", {}):
        assert name in loaded.types
