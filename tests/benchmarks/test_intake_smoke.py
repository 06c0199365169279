"""The benchmark of intake runs: every server starts, takes a little in, and stops."""

from __future__ import annotations

import pytest

from benchmarks import intake


@pytest.mark.loopback
@pytest.mark.slow
def test_every_server_takes_events_in(capsys):
    rates = intake.report(seconds=0.3, most=50)
    assert set(rates) == set(intake.MODES)
    assert all(rate > 0 for rate in rates.values())
    assert len(capsys.readouterr().out.splitlines()) == len(rates)
