"""Whether a definition still holds, as a report says it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from groundswell.engine.lab.watching import Watch
from groundswell.scoring.drift import Drift
from groundswell.scoring.learning.measures import Figure
from groundswell.web.document import to_text
from groundswell.web.drift_report import report_drift

HOLDS = Watch(
    version="hybrid-1234",
    since=dt.date(2026, 1, 1),
    as_of=dt.date(2026, 6, 30),
    features=(Drift("dau_7d", 0.4, 0.1), Drift("tickets_28d", 0.02, 0.1)),
    score=Drift("score", 0.05, 0.1),
    before=Figure(0.5, 0.4, 0.6),
    lately=None,
    decayed=False,
    refit_due=None,
    warnings=(),
)


def test_it_says_what_moved_and_what_nobody_knows() -> None:
    told = to_text(report_drift(HOLDS, title="Drift"))
    assert "It holds. Of 2 features, 1 moved." in told
    rows = [" ".join(line.split()) for line in told.splitlines()]
    assert "dau_7d 0.400 0.100 yes" in rows
    assert "tickets_28d 0.020 0.100 no" in rows
    assert any(row.startswith("before 50% 40% to 60%") for row in rows)
    assert any(row.startswith("lately not known") for row in rows)


def test_warnings_come_first() -> None:
    warned = replace(HOLDS, warnings=("Learn it anew.",), refit_due=dt.date(2026, 5, 1))
    report = report_drift(warned, title="Drift")
    assert report.verdict == ("Learn it anew.",)
    assert "since 2026-05-01" in report.about
