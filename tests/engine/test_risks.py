"""Customers at risk: whom the whole pass tells of, once, and what it names somebody for."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from groundswell.clock import FixedClock
from groundswell.engine import Project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DAY = dt.date(2026, 4, 10)
EVENTS = {"signed_up": "Signed Up", "activated": "Board Made", "user_removed": "Removed"}
CAM, DEE = "cam@ours.example", "dee@ours.example"
SUCCESS = {
    "customer_success": {"members": [{"name": "Cam", "email": CAM}, {"name": "Dee", "email": DEE}]}
}
ACCOUNTS = """account_id,name,owner,employees
acme,Acme,rep@seller.example,5
bolt,Bolt,,11
cove,Cove,,
"""
PAID = "subscription_id,account_id,plan,mrr,started_at\n" + "".join(
    f"s{account},{account},team,{mrr},2025-12-01T00:00:00Z\n"
    for account, mrr in (("acme", 1500), ("bolt", 90))
)


def later(days: int) -> dt.date:
    return DAY + dt.timedelta(days=days)


def acts(account: str, person: int, *days: int, event: str = "Board Seen") -> list[list[str]]:
    user = f"{account}{person}"
    return [
        [f"{user}-{event}-{day}", user, account, event, f"{later(day)}T0{person}:00:00Z"]
        for day in days
    ]


def steady(account: str, *, until: int = 60) -> list[list[str]]:
    """Two people, the first more often than the second."""
    return [*acts(account, 0, *range(-100, until, 3)), *acts(account, 1, *range(-100, until, 7))]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Project]]:
    """Open a project of three companies, of which two pay."""
    projects: list[Project] = []

    def make(*rows: list[str], memberships: str = "", **blocks: Any) -> Project:
        text = json.dumps({"events": EVENTS, **blocks})
        (tmp_path / "groundswell.yaml").write_text(text)
        clock = FixedClock(dt.datetime(2026, 8, 1, 9, tzinfo=dt.UTC))
        project = Project.open(tmp_path, clock=clock)
        projects.append(project)
        put(project, "accounts", ACCOUNTS)
        put(project, "subscriptions", PAID)
        put(project, "events", table(rows))
        if memberships:
            put(project, "memberships", "user_id,account_id,since,until\n" + memberships)
        return project

    yield make
    for project in projects:
        project.close()


def table(rows: Any) -> str:
    head = "message_id,user_id,account_id,event,timestamp\n"
    return head + "".join(",".join(row) + "\n" for row in rows)


def put(project: Project, kind: str, text: str) -> None:
    path = project.root / f"{kind}.csv"
    path.write_text(text)
    assert [report.rejected for report in project.load(kind, [path])] == [0]


def signs(project: Project, account: str = "acme") -> dict[str, bool | None]:
    (risk,) = project.risks(account=account)
    return {sign.name: sign.matched for sign in risk.signs}


def test_a_customer_that_uses_it_less_is_told_of_once_with_the_play_and_the_reason(
    opened: Any,
) -> None:
    falling = [*acts("acme", 0, *range(-55, -27, 2)), *acts("acme", 0, *range(-27, 1, 4))]
    project = opened(*falling, *steady("bolt"), *steady("cove", until=-30), teams=SUCCESS)
    report = project.run(as_of=DAY)
    assert report.risks == 1  # cove does not pay
    (risk,) = project.risks()
    assert (risk.account_id, risk.name, risk.play) == ("acme", "Acme", "save")
    assert (risk.owner, risk.csm, risk.inbox) == ("rep@seller.example", CAM, None)
    assert risk.sentence == "Usage is 50% of that of the four weeks before."
    assert risk.cs_tier == "named"
    assert risk.cs_reason == "It pays $18k a year, $12k or more."
    assert signs(project) == {"usage_down": True, "champion_silent": False, "admin_left": False}
    assert project.run(as_of=DAY).journal_entries == 0
    assert project.run(as_of=later(1)).risks == 0
    (entry,) = project.journal(kind="risk_alert")
    assert entry.key == f"risk_alert:acme:{DAY}"
    assert entry.body["reason"] == risk.sentence


def test_it_is_told_again_after_a_while_or_when_there_is_another_sign(opened: Any) -> None:
    only = dict.fromkeys(("usage_down", "champion_silent", "admin_left"))
    signs_ = only | {
        "paying": {"when": "mrr > 1000", "say": "it pays {mrr}"},
        "old": {"when": "account_age_days >= 110", "say": "it is old"},
    }
    project = opened(*steady("acme"), risks={"signs": signs_})
    news: dict[int, str] = {}
    for days in (0, 1, 9, 10, 11, 39, 40):
        if project.run(as_of=later(days)).risks:
            (entry,) = project.journal(account="acme", kind="risk_alert", limit=1)
            news[days] = entry.body["news"]
    assert news == {
        0: "First alert.",
        10: f"New since {DAY}: old.",
        40: "Still so after 30 days.",
    }
    assert project.explain("acme", as_of=later(9)).risk.as_of == DAY
    assert project.explain("acme", as_of=later(-1)).risk is None
    assert {risk.as_of for risk in project.risks(every=True)} == {later(40), later(10), DAY}


def test_the_champion_is_who_was_active_most_up_to_two_weeks_ago(opened: Any) -> None:
    newcomer = acts("acme", 2, *range(-13, 1))
    rest = acts("acme", 1, *range(-100, 1, 7))
    champion = acts("acme", 0, *range(-100, -13, 3))
    assert champion[-1][-1].startswith(str(later(-16)))
    project = opened(*champion, *rest, *newcomer, *steady("bolt"))
    project.run(as_of=DAY)
    assert signs(project)["champion_silent"] is True
    (risk,) = project.risks()
    assert "its champion has not been seen for 16 days" in risk.sentence.lower()


def test_who_was_active_on_three_days_only_is_nobodys_champion(opened: Any) -> None:
    project = opened(*acts("acme", 0, -60, -50, -40), *steady("bolt"))
    project.run(as_of=DAY)
    assert signs(project)["champion_silent"] is None
    project = opened(*acts("acme", 1, -60, -50, -40, -30), *steady("bolt"))
    project.run(as_of=later(1))
    (risk,) = project.risks(account="acme")
    assert "for 31 days" in risk.sentence


@pytest.mark.parametrize("removed", [False, True])
def test_an_admin_who_left_is_a_sign_however_it_is_known(opened: Any, removed: bool) -> None:
    users = f"user_id,title,valid_from\nacme1,IT Administrator,{later(-90)}T00:00:00Z\n"
    until = "" if removed else f"{later(-5)}T00:00:00Z"
    member = f"acme1,acme,{later(-100)}T00:00:00Z,{until}\n"
    gone = acts("acme", 1, -5, event="Removed") if removed else []
    project = opened(*acts("acme", 0, *range(-100, 30, 3)), *gone, memberships=member)
    put(project, "users", users)
    project.run(as_of=DAY)
    assert signs(project)["admin_left"] is True
    assert project.features(DAY, accounts=["acme"])["admins_left_28d"].to_list() == [1]
    assert project.features(later(-6), accounts=["acme"])["admins_left_28d"].to_list() == [0]
    assert project.features(later(23), accounts=["acme"])["admins_left_28d"].to_list() == [0]


def test_events_after_a_day_change_no_risk_of_it(opened: Any) -> None:
    falling = [*acts("acme", 0, *range(-55, -20, 2)), *acts("acme", 1, -50, -40, -30, -20, -4)]
    project = opened(*falling, *steady("bolt", until=-20))
    project.run(as_of=DAY)
    before = project.risks()
    assert {risk.account_id for risk in before} == {"acme", "bolt"}
    more = [*acts("acme", 0, *range(1, 20)), *acts("acme", 3, *range(1, 90))]
    put(project, "events", table([*more, *acts("bolt", 1, *range(1, 30))]))
    assert project.run(as_of=DAY).journal_entries == 0
    assert project.risks() == before


def test_somebody_is_named_in_turn_and_stays(opened: Any) -> None:
    low = {"named_from_arr": 1000}
    project = opened(
        *steady("acme", until=-30), *steady("bolt", until=-30), teams=SUCCESS, customer_success=low
    )
    project.run(as_of=DAY)
    assert {risk.account_id: risk.csm for risk in project.risks()} == {"acme": CAM, "bolt": DEE}
    named = [(e.account_id, e.body["csm"]) for e in project.journal(kind="csm_assigned")]
    assert sorted(named) == [("acme", CAM), ("bolt", DEE)]
    project.run(as_of=later(31))
    again = {risk.account_id: (risk.as_of, risk.csm) for risk in project.risks()}
    assert again == {"acme": (later(31), CAM), "bolt": (later(31), DEE)}
    assert len(project.journal(kind="csm_assigned")) == 2
    assert project.explain("acme", as_of=DAY).care.csm == CAM
    assert project.explain("acme", as_of=later(-1)).care.csm is None


def test_whose_named_account_it_is_has_it(opened: Any) -> None:
    team = {"members": [*SUCCESS["customer_success"]["members"]]}
    team["members"][1] = team["members"][1] | {"accounts": ["acme"]}
    project = opened(*steady("acme", until=-30), teams={"customer_success": team})
    project.run(as_of=DAY)
    assert [risk.csm for risk in project.risks(account="acme")] == [DEE]


def test_where_nobody_is_named_the_inbox_is_told(opened: Any) -> None:
    inbox = {"inbox": "success@ours.example"}
    project = opened(
        *steady("acme"), *steady("bolt", until=-30), teams=SUCCESS, customer_success=inbox
    )
    project.run(as_of=DAY)
    (risk,) = project.risks()
    assert (risk.account_id, risk.csm, risk.inbox) == ("bolt", None, "success@ours.example")
    assert (risk.cs_tier, risk.cs_reason) == ("pooled", "2 people belong to it, 2 or more.")
    assert project.journal(kind="csm_assigned") == []


def test_of_who_may_not_be_contacted_nobody_is_told(opened: Any) -> None:
    project = opened(*steady("acme", until=-30), guardrails={"do_not_contact": ["acme"]})
    assert project.run(as_of=DAY).risks == 0
    assert project.journal(kind="risk_alert") == []


def test_an_explanation_and_a_brief_tell_health_care_and_risk(opened: Any) -> None:
    project = opened(*steady("acme", until=-10), *steady("bolt"), teams=SUCCESS)
    project.run(as_of=DAY)
    story = project.explain("acme", as_of=DAY)
    points = sum(part.points or 0 for part in story.health)
    assert points == pytest.approx(story.features["health"], abs=0.03)
    assert story.risk == project.risks(account="acme")[0]
    told = {fact.label: fact.value for fact in project.brief("acme", as_of=DAY).account}
    assert told["Health"].startswith(f"{story.features['health']:.0f} of 100: adoption ")
    assert told["Customer success"] == f"named, {CAM}. It pays $18k a year, $12k or more."
    assert told["At risk"] == f"{story.risk.sentence} Told on {DAY}."
    free = {fact.label for fact in project.brief("bolt", as_of=DAY).account}
    assert "At risk" not in free
    assert project.explain("cove", as_of=DAY).care is None


def test_growth_of_an_account_that_is_looked_after_goes_to_expansion(opened: Any) -> None:
    ready = {"signs": {"any": {"when": "TRUE", "points": 90, "say": "ready"}}}
    few = {"named_above_employees": 10}
    rows = [*steady("acme"), *steady("bolt")]
    project = opened(*rows, teams=SUCCESS, alerts=ready, customer_success=few)
    project.run(as_of=DAY)
    told = {alert.account_id: (alert.team, alert.owner, alert.csm) for alert in project.alerts()}
    assert told == {
        "acme": ("owner", "rep@seller.example", CAM),
        "bolt": ("expansion", None, DEE),
    }


def test_growth_of_an_account_that_nobody_is_named_for_is_the_teams(opened: Any) -> None:
    ready = {"signs": {"any": {"when": "TRUE", "points": 90, "say": "ready"}}}
    project = opened(*steady("bolt"), teams=SUCCESS, alerts=ready)
    project.run(as_of=DAY)
    (alert,) = project.alerts(account="bolt")
    assert (alert.team, alert.csm) == ("customer_success", None)
