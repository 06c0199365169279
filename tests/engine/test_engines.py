"""The same company in every warehouse gives the same features, decisions and explanation."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from groundswell.clock import FixedClock
from groundswell.demo import DemoCompany, generate
from groundswell.engine import Project
from groundswell.features.assembling import Work
from groundswell.model import as_plain

NOON = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)
WEEKS = 9
HINDSIGHT = dt.timedelta(days=30)


@pytest.fixture(scope="session")
def company(tmp_path_factory) -> DemoCompany:
    return generate(tmp_path_factory.mktemp("company"), accounts=60, months=4, seed=11)


def load(company: DemoCompany, folder, warehouse: str) -> Project:
    text = company.config.read_text(encoding="utf-8")
    (folder / "groundswell.yaml").write_text(
        text.replace("warehouse: duckdb", "warehouse: ${WAREHOUSE}"), encoding="utf-8"
    )
    environ = {"WAREHOUSE": warehouse}
    project = Project.open(folder, clock=FixedClock(NOON), environ=environ)
    for kind, files in company.loads.items():
        project.load(kind, files)
    return project


@pytest.fixture(scope="session")
def expected(company, tmp_path_factory):
    """What DuckDB says."""
    with load(company, tmp_path_factory.mktemp("expected"), "duckdb") as project:
        frame = project.features(company.end, weeks=WEEKS)
        report = project.run(as_of=company.end)
        story = project.explain(project.accounts(limit=1)[0].account_id)
        known = project.features(company.end - HINDSIGHT, as_known=True)
        assert not known.equals(project.features(company.end - HINDSIGHT))
    return frame, report, story, known


def refuse(*_):
    raise AssertionError("computed by the driver")


def test_features_and_decisions_are_equal_on_every_engine(
    company, expected, warehouse_url, tmp_path, monkeypatch
):
    frame, report, story, known = expected
    with load(company, tmp_path, warehouse_url) as project:
        with monkeypatch.context() as here:
            if warehouse_url.startswith("spark"):
                # This process cannot compute a feature: whatever comes is from the workers.
                here.setattr(Work, "frame", refuse)
            assert_frame_equal(project.features(company.end, weeks=WEEKS), frame)
            again = project.run(as_of=company.end)
        assert_frame_equal(project.features(company.end - HINDSIGHT, as_known=True), known)
        assert (again.motions, again.hand_overs) == (report.motions, report.hand_overs)
        assert as_plain(project.explain(story.account_id)) == as_plain(story)
    assert frame.height > 60
    assert frame.select(pl.col("active_users_28d").max()).item() > 3
