"""Alerts of the whole pass: kept once a day, told again when they differ, shown to who asks."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from groundswell.clock import FixedClock
from groundswell.engine import Project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CONFIG: dict[str, Any] = {
    "events": {"signed_up": "Signed Up", "activated": "Board Made", "limit_hit": "Limit Reached"},
    "plans": {
        "team": {"price": "10 per seat monthly", "seats": 10},
        "business": {"price": "20 per seat monthly", "seats": 100},
    },
}
# Signs that stay as they are while no event comes.
STEADY = dict.fromkeys(
    ("usage_up", "seats_nearly_full", "users_added", "limit_hit", "stalled_at_limit")
) | {
    "full": {"when": "seats_used >= 9", "points": 60, "say": "{seats_used} of {seat_limit} seats"},
    "grown_old": {"when": "account_age_days >= 110", "points": 10},
}
DAY = dt.date(2026, 4, 10)
FIRST = DAY - dt.timedelta(days=100)


def events() -> str:
    """In each of two companies six people joined long ago and three lately; all are active."""
    rows = ["message_id,user_id,account_id,event,timestamp"]
    for account in ("acme", "bolt"):
        for person in range(9):
            joined = FIRST if person < 6 else DAY - dt.timedelta(days=10)
            for event, day in (("Signed Up", joined), ("Board Made", joined), ("Board Seen", DAY)):
                user = f"{account}{person}"
                rows.append(f"{user}{event},{user},{account},{event},{day}T0{person}:00:00Z")
    return "\n".join(rows) + "\n"


ACCOUNTS = "account_id,name,owner\nacme,Acme Inc,\nbolt,Bolt,rep@seller.example\n"
SUBSCRIPTIONS = f"""subscription_id,account_id,plan,mrr,started_at
s1,acme,team,90,{FIRST}T00:00:00Z
s2,bolt,team,90,{FIRST}T00:00:00Z
"""


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Project]]:
    """Open a project of the two companies, with blocks of its own and maybe touches."""
    projects: list[Project] = []

    def make(*, touches: str = "", **blocks: Any) -> Project:
        (tmp_path / "groundswell.yaml").write_text(json.dumps({**CONFIG, **blocks}))
        clock = FixedClock(dt.datetime(2026, 8, 1, 9, tzinfo=dt.UTC))
        project = Project.open(tmp_path, clock=clock)
        projects.append(project)
        texts = {"events": events(), "accounts": ACCOUNTS, "subscriptions": SUBSCRIPTIONS}
        texts |= {"touches": touches} if touches else {}
        for kind, text in texts.items():
            (tmp_path / f"{kind}.csv").write_text(text)
            assert [r.rejected for r in project.load(kind, [tmp_path / f"{kind}.csv"])] == [0]
        return project

    yield make
    for project in projects:
        project.close()


def told(project: Project) -> list[tuple[str, dt.date]]:
    entries = project.journal(kind="usage_alert")
    return sorted((entry.account_id, entry.as_of) for entry in entries)


def later(days: int) -> dt.date:
    return DAY + dt.timedelta(days=days)


def test_an_alert_has_the_opportunity_who_is_told_and_the_evidence(opened: Any) -> None:
    project = opened()
    assert project.run(as_of=DAY).alerts == 2
    acme, bolt = project.alerts()
    assert acme.sentence == (
        "9 of 10 seats, 3 users added in four weeks, 3 colleagues signed up uninvited: ~ +$3.2k ARR"
    )
    assert (acme.name, acme.team, acme.owner) == ("Acme Inc", "customer_success", None)
    assert (bolt.name, bolt.team, bolt.owner) == ("Bolt", "owner", "rep@seller.example")
    features = project.features(DAY, accounts=["acme"]).row(0, named=True)
    assert acme.potential == features["expansion_potential"] == sum(s.points for s in acme.signs)
    assert acme.growth is not None
    worth = Decimal(str(features["estimated_acv"])) - Decimal(90 * 12)
    assert acme.growth.added_arr == worth == Decimal("3240.00")
    assert (acme.growth.seats, acme.growth.price, acme.growth.plan) == (18, 20, "business")
    full = next(sign for sign in acme.signs if sign.name == "seats_nearly_full")
    assert (full.points, full.max, full.condition) == (25, 25, "seat_ratio >= 0.9")
    assert full.values == {"seat_ratio": 0.9}
    (entry,) = project.journal(account="acme", kind="usage_alert")
    assert entry.key == f"usage_alert:acme:{DAY}"
    assert entry.body["reason"] == acme.sentence
    assert entry.body["growth"]["added_arr"] == "3240.00"


def test_running_again_writes_nothing(opened: Any) -> None:
    project = opened()
    first = project.run(as_of=DAY)
    again = project.run(as_of=DAY)
    assert (first.alerts, again.alerts, again.journal_entries) == (2, 2, 0)
    assert told(project) == [("acme", DAY), ("bolt", DAY)]


def test_without_records_nothing_is_kept(opened: Any) -> None:
    from groundswell.engine.running import run_whole

    project = opened()
    computer = project.computer
    whole = run_whole(project.loaded, computer, project.ledger, project.clock, day=DAY)
    assert (whole.report.alerts, whole.report.journal_entries) == (2, 0)
    assert project.journal() == []


def test_the_same_news_is_told_again_only_after_a_while(opened: Any) -> None:
    project = opened(alerts={"signs": STEADY, "for": "TRUE"})
    news: dict[int, str] = {}
    for days in (0, 1, 9, 10, 11, 39, 40, 41):
        if project.run(as_of=later(days)).alerts:
            (entry,) = project.journal(account="acme", kind="usage_alert", limit=1)
            news[days] = entry.body["news"]
    assert news == {
        0: "First alert.",
        10: f"New since {DAY}: grown_old.",
        40: "Still so after 30 days.",
    }
    assert [day for name, day in told(project) if name == "acme"] == [DAY, later(10), later(40)]


def test_a_past_day_knows_nothing_of_later_alerts(opened: Any) -> None:
    project = opened(alerts={"signs": STEADY, "for": "TRUE"})
    project.run(as_of=later(5))
    assert project.run(as_of=later(3)).alerts == 2
    assert project.run(as_of=later(6)).alerts == 0


def test_alerts_that_are_over_are_shown_only_when_asked_for(opened: Any) -> None:
    project = opened()
    project.run(as_of=DAY)
    assert project.run(as_of=later(30)).alerts == 0  # nobody is active any more
    assert [alert.account_id for alert in project.alerts()] == ["acme", "bolt"]
    project.run(as_of=later(31))
    assert project.alerts() == []
    assert [alert.account_id for alert in project.alerts(every=True)] == ["acme", "bolt"]
    assert [alert.account_id for alert in project.alerts(account="bolt", every=True)] == ["bolt"]


def test_only_the_latest_of_an_account_is_shown(opened: Any) -> None:
    project = opened(alerts={"signs": STEADY, "for": "TRUE"})
    for days in (0, 10):
        project.run(as_of=later(days))
    latest = [(alert.account_id, alert.as_of) for alert in project.alerts()]
    assert latest == [("acme", later(10)), ("bolt", later(10))]
    assert len(project.alerts(every=True)) == 4
    assert project.explain("acme", as_of=later(9)).alert.as_of == DAY
    assert project.explain("acme", as_of=later(10)).alert.potential == 70
    assert project.explain("acme", as_of=later(-1)).alert is None


def test_who_may_not_be_contacted_is_not_told_of(opened: Any) -> None:
    project = opened(guardrails={"do_not_contact": ["acme", "bolt"]})
    assert project.run(as_of=DAY).alerts == 0
    assert told(project) == []


def test_a_touch_holds_back_an_alert_unless_the_account_is_owned(opened: Any) -> None:
    touches = "account_id,user_id,rep,kind,at\n"
    for account in ("acme", "bolt"):
        touches += f"{account},{account}0,rep@seller.example,email,{later(-20)}T10:00:00Z\n"
    project = opened(touches=touches, alerts={"signs": STEADY, "for": "TRUE"})
    assert project.run(as_of=DAY).alerts == 1
    assert told(project) == [("bolt", DAY)]
    project.run(as_of=later(10))
    assert ("acme", later(10)) in told(project)


def test_who_is_handed_over_needs_no_alert(opened: Any) -> None:
    raised = {**CONFIG["events"], "hand_raised": "Board Seen"}
    project = opened(events=raised)
    report = project.run(as_of=DAY)
    assert (report.hand_overs, report.alerts) == (1, 1)
    assert told(project) == [("bolt", DAY)]
    assert project.run(as_of=DAY).journal_entries == 0
    project.run(as_of=later(1))  # its handoff is open
    assert told(project) == [("bolt", DAY)]
