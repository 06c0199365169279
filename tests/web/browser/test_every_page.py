"""What holds for every page there is: no barrier, nothing wider than its window, print, errors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from groundswell.web.site.routes import ROUTES

from .conftest import ADMIN, NARROW, WIDE, Desk

if TYPE_CHECKING:
    from playwright.sync_api import Page

ABOUT = {
    "/reports/{report}": [{"report": "weekly"}, {"report": "overlay"}],
    "/signals/{block}": [{"block": "events"}],
}
"""What stands in the paths of pages that vary, and is not an account."""
NOT_PAGES = {
    *("accounts.export", "accounts.find", "account.use", "setup.seen"),
    *("report.picture", "lab.proof.picture"),
}
"""What is asked for by a page, or a file."""
TOO_WIDE = """[...document.querySelectorAll("main *")].filter(one =>
    one.getBoundingClientRect().right > innerWidth + 1
    && !one.closest(".table-responsive, .visually-hidden, svg, .gs-pop")
).map(one => one.outerHTML.slice(0, 200))"""
"""Finds what is wider than its window; a table scrolls by itself."""
SERIOUS = {"serious", "critical"}


def pages() -> list[str]:
    """Return the path of every page, so that a new one is looked at, too."""
    found = ["/sign-in"]
    for route in ROUTES:
        if route.method != "GET" or route.name in NOT_PAGES:
            continue
        if "{" not in route.path or route.about:
            found.append(route.path)
        else:
            found += [route.path.format(**names) for names in ABOUT[route.path]]
    return found


def look(desk: Desk, page: Page, path: str) -> None:
    """Wait until a page has all that it loads by itself."""
    page.wait_for_load_state("load")
    if path.startswith("/reports"):
        page.locator(".gs-report").wait_for()
    if path.startswith("/accounts/"):
        page.locator(".gs-wait").wait_for(state="detached")


@pytest.mark.parametrize("path", pages())
def test_a_page_has_no_barrier_and_fits_its_window(desk: Desk, path: str) -> None:
    """In light and dark, on a screen and on a phone, and on paper."""
    asked = re.sub(r"\{account.*\}", desk.handoffs()[0].account_id, path)
    for size, scheme in ((WIDE, "light"), (NARROW, "dark")):
        who = None if path == "/sign-in" else ADMIN
        with desk.tab(who, size=size, scheme=scheme) as tab:
            page = tab.open(asked)
            look(desk, page, asked)
            assert page.locator("html").get_attribute("data-bs-theme") == scheme
            assert page.locator("h1").count() == 1
            found = Axe().run(page).response["violations"]
            assert [
                (one["id"], node["html"])
                for one in found
                if one["impact"] in SERIOUS
                for node in one["nodes"]
            ] == []
            assert page.evaluate(TOO_WIDE) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
            if size == WIDE and who is not None:
                page.emulate_media(media="print")
                for left_out in page.locator("header.navbar, footer, form").all():
                    assert not left_out.is_visible()
