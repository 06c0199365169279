"""A new install, from the address that the server prints to the first accounts, in a browser."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from groundswell.config.loading import CONFIG_FILE, load_config
from groundswell.config.template import starting_config
from tests.server.test_killed_server import free_port, start

from .conftest import NARROW, PASSWORD, WIDE, Tab

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

PEOPLE, DAYS = 6, 12
WORKED = ("board_opened", "Report Exported")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A server of a project that was just made, and where its log is."""
    (tmp_path / CONFIG_FILE).write_text(
        starting_config("New Co").replace("company: New Co", "company: New Co  # ours"),
        encoding="utf-8",
    )
    port = free_port()
    process = start(tmp_path, port)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    assert process.wait(60) == 0


def welcome(folder: Path) -> str:
    """Return the address that the server printed to who started it."""
    found = re.search(r"http://\S+/welcome\?token=\S+", (folder / "server.log").read_text("utf-8"))
    assert found is not None
    return found[0]


def send(url: str, key: str) -> None:
    """Send what a small company did in two weeks, as Segment's libraries send it."""
    now = dt.datetime.now(dt.UTC)
    batch = [
        {
            "type": "track",
            "messageId": f"{user}-{day}-{event}",
            "userId": f"u{user}@acme.example",
            "event": event,
            "timestamp": (now - dt.timedelta(days=day, hours=user)).isoformat(),
            "context": {"groupId": "acme"},
        }
        for user in range(PEOPLE)
        for day in range(DAYS)
        for event in (*WORKED, *(("user_signed_up",) if day == DAYS - 1 else ()))
    ]
    answer = httpx.post(f"{url}/v1/batch", json={"batch": batch}, auth=(key, ""), timeout=60)
    assert answer.status_code == 200, answer.text


@pytest.mark.slow
@pytest.mark.loopback
def test_from_nothing_to_the_first_accounts(server: str, chromium: Browser, tmp_path: Path) -> None:
    context = chromium.new_context(viewport={"width": WIDE[0], "height": WIDE[1]})
    tab = Tab(context.new_page(), server)
    page = tab.page
    page.goto(welcome(tmp_path))
    page.get_by_label("E-mail address").fill("root@new.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_role("heading", name="Setup")).to_be_visible()
    expect(page.get_by_text("No event came yet")).to_be_visible()

    page.get_by_label("What sends").select_option("segment")
    page.get_by_label("Called").fill("web-app")
    page.get_by_role("button", name="Make a write key").click()
    key = page.locator("#shown-once").inner_text()
    snippet = page.locator("#snippet").inner_text()
    assert key in snippet
    assert server in snippet
    send(server, key)
    expect(page.locator("#seen")).to_contain_text("3 names", timeout=120_000)
    tab.open("/setup")
    assert key not in page.content()
    for event, guess in (("user_signed_up", "signed_up"), ("Report Exported", "used_feature")):
        expect(page.get_by_label(f"What {event} means")).to_have_value(guess)
    page.get_by_label("What board_opened means").select_option("")
    page.get_by_label("first value").select_option("board_opened")
    page.get_by_role("button", name="Write it into groundswell.yaml").click()
    expect(page.get_by_label("first value")).to_have_value("board_opened", timeout=120_000)

    text = (tmp_path / CONFIG_FILE).read_text(encoding="utf-8")
    assert "company: New Co  # ours" in text, "all else stays as it was"
    meant = {
        (one.name, one.label, one.events) for one in load_config(tmp_path / CONFIG_FILE).meanings
    }
    assert meant >= {
        ("signed_up", None, ("user_signed_up",)),
        ("activated", None, ("board_opened",)),
        ("used_feature", "report", ("Report Exported",)),
    }
    page.locator("input[value=points]").check()
    page.get_by_role("button", name="Use it").click()
    expect(page.locator(".form-check", has_text="points")).to_contain_text(
        "in use", timeout=120_000
    )
    expect(page.locator("#seen")).to_contain_text("1 account scored", timeout=120_000)
    page.locator("#seen").get_by_role("link", name="acme").click()
    expect(page.locator("h1")).to_contain_text("acme")
    assert "6" in page.locator("main").inner_text()

    # Once somebody edits the block it is theirs: it is shown how it would change, and stays.
    own = (tmp_path / CONFIG_FILE).read_text(encoding="utf-8")
    own = own.replace("  preset: points", "  preset: points  # as agreed")
    (tmp_path / CONFIG_FILE).write_text(own, encoding="utf-8")
    tab.open("/setup")
    page.locator("input[value=buckets]").check()
    page.get_by_role("button", name="Use it").click()
    expect(page.get_by_role("alert").locator("pre")).to_contain_text("+  preset: buckets")
    assert (tmp_path / CONFIG_FILE).read_text(encoding="utf-8") == own
    for size in (WIDE, NARROW):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        found = Axe().run(page).response["violations"]
        serious = [
            (one["id"], node["html"])
            for one in found
            if one["impact"] in {"serious", "critical"}
            for node in one["nodes"]
        ]
        assert serious == []
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert tab.complaints == []
    context.close()
