"""An office: a small company with two teams, somebody of each role, and its pages."""

from __future__ import annotations

import datetime as dt
import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import pytest_socket

from groundswell.clock import FixedClock
from groundswell.engine import Project
from tests.measuring.conftest import DAY, OPEN, load, rows
from tests.server.conftest import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.server.conftest import Served

PASSWORD = "correct horse battery"
REP, OTHER_REP = "ann@ours.example", "ben@ours.example"
MANAGER, ANALYST, ADMIN = "meg@ours.example", "ada@ours.example", "root@ours.example"
ROLES = {REP: "rep", OTHER_REP: "rep", MANAGER: "manager", ANALYST: "analyst", ADMIN: "admin"}
NASTY = "<script>alert('x')</script>\"'&{{7*7}}"
"""What a name must never become: markup, an attribute, or a template."""

TEAMS: dict[str, Any] = {
    "sales_assist": {
        "members": [{"name": "Ann Ash", "email": REP, "capacity": 100}],
        "manager": MANAGER,
        "first_touch_within": "24 working hours",
    },
    "enterprise": {
        "members": [{"name": "Ben Birch", "email": OTHER_REP, "capacity": 100}],
        "manager": ADMIN,
        "first_touch_within": "4 working hours",
    },
}
MOTIONS = [
    {"name": "big", "when": "qualified AND employees >= 800", "motion": "enterprise"},
    {"name": "all", "when": "qualified", "motion": "sales_assist"},
]
CONFIG = {**OPEN, "teams": TEAMS, "motions": MOTIONS}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "office" in getattr(item, "fixturenames", ()):
            item.add_marker("loopback")


@dataclass
class Office:
    """A served company.

    Attributes:
        served: Its server.
        mine: An account that the rep has; `theirs` is the other rep's.
    """

    served: Served
    mine: str
    theirs: str
    opened: list[Browser] = field(default_factory=list)

    @property
    def project(self) -> Project:
        """What is served."""
        return self.served.project

    def handoff_of(self, account_id: str) -> str:
        """Return the id of the handoff of an account."""
        found = self.project.handing.book.refresh().of_account(account_id)
        assert found is not None
        return found.handoff_id

    def browser(self, who: str | None = None) -> Browser:
        """Return a browser, of somebody who signed in where one is named."""
        browser = Browser(self.served.url)
        self.opened.append(browser)
        if who is not None:
            browser.sign_in(who)
        return browser


class Browser:
    """What a browser does with pages: keeps cookies, and sends forms with what they bear."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = httpx.Client(base_url=url, timeout=60, verify=False)

    def sign_in(self, who: str, password: str = PASSWORD) -> httpx.Response:
        """Sign in as somebody."""
        return self.client.post("/sign-in", data={"email": who, "password": password})

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Ask for a page."""
        return self.client.get(path, headers=headers)

    def csrf(self) -> str:
        """Return what a form of this session bears."""
        found = re.search(r'<meta name="csrf" content="(\w+)">', self.get("/accounts").text)
        assert found is not None, "there is no session"
        return found[1]

    def send(self, path: str, **fields: str) -> httpx.Response:
        """Send a form of a page."""
        return self.client.post(path, data={"csrf": self.csrf(), **fields})


def company_rows() -> dict[str, list[dict[str, Any]]]:
    """Return the facts of the company; one of its accounts has a nasty name."""
    found = rows()
    found["accounts"][3]["name"] = NASTY
    found["users"] = [{"user_id": "u3", "name": NASTY, "email": "u3@firm.example", "title": NASTY}]
    return found


@contextmanager
def open_office(
    folder: Path,
    *,
    facts: dict[str, list[dict[str, Any]]] | None = None,
    config: dict[str, Any] = CONFIG,
    environ: dict[str, str] | None = None,
) -> Iterator[Office]:
    """Make the company and serve it until the block ends."""
    clock = FixedClock(dt.datetime.combine(DAY, dt.time(9, 30), dt.UTC))
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{name}: {json.dumps(block)}\n" for name, block in config.items())
    (folder / "groundswell.yaml").write_text(text, encoding="utf-8")
    with Project.open(folder, clock=clock, environ=environ) as project:
        load(project, company_rows() if facts is None else facts)
        project.run()
    with serving(folder, text, clock=clock, runs=False, environ=environ) as served:
        site = served.server.site
        for email, role in ROLES.items():
            site.colleagues.add(email, role=role, password=PASSWORD)
        handed = served.project.handing.book.refresh().open()
        mine = next(item.account_id for item in handed if item.owner == REP)
        theirs = next(item.account_id for item in handed if item.owner == OTHER_REP)
        office = Office(served, mine, theirs)
        yield office
        for browser in office.opened:
            browser.client.close()


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A served company, for the tests of a module."""
    pytest_socket.enable_socket()
    with open_office(tmp_path_factory.mktemp("office")) as opened:
        yield opened
