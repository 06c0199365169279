"""Attribution and commissions of a whole company: locked rules, receipts, what an edit changes."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import msgspec
import pytest

from groundswell.api.operations import OPERATIONS
from groundswell.engine.measuring.locking import Rulebook, keep_rules
from groundswell.errors import ConfigError, UsageError
from groundswell.model import as_plain
from groundswell.web.attribution_report import write_attribution
from groundswell.web.commission_report import write_commissions
from groundswell.web.document import to_html, to_text
from tests.measuring.conftest import DAY, at, load

ANN = "ann@ours.example"

AHA = {"people": None, "days": None, "within": "28d", "activated": True}
SALE = 10
"""Days before the last day on which the deal of `a06` was won, and it began to pay more."""


def sell(project: Any) -> None:
    """Let `a06` pay more on the day on which its deal was won."""
    more = {"subscription_id": "s-won", "account_id": "a06", "plan": "business", "mrr": "750"}
    load(project, {"subscriptions": [more | {"started_at": at(SALE), "valid_from": at(SALE)}]})


def owned(project: Any) -> None:
    """Let Ann own the deal of `a06`."""
    deal = {"opportunity_id": "o6", "account_id": "a06", "source": "inbound", "amount": "9000"}
    told = {"created_at": at(60), "stage": "closed", "closed_at": at(SALE), "won": True}
    row = deal | told | {"owner": ANN, "valid_from": at(SALE, 10)}
    load(project, {"opportunities": [row]})


def edit(project: Any, **attribution: Any) -> None:
    """Write other rules into the file."""
    file = project.root / "groundswell.yaml"
    written = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(written | {"attribution": attribution}), encoding="utf-8")


def reopen(project: Any, clock: Any, on: dt.date) -> Any:
    """Open the project again on another day, and run it."""
    clock.at = dt.datetime.combine(on, dt.time(18), dt.UTC)
    project.close()
    opened = type(project).open(project.root, clock=clock)
    opened.run()
    return opened


def test_every_gain_is_in_one_bucket_and_comes_to_the_subscriptions(company: Any) -> None:
    project = company()
    sell(project)
    found = project.measuring.attribution(receipts=True)
    assert [one.first.isoformat() for one in found.quarters] == ["2026-01-01", "2026-04-01"]
    shown = found.shown
    assert shown is not None
    assert shown.gained_cents == sum(one.amount_cents for one in found.receipts)
    assert shown.opening_cents + shown.gained_cents + shown.lost_cents == shown.closing_cents
    (sold,) = [one for one in found.receipts if one.account_id == "a06" and one.day.month == 6]
    assert (sold.bucket, sold.amount_cents) == ("sales_sourced", 900_000)
    assert sold.rep == "ann@ours.example"
    assert sold.why.startswith("ann@ours.example opened `o6` on 2026-05-01")
    assert "By 2026-04-30 0 people were active on 0 days of the last 90, with the aha" in sold.why
    (alone,) = [one for one in found.receipts if one.account_id == "a42"]
    assert (alone.bucket, alone.self_served) == ("sales_sourced", True)
    others = {one.bucket for one in found.receipts if one not in (sold, alone)}
    assert others == {"product_sourced"}


def test_the_same_day_gives_the_same_answer_whenever_it_is_asked(company: Any, clock: Any) -> None:
    project = company()
    sell(project)
    past = DAY - dt.timedelta(days=5)
    then = project.measuring.attribution(as_of=past, receipts=True)
    late = {"subscription_id": "s-late", "account_id": "a09", "plan": "team", "mrr": "10"}
    load(project, {"subscriptions": [late | {"started_at": at(1), "valid_from": at(1)}]})
    project.run()
    assert project.measuring.attribution(as_of=past, receipts=True) == then
    edit(project, footprint=AHA)
    project = reopen(project, clock, dt.date(2026, 8, 15))
    again = project.measuring.attribution(as_of=past, receipts=True)
    assert (again.quarters, again.receipts, again.locks) == (
        then.quarters,
        then.receipts,
        then.locks,
    )
    project.close()


def test_an_edit_takes_effect_in_the_next_quarter_and_says_what_it_would_change(
    company: Any, clock: Any
) -> None:
    project = company()
    sell(project)
    first = project.measuring.attribution()
    assert first.next is None
    assert [one.is_locked for one in first.locks] == [False, False]
    edit(project, footprint=AHA)
    project = reopen(project, clock, DAY)
    found = project.measuring.attribution()
    assert found.quarters == first.quarters
    assert found.next is not None
    (moved,) = found.next.buckets
    assert (moved.before, moved.after) == ("sales_sourced", "sales_converted")
    assert (moved.amount_cents, moved.accounts) == (900_000, ("a06",))
    assert found.next.after_cents["sales_converted"] == 900_000
    text = to_text(write_attribution(found))
    assert "9,000.00 sales-converted, shared instead of sales-sourced: a06" in text

    later = reopen(project, clock, dt.date(2026, 7, 20))
    more = {"subscription_id": "s-more", "account_id": "a06", "plan": "business", "mrr": "100"}
    row = more | {"started_at": "2026-07-10T09:00:00Z", "valid_from": "2026-07-10T09:00:00Z"}
    load(later, {"subscriptions": [row]})
    third = later.measuring.attribution(receipts=True)
    assert [one.buckets for one in third.quarters[:2]] == [one.buckets for one in first.quarters]
    assert [one.is_locked for one in third.locks] == [False, False, True]
    assert third.locks[2].version == found.written.version != first.locks[1].version
    assert [one.bucket for one in third.receipts] == ["sales_converted"]
    assert third.next is None
    later.close()


def test_other_rules_are_tried_without_being_kept(company: Any, tmp_path: Any) -> None:
    project = company()
    sell(project)
    file = tmp_path / "rules.yaml"
    file.write_text(json.dumps({"attribution": {"footprint": AHA}}), "utf-8")
    before = project.measuring.attribution()
    found = project.measuring.attribution(what_if=str(file))
    assert found.what_if is not None
    assert [one.amount_cents for one in found.what_if.buckets] == [900_000]
    assert project.measuring.attribution() == before
    file.write_text("attribution: {footprint: {within: 200d}}", "utf-8")
    with pytest.raises(ConfigError, match="Nothing is counted over"):
        project.measuring.attribution(what_if=str(file))


def test_rules_are_kept_once_and_each_edit_is_counted(company: Any, clock: Any) -> None:
    project = company()
    keep = (project.loaded, project.ledger, clock)
    assert keep_rules(*keep) is False
    assert Rulebook.of(project.loaded, project.ledger).edits() == []
    edit(project, product_share="60%")
    project = reopen(project, clock, DAY)
    book = Rulebook.of(project.loaded, project.ledger)
    assert book.edits() == [clock.now()]
    edit(project)
    project = reopen(project, clock, DAY + dt.timedelta(days=1))
    book = Rulebook.of(project.loaded, project.ledger)
    assert len(book.edits()) == 2
    assert book.kept[0].version == book.kept[2].version
    assert len(book.known_by(DAY).edits()) == 1
    project.close()


def test_a_quarter_must_be_one_and_have_begun(company: Any) -> None:
    project = company()
    assert project.measuring.attribution(quarter="2025-Q4").shown is None
    assert project.measuring.attribution(quarter="2026-Q1").quarter == dt.date(2026, 1, 1)
    for quarter in ("2026-Q5", "2026-Q3"):
        with pytest.raises(UsageError, match="usage-quarter"):
            project.measuring.attribution(quarter=quarter)


def test_the_report_is_written_with_its_receipts(company: Any) -> None:
    project = company()
    sell(project)
    found = project.measuring.attribution(receipts=True)
    written = write_attribution(found)
    text = to_text(written)
    assert "Influenced is a tag" in text
    assert "recurring revenue at the end of 2026-06-30" in text
    assert "not locked" in text
    assert "Bought alone: nobody worked an opportunity on it." in text
    assert to_html(written, written.render_pictures()).count("<svg") == 1


def test_reps_are_paid_by_the_receipts_of_attribution(company: Any) -> None:
    project = company(commissions={"baseline": {"at_least": 1000}})
    sell(project)
    owned(project)
    found = project.measuring.commissions()
    (statement,) = found.statements
    half, entry = statement.entries
    assert (statement.rep, statement.pay_cents) == (ANN, 117_000 + 3_892)
    assert "50% of it, bought alone after a rep helped" in half.why
    assert (entry.revenue_cents, entry.rate, entry.pay_cents) == (900_000, 0.13, 117_000)
    assert entry.receipt.startswith(f"{ANN} opened `o6`")
    assert found.unsettled_on is not None
    text = to_text(write_commissions(found))
    assert "1,208.92 is paid to 1 rep." in text
    assert "commissions.plan_check.queue.hours" in text
    assert project.measuring.commissions(month="2026-05").statements == ()
    gone = {"subscription_id": "s-won", "account_id": "a06", "plan": "business", "mrr": "750"}
    ended = gone | {"started_at": at(SALE), "ended_at": at(2), "valid_from": at(2)}
    load(project, {"subscriptions": [ended]})
    (statement,) = project.measuring.commissions(rep=ANN.upper()).statements
    assert [one.kind for one in statement.entries] == ["earned", "earned", "clawback"]
    assert statement.pay_cents == 3_892


def test_what_no_statement_can_be_made_of_is_refused(company: Any) -> None:
    project = company()
    for month in ("2026-7", "2026-13", "July"):
        with pytest.raises(UsageError, match="usage-month"):
            project.measuring.commissions(month=month)
    with pytest.raises(UsageError, match="rep-unknown"):
        project.measuring.commissions(rep="nobody@ours.example")


def test_whether_the_plan_works_is_told_where_it_is_known(company: Any) -> None:
    sides = {
        "queue": {"hours": 6, "conversion": "10%", "acv": 10_000},
        "cold": {"hours": 4, "conversion": "2%", "acv": 24_000},
    }
    found = company(commissions={"plan_check": sides}).measuring.commissions()
    plan = found.plan
    assert plan.holds is False
    assert plan.queue.per_hour_cents == pytest.approx(10_000_00 * 0.1 * 0.07 / 6)
    assert plan.pql_rate_needed == 0.094
    assert plan.missing == ()
    text = to_text(write_commissions(found))
    assert "A rate of 9.4% on PQLs instead of 7.0% would mend it." in text


def test_a_server_tells_the_same(company: Any) -> None:
    project = company()
    sell(project)
    for name, found in (
        ("measuring.attribution", project.measuring.attribution(receipts=True)),
        ("measuring.commissions", project.measuring.commissions()),
    ):
        told = msgspec.json.encode(as_plain(found))
        assert msgspec.json.decode(told, type=OPERATIONS[name].result) == found
