"""The documentation is true: pages are current, links lead somewhere, words are defined."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from groundswell.cli.reference import pages

ROOT = Path(__file__).parents[1]
DOCS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
# The words of the house that a reader meets; each must be defined once.
WORDS = (
    *("event", "meaning", "user", "workspace", "account", "parent", "feature", "step", "as-of"),
    *("component", "part", "score", "tier", "band", "trigger", "guardrail", "rule", "motion"),
    *("play", "brief", "handoff", "assignment", "journal", "inbox", "quarantine", "outbox"),
    *("delivery", "outcome", "label", "snapshot", "capacity", "holdout", "bucket", "signal"),
    "verdict",
)


@pytest.mark.parametrize(
    "name", ["commands.md", "configuration.md", "features.md", "presets.md", "openapi.json"]
)
def test_reference_is_what_the_code_says(name):
    written = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert written == pages()[name], "run `make docs`"


@pytest.mark.parametrize("page", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_that_are_there(page):
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_word_of_the_house_is_defined_once():
    glossary = (
        (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").replace("as of D", "as-of")
    )
    defined = re.findall(r"\*\*([\w -]+)\*\* - ", glossary)
    assert [word for word in WORDS if defined.count(word) != 1] == []
