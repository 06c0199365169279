"""Salesforce, against an organisation as strict as the real one, by TLS and the real library."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import trustme

from groundswell.clock import FixedClock
from groundswell.connectors.deliveries import (
    ACCOUNT_FIELDS,
    AccountValues,
    Company,
    Contact,
    Deal,
    Delivery,
    DeliveryKind,
    Note,
    Task,
)
from groundswell.connectors.destination import (
    Budget,
    Context,
    DestinationError,
    Forgetful,
    Limits,
    Previews,
    ReadsBack,
    ReadsRecords,
)
from groundswell.connectors.registry import destination_type
from groundswell.connectors.salesforce import DESTINATION, SalesforceDestination
from groundswell.connectors.salesforce_settings import SalesforceSettings
from groundswell.errors import ConfigError
from groundswell.model import Kind
from groundswell.testing import Subject
from groundswell.testing.suite import DestinationSuite

from .salesforce_server import (
    ANN,
    CLIENT,
    EXTERNAL,
    KEY,
    PASSWORD,
    SECRET,
    SECURITY_TOKEN,
    US,
    USER,
    SalesforceServer,
    salesforce_server,
    trusted,
)
from .salesforce_soql import MalformedError, Query

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.loopback

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ACME = Company("ac-1", "Acme", "acme.example", employees=120)
OTHER = Company("ac-2", 'Other\'s \\ "Co"', "other_co.example")
ANN_AT = "ann@ours.example"
SCORE = "Groundswell_Score__c"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def org(clock, authority, tmp_path: Path, monkeypatch) -> Iterator[SalesforceServer]:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", trusted(authority, tmp_path))
    with salesforce_server(clock, authority) as server:
        yield server


@pytest.fixture
def given(clock: FixedClock) -> Context:
    return context(clock)


def context(clock: FixedClock, limits: Limits | None = None, *write: str) -> Context:
    def wait(seconds: float) -> None:
        clock.advance(timedelta(seconds=seconds))

    budget = Budget(limits or DESTINATION.limits, clock, wait=wait)
    return Context("crm", clock, budget, Forgetful(), frozenset(write))


@pytest.fixture
def crm(org, given) -> Iterator[SalesforceDestination]:
    with_app = opened(org, given)
    yield with_app
    with_app.close()


@pytest.fixture
def leads(org, given) -> Iterator[SalesforceDestination]:
    there = opened(org, given, match="lead")
    yield there
    there.close()


def app(org: SalesforceServer) -> dict[str, Any]:
    return {"client_id": CLIENT, "client_secret": SECRET, "login_url": org.url}


def opened(org: SalesforceServer, given: Context, **settings: Any) -> SalesforceDestination:
    told = {**app(org), **settings}
    there = DESTINATION.open(msgspec.convert(told, SalesforceSettings), given)
    assert isinstance(there, SalesforceDestination)
    return there


def delivery(kind: DeliveryKind, key: str, body: Any, **more: Any) -> Delivery:
    return Delivery(key, "crm", kind, body.company.account_id, "h-1", body, NOON, **more)


def values(key: str = "v-1", company: Company = ACME, owner: str | None = None, **told: Any):
    body = AccountValues(company, told or {"score": 82.0}, owner)
    return delivery(DeliveryKind.ACCOUNT, key, body)


def task(key: str = "t-1", company: Company = ACME, **told: Any) -> Delivery:
    whole = Task(company, "Call Acme", "Because\nof this", NOON + timedelta(hours=4), ANN_AT)
    return delivery(DeliveryKind.TASK, key, replace(whole, **told))


def deal(key: str = "d-1", company: Company = ACME, **told: Any) -> Delivery:
    whole = Deal(company, "Acme: convert", "12000.50", "EUR", ANN_AT, "groundswell")
    return delivery(DeliveryKind.DEAL, key, replace(whole, **told))


def contact(key: str = "c-1", company: Company = ACME, **told: Any) -> Delivery:
    whole = Contact(company, "zoe@acme.example", "Zoë van Dam", "CTO", "champion")
    return delivery(DeliveryKind.CONTACT, key, replace(whole, **told))


def note(key: str = "n-1", company: Company = ACME) -> Delivery:
    return delivery(DeliveryKind.NOTE, key, Note(company, "The brief", "<p>The brief</p>", NOON))


def statuses(outcomes: list[Any]) -> list[str]:
    return [outcome.status for outcome in outcomes]


def problem(error: pytest.ExceptionInfo[Any]) -> Any:
    return error.value.problems[0]


class TestConformance(DestinationSuite):
    """Salesforce passes what every destination passes; what arrived is counted in its tables."""

    @pytest.fixture
    def subject(self, org: SalesforceServer, clock) -> Subject:
        objects = {
            DeliveryKind.ACCOUNT: "Account",
            DeliveryKind.CONTACT: "Contact",
            DeliveryKind.DEAL: "Opportunity",
            DeliveryKind.TASK: "Task",
            DeliveryKind.NOTE: "Task",
        }

        def rows(sent: Delivery) -> list[dict[str, Any]]:
            held, wanted = KEY, sent.key
            if sent.kind is DeliveryKind.ACCOUNT:
                held, wanted = EXTERNAL, sent.account_id
            elif sent.kind is DeliveryKind.NOTE:
                wanted = f"note:{sent.key}"
            return [row for row in org.rows(objects[sent.kind]) if row[held] == wanted]

        def shown(sent: Delivery) -> str:
            row = rows(sent)[0]
            name = " ".join(row[part] for part in ("FirstName", "LastName") if row.get(part))
            return "\n".join([name, *(str(value) for value in row.values())])

        def spoil(good: Delivery) -> Delivery:
            company = replace(good.body.company, account_id="x" * 256)
            return replace(
                good, account_id=company.account_id, body=replace(good.body, company=company)
            )

        def state() -> object:
            return {
                name: {i: dict(r) for i, r in rows.items()} for name, rows in org.tables.items()
            }

        settings = msgspec.convert(app(org), SalesforceSettings)
        nowhere = {**app(org), "login_url": "https://127.0.0.1:9"}
        return Subject(
            type=DESTINATION,
            settings=settings,
            arrived=lambda sent: len(rows(sent)),
            state=state,
            secrets=(SECRET,),
            unreachable=msgspec.convert(nowhere, SalesforceSettings),
            shown=shown,
            spoil=spoil,
            requests=lambda: len(org.requests),
            clock=clock,
        )


def test_the_registry_knows_it(crm):
    assert destination_type("salesforce") is DESTINATION
    assert isinstance(crm, ReadsBack)
    assert isinstance(crm, Previews)
    assert isinstance(crm, ReadsRecords)


# Logging in


def test_users_log_in_by_soap_whatever_the_version_of_the_rest(org, given):
    told = {"username": USER, "password": PASSWORD, "security_token": SECURITY_TOKEN}
    none = {"client_id": None, "client_secret": None}
    there = opened(org, given, **none, **told)
    assert statuses(there.send([values()])) == ["sent"]
    there.close()
    later = opened(org, given, **none, **told, version="66.0")
    with pytest.raises(DestinationError, match="NOT_FOUND"):
        later.send([values()])
    later.close()
    assert [line for line in org.requests if "Soap" in line] == ["POST /services/Soap/u/64.0"] * 2


def test_a_token_from_elsewhere_is_used_as_it_is(org, given):
    none = {"client_id": None, "client_secret": None, "login_url": None}
    there = opened(org, given, **none, instance_url=org.url, access_token=org.open_session())
    assert statuses(there.send([values()])) == ["sent"]
    org.sessions.clear()
    with pytest.raises(DestinationError) as error:
        there.send([values()])
    there.close()
    assert problem(error).code == "destination-refused"
    assert "401" in problem(error).what
    assert org.logins == 1


def test_a_session_that_is_over_is_renewed_once(org, crm):
    crm.send([values()])
    org.sessions.clear()
    assert statuses(crm.send([values("v-2", score=83.0)])) == ["sent"]
    assert org.logins == 2
    ended = (401, [{"message": "Session expired", "errorCode": "INVALID_SESSION_ID"}], {})
    token = (200, {"access_token": "bad", "instance_url": org.url}, {})
    org.failures += [ended, token]
    with pytest.raises(DestinationError, match="401"):
        crm.send([values("v-3", score=84.0)])
    assert org.failures == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"client_secret": "wrong-secret"}, "(invalid_client)"),
        ({"client_id": None, "client_secret": None, "username": USER}, "missing to log in"),
        ({"client_id": None, "client_secret": None}, "no way is"),
        ({"username": USER}, "several ways"),
        ({"login_url": None}, "the organisation's own address"),
        ({"login_url": "http://here"}, "https://"),
        ({"version": "v64"}, "version"),
        ({"fields": {"scor": "X__c"}}, "scor"),
        ({"fields": {"score": "X__c FROM User"}}, "does not name a field"),
        ({"key_field": "a' OR"}, "does not name a field"),
    ],
)
def test_what_cannot_lead_in_is_told_without_a_secret(org, given, settings, said):
    with pytest.raises((DestinationError, ConfigError)) as error:
        opened(org, given, **settings).send([values()])
    assert said in problem(error).what
    assert problem(error).fix
    assert "wrong-secret" not in str(error.value)


def test_what_is_not_salesforce_is_told(org, crm):
    page = b"<html>Sign in to the proxy</html>"
    org.failures += [(200, page, {})]
    (finding,) = crm.check()
    assert (finding.name, finding.ok) == ("credentials", False)
    crm.send([values()])
    for status, body, said in ((200, page, "not Salesforce"), (200, [], "not Salesforce")):
        org.failures += [(200, {"records": [], "done": True}, {})] * 2 + [(status, body, {})]
        with pytest.raises(DestinationError, match=said):
            crm.send([values()])
    org.failures += [(302, b"", {"Location": f"{org.url}/elsewhere"})]
    with pytest.raises(DestinationError, match="did not answer"):
        crm.send([values()])
    assert not [line for line in org.requests if "elsewhere" in line]


# Accounts


def test_values_are_written_field_by_field_on_a_new_account(org, crm):
    told = {
        "score": 82.0,
        "qualified": True,
        "reasons": "one\r\ntwo",
        "updated_on": "2026-03-02",
        "tier": None,
        "play": "p" * 300,
    }
    outcome = crm.send([values(owner=ANN_AT, **told)])[0]
    row = org.rows("Account")[0]
    assert (outcome.status, outcome.their_id, outcome.reason) == ("sent", row["Id"], "")
    expected = {
        EXTERNAL: "ac-1",
        "Name": "Acme",
        "Website": "acme.example",
        "NumberOfEmployees": 120,
        "OwnerId": ANN,
        SCORE: 82.0,
        "Groundswell_Qualified__c": True,
        "Groundswell_Reasons__c": "one\ntwo",
        "Groundswell_Updated_On__c": "2026-03-02",
        "Groundswell_Tier__c": None,
    }
    assert {name: row[name] for name in expected} == expected
    assert len(row["Groundswell_Play__c"]) == 255


def test_what_people_typed_on_an_account_is_kept(org, crm):
    mine = org.put("Account", Name="ACME Ltd", **{EXTERNAL: "ac-1"}, OwnerId=ANN)
    crm.send([values()])
    row = org.tables["Account"][mine]
    assert (row["Name"], row["OwnerId"], row[SCORE]) == ("ACME Ltd", ANN, 82.0)
    assert len(org.rows("Account")) == 1


def test_only_what_the_user_names_is_written(org, clock):
    there = opened(org, context(clock, None, "score", "task"), fields={"score": SCORE})
    there.send([values(score=82.0, tier="PQL-Convert")])
    there.close()
    assert org.rows("Account")[0][SCORE] == 82.0
    assert org.rows("Account")[0]["Groundswell_Tier__c"] is None


@pytest.mark.parametrize(
    "website",
    ["acme.example", "https://www.Acme.example/en", "WWW.acme.example", "http://acme.example"],
)
def test_a_single_account_with_the_site_becomes_ours(org, crm, website):
    theirs = org.put("Account", Name="Acme Inc", Website=website)
    org.put("Account", Name="No", Website="notacme.example")
    org.put("Account", Name="No", Website="acme.example.org")
    assert crm.send([values()])[0].their_id == theirs
    row = org.tables["Account"][theirs]
    assert (row[EXTERNAL], row["Name"], row[SCORE]) == ("ac-1", "Acme Inc", 82.0)
    assert len(org.rows("Account")) == 3


def test_several_accounts_with_the_site_are_refused(org, crm):
    for name in ("Acme", "Acme GmbH"):
        org.put("Account", Name=name, Website="acme.example")
    outcomes = {item.key: item for item in crm.send([values(), values("v-2", OTHER)])}
    assert outcomes["v-1"].status == "refused"
    assert outcomes["v-1"].reason == "2 accounts have the website acme.example."
    assert EXTERNAL in outcomes["v-1"].fix
    assert outcomes["v-2"].status == "sent"
    assert crm.send([task()])[0].status == "refused", "what hangs on it cannot be placed either"


def test_an_account_is_not_taken_from_another_of_ours(org, crm):
    twin = Company("ac-9", "Acme too", "acme.example")
    crm.send([values()])
    refused = crm.send([values("v-9", twin)])[0]
    assert refused.status == "refused"
    assert "ac-1" in refused.reason
    org.tables["Account"].clear()
    org.put("Account", Name="Acme", Website="acme.example")
    assert statuses(crm.send([values(), values("v-9", twin)])) != ["sent", "sent"]


def test_names_that_mean_something_in_soql_find_no_others(org, crm):
    org.put("Account", Name="No", Website="otherXco.example")
    evil = Company("x') OR Id != null OR (Name = 'y", "Evil", "it's.%.example")
    assert statuses(crm.send([values("v-1", OTHER), values("v-2", evil)])) == ["sent", "sent"]
    assert {row[EXTERNAL] for row in org.rows("Account")} == {None, "ac-2", evil.account_id}


def test_ids_that_differ_by_case_are_two_accounts(org, crm):
    lower, upper = Company("ab", "One"), Company("AB", "Two")
    crm.send([values("v-1", lower)])
    crm.send([values("v-2", upper)])
    assert {row[EXTERNAL]: row["Name"] for row in org.rows("Account")} == {"ab": "One", "AB": "Two"}


def test_two_deliveries_of_one_account_are_one_record(org, crm):
    outcomes = crm.send([values(score=1.0, tier="a"), values("v-2", score=2.0)])
    assert statuses(outcomes) == ["sent", "sent"]
    row = org.rows("Account")[0]
    assert (row[SCORE], row["Groundswell_Tier__c"]) == (2.0, "a")


def test_200_accounts_take_few_requests_and_short_addresses(org, crm):
    many = [
        values(f"v-{n}", Company(f"account-with-a-long-id-{n:060d}", f"N{n}", f"n{n}.example"))
        for n in range(200)
    ]
    assert statuses(crm.send(many)) == ["sent"] * 200
    first = len(org.requests)
    assert len(org.rows("Account")) == 200
    crm.send(many)
    assert len(org.requests) - first <= 4, "those that are known are not looked for by site"


@pytest.mark.parametrize(
    ("code", "status", "word"),
    [
        ("REQUIRED_FIELD_MISSING", "refused", "default value"),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "refused", "validation rule"),
        ("ENTITY_IS_LOCKED", "refused", "approval"),
        ("DUPLICATES_DETECTED", "refused", "duplicate rule"),
        ("SOMETHING_NEW", "refused", "Mend it"),
        ("UNABLE_TO_LOCK_ROW", "later", ""),
        ("CANNOT_UPDATE_CONVERTED_LEAD", "later", ""),
    ],
)
def test_what_is_refused_is_told_by_its_code(org, crm, code, status, word):
    def rule(_: str, row: dict[str, Any]) -> tuple[str, str] | None:
        return (code, "Not like this.") if row.get("Name") == "Acme" else None

    org.rules.append(rule)
    outcomes = {item.key: item for item in crm.send([values(), values("v-2", OTHER)])}
    told = outcomes["v-1"]
    assert (told.status, told.reason) == (status, f"Salesforce: Not like this ({code})")
    assert word in told.fix
    assert (told.after is not None) == (status == "later")
    assert outcomes["v-2"].status == "sent"


def test_a_field_that_is_missing_is_named(org, crm):
    del org.schema["Account"]["Groundswell_Tier__c"]
    refused = crm.send([values(tier="x")])[0]
    assert refused.status == "refused"
    assert "Groundswell_Tier__c" in refused.reason
    assert "Create the field" in refused.fix


# Owners


def test_an_owner_is_asked_for_once(org, crm):
    crm.send([values(owner="ANN@ours.example")])
    before = len(org.requests)
    crm.send([values("v-2", owner=ANN_AT, score=3.0)])
    assert len(org.requests) - before == 2, "one to find the account, one to write"


def test_an_owner_that_salesforce_does_not_know_is_told(org, crm):
    outcome = crm.send([task(owner="nobody@ours.example")])[0]
    assert outcome.status == "sent"
    assert "nobody@ours.example" in outcome.reason
    assert org.rows("Task")[0]["OwnerId"] == US


def test_an_owner_who_left_is_asked_for_anew(org, crm):
    crm.send([values(owner=ANN_AT)])
    org.tables["User"][ANN]["IsActive"] = False
    refused = crm.send([task()])[0]
    assert (refused.status, "active" in refused.fix) == ("refused", True)
    retried = crm.send([task()])[0]
    assert retried.status == "sent"
    assert ANN_AT in retried.reason


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
