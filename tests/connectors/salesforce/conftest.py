"""A Salesforce organisation on loopback, and the destination that is opened on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trustme

from groundswell.clock import FixedClock

from .salesforce_cases import NOON, context, opened
from .salesforce_server import SalesforceServer, salesforce_server, trusted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from groundswell.connectors.destination import Context
    from groundswell.connectors.salesforce import SalesforceDestination


@pytest.fixture(scope="package")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def org(
    clock: FixedClock, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SalesforceServer]:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", trusted(authority, tmp_path))
    with salesforce_server(clock, authority) as server:
        yield server


@pytest.fixture
def given(clock: FixedClock) -> Context:
    return context(clock)


@pytest.fixture
def crm(org: SalesforceServer, given: Context) -> Iterator[SalesforceDestination]:
    there = opened(org, given)
    yield there
    there.close()
