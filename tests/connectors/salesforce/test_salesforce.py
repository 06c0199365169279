"""Salesforce, against an organisation as strict as the real one, by TLS and the real library."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from groundswell.connectors.deliveries import (
    Company,
    Delivery,
    DeliveryKind,
)
from groundswell.connectors.destination import (
    DestinationError,
    Previews,
    ReadsBack,
    ReadsRecords,
)
from groundswell.connectors.registry import destination_type
from groundswell.connectors.salesforce import DESTINATION
from groundswell.connectors.salesforce_settings import SalesforceSettings
from groundswell.errors import ConfigError
from groundswell.testing import Subject
from groundswell.testing.suite import DestinationSuite

from .salesforce_cases import (
    ANN_AT,
    OTHER,
    SCORE,
    app,
    context,
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
    PASSWORD,
    SECRET,
    SECURITY_TOKEN,
    US,
    USER,
)

if TYPE_CHECKING:
    from .salesforce_server import SalesforceServer

pytestmark = pytest.mark.loopback


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
