"""One company whose whole truth is known: in which quarter it breaks, and whom a touch converts."""

from __future__ import annotations

import pytest
from scipy import stats

from groundswell.measure.experiments.effects import Sample, compare_shares
from groundswell.overlay.verdict import judge_overlay
from tests.overlay.scenarios import QUARTERS, Company, quarter, simulate, touch

DEMAND = ("enterprise_inbound", "rich_unpaid", "lost_for_people", "asks_a_week")
SEEDS = 500


@pytest.mark.parametrize("loud_quarters", [0, 1, 2, 3])
def test_the_verdict_comes_with_the_second_quarter_after_the_break(loud_quarters: int) -> None:
    company = Company(loud=DEMAND, loud_quarters=loud_quarters)
    breaks_in = quarter(QUARTERS - loud_quarters) if loud_quarters else None
    found = judge_overlay(simulate(company, seed=11), company.terms())
    second = breaks_in is not None and str(breaks_in) <= str(quarter(QUARTERS - 2))
    assert (str(found.decision) == "trigger") == second, found.decision
    if breaks_in is not None:
        firing = [
            one
            for of_quarter in found.signals.values()
            for one in of_quarter
            if one.quarter == str(breaks_in) and one.state == "firing"
        ]
        assert len(firing) >= 3


def test_intervals_of_the_uplift_hold_whom_a_touch_converts() -> None:
    facts = simulate(Company(loud=DEMAND), seed=11)
    held = 0
    for seed in range(SEEDS):
        drawn = touch(facts, seed, holdout=0.2, lift=0.06, base=0.1)
        rows = drawn.rows
        sample = Sample.of(rows["bought"].to_numpy(), rows["contacted"].to_numpy())
        found = compare_shares(sample).difference
        held += found.low <= drawn.effect <= found.high
    least, most = stats.binom.ppf([0.001, 0.999], SEEDS, 0.95)
    assert least <= held <= most


def test_who_is_converted_buys_when_touched_and_not_when_held_out() -> None:
    drawn = touch(simulate(Company(), seed=3), 5, holdout=0.2, lift=0.06, base=0.1)
    bought = {
        (row["account_id"], row["contacted"]): row["bought"]
        for row in drawn.rows.iter_rows(named=True)
    }
    told = {
        arm: {told for (name, at), told in bought.items() if at is arm and name in drawn.converts}
        for arm in (True, False)
    }
    assert told == {True: {True}, False: {False}}
    assert drawn.effect == pytest.approx(0.06, abs=0.02)
