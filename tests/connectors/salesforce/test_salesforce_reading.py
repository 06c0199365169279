"""Salesforce as a whole: limits, checks and previews; and what is read back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from groundswell.connectors.deliveries import (
    ACCOUNT_FIELDS,
)
from groundswell.connectors.destination import (
    DestinationError,
)
from groundswell.model import Kind

from .salesforce_cases import (
    ANN_AT,
    NOON,
    OTHER,
    SCORE,
    context,
    deal,
    note,
    opened,
    problem,
    task,
    values,
)
from .salesforce_schema import (
    ANN,
    EXTERNAL,
    KEY,
    SECRET,
)
from .salesforce_soql import MalformedError, Query

pytestmark = pytest.mark.loopback


# The organisation as a whole


def test_every_request_is_spent_and_the_day_is_learned(org, crm, given):
    crm.send([values()])
    assert given.budget.spent == len(org.requests)
    org.used = 14_000
    crm.send([values("v-2", score=1.0)])
    assert given.budget.spent >= 14_000
    org.used = 14_999
    with pytest.raises(DestinationError) as error:
        crm.send([task(), note()])
    assert problem(error).code == "destination-budget"
    assert error.value.after == 12 * 3600


@pytest.mark.parametrize(
    ("status", "code", "message", "told", "after"),
    [
        (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", "budget", 12 * 3600),
        (403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests Limit exceeded.", "budget", 900),
        (503, "SERVER_UNAVAILABLE", "Too busy", "busy", 900),
        (500, "UNKNOWN_EXCEPTION", "Oh", "busy", 900),
        (403, "API_DISABLED_FOR_ORG", "The REST API is not enabled", "refused", None),
        (400, "INVALID_FIELD", "No such column 'X__c'", "refused", None),
    ],
)
def test_a_failure_of_the_whole_is_told(org, crm, status, code, message, told, after):
    crm.send([values()])
    org.failures.append((status, [{"message": message, "errorCode": code}], {}))
    with pytest.raises(DestinationError) as error:
        crm.send([values("v-2", score=5.0)])
    assert problem(error).code == f"destination-{told}"
    assert error.value.after == after
    assert "session" not in str(error.value)


def test_check_names_each_field_that_is_missing(org, clock):
    there = opened(org, context(clock, None, "score", "reasons", "task", "deal"))
    assert [item for item in there.check() if not item.ok] == []
    there.close()
    del org.schema["Account"]["Groundswell_Reasons__c"]
    del org.schema["Task"][KEY]
    org.schema["Opportunity"][KEY]["externalId"] = False
    org.schema["Account"][SCORE]["updateable"] = False
    there = opened(org, context(clock, None, "score", "reasons", "task", "deal"))
    found = {item.name: item for item in there.check() if not item.ok}
    there.close()
    assert set(found) == {
        "field Groundswell_Reasons__c of Account",
        f"field {KEY} of Task",
        f"field {KEY} of Opportunity",
        f"field {SCORE} of Account",
    }
    assert "Long Text Area" in found["field Groundswell_Reasons__c of Account"].fix
    assert "Text(255)" in found[f"field {KEY} of Task"].fix
    assert "External ID" in found[f"field {KEY} of Opportunity"].fix


def test_check_tells_what_is_wrong_with_the_whole(org, crm, given):
    org.allowed, org.used = 100, 99
    found = {item.name: item for item in crm.check()[:2]}
    assert (found["credentials"].ok, found["requests"].ok) == (True, False)
    assert found["requests"].said == "0 of 100 requests of the day are left"


@pytest.mark.parametrize("secret", ["wrong-secret", SECRET])
def test_check_tells_what_does_not_let_in(org, given, secret):
    there = opened(org, given, client_secret=secret)
    if secret == SECRET:
        org.open_session()
        token = (200, {"access_token": "t", "instance_url": org.url}, {})
        off = {"message": "The REST API is not enabled", "errorCode": "API_DISABLED_FOR_ORG"}
        org.failures += [token, (403, [off], {})]
    (finding,) = there.check()
    there.close()
    assert (finding.name, finding.ok) == ("credentials", False)
    assert secret not in finding.said
    assert finding.fix


def test_a_preview_shows_what_would_change(org, crm):
    fields = {SCORE: 70.0, "Groundswell_Tier__c": "PQL-Convert"}
    org.put("Account", Name="Acme", **{EXTERNAL: "ac-1"}, **fields)
    crm.send([task()])
    before = {name: {i: dict(r) for i, r in rows.items()} for name, rows in org.tables.items()}
    found = crm.preview(
        [values(score=82.0, tier="PQL-Convert"), values("v-2", OTHER), task(), task("t-2"), deal()]
    )
    assert org.tables == before
    changes = {change.key: change for change in found}
    assert set(changes) == {"v-1", "v-2", "t-2", "d-1"}
    assert (changes["v-1"].before, changes["v-1"].after) == ({SCORE: 70.0}, {SCORE: 82.0})
    assert changes["v-1"].subject == "account acme.example"
    assert changes["v-2"].action == "create account"
    assert changes["v-2"].after["Name"] == OTHER.name
    assert changes["t-2"].after["subject"] == "Call Acme"
    assert crm.preview([values(score=70.0)]) == []


# Reading back


@pytest.fixture
def selling(org, clock) -> str:
    """An account of ours with an opportunity that was won, in three steps of a day each."""
    account = org.put("Account", Name="Acme", OwnerId=ANN, **{EXTERNAL: "ac-1"})
    theirs = org.put("Account", Name="Not ours")
    told = {"Name": "Deal", "CloseDate": "2026-03-09", "LeadSource": "Web", "OwnerId": ANN}
    found = org.put("Opportunity", AccountId=account, StageName="Prospecting", **told)
    org.put("Opportunity", AccountId=theirs, StageName="Prospecting", **told)
    clock.advance(timedelta(days=1))
    org.change("Opportunity", found, StageName="Proposal", Amount=1200.0)
    clock.advance(timedelta(days=1))
    org.change("Opportunity", found, StageName="Closed Won", Amount=1500.5)
    clock.advance(timedelta(hours=1))
    return account


def test_opportunities_come_back_step_by_step(org, crm, clock, selling):
    records = crm.read(None, until=clock.now())
    rows = records.frames[Kind.OPPORTUNITIES].to_dicts()
    assert [row["stage"] for row in rows] == ["Prospecting", "Proposal", "Closed Won"]
    assert [row["amount"] for row in rows] == [None, "1200.00", "1500.50"]
    assert [row["won"] for row in rows] == [None, None, True]
    assert [row["valid_from"] for row in rows] == [NOON + timedelta(days=n) for n in range(3)]
    assert rows[-1]["closed_at"] == NOON + timedelta(days=2)
    assert rows[-1]["owner"] == ANN_AT
    assert {row["account_id"] for row in rows} == {"ac-1"}
    assert {row["source"] for row in rows} == {"Web"}
    assert records.owners == {"ac-1": ANN_AT}


def test_only_what_changed_is_read_again(org, crm, clock, selling):
    first = crm.read(None, until=clock.now())
    clock.advance(timedelta(hours=1))
    again = crm.read(first.cursor, until=clock.now())
    assert again.frames[Kind.OPPORTUNITIES].is_empty()
    assert again.owners == {}
    lost = next(row for row in org.rows("Opportunity") if row["StageName"] == "Prospecting")
    org.change("Account", lost["AccountId"], **{EXTERNAL: "ac-7"})
    clock.advance(timedelta(seconds=1))
    third = crm.read(again.cursor, until=clock.now())
    assert third.frames[Kind.OPPORTUNITIES]["account_id"].to_list() == ["ac-7"]
    assert third.owners == {"ac-7": None}, "what belongs to the user we log in as is nobody's"


def test_a_deal_closed_when_its_stage_did_and_not_when_it_was_changed_later(
    org, crm, clock, selling
):
    won = next(row for row in org.rows("Opportunity") if row["IsWon"])
    org.change("Opportunity", won["Id"], Amount=1600.0)
    clock.advance(timedelta(hours=1))
    rows = crm.read(None, until=clock.now()).frames[Kind.OPPORTUNITIES].to_dicts()
    assert {row["closed_at"] for row in rows} == {None, NOON + timedelta(days=2)}
    org.change("Opportunity", won["Id"], StageName="Proposal")
    clock.advance(timedelta(hours=1))
    last = crm.read(None, until=clock.now()).frames[Kind.OPPORTUNITIES].to_dicts()[-1]
    assert (last["stage"], last["closed_at"], last["won"]) == ("Proposal", None, None)


def test_what_was_being_written_at_the_last_reading_is_not_missed(org, crm, clock, selling):
    first = crm.read(None, until=clock.now())
    stamp = (clock.now() - timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    late = org.put("Account", Name="Late", OwnerId=ANN, **{EXTERNAL: "ac-8"})
    org.tables["Account"][late]["SystemModstamp"] = stamp
    clock.advance(timedelta(hours=1))
    assert crm.read(first.cursor, until=clock.now()).owners == {"ac-8": ANN_AT}


def test_a_deal_that_closed_without_history_has_its_day(org, crm, clock, selling):
    org.tables["OpportunityHistory"].clear()
    rows = crm.read(None, until=clock.now()).frames[Kind.OPPORTUNITIES].to_dicts()
    assert [row["closed_at"] for row in rows] == [datetime(2026, 3, 9, tzinfo=UTC)]


def test_what_reps_did_comes_back(org, crm, clock, selling):
    done = {"Status": "Completed", "WhatId": selling, "OwnerId": ANN}
    org.put("Task", Subject="Rang", TaskSubtype="Call", **done)
    org.put("Task", Subject="To do", Status="Not Started", WhatId=selling, OwnerId=ANN)
    ends = clock.now() + timedelta(hours=2)
    stamp = ends.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    org.put("Event", Subject="Demo", AccountId=selling, OwnerId=ANN, EndDateTime=stamp)
    called = clock.now()
    clock.advance(timedelta(minutes=10))
    first = crm.read(None, until=clock.now())
    rows = first.frames[Kind.TOUCHES].to_dicts()
    assert [(row["kind"], row["rep"], row["at"]) for row in rows] == [("call", ANN_AT, called)]
    assert rows[0]["account_id"] == "ac-1"
    clock.advance(timedelta(hours=3))
    later = crm.read(first.cursor, until=clock.now()).frames[Kind.TOUCHES].to_dicts()
    assert [(row["kind"], row["at"]) for row in later if row["kind"] == "meeting"] == [
        ("meeting", ends)
    ]


def test_pages_are_read_to_the_end(org, crm, clock, selling):
    org.page = 2
    for number in range(7):
        org.put("Task", Status="Completed", WhatId=selling, OwnerId=ANN, Subject=f"{number}")
    clock.advance(timedelta(seconds=1))
    assert crm.read(None, until=clock.now()).frames[Kind.TOUCHES].height == 7


def test_who_may_not_be_contacted_is_told_by_people_or_by_a_field(org, crm, given, clock, selling):
    assert crm.read(None, until=clock.now()).do_not_contact == frozenset()
    org.put("Contact", LastName="A", AccountId=selling, HasOptedOutOfEmail=True)
    assert crm.read(None, until=clock.now()).do_not_contact == {"ac-1"}
    org.put("Contact", LastName="B", AccountId=selling, HasOptedOutOfEmail=False)
    assert crm.read(None, until=clock.now()).do_not_contact == frozenset()
    described = dict(org.schema["Account"][SCORE], type="boolean")
    org.schema["Account"]["Do_Not_Contact__c"] = described
    org.change("Account", selling, Do_Not_Contact__c=True)
    there = opened(org, given)
    assert there.read(None, until=clock.now()).do_not_contact == {"ac-1"}
    there.close()


def test_reading_needs_no_field_that_is_not_written(org, crm, clock, selling):
    del org.schema["Task"][KEY]
    del org.schema["Contact"]["HasOptedOutOfEmail"]
    assert crm.read(None, until=clock.now()).do_not_contact == frozenset()


# The double itself


@pytest.mark.parametrize(
    "query",
    [
        "SELECT Id FROM Nothing",
        "SELECT Nope FROM Account",
        "SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'",
        "SELECT Id FROM Account WHERE Name = 'it's'",
        "SELECT Id FROM Task WHERE Description = 'long texts cannot be filtered'",
        "SELECT Id FROM Account WHERE Id IN (SELECT Id FROM Account)",
        "SELECT Id FROM Account WHERE SystemModstamp > '2026-01-01'",
    ],
)
def test_the_organisation_takes_no_soql_that_salesforce_would_not(org, query):
    with pytest.raises(MalformedError):
        Query(query, org.schema)


def test_every_value_has_a_field_that_the_organisation_knows(org):
    assert len([name for name in org.schema["Account"] if name.startswith("Groundswell_")]) == (
        len(ACCOUNT_FIELDS) + 1
    )
