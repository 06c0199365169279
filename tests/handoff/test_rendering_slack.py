"""A brief in Slack: blocks that it takes, whatever an account is called, and the buttons."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from slack_sdk.models.blocks import Block

from groundswell.handoff.life import DECLINE_REASONS
from groundswell.handoff.rendering.slack import SNOOZE_DAYS, news_blocks, slack_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syrupy.assertion import SnapshotAssertion

MARKS = "<>"


def _check(blocks: list[dict[str, Any]]) -> None:
    """Hold blocks against Slack's own models, and against what these leave out."""
    assert 0 < len(blocks) <= 50
    for block in blocks:
        parsed = Block.parse(json.loads(json.dumps(block)))
        assert parsed is not None
        parsed.validate_json()
        assert len(block.get("fields", ())) <= 10
        assert all(len(field["text"]) <= 2_000 for field in block.get("fields", ()))
    for text in _texts(blocks):
        assert 0 < len(text["text"]) <= 3_000
    for block in blocks:
        for element in block.get("elements", ()):
            for option in element.get("options", ()):
                assert len(option["text"]["text"]) <= 75
                assert len(option["value"]) <= 150


def _texts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if value.get("type") in {"mrkdwn", "plain_text"}:
            yield value
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def test_the_blocks(brief, snapshot: SnapshotAssertion):
    assert json.dumps(slack_blocks(brief), indent=1, ensure_ascii=False) == snapshot


def test_slack_takes_them(brief):
    _check(slack_blocks(brief, news="Acme is yours, Rae.", handoff_id="h1"))
    _check(news_blocks("Acme is won.", ["Well done."]))


def test_slack_takes_the_longest_brief(endless):
    blocks = slack_blocks(endless, news="& " * 5_000, handoff_id="h" * 40)
    _check(blocks)
    for text in _texts(blocks):
        if text["type"] == "mrkdwn":
            whole = text["text"].replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
            assert "&" not in whole  # no escaped letter is cut in two


def test_an_account_that_nothing_is_known_of_has_blocks(brief):
    bare = replace(
        brief, why_now=(), people=(), play=None, trend=(), due_at=None, account=(), limits=()
    )
    _check(slack_blocks(replace(bare, intent=())))


def test_nothing_from_outside_mentions_or_links(hostile):
    blocks = slack_blocks(hostile, news=hostile.name, handoff_id="h1")
    _check(blocks)
    for text in _texts(blocks):
        if text["type"] == "mrkdwn":
            assert text["verbatim"] is True
            bare = text["text"].removeprefix(">")  # of the opening line, which is quoted
            assert not set(MARKS) & set(bare)
        else:
            assert text["emoji"] is False
    for block in news_blocks(hostile.name, [hostile.name]):
        assert "<" not in block["text"]["text"]


def test_the_buttons_say_what_to_do_with_which_handoff(brief):
    (actions,) = [
        block for block in slack_blocks(brief, handoff_id="h1") if block["type"] == "actions"
    ]
    accept, snooze, decline = actions["elements"]
    assert (accept["action_id"], accept["value"]) == ("groundswell:accept", "h1")
    assert snooze["action_id"] == "groundswell:snooze"
    assert [option["value"] for option in snooze["options"]] == [f"h1|{n}" for n in SNOOZE_DAYS]
    assert decline["action_id"] == "groundswell:decline"
    assert [option["value"] for option in decline["options"]] == [
        f"h1|{code}" for code in DECLINE_REASONS
    ]


def test_there_are_no_buttons_without_a_handoff(brief):
    assert [block for block in slack_blocks(brief) if block["type"] == "actions"] == []


def test_the_rewritten_line_is_the_one_that_is_shown(brief):
    told = replace(brief, play=replace(brief.play, opening_rewritten="Shall I lift the limit?"))
    texts = [text["text"] for text in _texts(slack_blocks(told))]
    assert ">Shall I lift the limit?" in texts
    assert not any(brief.play.opening in text for text in texts)


def test_how_many_more_people_there_are_is_said(brief):
    told = replace(brief, people=brief.people * 2, more={"people": 4, "why_now": 1})
    people, why = (
        next(text["text"] for text in _texts(slack_blocks(told)) if text["text"].startswith(head))
        for head in ("*People*", "*Why now*")
    )
    assert people.splitlines()[-1] == f"_and {len(told.people) - 5 + 4} more_"
    assert why.splitlines()[-1] == "_and 1 more_"


def test_of_an_account_that_nobody_may_contact_that_is_said_above_all(brief, endless):
    blocks = slack_blocks(replace(brief, do_not_contact="hubspot"))
    assert blocks[1]["text"]["text"].endswith(
        "*Do not contact.* Nobody may contact Acme (hubspot)."
    )
    _check(slack_blocks(replace(endless, do_not_contact="hubspot")))
