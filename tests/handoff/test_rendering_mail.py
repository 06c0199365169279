"""A brief as an e-mail and as a CRM's note: HTML that mail programs show, with nothing let in."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from groundswell.handoff.rendering.mail import mail_html, news_html, note_html

from .conftest import HOSTILE

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

VOID = {"meta", "br"}


class Page(HTMLParser):
    """What is on a page: its tags, its links, its words; a tag that is left open is an error."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.links: list[str] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name in {"href", "src"}]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_the_mail(brief, snapshot: SnapshotAssertion):
    assert mail_html(brief, news="Acme is yours, Rae.") == snapshot


def test_the_note(brief, snapshot: SnapshotAssertion):
    assert note_html(brief) == snapshot


@pytest.mark.parametrize("write", [mail_html, note_html])
def test_everything_is_on_the_page(brief, write):
    shown = Page(write(brief)).text
    play = brief.play
    told = [
        brief.sentence,
        *(item.sentence for item in brief.why_now),
        *(play.title, play.solving, play.blocker, play.offer, play.opening, *play.avoid),
        *(person.called for person in brief.people),
        "Do not write: contacted 12 days ago, less than 90",
        *(fact.value for fact in (*brief.usage, *brief.limits, *brief.intent)),
    ]
    assert [text for text in told if text not in shown.replace("\xa0", " ")] == []


def test_a_mail_brings_its_own_styles_and_loads_nothing(brief):
    page = Page(mail_html(brief))
    assert not page.tags & {"script", "style", "link", "img", "svg", "form", "iframe"}
    assert "class" not in page.names
    assert [link for link in page.links if not link.startswith("mailto:")] == []


@pytest.mark.parametrize(
    "html",
    [
        lambda brief: mail_html(brief, news=HOSTILE),
        note_html,
        lambda brief: news_html(HOSTILE, [HOSTILE]),
    ],
    ids=["mail", "note", "news"],
)
def test_nothing_from_outside_is_markup(hostile, brief, html):
    page, plain = Page(html(hostile)), Page(html(brief))
    assert page.tags <= plain.tags
    assert page.names <= plain.names
    assert "<script>alert(1)</script>" in page.text
    for link in page.links:
        parts = urlsplit(link)
        assert parts.scheme == "mailto"
        assert parse_qs(parts.query) == {}  # no address adds a reader of its own


def test_what_nothing_is_known_of_has_no_heading(brief):
    bare = replace(
        brief,
        **dict.fromkeys(("why_now", "people", "history", "usage", "limits", "intent"), ()),
        **dict.fromkeys(("account", "components", "trend"), ()),
        play=None,
        due_at=None,
    )
    shown = Page(mail_html(bare)).text
    assert brief.sentence in shown
    for heading in ("Why now", "People", "Usage", "Intent", "Suggested play", "History"):
        assert heading in Page(mail_html(brief)).text
        assert heading not in shown
    Page(note_html(bare))


def test_the_rewritten_line_is_the_one_that_is_shown(brief):
    told = replace(brief, play=replace(brief.play, opening_rewritten="Shall I lift the limit?"))
    shown = Page(mail_html(told)).text
    assert "Shall I lift the limit?" in shown
    assert brief.play.opening not in shown


@pytest.mark.parametrize("write", [mail_html, note_html])
def test_of_an_account_that_nobody_may_contact_that_is_said_first(brief, write):
    page = Page(write(replace(brief, do_not_contact="hubspot")))
    said = page.text.lower().index("do not contact. nobody may contact acme (hubspot).")
    assert said < page.text.index(brief.sentence)
    assert page.links == []
