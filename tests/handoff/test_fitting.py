"""The fullest brief is one screen, drawn by a browser; an ordinary one is left whole."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

import pytest

from groundswell.handoff.brief import Brief, Fact, Past, Person
from groundswell.handoff.rendering.fitting import fit_screen
from groundswell.handoff.rendering.mail import mail_html
from groundswell.handoff.rendering.measuring import clip, count_lines
from groundswell.handoff.writing import write_brief
from groundswell.model import Component, Part, Trigger

from .conftest import ACME, DAY, NOON, make_decision, make_score, make_story

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from groundswell.config.loading import LoadedConfig

WIDTH, HEIGHT = 1440, 900
BUSY = {
    "hand_raises_28d": 12,
    "upgrades_started_28d": 12,
    "enterprise_feature_views_28d": 12,
    "invoice_requests_28d": 12,
    "procurement_asks_28d": 12,
    "security_asks_28d": 12,
    "tickets_28d": 12,
    "feature_requests_28d": 12,
    "days_since_hand_raised": 12,
    "days_since_upgrade_started": 12,
    "days_since_invoice_requested": 12,
    "days_since_procurement_asked": 12,
    "usage_ratio": 0.93,
    "usage_limit": 100_000,
    "mrr": 4_200.0,
}
TEXTS: dict[str, Callable[[str], str]] = {
    "ordinary": lambda text: text,
    "twice": lambda text: f"{text} {text}",
    "endless": lambda text: f"{text} " * 60,
    "broad": lambda _: "W" * 3_000,
    "broken": lambda _: "mmmmmmmmm " * 300,
    "markup": lambda _: "&<" * 5_000,
    "signs": lambda _: "漢字🚀" * 900,
}
NEWS = "Acme International is yours, Rae Poe: nobody of the account's own team is free."


def full(loaded: LoadedConfig, text: Callable[[str], str], **changes: Any) -> Brief:
    """Return the brief of an account of which there is more of everything than is listed."""
    roles = ("champion", "admin", "senior", None, None, None)
    people = tuple(
        Person(
            f"u{place}",
            text(f"Alexandra Featherstone-Haugh {place}"),
            f"alexandra{place}@acme.example",
            text("Vice President of Revenue Operations"),
            role,
            19,
            DAY,
            text("contacted 12 days ago, less than 90") if place % 2 else None,
        )
        for place, role in enumerate(roles)
    )
    said = text("Declined: budget was spent for the year, come back in spring")
    story = make_story(
        name=text("Acme International Holdings"),
        domain=text("engineering.acme-international.example"),
        values={**ACME, **BUSY, "industry": text("Software"), "plan": text("free")},
        people=people,
        features=tuple(
            Fact(text(f"Integration Workflow {place} Created"), text("1,066 times by 18 people"))
            for place in range(5)
        ),
        requests=(text("single sign-on does not work with our provider, 2026-02-20"),) * 3,
        history=tuple(
            Past(NOON - dt.timedelta(days=place), said, text("rep@boards.example"))
            for place in range(12)
        ),
        more={"people": 194, "features": 12, "requests": 7},
        **changes,
    )
    scored = text("28 active users in the last four weeks, twice as many as before")
    components = tuple(Component(f"c{n}", Part.FIT, 1, 9.0, 9.0, scored) for n in range(9))
    looked = text("An admin looked at the pricing of the enterprise plan for the third time")
    triggers = tuple(
        Trigger(f"t{n}", "usage", DAY - dt.timedelta(days=n), looked) for n in range(9)
    )
    decision = make_decision(triggers=triggers, rule=text("more than 500 employees, and asked"))
    return write_brief(loaded, story, make_score(components=components), decision, urgent=True)


def wordy(brief: Brief) -> Brief:
    """Return the brief with a play that says too much."""
    play = replace(
        brief.play,
        solving="They are probably solving how to roll this out. " * 9,
        blocker="The seats are used up, and who pays for them is elsewhere. " * 9,
        offer="The team plan at 12 for a seat, billed by the year. " * 9,
        opening_rewritten="You and your people reached the limit three days ago. " * 9,
        avoid=("No generic demo that starts from scratch with people who know it.",) * 9,
    )
    return replace(brief, play=play)


def heights(pages: list[str], folder: Path) -> list[float]:
    """Return how high a browser draws each page, in a window as wide as a screen."""
    frames = "".join(
        f'<iframe style="width:{WIDTH}px;height:99px" srcdoc="{escape(page)}"></iframe>'
        for page in pages
    )
    measure = (
        "addEventListener('load', () => document.title = JSON.stringify("
        "[...document.querySelectorAll('iframe')].map("
        "one => one.contentDocument.documentElement.getBoundingClientRect().height)))"
    )
    file = folder / "pages.html"
    page = f"<!doctype html><meta charset=utf-8><script>{measure}</script><body>{frames}</body>"
    file.write_text(page, encoding="utf-8")
    chromium = shutil.which("chromium")
    assert chromium is not None
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    profile = f"--user-data-dir={folder}/profile"
    drawn = subprocess.run(
        [chromium, *options, profile, "--dump-dom", file.as_uri()],
        check=True,
        capture_output=True,
        text=True,
    )
    found = re.search(r"<title>(.*?)</title>", drawn.stdout)
    assert found is not None
    return json.loads(found[1])


def test_the_fullest_brief_is_one_screen(shipped, brief, tmp_path):
    briefs = {"usual": brief}
    for kind, text in TEXTS.items():
        told = full(shipped, text)
        barred = full(shipped, text, do_not_contact=text("guardrails.do_not_contact"))
        briefs |= {
            f"{kind}, as it is": told,
            f"{kind}, wordy": wordy(told),
            f"{kind}, barred": wordy(barred),
        }
    pages = [mail_html(one, news=TEXTS["endless"](NEWS)) for one in briefs.values()]
    found = dict(zip(briefs, heights(pages, tmp_path), strict=True))
    assert {kind: height for kind, height in found.items() if height > HEIGHT} == {}
    usual = [height for kind, height in found.items() if kind.startswith("ordinary")]
    assert min(usual) > 0.85 * HEIGHT, "the screen is made use of"


def test_an_ordinary_brief_is_left_whole(brief):
    shown, news = fit_screen(brief, NEWS)
    assert (shown, news) == (replace(brief, people=shown.people), NEWS)
    assert [person.called for person in shown.people] == [one.called for one in brief.people]


def test_what_is_left_out_is_counted(shipped):
    told = full(shipped, TEXTS["ordinary"])
    assert told.more == {
        "people": 194,
        "usage": 12,
        "intent": 7,
        "why_now": 4,
        "components": 4,
        "history": 4,
    }
    shown, _ = fit_screen(told)
    for name in ("people", "intent", "why_now", "components", "history"):
        there, before = len(getattr(shown, name)), len(getattr(told, name))
        assert 0 < there <= before
        assert shown.more[name] == told.more[name] + before - there
    used = len(told.usage) + len(told.limits) - len(shown.usage) - len(shown.limits)
    assert shown.more["usage"] == 12 + used
    html = mail_html(told)
    assert f"and {shown.more['people']} more" in html
    assert f"and {shown.more['usage']} more" in html


def test_what_matters_most_is_kept(shipped):
    told = full(shipped, TEXTS["ordinary"])
    shown, _ = fit_screen(wordy(told))
    assert shown.people[0].role == "champion"
    assert shown.limits[0].label == "Seats"
    assert shown.intent[0].label == "Asked for a person"
    assert shown.why_now[0].since == max(item.since for item in told.why_now)
    assert shown.history[0].at == max(item.at for item in told.history)


@pytest.mark.parametrize("text", ["word " * 99, "W" * 999, "漢" * 99, "a&b<c " * 99])
@pytest.mark.parametrize("lines", [1, 2, 3])
def test_a_text_is_cut_to_so_many_lines(text, lines):
    cut = clip(text, 300, size=13, lines=lines, tail=" since May")
    assert cut.endswith("…")
    assert count_lines(f"{cut} since May", 300, size=13) == lines
    assert clip("short", 300, size=13) == "short"
