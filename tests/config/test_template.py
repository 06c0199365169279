"""The file that `init` writes loads, says what the shipped defaults say, and takes any name."""

import pytest

from groundswell.config.loading import load_config
from groundswell.config.presets import shipped_guardrails, shipped_score
from groundswell.config.template import starting_config


def load(folder, company="Your company"):
    (folder / "groundswell.yaml").write_text(starting_config(company), encoding="utf-8")
    return load_config(folder)


@pytest.mark.parametrize(
    "company", ["Tidewater", "Tide & Water: Ltd.", "42", "true", '"Quoted" {x}', "Zürich AG", ""]
)
def test_it_loads_whatever_the_company_is_called(tmp_path, company):
    assert load(tmp_path, company).config.company == company


def test_what_it_writes_out_are_the_defaults(tmp_path):
    loaded = load(tmp_path)
    written = loaded.config.guardrails.model_dump(exclude_unset=True)
    assert written == {key: shipped_guardrails()[key] for key in written}
    preset = shipped_score("hybrid")
    assert loaded.config.score.weights == preset.weights
    assert loaded.config.score.qualified == preset.qualified
    assert loaded.config.score.enterprise == preset.enterprise


def test_it_is_short_and_commented():
    lines = starting_config().splitlines()
    assert len(lines) < 100
    assert all(len(line) <= 100 for line in lines)
    assert sum("#" in line for line in lines) > 15


def test_what_is_commented_out_is_valid_too(tmp_path):
    text = starting_config()
    head, _, body = text.partition("\nevents:")
    lines = [
        line.removeprefix("# ") if line.startswith("# ") else line.removeprefix("#")
        for line in f"events:{body}".splitlines()
    ]
    (tmp_path / "groundswell.yaml").write_text(head + "\n" + "\n".join(lines), encoding="utf-8")
    loaded = load_config(tmp_path)
    assert {"exports_28d", "fast_growth"} <= loaded.features.keys()
    assert loaded.teams.keys() == {"sales_assist"}
