"""`alerts` lists who could take more; `run` counts them and `explain` shows the signs."""

from __future__ import annotations

import pytest

from tests.cli.conftest import CONFIG, small_history, write_events

PAID = """\
account_id,plan,mrr,seat_limit,started_at
acme,team,1200,8,2026-05-01T00:00:00Z
"""
DAY = "2026-06-30"


@pytest.fixture
def customer(tmp_path, groundswell):
    """The growing company of `project`, as a customer whose seats are full."""
    text = CONFIG.replace("  hand_raised: Demo Requested\n", "") + "alerts: {high: 40}\n"
    (tmp_path / "groundswell.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "paid.csv").write_text(PAID, encoding="utf-8")
    events = write_events(tmp_path / "events.csv", small_history())
    where = ("--project", tmp_path)
    assert groundswell("load", "events", events, *where).code == 0
    assert groundswell("load", "subscriptions", tmp_path / "paid.csv", *where).code == 0
    return tmp_path


def test_an_alert_is_counted_listed_and_explained(customer, groundswell):
    where = ("--project", customer)
    before = groundswell("alerts", *where)
    assert (before.code, before.out) == (0, "")
    assert "groundswell run" in before.err
    ran = groundswell("run", "--as-of", DAY, *where)
    assert "1 alert: see `groundswell alerts`." in ran.out
    assert groundswell("run", "--as-of", DAY, "--json", *where).json()["journal_entries"] == 0

    (alert,) = groundswell("alerts", "--json", *where).json()
    assert (alert["account_id"], alert["team"], alert["as_of"]) == ("acme", "expansion", DAY)
    assert alert["sentence"].startswith("8 of 8 seats, 1 limit hit in four weeks")
    assert alert["potential"] == sum(sign["points"] for sign in alert["signs"])
    assert groundswell("alerts", "--all", "--json", *where).json() == [alert]
    assert groundswell("alerts", "--account", "idle", "--json", *where).json() == []
    listed = groundswell("alerts", *where).out
    assert "to team expansion" in listed
    assert "8 of 8 seats" in listed

    story = groundswell("explain", "acme", "--json", *where).json()
    assert story["alert"] == alert
    assert groundswell("explain", "idle", "--json", *where).json()["alert"] is None
    told = groundswell("explain", "acme", *where).out
    assert "Could take more" in told
    assert "seat_ratio >= 0.9" in told
    (entry,) = groundswell("journal", "--kind", "usage_alert", "--json", *where).json()
    assert entry["body"]["sentence"] == alert["sentence"]
