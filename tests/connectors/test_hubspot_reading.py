"""What comes back from HubSpot: how deals went, who touched whom, and whom to leave alone."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from groundswell.clock import FixedClock
from groundswell.connectors.destination import DestinationError, Forgetful
from groundswell.model import Kind

from .hubspot_deliveries import ANN, NOON, company, deal, opened, values
from .hubspot_server import hubspot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from groundswell.connectors.destination import Records

    from .hubspot_account import Account

pytestmark = pytest.mark.loopback

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def account() -> Iterator[Account]:
    """An account whose companies ac-1 and ac-2 are known."""
    with hubspot(FixedClock(NOON)) as there:
        opened(there).send([values(), values(company(2))])
        yield there


def company_of(account: Account, account_id: str = "ac-1") -> str:
    found = account.by("companies", "groundswell_account_id", account_id)
    assert found is not None
    return found["id"]


def put_deal(account: Account, at: datetime, to: str, *types: int, **told: str) -> str:
    told = {"dealname": "Expansion", "dealstage": "appointmentscheduled", **told}
    id_ = account.put("deals", at, **told)
    account.hang("deals", id_, "companies", to, *(types or (5, 341)))
    return id_


def read(account: Account, cursor: str | None = None, **others: Any) -> Records:
    # Another process has asked just before.
    account.clock.advance(timedelta(seconds=1))
    return opened(account, **others).read(cursor, until=account.clock.now())


def rows(records: Records, kind: Kind = Kind.OPPORTUNITIES) -> list[dict[str, Any]]:
    return records.frames[kind].to_dicts()


def test_each_change_of_a_deal_is_a_version(account):
    ann, bob = account.owner(ANN), account.owner("bob@us.example", archived=True)
    told = {"hubspot_owner_id": bob, "amount": "1e4", "groundswell_source": "groundswell"}
    opened(account).send([deal()])
    account.records["deals"].clear()
    id_ = put_deal(account, NOON, company_of(account), closedate="2026-06-01T00:00:00Z", **told)
    account.change("deals", id_, NOON + HOUR, dealstage="contractsent")
    account.change("deals", id_, NOON + 2 * HOUR, amount="12000.5", hubspot_owner_id=ann)
    lost = {"dealstage": "closedlost", "closed_lost_reason": "price"}
    account.change("deals", id_, NOON + DAY, **lost, competitor="Rival")
    account.clock.advance(2 * DAY)
    found = rows(read(account))
    assert [(row["valid_from"] - NOON, row["stage"], row["amount"]) for row in found] == [
        (0 * HOUR, "Appointment Scheduled", "10000"),
        (1 * HOUR, "Contract Sent", "10000"),
        (2 * HOUR, "Contract Sent", "12000.5"),
        (DAY, "Closed Lost", "12000.5"),
    ]
    assert [row["owner"] for row in found] == ["bob@us.example"] * 2 + [ANN] * 2
    assert [row["won"] for row in found] == [None, None, None, False]
    assert [row["closed_at"] for row in found] == [None, None, None, NOON + DAY]
    assert [row["lost_reason"] for row in found] == [None, None, None, "price"]
    same = {(row["opportunity_id"], row["account_id"], row["created_at"]) for row in found}
    assert same == {(id_, "ac-1", NOON)}
    assert {(row["source"], row["competitor"]) for row in found} == {("groundswell", "Rival")}


def test_a_won_deal_was_closed_when_people_say(account):
    id_ = put_deal(account, NOON, company_of(account))
    account.change("deals", id_, NOON + 3 * DAY, dealstage="closedwon", closedate="2026-03-04")
    account.clock.advance(4 * DAY)
    last = rows(read(account))[-1]
    assert (last["won"], last["closed_at"]) == (True, NOON.replace(hour=0) + 2 * DAY)


def test_what_changed_since_the_cursor_is_read(account):
    first = put_deal(account, NOON, company_of(account))
    account.clock.advance(HOUR)
    before = read(account)
    account.clock.advance(DAY)
    second = put_deal(account, account.clock.now(), company_of(account, "ac-2"))
    after = read(account, before.cursor)
    assert [row["opportunity_id"] for row in rows(before)] == [first]
    assert [row["opportunity_id"] for row in rows(after)] == [second]
    assert after.owners == {}
    account.change("deals", first, account.clock.now() + HOUR, dealstage="closedwon")
    assert [row["opportunity_id"] for row in rows(read(account, after.cursor))] == [second]
    account.clock.advance(2 * HOUR)
    third = rows(read(account, after.cursor))
    assert [(row["opportunity_id"], row["won"]) for row in third if row["won"]] == [(first, True)]


def test_a_change_that_shows_late_is_read_all_the_same(account):
    cursor = read(account).cursor
    put_deal(account, account.clock.now() - timedelta(minutes=5), company_of(account))
    account.clock.advance(HOUR)
    assert len(rows(read(account, cursor))) == 1


def test_a_deal_comes_when_its_company_is_told_to_be_an_account(account):
    stranger = account.put("companies", name="New", domain="c9.example")
    id_ = put_deal(account, NOON, stranger)
    account.clock.advance(HOUR)
    memory = Forgetful()
    first = read(account, memory=memory)
    assert rows(first) == []
    said = {finding.name: finding.said for finding in opened(account, memory=memory).check()}
    assert said["deals read back"].startswith("1 ")
    account.clock.advance(DAY)
    opened(account).send([values(company(9))])
    found = rows(read(account, first.cursor, memory=memory))
    assert [(row["opportunity_id"], row["account_id"]) for row in found] == [(id_, "ac-9")]


def test_every_deal_of_a_company_comes_with_it(account):
    stranger = account.put("companies", name="New", domain="c9.example")
    made = {put_deal(account, NOON, stranger) for _ in range(7)}
    account.clock.advance(HOUR)
    cursor = read(account).cursor
    account.clock.advance(DAY)
    opened(account).send([values(company(9))])
    found = rows(read(account, cursor))
    assert {row["opportunity_id"] for row in found} == made, "HubSpot gives three at a time"


def test_what_changes_while_it_is_read_is_left_for_the_next_time(account):
    id_ = put_deal(account, NOON - DAY, company_of(account))
    account.change("deals", id_, NOON + HOUR, dealstage="closedwon")
    account.clock.advance(2 * HOUR)
    cursor = (NOON - timedelta(minutes=1)).isoformat()
    first = opened(account).read(cursor, until=NOON + timedelta(minutes=1))
    assert [row["won"] for row in rows(first)] == [None], "its company changed, and so it is read"
    assert [row["won"] for row in rows(read(account, first.cursor))] == [None, True]


def test_a_second_company_of_a_domain_is_the_same_account(account):
    twin = account.put("companies", name="Acme Inc", domain="ACME.example")
    put_deal(account, NOON, twin)
    account.clock.advance(HOUR)
    assert [row["account_id"] for row in rows(read(account))] == ["ac-1"]


def test_the_primary_company_of_a_deal_counts(account):
    id_ = put_deal(account, NOON, company_of(account), 341)
    account.hang("deals", id_, "companies", company_of(account, "ac-2"), 5, 341)
    account.clock.advance(HOUR)
    assert [row["account_id"] for row in rows(read(account))] == ["ac-2"]


def test_what_reps_did_is_a_touch(account):
    ann = account.owner(ANN)
    done = {"hs_timestamp": "2026-03-02T11:00:00Z", "hubspot_owner_id": ann}
    made = {
        "call": account.put("calls", **done),
        "email": account.put("emails", **done, hs_email_direction="EMAIL"),
        "meeting": account.put("meetings", **done, hs_meeting_outcome="COMPLETED"),
        "task": account.put(
            "tasks",
            **{**done, "hs_timestamp": "2026-03-09T11:00:00Z"},
            hs_task_status="COMPLETED",
            hs_task_completion_date="2026-03-02T11:00:00Z",
        ),
    }
    none = [
        ("calls", account.put("calls", hs_timestamp="2026-03-02T11:00:00Z")),
        ("emails", account.put("emails", **done, hs_email_direction="INCOMING_EMAIL")),
        ("meetings", account.put("meetings", **done, hs_meeting_outcome="NO_SHOW")),
        ("tasks", account.put("tasks", **done, hs_task_status="NOT_STARTED")),
    ]
    for kind, id_ in [*((f"{kind}s", id_) for kind, id_ in made.items()), *none]:
        account.hang(kind, id_, "companies", company_of(account))
    account.put("calls", **done)
    account.clock.advance(HOUR)
    found = rows(read(account), Kind.TOUCHES)
    assert [(row["kind"], json.loads(row["properties"])["hubspot"]) for row in found] == [
        (kind, f"{kind}s/{id_}") for kind, id_ in sorted(made.items())
    ]
    told = {(row["account_id"], row["rep"], row["at"]) for row in found}
    assert told == {("ac-1", ANN, NOON - HOUR)}


def test_a_meeting_is_a_touch_when_its_time_has_come(account):
    ann = account.owner(ANN)
    planned = {"hs_timestamp": "2026-03-04T09:00:00Z", "hubspot_owner_id": ann}
    account.hang("meetings", account.put("meetings", **planned), "companies", company_of(account))
    account.clock.advance(DAY)
    first = read(account)
    assert rows(first, Kind.TOUCHES) == []
    account.clock.advance(2 * DAY)
    assert [row["kind"] for row in rows(read(account, first.cursor), Kind.TOUCHES)] == ["meeting"]


def test_owners_and_whom_nobody_may_contact_come_back(account):
    ann = account.owner(ANN)
    account.change("companies", company_of(account), hubspot_owner_id=ann)
    flag = {"groundswell_do_not_contact": "true"}
    account.change("companies", company_of(account, "ac-2"), **flag)
    account.clock.advance(HOUR)
    found = read(account)
    assert found.owners == {"ac-1": ANN, "ac-2": None}
    assert found.do_not_contact == {"ac-2"}
    account.clock.advance(DAY)
    later = read(account, found.cursor)
    assert (later.owners, later.do_not_contact) == ({}, {"ac-2"})


def test_more_than_a_search_gives_is_read_slowly_enough(account):
    home = company_of(account)
    account.most_found = 400
    for _ in range(950):
        id_ = account.put("deals", dealname="x", dealstage="contractsent")
        account.links["deals", "companies"][id_, home] = {5}
    account.clock.advance(HOUR)
    found = read(account)
    assert found.frames[Kind.OPPORTUNITIES]["opportunity_id"].n_unique() == 950


def test_nothing_is_read_before_anything_was_sent():
    with hubspot(FixedClock(NOON)) as untouched:
        before = untouched.state()
        untouched.put("deals", dealname="x", dealstage="contractsent")
        untouched.records.clear()
        found = read(untouched)
        assert (rows(found), rows(found, Kind.TOUCHES)) == ([], [])
        assert untouched.state() == before
        opened(untouched).send([values()])
        untouched.clock.advance(HOUR)
        assert read(untouched, found.cursor).owners == {"ac-1": None}


def test_reading_that_is_refused_is_a_failure(account):
    account.scopes -= {"crm.objects.deals.read"}
    with pytest.raises(DestinationError) as error:
        read(account)
    assert error.value.problems[0].code == "destination-refused"
