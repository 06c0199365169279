"""Dimensions through the whole way: files loaded into a project, features read from it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from groundswell import Project
from groundswell.clock import FixedClock

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
company: Small Co
plans:
  free: {seats: 2}
  team: {price: 12 per seat monthly, seats: 5}
"""
FILES = {
    "accounts": """\
account_id,employees,owner,stage,created_at,valid_from
acme,90,rep@small.example,x,2026-01-05T08:00:00Z,2026-03-01T09:00:00Z
acme,40,,x,2026-01-05T08:00:00Z,
acme,200,,x,2026-01-05T08:00:00Z,2026-03-01T17:00:00Z
""",
    "users": """\
user_id,email,created_at
ann,ann@acme.example,2026-01-05T08:00:00Z
bob,bob@acme.example,2026-01-05T08:00:00Z
cy,cy@acme.example,2026-01-05T08:00:00Z
dee,dee@acme.example,2026-01-05T08:00:00Z
""",
    "memberships": """\
user_id,account_id,since,until
ann,acme,2026-01-05T08:00:00Z,
bob,acme,2026-01-10T08:00:00Z,
cy,acme,2026-01-12T08:00:00Z,
dee,acme,2026-01-20T08:00:00Z,2026-02-10T08:00:00Z
""",
    "subscriptions": """\
subscription_id,account_id,plan,mrr,started_at,ended_at
s1,acme,team,48.00,2026-01-15T12:00:00Z,2026-03-15T12:00:00Z
""",
    "opportunities": """\
opportunity_id,account_id,created_at,stage,won,closed_at,valid_from
o1,acme,2026-02-01T09:00:00Z,closed won,true,2026-02-20T09:00:00Z,2026-02-20T09:00:00Z
o1,acme,2026-02-01T09:00:00Z,discovery,,,
""",
}
NAMES = (
    *("employees", "owner", "plan", "mrr", "seats_used", "seat_limit", "seat_ratio"),
    *("days_at_limit", "days_since_upgrade", "months_on_plan", "open_opportunities"),
    *("account_age_days", "estimated_acv"),
)
REP = "rep@small.example"
EXPECTED = {
    # Three people on a free plan for two; nothing is known of anyone's revenue.
    (1, 14): (40, None, "free", None, 3, 2, 1.5, 5, None, None, None, 9, 8 * 144),
    # The first day of the plan is an upgrade, so the count of days begins after it.
    (1, 15): (40, None, "team", 48, 3, 5, 0.6, 0, 0, 0, None, 10, 8 * 144),
    # Exactly 80% from the day dee joined, until the day she left.
    (1, 20): (40, None, "team", 48, 4, 5, 0.8, 1, 5, 5 / 30, None, 15, 8 * 144),
    (2, 9): (40, None, "team", 48, 4, 5, 0.8, 21, 25, 25 / 30, 1, 35, 8 * 144),
    (2, 10): (40, None, "team", 48, 3, 5, 0.6, 0, 26, 26 / 30, 1, 36, 8 * 144),
    (2, 20): (40, None, "team", 48, 3, 5, 0.6, 0, 36, 36 / 30, 0, 46, 8 * 144),
    # Two versions of one day: the later one, which knows of no owner.
    (3, 1): (200, None, "team", 48, 3, 5, 0.6, 0, 45, 1.5, 0, 55, 21 * 144),
    # The plan ended: three people on two seats again, and nobody joined in 60 days.
    (3, 15): (200, None, "free", 0, 3, 2, 1.5, 1, 59, None, 0, 69, 3 * 144),
}


@pytest.fixture
def project(tmp_path: Path) -> Any:
    (tmp_path / "groundswell.yaml").write_text(CONFIG, encoding="utf-8")
    clock = FixedClock(datetime(2026, 6, 30, 12, tzinfo=UTC))
    with Project.open(tmp_path, clock=clock) as opened:
        for kind, text in FILES.items():
            file = tmp_path / f"{kind}.csv"
            file.write_text(text, encoding="utf-8")
            assert not sum(report.rejected for report in opened.load(kind, [file]))
        yield opened


def test_every_dimension_is_what_was_known_on_the_day(project: Any) -> None:
    for (month, day), expected in EXPECTED.items():
        frame = project.features(date(2026, month, day))
        row = frame.row(0, named=True)
        found = {name: row[name] for name in NAMES}
        assert found == pytest.approx(dict(zip(NAMES, expected, strict=True))), (month, day)
