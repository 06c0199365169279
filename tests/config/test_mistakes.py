"""Each folder of `mistakes/` holds a file that is wrong and exactly what is said about it."""

from pathlib import Path

import pytest

from groundswell.config.loading import load_config
from groundswell.errors import ConfigError

MISTAKES = sorted(path.parent for path in (Path(__file__).parent / "mistakes").glob("*/bad.yaml"))


@pytest.mark.parametrize("folder", MISTAKES, ids=lambda folder: folder.name)
def test_a_mistake_is_told_word_for_word_where_it_stands(folder):
    with pytest.raises(ConfigError) as caught:
        load_config(folder / "bad.yaml")
    assert f"{caught.value}\n" == (folder / "expected.txt").read_text(encoding="utf-8")
    for problem in caught.value.problems:
        lines = (folder / problem.where.file).read_text(encoding="utf-8").splitlines()
        assert 1 <= problem.where.line <= len(lines)
        assert 1 <= problem.where.column <= len(lines[problem.where.line - 1]) + 1
        assert problem.what.endswith(".")
        assert problem.fix


def test_there_are_enough_mistakes():
    assert len(MISTAKES) >= 45


def test_no_secret_is_ever_told():
    for name in ("destination_secrets", "warehouse_password", "source_shape"):
        said = (Path(__file__).parent / "mistakes" / name / "expected.txt").read_text()
        assert "hunter2" not in said
        assert "pat-na1" not in said
        assert "hooks.slack.com" not in said
