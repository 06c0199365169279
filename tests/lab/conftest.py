"""A demo company with enough outcomes to learn from, loaded once; each test has a copy."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from groundswell.clock import FixedClock
from groundswell.demo import generate
from groundswell.engine import Project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NOW = datetime(2026, 6, 30, 20, tzinfo=UTC)


@pytest.fixture(scope="session")
def loaded_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of a demo company of 700 accounts, with all of its files loaded."""
    folder = tmp_path_factory.mktemp("lab") / "company"
    company = generate(folder, accounts=700, events=150_000, months=14, seed=5, end=NOW.date())
    with Project.open(folder, clock=FixedClock(NOW)) as project:
        for kind, files in company.loads.items():
            project.load(kind, files)
        project.run()
    return folder


@pytest.fixture
def folder(loaded_folder: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    copy = tmp_path / "company"
    shutil.copytree(loaded_folder, copy)
    return copy


@pytest.fixture
def opened(folder: Path) -> Iterator[Project]:
    """The copy, opened."""
    with Project.open(folder, clock=FixedClock(NOW)) as project:
        yield project


@pytest.fixture
def scored_by(folder: Path) -> Callable[..., Path]:
    """Change what `score:` says in the copy."""

    def change(text: str) -> Path:
        file = folder / "groundswell.yaml"
        lines = file.read_text(encoding="utf-8").splitlines()
        at = next(k for k, line in enumerate(lines) if line.startswith("score:"))
        lines[at : at + 2] = [text]
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return folder

    return change


@pytest.fixture(scope="session")
def learned_folder(loaded_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The company with a draft that was learned, and backtested."""
    folder = tmp_path_factory.mktemp("learned") / "company"
    shutil.copytree(loaded_folder, folder)
    with Project.open(folder, clock=FixedClock(NOW)) as project:
        found = project.lab.fit(who="ann")
        assert found.version is not None
        project.lab.backtest(found.version, who="ann")
    return folder


@pytest.fixture
def learned(learned_folder: Path, folder: Path) -> Path:
    """A copy of it, in place of the other."""
    shutil.rmtree(folder)
    shutil.copytree(learned_folder, folder)
    return folder
