"""The demo company, served, and a real browser for whoever works there."""

from __future__ import annotations

import datetime as dt
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest
import pytest_socket
from playwright.sync_api import expect, sync_playwright

from groundswell.clock import FixedClock
from groundswell.demo import generate
from groundswell.engine import Project
from tests.connectors.slack_double import TOKEN, workspace
from tests.server.conftest import DEADLINE, serving

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Page

    from groundswell.handoff.life import Handoff
    from tests.server.conftest import Served

DECIDED = dt.datetime(2026, 6, 30, 20, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 7, 6, 15, 30, tzinfo=dt.UTC)
"""Four working days later, so that some of what was handed over is late."""

PASSWORD = "correct horse battery"
REP, OTHER_REP = "rep1@acmeboards.example", "rep2@acmeboards.example"
MANAGER, ANALYST, ADMIN = (
    "meg@acmeboards.example",
    "ada@acmeboards.example",
    "root@acmeboards.example",
)
ROLES = {REP: "rep", OTHER_REP: "rep", MANAGER: "manager", ANALYST: "analyst", ADMIN: "admin"}
SIGNING = "8f742231b10e8888abcd99yyyzzz85a5"
SLACK = """
destinations:
  slack:
    token: "${{SLACK_TOKEN}}"
    signing_secret: "${{SLACK_SECRET}}"
    channel: C0000001
    url: {url}/api/
"""
WIDE, NARROW = (1440, 900), (390, 844)
SLOWEST = 30_000
"""Milliseconds after which something did not come; nothing usually takes a hundredth of it."""
expect.set_options(timeout=SLOWEST)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "desk" in getattr(item, "fixturenames", ()):
            item.add_marker("loopback")
            item.add_marker("slow")


@dataclass
class Tab:
    """A page of somebody who signed in, and what it complained of."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard(self, said: ConsoleMessage) -> None:
        if said.type in {"error", "warning"}:
            self.complaints.append(said.text)

    def open(self, path: str) -> Page:
        """Go to a page by its address."""
        self.page.goto(f"{self.url}{path}")
        return self.page

    def sign_in(self, who: str, password: str = PASSWORD) -> Page:
        """Sign in on the page for it, which leads to the queue."""
        self.open("/sign-in")
        self.page.get_by_label("E-mail address").fill(who)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(f"{self.url}/")
        return self.page


@dataclass
class Desk:
    """The served demo company and the browser that looks at it."""

    served: Served
    browser: Browser
    _sessions: dict[str, Any] = field(default_factory=dict)

    @property
    def project(self) -> Project:
        return self.served.project

    def handoffs(self, owner: str | None = None) -> list[Handoff]:
        """Return the open handoffs, of one rep where one is named."""
        found = self.project.handing.book.refresh().open()
        return [one for one in found if owner in {None, one.owner}]

    @cached_property
    def names(self) -> dict[str, str]:
        """What each account is called."""
        return {row.account_id: row.name or row.account_id for row in self.project.accounts()}

    @contextmanager
    def tab(
        self, who: str | None = None, *, size: tuple[int, int] = WIDE, scheme: Any = "light"
    ) -> Generator[Tab]:
        """Open a page, of somebody who signed in where they are named; it may not complain."""
        width, height = size
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            storage_state=self._sessions.get(who or ""),
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(SLOWEST)
        try:
            tab = Tab(context.new_page(), self.served.url)
            if who is not None and who not in self._sessions:
                tab.sign_in(who)
                self._sessions[who] = context.storage_state()
            yield tab
            assert tab.complaints == []
        finally:
            context.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser that draws, in no window; others run event loops once the module is over."""
    pytest_socket.enable_socket()
    path = shutil.which("chromium")
    assert path is not None, "run scripts/test-requirements.sh"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def desk(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The demo company, served with somebody of each role, for the tests of a module."""
    pytest_socket.enable_socket()
    folder = tmp_path_factory.mktemp("desk")
    company = generate(folder, accounts=200, events=60_000, months=9, end=DECIDED.date())
    environ = {"SLACK_TOKEN": TOKEN, "SLACK_SECRET": SIGNING}
    clock = FixedClock(NOW)
    with workspace(clock) as slack:
        text = company.config.read_text(encoding="utf-8") + SLACK.format(url=slack.url)
        company.config.write_text(text, encoding="utf-8")
        with Project.open(folder, clock=FixedClock(DECIDED), environ=environ) as project:
            for kind, files in company.loads.items():
                project.load(kind, files)
            project.run()
        with serving(folder, text, clock=clock, environ=environ) as served:
            for email, role in ROLES.items():
                served.server.site.colleagues.add(email, role=role, password=PASSWORD)
            deadline = time.monotonic() + DEADLINE
            while not served.metric("groundswell_run_seconds_count"):
                assert time.monotonic() < deadline, "the company is not scored"
                time.sleep(0.05)
            yield Desk(served, chromium)
