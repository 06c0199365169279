"""Salesforce: tasks, briefs, opportunities, people, leads and bulk jobs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from groundswell.connectors.deliveries import (
    Company,
)
from groundswell.connectors.destination import (
    DestinationError,
)
from groundswell.model import Kind

from .salesforce_cases import (
    SCORE,
    contact,
    deal,
    note,
    opened,
    problem,
    statuses,
    task,
    values,
)
from .salesforce_schema import (
    ANN,
    EXTERNAL,
    KEY,
)
from .salesforce_server import salesforce_server, trusted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from groundswell.connectors.salesforce import SalesforceDestination

pytestmark = pytest.mark.loopback


@pytest.fixture
def leads(org, given) -> Iterator[SalesforceDestination]:
    there = opened(org, given, match="lead")
    yield there
    there.close()


# Tasks, notes, opportunities and people


def test_a_task_hangs_on_the_account_and_belongs_to_the_rep(org, crm):
    urgent = task("t-2", urgent=True, due_at=None, subject="two\nlines " + "x" * 300)
    assert statuses(crm.send([task(), urgent])) == ["sent", "sent"]
    (account,) = org.rows("Account")
    first, second = sorted(org.rows("Task"), key=lambda row: row[KEY])
    expected = {
        "WhatId": account["Id"],
        "OwnerId": ANN,
        "Subject": "Call Acme",
        "Description": "Because\nof this",
        "ActivityDate": "2026-03-02",
        "Priority": "Normal",
        "Status": "Not Started",
        KEY: "t-1",
    }
    assert {name: first[name] for name in expected} == expected
    assert (second["Priority"], second["ActivityDate"]) == ("High", None)
    assert second["Subject"].startswith("two lines")


def test_a_note_is_a_task_that_is_done_and_no_touch(org, crm, clock):
    crm.send([note()])
    (row,) = org.rows("Task")
    assert (row["Status"], row["Subject"]) == ("Completed", "Groundswell brief: Acme")
    assert row["Description"] == "The brief"
    clock.advance(timedelta(seconds=1))
    assert crm.read(None, until=clock.now()).frames[Kind.TOUCHES].is_empty()


def test_an_opportunity_keeps_the_stage_that_a_rep_gave_it(org, crm, clock):
    assert crm.send([deal()])[0].status == "sent"
    (row,) = org.rows("Opportunity")
    expected = {
        "Name": "Acme: convert",
        "Amount": 12000.5,
        "StageName": "Prospecting",
        "CloseDate": "2026-05-31",
        "LeadSource": "groundswell",
        "OwnerId": ANN,
        "AccountId": org.rows("Account")[0]["Id"],
        KEY: "d-1",
    }
    assert {name: row[name] for name in expected} == expected
    assert "12000.50 EUR" in row["Description"]
    org.change("Opportunity", row["Id"], StageName="Proposal")
    again = crm.send([replace(deal(), attempts=1)])[0]
    assert (again.status, again.their_id) == ("sent", row["Id"])
    assert org.rows("Opportunity")[0]["StageName"] == "Proposal"


def test_an_organisation_with_currencies_is_told_which(
    clock, authority, given, tmp_path, monkeypatch
):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", trusted(authority, tmp_path))
    with salesforce_server(clock, authority, multi_currency=True) as org:
        there = opened(org, given)
        there.send([deal()])
        there.close()
        assert org.rows("Opportunity")[0]["CurrencyIsoCode"] == "EUR"


def test_a_person_is_found_by_address(org, crm):
    crm.send([values()])
    (account,) = org.rows("Account")
    known = org.put("Contact", LastName="D.", Email="ZOE@acme.example", AccountId=account["Id"])
    assert crm.send([contact()])[0].their_id == known
    row = org.tables["Contact"][known]
    assert (row["LastName"], row["Title"], row[KEY]) == ("D.", "CTO", "c-1")
    new = [
        contact("c-2", email="max@acme.example", name=None, title=None, role=None),
        contact("c-3", email="eve@acme.example"),
    ]
    assert statuses(crm.send(new)) == ["sent", "sent"]
    told = {row[KEY]: (row["FirstName"], row["LastName"]) for row in org.rows("Contact")}
    assert told == {"c-1": (None, "D."), "c-2": (None, "max"), "c-3": ("Zoë", "van Dam")}


def test_two_people_of_one_address_are_refused_and_one_twice_waits(org, crm):
    for _ in range(2):
        org.put("Contact", LastName="Twin", Email="zoe@acme.example")
    assert crm.send([contact()])[0].reason == "2 people have the address zoe@acme.example."
    twice = [contact("c-2", email="a@b.example"), contact("c-3", email="A@b.example")]
    assert sorted(statuses(crm.send(twice))) == ["later", "sent"]
    assert statuses(crm.send([twice[1]])) == ["sent"]
    assert len(org.rows("Contact")) == 3


def test_find_knows_what_arrived_and_no_near_keys(org, crm):
    crm.send([task()])
    crm.send([note("t-1")])
    found = crm.find([task(), task("T-1"), note("t-1"), values()])
    assert set(found) == {"t-1"}
    assert crm.find([task("T-1")]) == {}
    assert set(crm.find([note("t-1")]).values()).isdisjoint(crm.find([task()]).values())


# Leads


def test_an_account_may_be_a_lead(org, leads):
    assert statuses(leads.send([values()])) == ["sent"]
    (row,) = org.rows("Lead")
    assert (row["Company"], row["LastName"], row[SCORE]) == ("Acme", "Acme", 82.0)
    assert row[EXTERNAL] == "ac-1"
    assert statuses(leads.send([task()])) == ["sent"]
    assert (org.rows("Task")[0]["WhoId"], org.rows("Task")[0]["WhatId"]) == (row["Id"], None)
    refused = leads.send([deal()])[0]
    assert (refused.status, "Convert the lead" in refused.fix) == ("refused", True)
    assert leads.send([contact()])[0].status == "sent"
    assert leads.find([contact()]) != {}


def test_a_converted_lead_is_locked_so_its_contact_is_written(org, leads):
    leads.send([values()])
    lead = org.rows("Lead")[0]["Id"]
    account = org.put("Account", Name="Acme", **{EXTERNAL: "ac-1"})
    person = org.put("Contact", LastName="Dam", AccountId=account)
    told = {"ConvertedAccountId": account, "ConvertedContactId": person}
    org.change("Lead", lead, IsConverted=True, **told)
    outcome = leads.send([values("v-2", score=90.0)])[0]
    assert (outcome.status, outcome.their_id) == ("sent", person)
    assert org.tables["Contact"][person][SCORE] == 90.0
    assert org.tables["Lead"][lead][SCORE] == 82.0
    assert statuses(leads.send([task(), task("t-2")])) == ["sent", "sent"]
    row = org.rows("Task")[0]
    assert (row["WhatId"], row["WhoId"]) == (account, person)
    assert statuses(leads.send([deal()])) == ["sent"]
    assert org.rows("Opportunity")[0]["AccountId"] == account
    change = leads.preview([values("v-3", score=91.0)])[0]
    assert (change.action, change.before, change.after) == (
        "update contact",
        {SCORE: 90.0},
        {SCORE: 91.0},
    )


# Bulk


def test_a_backfill_goes_in_one_job(org, crm):
    kept = org.put("Account", Name="Kept", **{EXTERNAL: "b-1", "Groundswell_Tier__c": "old"})
    site = org.put("Account", Name="Found", Website="b2.example")
    many = [
        values(f"v-{n}", Company(f"b-{n}", f"Ünï {n}", f"b{n}.example"), score=float(n))
        for n in range(250)
    ]
    many[1] = values(
        "v-1", Company("b-1", "Renamed"), tier=None, reasons='a "b",\nc', qualified=True
    )
    many[3] = values("v-3", Company("b-3-ü", "U", None), score=3.0)
    bad = values("v-bad", Company("bad", "Bad"), score=1.0)

    def rule(_: str, row: dict[str, Any]) -> tuple[str, str] | None:
        return ("REQUIRED_FIELD_MISSING", "Region") if row.get("Name") == "Bad" else None

    org.rules.append(rule)
    outcomes = {item.key: item for item in crm.send_bulk([*many, bad], wait=0)}
    assert len(outcomes) == 251
    refused = outcomes.pop("v-bad")
    assert (refused.status, "default value" in refused.fix) == ("refused", True)
    assert {item.status for item in outcomes.values()} == {"sent"}
    row = org.tables["Account"][kept]
    assert (row["Name"], row["Groundswell_Tier__c"]) == ("Kept", None)
    assert row["Groundswell_Reasons__c"] == 'a "b",\nc'
    assert row["Groundswell_Qualified__c"] is True
    assert outcomes["v-1"].their_id == kept
    assert outcomes["v-2"].their_id == site
    assert org.tables["Account"][site][EXTERNAL] == "b-2"
    assert len(org.rows("Account")) == 250
    # The library counts bytes of one text and letters of another, so it may make two of one.
    assert len([line for line in org.requests if line.endswith("/jobs/ingest")]) <= 2
    crm.send_bulk(many, wait=0)
    assert len(org.rows("Account")) == 250


def test_a_job_that_fails_is_told(org, crm):
    org.breaks_jobs = True
    with pytest.raises(DestinationError, match="InvalidBatch") as error:
        crm.send_bulk([values()], wait=0)
    assert problem(error).code == "destination-bulk"
    assert crm.send_bulk([], wait=0) == []
