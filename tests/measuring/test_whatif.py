"""What would be with another policy: decided on again, and nothing of it written down."""

from __future__ import annotations

import pytest

from groundswell.config.overriding import load_overridden
from groundswell.errors import ConfigError, UsageError
from groundswell.web.document import to_text
from groundswell.web.whatif_report import report_what_if
from tests.measuring.conftest import DAY

PLANS = {"team": {"price": "10 per seat monthly", "seats": 50}}


def test_a_lower_threshold_hands_over_more_and_pays_back_no_later(company):
    everybody = {"name": "everybody", "when": "employees > 0", "motion": "sales_assist"}
    project = company(
        plans=PLANS,
        motions=[everybody],
        score={"qualified": {"at_least": 90}},
        guardrails={"needs_signal": False, "respect_onboarding": False},
    )
    files = sorted(project.root.iterdir())
    found = project.measuring.what_if(settings=["score.qualified.at_least=1"], as_of=DAY)
    assert sorted(project.root.iterdir()) == files
    assert found.enter > 0
    assert found.leave == 0
    assert found.then.queue > found.now.queue
    assert found.now.capacity == found.then.capacity == 10
    assert (found.now.payback_month.p50 or 999) >= (found.then.payback_month.p50 or 999)
    same = project.measuring.what_if(as_of=DAY)
    assert (same.enter, same.leave, same.prices) == (0, 0, ())
    assert same.now == same.then


def test_a_price_is_told_for_those_who_pay_it(company):
    project = company(plans=PLANS)
    found = project.measuring.what_if(settings=["plans.team.price=15 per seat monthly"], as_of=DAY)
    (price,) = found.prices
    paying = [number for number in range(0, 60, 3) if 180 - number * 3 > 40]
    assert price.customers == len(paying)
    assert (price.now, price.then) == (len(paying) * 12_000, len(paying) * 18_000)
    assert price.may_leave == pytest.approx(1 / 3)
    assert found.then.list_arr - found.now.list_arr == len(paying) * 6_000
    assert "may leave until nothing is won" in to_text(report_what_if(found))


def test_more_reps_are_more_capacity(company):
    project = company()
    more = "teams.sales_assist.members=[{name: Ann, email: ann@ours.example, capacity: 40}]"
    found = project.measuring.what_if(settings=[more], as_of=DAY)
    assert (found.now.capacity, found.then.capacity) == (10, 40)


@pytest.mark.parametrize(
    ("setting", "error", "said"),
    [
        ("score.qualified", UsageError, "is no setting"),
        ("=3", UsageError, "is no setting"),
        ("company.name=x", UsageError, "goes through `company`"),
        ("score.qualified.at_least=[", UsageError, "no YAML"),
        ("score.qualified.at_leats=3", ConfigError, "Did you mean `at_least`"),
        ("features.mine={count: events, of: Looked, within: 28d}", UsageError, "what features are"),
    ],
)
def test_what_cannot_be_asked_is_told(company, setting, error, said):
    project = company()
    with pytest.raises(error, match=said):
        project.measuring.what_if(settings=[setting], as_of=DAY)
    assert not list(project.root.glob(".asked-*"))


def test_nothing_set_is_the_file_itself(company):
    project = company()
    again = load_overridden(project.root / "groundswell.yaml", [])
    assert again.fingerprint() == project.loaded.fingerprint()
