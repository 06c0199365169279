"""Slack as a bot and by a webhook, against a workspace as strict as the real one."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import jsonschema
import msgspec
import pytest
from slack_sdk.models.blocks import Block

from groundswell.clock import FixedClock
from groundswell.connectors.deliveries import Message
from groundswell.connectors.destination import DestinationError, Limits, ReadsBack
from groundswell.connectors.registry import destination_type
from groundswell.connectors.slack import DESTINATION, SlackSettings, SlackWebhook, post_answer
from groundswell.connectors.slack_blocks import cut, escape, fault, fit_blocks
from groundswell.connectors.slack_bot import SlackBot
from groundswell.errors import ConfigError
from groundswell.testing import Subject
from groundswell.testing.suite import DestinationSuite

from .deliveries import NOON, context, message
from .slack_double import BLOCKS, TOKEN, WEBHOOK, Workspace, workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from groundswell.connectors.deliveries import Delivery
    from groundswell.connectors.destination import Context

pytestmark = pytest.mark.loopback

SALES = "C0000001"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def slack(clock: FixedClock) -> Iterator[Workspace]:
    with workspace(clock) as there:
        yield there


@pytest.fixture
def given(clock: FixedClock) -> Context:
    return context(clock)


def bot(slack: Workspace, given: Context, **settings: Any) -> SlackBot:
    told = {"token": TOKEN, "channel": SALES, "url": f"{slack.url}/api/", **settings}
    opened = DESTINATION.open(msgspec.convert(told, SlackSettings), given)
    assert isinstance(opened, SlackBot)
    return opened


def hook(slack: Workspace, given: Context, path: str = WEBHOOK) -> SlackWebhook:
    opened = DESTINATION.open(SlackSettings(webhook=slack.url + path), given)
    assert isinstance(opened, SlackWebhook)
    return opened


def problem(error: pytest.ExceptionInfo[Any]) -> Any:
    return error.value.problems[0]


def test_the_registry_knows_it():
    assert destination_type("slack") is DESTINATION


def test_a_bot_writes_to_the_channel_with_the_key(slack, given):
    outcomes = bot(slack, given).send([message()])
    assert [outcome.status for outcome in outcomes] == ["sent"]
    written = slack.messages[0]
    assert outcomes[0].their_id == f"{SALES}:{written['ts']}"
    assert written["metadata"]["event_payload"] == {"key": "k-1"}
    assert written["text"] == "Acme hit its seat limit"
    assert written["blocks"] == message().body.blocks


def test_a_repeated_key_is_written_once(slack, given):
    there = bot(slack, given)
    first, second = there.send([message()]), there.send([message()])
    assert first == second
    assert len(slack.messages) == 1


def test_what_follows_goes_into_the_thread(slack, given):
    there = bot(slack, given, channel="#sales")
    there.send([message("k-1")])
    there.send([message("k-2", subject="Acme was not worked in time")])
    there.send([message("k-3", handoff="h-2")])
    there.send([message("k-4", handoff=None)])
    root = slack.messages[0]["ts"]
    assert [m.get("thread_ts") for m in slack.messages] == [None, root, None, None]


def test_a_lost_thread_is_begun_anew(slack, given):
    there = bot(slack, given)
    there.send([message("k-1")])
    slack.messages.clear()
    outcome = there.send([message("k-2")])[0]
    assert (outcome.status, outcome.after) == ("later", 1.0)
    there.send([message("k-2")])
    there.send([message("k-3")])
    root = slack.messages[0]["ts"]
    assert [m.get("thread_ts") for m in slack.messages] == [None, root]


def test_a_rep_is_written_to_by_address(slack, given):
    there = bot(slack, given, direct=True)
    there.send([message("k-1")])
    there.send([message("k-2", handoff="h-2")])
    there.send([message("k-3", to="stranger@acme.example", handoff="h-3")])
    assert [m["channel"] for m in slack.messages] == ["D0000001", "D0000001", SALES]
    assert slack.calls.count("users.lookupByEmail") == 2, "an address is asked for once"


def test_a_rep_nobody_knows_is_refused_without_a_channel(slack, given):
    there = bot(slack, given, direct=True, channel=None)
    outcome = there.send([message(to="stranger@acme.example")])[0]
    assert outcome.status == "refused"
    assert "stranger@acme.example" in outcome.reason
    assert "channel" in outcome.fix


@pytest.mark.parametrize(
    ("settings", "threaded"),
    [
        ({}, False),
        ({}, True),
        ({"channel": "#sales"}, False),
        ({"channel": "sales"}, True),
        ({"direct": True, "channel": None}, False),
    ],
)
def test_find_reads_back_what_arrived(slack, clock, settings, threaded):
    """The answer is lost and the process with it: another one asks, with an empty memory."""
    given = context(clock)
    there = bot(slack, given, **settings)
    handoff = "h-1" if threaded else None
    for number in range(5):
        there.send([message(f"k-{number}", handoff=handoff)])
    assert isinstance(there, ReadsBack)
    memory = given.memory if threaded else context(clock).memory
    again = bot(slack, replace(context(clock), memory=memory), **settings)
    asked = [message("k-0", handoff=handoff), message("k-3", handoff=handoff), message("never")]
    found = again.find(asked)
    written = {m["metadata"]["event_payload"]["key"]: m for m in slack.messages}
    assert found == {k: f"{written[k]['channel']}:{written[k]['ts']}" for k in ("k-0", "k-3")}
    slack.messages.clear()
    assert again.send([message("k-3")])[0].status == "sent"
    assert slack.messages == [], "what was found is not written again"


def test_find_looks_no_further_back_than_the_delivery(slack, clock):
    bot(slack, context(clock)).send([message("k-1")])
    clock.advance(timedelta(hours=1))
    late = replace(message("k-1"), made_at=clock.now())
    assert bot(slack, context(clock)).find([late]) == {}


def test_find_in_a_channel_nobody_knows_finds_nothing(slack, given):
    assert bot(slack, given, channel="#nowhere").find([message()]) == {}


def test_the_budget_keeps_to_one_message_a_second(slack, given):
    there = bot(slack, given)
    for number in range(4):
        assert there.send([message(f"k-{number}")])[0].status == "sent"
    assert given.budget.spent == 4 == len(slack.calls)
    assert (slack.clock.now() - NOON).total_seconds() == 3


def test_too_fast_is_told_with_the_wait(slack, clock):
    there = bot(slack, context(clock, Limits(requests=100, seconds=1.0)))
    there.send([message("k-1")])
    with pytest.raises(DestinationError) as error:
        there.send([message("k-2")])
    assert (problem(error).code, error.value.after) == ("destination-busy", 1.0)
    assert len(slack.messages) == 1


@pytest.mark.parametrize("status", [500, 503])
def test_an_overloaded_slack_is_waited_for(slack, given, status):
    slack.trouble.append((status, {"Retry-After": "30"}, "<html>busy</html>"))
    with pytest.raises(DestinationError) as error:
        bot(slack, given).send([message()])
    assert (problem(error).code, error.value.after) == ("destination-busy", 30.0)


@pytest.mark.parametrize(
    ("settings", "code", "mended"),
    [
        ({"channel": "C0009999"}, "channel_not_found", "C0123456789"),
        ({"channel": "#strangers"}, "not_in_channel", "/invite"),
        ({"token": "xoxb-old-secret"}, "invalid_auth", "new bot token"),
    ],
)
def test_what_stops_everything_says_how_it_is_mended(slack, given, settings, code, mended):
    with pytest.raises(DestinationError) as error:
        bot(slack, given, **settings).send([message()])
    assert code in problem(error).what
    assert mended in problem(error).fix
    assert "secret" not in f"{error.value}{error.value!r}"


def test_a_missing_scope_is_named(slack, given):
    slack.scopes.discard("chat:write")
    with pytest.raises(DestinationError) as error:
        bot(slack, given).send([message()])
    assert "`chat:write`" in problem(error).fix


@pytest.mark.parametrize("code", ["account_inactive", "is_archived"])
def test_other_ends_are_told(slack, given, code):
    slack.trouble.append((200, {}, f'{{"ok": false, "error": "{code}"}}'))
    with pytest.raises(DestinationError) as error:
        bot(slack, given).send([message()])
    assert code in problem(error).what


def test_a_message_slack_does_not_take_is_refused_alone(slack, given):
    strange = [{"type": "section", "text": {"type": "mrkdwn", "text": ""}}]
    outcome = bot(slack, given).send([message(blocks=strange)])[0]
    assert outcome.status == "refused"
    assert "invalid_blocks" in outcome.reason


def test_blocks_of_no_type_are_refused_before_they_are_sent(slack, given):
    outcome = bot(slack, given).send([message(blocks=[{"type": "nonsense"}])])[0]
    assert (outcome.status, slack.calls) == ("refused", [])
    assert "nonsense" in outcome.reason


def test_a_rep_who_left_is_refused_alone(slack, given):
    there = bot(slack, given, direct=True)
    slack.trouble += [
        (200, {}, '{"ok": true, "user": {"id": "U0000009"}}'),
        (200, {}, '{"ok": false, "error": "channel_not_found"}'),
    ]
    assert there.send([message()])[0].status == "refused"


def test_long_messages_arrive_cut(slack, given):
    long = "words of the account " * 400
    section = {"type": "section", "text": {"type": "mrkdwn", "text": long}}
    outcome = bot(slack, given).send([message(blocks=[section] * 60, subject=long)])[0]
    assert outcome.status == "sent"
    assert len(slack.messages[0]["blocks"]) == 50


def test_a_message_without_blocks_is_its_text(slack, given):
    bot(slack, given).send([message(blocks=[], subject="Two\r\nlines", text="<!channel> R&D")])
    assert slack.messages[0]["text"] == "Two lines\n&lt;!channel&gt; R&amp;D"


def test_silence_is_told(slack, given):
    there = bot(slack, given, url="http://127.0.0.1:9/api/")
    for asked in (there.check, lambda: there.send([message()]), lambda: there.find([message()])):
        with pytest.raises(DestinationError) as error:
            asked()
        assert problem(error).code == "destination-unreachable"


def test_check_names_the_bot_and_its_scopes(slack, given):
    slack.scopes -= {"users:read.email", "im:history"}
    found = {f.name: f for f in bot(slack, given, direct=True, channel="#sales").check()}
    assert found["credentials"].ok
    assert "groundswell" in found["credentials"].said
    wrong = {name for name, finding in found.items() if not finding.ok}
    assert wrong == {"scope users:read.email", "scope im:history"}
    assert all(found[name].fix for name in wrong)
    assert "scope channels:read" in found, "a name has to be looked up"
    assert slack.messages == []


def test_check_of_a_bot_that_was_removed(slack, given):
    found = bot(slack, given, token="xoxb-old").check()
    assert [(f.name, f.ok) for f in found] == [("credentials", False)]
    assert found[0].fix


def test_who_pressed_is_asked_once(slack, given):
    there = bot(slack, given)
    assert [there.email_of("U0000001") for _ in range(2)] == ["ann@acme.example"] * 2
    assert there.email_of("U0000099") is None
    assert slack.calls == ["users.info"] * 2


def test_a_webhook_writes_once(slack, given):
    there = hook(slack, given)
    assert not isinstance(there, ReadsBack)
    assert [there.send([message()])[0].status for _ in range(2)] == ["sent", "sent"]
    assert [m["text"] for m in slack.messages] == ["Acme hit its seat limit"]
    assert all(finding.ok for finding in there.check())


def test_a_webhook_that_is_none_is_found_by_its_form(slack, given):
    finding = hook(slack, given, "/hooks/1").check()[0]
    assert not finding.ok
    assert slack.url not in finding.said
    assert slack.calls == []


def test_a_webhook_is_told_to_wait(slack, clock):
    there = hook(slack, context(clock, Limits(requests=100, seconds=1.0)))
    there.send([message("k-1")])
    with pytest.raises(DestinationError) as error:
        there.send([message("k-2")])
    assert error.value.after == 1.0


def test_a_webhook_that_was_removed(slack, given, caplog):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(DestinationError) as error:
        hook(slack, given, "/services/T1/B1/hush-gone").send([message()])
    assert "invalid_token" in problem(error).what
    assert "hush" not in f"{error.value}{caplog.text}"


def test_a_webhook_refuses_one_message(slack, given):
    strange = [{"type": "section", "text": {"type": "mrkdwn", "text": ""}}]
    there = hook(slack, given)
    assert there.send([message(blocks=strange)])[0].status == "refused"
    assert there.send([message("k-2", blocks=[])])[0].status == "sent"


def test_an_answer_takes_the_place_of_the_message(slack, given):
    answer = {"replace_original": True, "text": "Ann accepted"}
    post_answer(slack.url + WEBHOOK, answer, given)
    assert slack.messages[0]["text"] == "Ann accepted"
    slack.trouble.append((404, {}, "expired_url"))
    with pytest.raises(DestinationError, match="expired_url"):
        post_answer(slack.url + WEBHOOK, answer, given)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({}, "webhook"),
        ({"webhook": "https://hooks.slack.com/services/T/B/x", "token": "xoxb-1"}, "webhook"),
        ({"webhook": "ftp://hush"}, "webhook"),
        ({"token": "xoxb-1"}, "channel"),
    ],
)
def test_settings_that_lead_nowhere(given, settings, key):
    with pytest.raises(ConfigError) as error:
        DESTINATION.open(SlackSettings(**settings), given)
    assert problem(error).path == f"destinations.there.{key}"
    assert "hush" not in str(error.value)


def test_settings_show_no_secret():
    settings = SlackSettings(webhook="https://hush", token="xoxb-hush", channel="#sales")
    assert "hush" not in repr(settings)
    assert "#sales" in repr(settings)
    assert "hush" not in str(settings.__rich_repr__())
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"tokn": "x"}, SlackSettings)


def wild_blocks() -> list[dict[str, Any]]:
    long = "a word " * 1_000
    plain, rich = {"type": "plain_text", "text": long}, {"type": "mrkdwn", "text": long}
    button = {"type": "button", "text": plain, "action_id": "groundswell:accept", "value": "h-1"}
    menu = {
        "type": "static_select",
        "placeholder": plain,
        "action_id": "groundswell:decline",
        "options": [{"text": plain, "value": f"h-1|{number}"} for number in range(120)],
    }
    return [
        {"type": "header", "text": plain},
        {"type": "section", "text": rich, "fields": [rich] * 23, "accessory": button},
        {"type": "context", "elements": [rich] * 14},
        *[{"type": "divider"}] * 60,
        {"type": "actions", "elements": [button, menu] * 20},
    ]


def test_whatever_is_too_long_is_made_to_fit():
    given = wild_blocks()
    fitted = fit_blocks(given)
    assert given == wild_blocks(), "the given blocks are left alone"
    jsonschema.validate(fitted, BLOCKS)
    for block in Block.parse_all(fitted):
        block.validate_json()
    assert fault(fitted) is None
    assert fault(given) is not None
    fields = [len(b.get("fields", ())) for b in fitted if b["type"] == "section"]
    assert fields == [10, 10, 3], "no field is lost"
    assert fitted[-1]["type"] == "actions", "the buttons stay"
    assert fitted[-1]["elements"][0]["value"] == "h-1"
    assert fitted[-2]["elements"][0]["text"] == "… and 17 more"


def test_what_fits_stays_as_it_is():
    blocks = message().body.blocks
    assert fit_blocks(blocks) == blocks


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("short", 5, "short"),
        ("one two three", 9, "one two…"),
        ("one two three", 8, "one two…"),
        ("unbroken-and-long", 8, "unbroke…"),
        ("see <https://acme.example|the page of it>", 35, "see…"),
        ("aaaaaaaaaaaa&amp;b", 16, "aaaaaaaaaaaa…"),
        ("first line\nsecond line", 15, "first line…"),
    ],
)
def test_a_text_is_cut_at_a_word(text, limit, expected):
    assert cut(text, limit) == expected
    assert len(cut(text, limit)) <= limit


def test_markup_is_escaped():
    assert escape("<@U1> & <!here>") == "&lt;@U1&gt; &amp; &lt;!here&gt;"


def read(slack: Workspace, delivery: Delivery) -> list[str]:
    """What people read of a delivery, once for each time it is there."""
    found = [m for m in slack.messages if m["metadata"]["event_payload"]["key"] == delivery.key]
    return [block["text"]["text"] for m in found for block in m["blocks"]]


def spoiled(delivery: Delivery) -> Delivery:
    empty = [{"type": "section", "text": {"type": "mrkdwn", "text": ""}}]
    assert isinstance(delivery.body, Message)
    return replace(delivery, body=replace(delivery.body, blocks=empty))


class TestSlack(DestinationSuite):
    @pytest.fixture(params=[False, True], ids=["channel", "rep"])
    def subject(self, slack, clock, request) -> Subject:
        slack.users["rep@suite.example"] = "U0000007"
        settings = SlackSettings(
            token=TOKEN, channel="#sales", url=f"{slack.url}/api/", direct=request.param
        )
        return Subject(
            type=DESTINATION,
            settings=settings,
            arrived=lambda delivery: len(read(slack, delivery)),
            state=lambda: list(slack.messages),
            secrets=(TOKEN,),
            unreachable=SlackSettings(token=TOKEN, channel=SALES, url="http://127.0.0.1:9/api/"),
            shown=lambda delivery: read(slack, delivery)[0],
            spoil=spoiled,
            requests=lambda: len(slack.calls),
            tells_repeats=False,  # a channel cannot tell; `find` is asked
            clock=clock,
        )
