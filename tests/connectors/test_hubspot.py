"""HubSpot: what is sent arrives once, on the right company, and a bad record stops no other."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from groundswell.clock import FixedClock
from groundswell.connectors import registry
from groundswell.connectors.destination import DestinationError, Forgetful
from groundswell.connectors.hubspot import DESTINATION, HubSpotSettings
from groundswell.connectors.hubspot.records import LONGEST, as_html
from groundswell.connectors.registry import destination_type
from groundswell.errors import ConfigError
from groundswell.testing import Subject
from groundswell.testing.suite import DestinationSuite
from tests.engines import free_port

from .hubspot_account import TOKEN, Account
from .hubspot_deliveries import (
    ACME,
    ANN,
    HELD,
    NOON,
    company,
    contact,
    deal,
    held,
    note,
    opened,
    statuses,
    task,
    values,
)
from .hubspot_server import hubspot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from groundswell.connectors.deliveries import Delivery

pytestmark = pytest.mark.loopback


@pytest.fixture
def account() -> Iterator[Account]:
    with hubspot(FixedClock(NOON)) as there:
        yield there


def asked(account: Account, part: str) -> int:
    return sum(part in path for _, path in account.requests)


class TestConformance(DestinationSuite):
    """HubSpot passes what every destination passes."""

    @pytest.fixture
    def subject(self, account: Account) -> Subject:
        # The clock stands, and the suite gives each destination that it opens a new budget.
        account.per_window = account.searches = 1_000
        for _ in range(2):
            account.put("companies", name="Twin", domain="twins.example")

        def spoil(good: Delivery) -> Delivery:
            twin = replace(good.body.company, domain="twins.example")
            return replace(good, body=replace(good.body, company=twin))

        def arrived(sent: Delivery) -> int:
            kind, name = HELD[sent.kind]
            unique = sent.account_id if kind == "companies" else sent.key
            if kind == "companies":
                rows = account.all(kind)
                return sum(r.get(name) == unique and "groundswell_score" in r for r in rows)
            if account.by("companies", "groundswell_account_id", sent.account_id) is None:
                return sum(row.get(name) == unique for row in account.all(kind))
            return len(held(account, sent))

        def shown(sent: Delivery) -> str:
            row = held(account, sent)[0]
            person = f"{row.get('firstname')} {row.get('lastname')}"
            texts = "\n".join([person, *row.values()])
            return unescape(texts.replace("<br>", "\n").replace("<p>", "").replace("</p>", ""))

        return Subject(
            type=DESTINATION,
            settings=HubSpotSettings(token=TOKEN, url=account.url),
            arrived=arrived,
            state=account.state,
            secrets=(TOKEN,),
            unreachable=HubSpotSettings(token=TOKEN, url=f"http://127.0.0.1:{free_port()}"),
            shown=shown,
            spoil=spoil,
            requests=lambda: len(account.requests),
            clock=account.clock,
        )


def test_the_registry_knows_it():
    assert destination_type("hubspot") is DESTINATION
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    named = project["entry-points"][registry.DESTINATION_GROUP]["hubspot"]
    assert named == registry.DESTINATIONS["hubspot"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("token", "  "),
        ("url", "http://api.hubapi.example"),
        ("version", "v2"),
        ("property_group", "Our Group"),
    ],
)
def test_settings_that_lead_nowhere_are_refused(account, key, value):
    with pytest.raises(ConfigError) as error:
        opened(account, **{key: value})
    assert error.value.problems[0].path == f"destinations.crm.{key}"


def test_values_are_written_on_a_new_company(account):
    ann = account.owner(ANN)
    outcome = opened(account).send([values(owner=ANN.upper())])[0]
    assert (outcome.status, outcome.reason) == ("sent", "")
    row = account.records["companies"][outcome.their_id]["properties"]
    assert row["groundswell_account_id"] == "ac-1"
    assert (row["groundswell_score"], row["groundswell_tier"]) == ("82", "PQL-Convert")
    assert (row["name"], row["domain"], row["numberofemployees"]) == ("Acme", "acme.example", "120")
    assert row["hubspot_owner_id"] == ann


def test_only_what_is_to_be_written_is_written(account):
    told = {"score": 82.0, "tier": "A", "play": "Call", "qualified": True}
    opened(account, write=frozenset({"score", "task"})).send([values(**told)])
    [row] = account.all("companies")
    assert {"groundswell_score"} == {n for n in row if n in {f"groundswell_{k}" for k in told}}
    opened(account, write=frozenset({"account"})).send([values(**told, updated_on="2026-03-02")])
    assert row["groundswell_qualified"] == "true"
    assert row["groundswell_updated_on"] == "2026-03-02"


def test_a_value_that_is_gone_is_emptied(account):
    there = opened(account)
    there.send([values(score=5.0, tier="A")])
    there.send([values(score=5.0, tier=None)])
    assert account.all("companies")[0]["groundswell_tier"] == ""


def test_a_company_of_the_domain_is_taken_over_and_keeps_its_name(account):
    id_ = account.put("companies", name="ACME GmbH", domain="acme.example")
    account.put("companies", name="Other", domain="other.example")
    outcome = opened(account).send([values(replace(ACME, domain="Acme.Example"))])[0]
    assert outcome.their_id == id_
    row = account.records["companies"][id_]["properties"]
    assert (row["name"], row["groundswell_account_id"]) == ("ACME GmbH", "ac-1")
    assert len(account.records["companies"]) == 2


def test_companies_are_found_by_account_before_domain(account):
    there = opened(account)
    there.send([values()])
    account.put("companies", name="Acme again", domain="acme.example")
    before = asked(account, "companies/search")
    assert statuses(there.send([values(score=1.0)])) == ["sent"]
    assert asked(account, "companies/search") == before
    assert account.all("companies")[0]["groundswell_score"] == "1"


def test_several_companies_of_a_domain_are_a_refusal_of_one(account):
    for _ in range(3):
        account.put("companies", name="Acme", domain="acme.example")
    refused, sent = opened(account).send([values(), values(company(2))])
    assert (refused.status, sent.status) == ("refused", "sent")
    assert "3 companies" in refused.reason
    assert "ac-1" in refused.fix


def test_two_accounts_do_not_share_a_company(account):
    there = opened(account)
    twin = company(2, domain="acme.example")
    first, second = there.send([values(), values(twin)])
    assert (first.status, second.status) == ("sent", "refused")
    assert "`ac-1`" in second.reason
    again = there.send([task(about=twin)])[0]
    assert again.status == "refused"
    assert len(account.records["companies"]) == 1


def test_a_hundred_companies_need_few_requests(account):
    there = opened(account)
    sent = [values(company(number)) for number in range(100)]
    assert statuses(there.send(sent)) == ["sent"] * 100
    before = len(account.requests)
    assert statuses(there.send(sent)) == ["sent"] * 100
    assert len(account.requests) - before == 2, "one reads, and one writes"
    assert len(account.records["companies"]) == 100


def test_properties_are_made_once(account):
    memory = Forgetful()
    opened(account, memory=memory).send([values()])
    made = account.properties["companies"]["groundswell_account_id"]
    assert (made["hasUniqueValue"], made["groupName"]) == (True, "groundswell")
    flag = account.properties["companies"]["groundswell_qualified"]
    assert [option["value"] for option in flag["options"]] == ["true", "false"]
    before = asked(account, "/properties/")
    opened(account, memory=memory).send([values(score=3.0)])
    assert asked(account, "/properties/") == before


def test_missing_properties_join_those_that_are_there(account):
    account.groups["companies"].append("groundswell")
    account.properties["companies"]["groundswell_score"] = {
        "name": "groundswell_score",
        "type": "number",
        "hasUniqueValue": False,
    }
    assert statuses(opened(account).send([values()])) == ["sent"]


def test_a_property_that_is_not_unique_is_told(account):
    account.properties["deals"]["groundswell_key"] = {
        "name": "groundswell_key",
        "type": "string",
        "hasUniqueValue": False,
    }
    with pytest.raises(DestinationError) as error:
        opened(account).send([deal()])
    assert error.value.problems[0].code == "hubspot-property"
    findings = {finding.name: finding for finding in opened(account).check()}
    assert not findings["properties of deals"].ok


def test_a_property_that_was_removed_is_made_anew(account):
    there = opened(account)
    there.send([values()])
    del account.properties["companies"]["groundswell_tier"]
    assert statuses(there.send([values(tier="B")])) == ["later"]
    assert statuses(there.send([values(tier="B")])) == ["sent"]
    assert account.all("companies")[0]["groundswell_tier"] == "B"


def test_a_task_is_due_and_hangs_on_its_company(account):
    ann = account.owner(ANN)
    sent = task(owner=ANN, urgent=True)
    assert statuses(opened(account).send([sent])) == ["sent"]
    [row] = held(account, sent)
    assert row["hs_timestamp"] == "2026-03-02T16:00:00.000Z"
    assert row["hs_task_body"] == "<p>39 of 40 seats<br>Say &lt; 5%</p>"
    assert (row["hs_task_priority"], row["hs_task_status"]) == ("HIGH", "NOT_STARTED")
    assert row["hubspot_owner_id"] == ann
    assert list(account.links["tasks", "companies"].values()) == [{192}]


def test_what_people_did_with_a_task_is_not_undone_by_a_repeat(account):
    there = opened(account)
    first = there.send([task()])
    [id_] = account.records["tasks"]
    account.change("tasks", id_, hs_task_status="COMPLETED")
    assert there.send([task()]) == first
    assert account.all("tasks")[0]["hs_task_status"] == "COMPLETED"


def test_a_deal_begins_in_the_stage_that_is_named(account):
    there = opened(account, deal_pipeline="Self-serve")
    there.send([deal()])
    [row] = account.all("deals")
    assert (row["pipeline"], row["dealstage"]) == ("77", "7701")
    assert (row["amount"], row["deal_currency_code"]) == ("12000.50", "EUR")
    assert row["groundswell_source"] == "groundswell"
    assert list(account.links["deals", "companies"].values()) == [{5, 341}]
    opened(account, deal_stage="Contract Sent").send([deal("deal:2", amount=None)])
    second = account.by("deals", "groundswell_key", "deal:2")
    assert second is not None
    assert (second["properties"]["dealstage"], "amount" in second["properties"]) == (
        "contractsent",
        False,
    )


def test_a_stage_that_is_not_there_is_told_with_those_that_are(account):
    with pytest.raises(DestinationError) as error:
        opened(account, deal_stage="Nowhere").send([deal()])
    assert "Contract Sent (contractsent)" in error.value.problems[0].fix
    assert not account.records["deals"]


def test_a_bad_record_stops_no_other(account):
    bad = deal("deal:bad", currency="XXX")
    sent = [deal("deal:1"), bad, deal("deal:3")]
    outcomes = opened(account).send(sent)
    assert statuses(outcomes) == ["sent", "refused", "sent"]
    assert "deal_currency_code" in outcomes[1].reason
    assert len(account.links["deals", "companies"]) == 2


def test_a_bad_record_is_found_where_a_batch_is_refused_whole(account):
    account.multi_status = False
    sent = [contact(f"p{number}@acme.example") for number in range(8)]
    sent[5] = contact("nobody", key="bad")
    outcomes = opened(account).send(sent)
    assert statuses(outcomes) == ["sent"] * 5 + ["refused"] + ["sent"] * 2
    assert len(account.records["contacts"]) == 7


def test_a_note_keeps_its_html(account):
    opened(account).send([note()])
    [row] = account.all("notes")
    assert (row["hs_note_body"], row["hs_timestamp"]) == (
        "<p>The brief</p>",
        "2026-03-02T12:00:00.000Z",
    )


def test_what_is_too_long_is_cut_where_it_is_a_text(account):
    long = "&\n" * LONGEST
    sent = [note("note:1", text=long, html=f"<p>{long}</p>"), note("note:2")]
    assert statuses(opened(account).send(sent)) == ["sent", "sent"]
    body = held(account, sent[0])[0]["hs_note_body"]
    assert LONGEST - 20 < len(body) <= LONGEST
    assert body.endswith("…</p>")
    assert as_html("a\nb") == "<p>a<br>b</p>"


def test_a_person_who_is_there_keeps_their_name(account):
    account.put("contacts", email="zoe@acme.example", lastname="Dam")
    sent = contact("Zoe@Acme.example")
    assert statuses(opened(account).send([sent])) == ["sent"]
    [row] = held(account, sent)
    assert (row.get("firstname"), row["lastname"]) == (None, "Dam")
    assert (row["jobtitle"], row["groundswell_role"]) == ("Head of Data", "champion")
    assert list(account.links["contacts", "companies"].values()) == [{279}]


def test_a_person_named_twice_in_a_batch_is_written_once(account):
    sent = [contact(key="k-1"), contact(key="k-2", title="CTO")]
    assert statuses(opened(account).send(sent)) == ["sent", "sent"]
    [row] = account.all("contacts")
    assert (row["jobtitle"], row["firstname"], row["lastname"]) == ("CTO", "Zoë van", "Dam")


def test_owners_are_read_page_by_page_and_remembered(account):
    for number in range(5):
        account.owner(f"rep{number}@us.example")
    memory = Forgetful()
    opened(account, memory=memory).send([task(owner="rep4@us.example")])
    assert account.all("tasks")[0]["hubspot_owner_id"] == "504"
    assert asked(account, "/owners") == 3
    opened(account, memory=memory).send([task("task:2", owner="rep1@us.example")])
    assert asked(account, "/owners") == 3


def test_an_unknown_owner_is_no_refusal(account):
    account.owner("gone@us.example", archived=True)
    there = opened(account)
    outcome = there.send([task(owner="gone@us.example")])[0]
    assert outcome.status == "sent"
    assert "gone@us.example" in outcome.reason
    assert "hubspot_owner_id" not in account.all("tasks")[0]
    there.send([task("task:2", owner="gone@us.example")])
    assert asked(account, "/owners") == 1
    account.owners[0]["archived"] = False
    account.clock.advance(timedelta(hours=1))
    assert there.send([task("task:3", owner="gone@us.example")])[0].reason == ""


def test_what_was_made_and_not_hung_is_not_found_and_hung_the_next_time(account):
    there = opened(account)
    account.trouble.append(("associations", 502, {}, {}))
    with pytest.raises(DestinationError):
        there.send([task(), task("task:2")])
    assert len(account.records["tasks"]) == 2
    assert there.find([task()]) == {}
    assert statuses(there.send([task(), task("task:2")])) == ["sent", "sent"]
    assert len(account.records["tasks"]) == 2
    assert set(there.find([task(), task("task:2"), task("task:3")])) == {"task:1", "task:2"}


def test_what_arrived_before_its_answer_was_lost_is_there_once(account):
    there = opened(account)
    for part in ("companies/batch/upsert", "deals/batch/upsert", "associations"):
        account.lost.append(part)
        with pytest.raises(DestinationError):
            there.send([deal()])
    assert there.find([deal()]).keys() == {"deal:1"}
    there.send([deal()])
    assert len(account.records["deals"]) == len(account.records["companies"]) == 1


def test_a_record_that_cannot_be_hung_is_told(account):
    there = opened(account)
    told = {"status": "COMPLETE", "results": [], "numErrors": 1, "errors": [{"message": "limit"}]}
    account.trouble.append(("associations", 207, {}, told))
    outcome = there.send([note()])[0]
    assert outcome.status == "refused"
    assert "could not be hung" in outcome.reason


def test_settings_hide_the_token():
    settings = msgspec.convert({"token": TOKEN}, HubSpotSettings)
    assert TOKEN not in f"{settings!r}"
