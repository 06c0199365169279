"""HubSpot: limits and failures told, and what is looked at before anything is sent."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from groundswell.clock import FixedClock
from groundswell.connectors.destination import DestinationError, Limits

from .hubspot_account import TOKEN, Account
from .hubspot_deliveries import ANN, NOON, company, held, opened, statuses, task, values
from .hubspot_server import hubspot

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.loopback


@pytest.fixture
def account() -> Iterator[Account]:
    with hubspot(FixedClock(NOON)) as there:
        yield there


def test_too_many_requests_are_told_with_a_time(account):
    account.trouble.append(("/properties/", 429, {"Retry-After": "7"}, {"policyName": "SECONDLY"}))
    there = opened(account)
    with pytest.raises(DestinationError) as error:
        there.send([values()])
    assert error.value.after == 7.0
    for policy, after in (("DAILY", 3600.0), ("TEN_SECONDLY_ROLLING", 10.0)):
        account.trouble.append(("/properties/", 429, {}, {"policyName": policy}))
        with pytest.raises(DestinationError) as error:
            there.send([values()])
        assert error.value.after == after


def test_the_window_is_kept_by_waiting(account):
    account.per_window = 5
    there = opened(account, limits=Limits(requests=5, seconds=10.0))
    for number in range(10):
        assert statuses(there.send([task(f"task:{number}")])) == ["sent"]
    assert account.clock.now() - NOON > timedelta(seconds=60)


def test_the_day_is_learnt_from_hubspot(account):
    account.daily = 1_000
    account.requests += [("GET", "/others")] * 900
    there = opened(account, limits=Limits(requests=100, seconds=10.0, daily=1_000))
    there.send([values()])
    budget = there._context.budget
    assert budget.spent == len(account.requests)
    account.requests += [("GET", "/others")] * (999 - len(account.requests))
    there.send([])
    with pytest.raises(DestinationError) as error:
        there.send([values(company(2))])
    assert error.value.problems[0].code == "destination-budget"


@pytest.mark.parametrize(("status", "code"), [(401, "refused"), (403, "refused"), (503, "busy")])
def test_a_whole_failure_names_no_secret(account, status, code):
    account.trouble.append(("/properties/", status, {}, {"message": f"no {TOKEN}"}))
    with pytest.raises(DestinationError) as error:
        opened(account).send([values()])
    assert error.value.problems[0].code == f"destination-{code}"
    assert TOKEN not in str(error.value)


def test_what_hubspot_says_is_shown_without_the_token(account):
    account.trouble.append(("/properties/", 400, {}, {"message": f"no {TOKEN}"}))
    with pytest.raises(DestinationError) as error:
        opened(account).send([values()])
    assert "no ***" in str(error.value)


def test_an_answer_that_is_no_json_is_a_failure(account):
    account.trouble.append(("/properties/", 200, {}, json.loads('"text"')))
    with pytest.raises(DestinationError):
        opened(account).send([values()])


@pytest.mark.parametrize(
    ("version", "path"),
    [
        ("v3", "/crm/v3/objects/tasks/batch/upsert"),
        ("2026-03", "/crm/objects/2026-03/tasks/batch/upsert"),
    ],
)
def test_each_version_has_its_paths(account, version, path):
    account.owner(ANN)
    sent = task(owner=ANN)
    there = opened(account, version=version)
    assert statuses(there.send([sent])) == ["sent"]
    assert there.find([sent]).keys() == {sent.key}
    assert ("POST", path) in account.requests
    assert len(held(account, sent)) == 1


def test_check_names_the_scopes_that_are_missing(account):
    account.scopes -= {"crm.objects.deals.read", "crm.objects.owners.read"}
    wrong = {finding.name: finding.fix for finding in opened(account).check() if not finding.ok}
    assert set(wrong) >= {"scope crm.objects.deals.read", "scope crm.objects.owners.read"}
    assert "crm.objects.deals.read" in wrong["scope crm.objects.deals.read"]


WRITTEN = {
    f"crm.{area}.{kind}.write"
    for area in ("objects", "schemas")
    for kind in ("companies", "contacts", "deals")
}


def test_check_names_each_scope_that_writing_lacks(account, caplog):
    caplog.set_level("DEBUG")
    found = {finding.name: finding for finding in opened(account).check()}
    assert {f"scope {scope}" for scope in WRITTEN} <= found.keys()
    assert all(finding.ok for finding in found.values())
    lacks = {"crm.objects.deals.write", "crm.schemas.companies.write"}
    account.scopes -= lacks
    before = account.state()
    wrong = {finding.name: finding for finding in opened(account).check() if not finding.ok}
    assert wrong.keys() == {f"scope {scope}" for scope in lacks}
    assert all(scope in wrong[f"scope {scope}"].fix for scope in lacks)
    assert account.state() == before
    assert TOKEN not in f"{caplog.text} {found} {wrong}"


@pytest.mark.parametrize("lacks", ["crm.schemas.companies.write", "crm.objects.companies.write"])
def test_what_check_names_is_what_sending_needs(account, lacks):
    account.scopes -= {lacks}
    with pytest.raises(DestinationError) as error:
        opened(account).send([values()])
    assert error.value.problems[0].code == "destination-refused"
    account.scopes |= {lacks}
    assert statuses(opened(account).send([values()])) == ["sent"]


def test_check_asks_only_for_scopes_of_what_is_written(account):
    account.scopes = frozenset(scope for scope in account.scopes if "companies" in scope)
    account.scopes |= {"crm.objects.owners.read"}
    found = opened(account, write=frozenset({"score"})).check()
    assert [finding for finding in found if not finding.ok] == []
    names = {finding.name for finding in opened(account, write=frozenset({"task"})).check()}
    assert {"scope crm.objects.contacts.write", "scope crm.schemas.contacts.write"} <= names
    assert "scope crm.objects.deals.write" not in names


def test_check_says_where_the_scopes_are_not_told(account):
    account.private = False
    found = {finding.name: finding for finding in opened(account).check()}
    assert found["scopes to write"].ok
    assert "does not tell" in found["scopes to write"].said
    assert not found.keys() & {f"scope {scope}" for scope in WRITTEN}
    account.trouble.append(("access-token-info", 200, {}, {"scopes": "all"}))
    assert "scopes to write" in {finding.name for finding in opened(account).check()}


def test_check_tells_an_unknown_token_and_a_closed_stage(account):
    [finding] = opened(account, token="pat-other").check()
    assert (finding.name, finding.ok) == ("credentials", False)
    findings = {one.name: one for one in opened(account, deal_stage="closedwon").check()}
    assert not findings["stage of new deals"].ok
    assert "12 of" not in findings["properties of companies"].said
    assert findings["properties of companies"].ok


def test_check_looks_only_at_what_is_written(account):
    names = {finding.name for finding in opened(account, write=frozenset({"score"})).check()}
    assert "properties of companies" in names
    assert not names & {"properties of deals", "stage of new deals"}


def test_preview_tells_exactly_what_changes(account):
    account.owner(ANN)
    bob = account.owner("bob@us.example")
    there = opened(account)
    there.send([values(score=82.0, tier="A")])
    [id_] = account.records["companies"]
    account.change("companies", id_, hubspot_owner_id=bob, groundswell_score="82.0")
    before = account.state()
    [change] = there.preview([values(owner=ANN, score=82.0, tier="B", play="Call")])
    assert (change.action, change.subject) == ("update company", "company acme.example")
    assert change.before == {"groundswell_tier": "A", "owner": "bob@us.example"}
    assert change.after == {
        "groundswell_tier": "B",
        "groundswell_play": "Call",
        "owner": ANN,
    }
    assert there.preview([values(score=82.0, tier="A")]) == []
    assert account.state() == before


def test_preview_tells_what_becomes_of_companies(account):
    account.put("companies", name="ACME", domain="acme.example")
    for _ in range(2):
        account.put("companies", domain="c3.example")
    changes = opened(account).preview([values(), values(company(2)), task("t", company(3))])
    assert [(change.key, change.action) for change in changes] == [
        ("values:ac-1", "link company"),
        ("values:ac-2", "create company"),
        ("t", "refuse: 2 companies in HubSpot have the domain c3.example."),
        ("values:ac-1", "update company"),
        ("values:ac-2", "update company"),
    ]
