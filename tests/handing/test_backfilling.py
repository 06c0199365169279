"""A first load of a Salesforce organisation: by the Bulk API, each account told of for itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from groundswell.connectors import registry, salesforce
from tests.connectors.salesforce.salesforce_schema import CLIENT, SECRET
from tests.connectors.salesforce.salesforce_server import salesforce_server, trusted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from groundswell.clock import FixedClock
    from tests.connectors.salesforce.salesforce_server import SalesforceServer

pytestmark = pytest.mark.loopback

EARLY = replace(salesforce.DESTINATION, bulk=3)


def without_region(_: str, row: dict[str, Any]) -> tuple[str, str] | None:
    """Refuse one account, as an organisation does that needs more than its name."""
    return ("REQUIRED_FIELD_MISSING", "Region") if row.get("Name") == "Firm 5" else None


@pytest.fixture
def org(
    clock: FixedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SalesforceServer]:
    authority = trustme.CA()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", trusted(authority, tmp_path))
    monkeypatch.setattr(salesforce, "_WAIT", 0)
    monkeypatch.setitem(registry.DESTINATIONS, "early", "tests.handing.test_backfilling:EARLY")
    with salesforce_server(clock, authority) as server:
        yield server


def test_a_first_load_is_one_job_and_what_it_refuses_is_told_for_itself(company, org):
    crm = {
        "type": "early",
        "login_url": org.url,
        "client_id": "${CLIENT}",
        "client_secret": "${SECRET}",
        "write": ["score", "tier", "motion"],
    }
    environ = {"CLIENT": CLIENT, "SECRET": SECRET}
    barred = {"do_not_contact": [f"a{number:05}" for number in range(6)]}
    project = company(6, destinations={"crm": crm}, environ=environ, guardrails=barred)
    project.run()
    assert project.handoffs.deliveries() == []
    for _ in range(2):  # two of the same site: which of them is ours?
        org.put("Account", Name="Twin", Website="firm3.example")
    before = len(org.rows("Account"))
    org.rules.append(without_region)
    found = project.handoffs.backfill("crm", every=True)
    assert (found.accounts, found.bulk) == (6, True)
    done = project.handoffs.dispatch()
    assert (done.sent, done.dead, done.failing) == (4, 2, {})
    assert len(org.rows("Account")) == before + 4  # but the one that the job refuses
    assert any(line.endswith("/jobs/ingest") for line in org.requests)
    dead = {item.account_id: item for item in project.handoffs.deliveries(status="dead")}
    assert dead.keys() == {"a00003", "a00005"}
    assert "2 accounts have the website" in dead["a00003"].reason
    assert "Region" in dead["a00005"].reason
    assert dead["a00005"].fix
