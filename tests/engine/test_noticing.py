"""What the engine does becomes notices: one each, or one for many."""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from groundswell.engine import noticing
from groundswell.engine.feed import Feed
from groundswell.engine.live.following import Follower
from groundswell.engine.noticing import Reporter

from . import test_live
from .test_live import NOON, opened, send

if TYPE_CHECKING:
    from collections.abc import Iterator

    from groundswell.engine.reports import Notice


class Watch:
    """A project whose feed is filled as the server fills it."""

    def __init__(self, project, drain) -> None:
        self.project, self.drain = project, drain
        self.feed = Feed()
        self.reporter = Reporter(project, self.feed)
        self.follower = Follower(project)

    def take(self, *messages: dict[str, Any]) -> None:
        send(self.project, messages)
        while (done := self.drain.step()) is not None:
            self.follower.take(done)
            self.reporter.drained(done)
        self.follower._rested_at = 0.0
        while (scored := self.follower.step()) is not None:
            self.reporter.scored(scored)
        self.reporter.word()


@contextmanager
def watching() -> Iterator[Watch]:
    with opened() as (project, drain):
        yield Watch(project, drain)


def track(number: int, user: str = "u1", event: str = "Board Viewed", **more: Any):
    at = NOON - dt.timedelta(seconds=30)
    told = {"type": "track", "messageId": f"m{number}", "userId": user, "event": event}
    return {**told, "timestamp": at.isoformat(), "context": {"groupId": "acme"}, **more}


def heard(listener, kind: str | None = None) -> list[Notice]:
    notices = [notice for _, notice in listener.hear(10_000).notices]
    return [item for item in notices if kind in (None, item.kind)]


def test_an_event_is_told_with_who_did_it_and_what_it_means():
    with watching() as watch, watch.feed.listen(lambda: None) as listener:
        watch.take(track(1), track(2, "u2", "Unheard Of", timestamp="2026-06-01T10:00:00Z"))
        first, second = heard(listener, "event")
        assert (first.what, first.source, first.who, first.account) == (
            *("Board Viewed", "app"),
            *("u1", "acme"),
        )
        assert first.sentence == "Means used_feature:boards."
        assert (first.at, first.happened_at) == (NOON, NOON - dt.timedelta(seconds=30))
        assert second.sentence == "No meaning is mapped to it. It happened 2026-06-01 10:00."


def test_an_event_counts_for_the_account_that_its_person_belongs_to():
    with watching() as watch:
        plain = track(2)
        del plain["context"]
        watch.take(track(1), {**plain, "messageId": "m0"})
        with watch.feed.listen(lambda: None) as listener:
            watch.take(plain)
            assert [item.account for item in heard(listener, "event")] == ["acme"]


def test_crossings_triggers_and_decisions_are_told_once(monkeypatch):
    easy = test_live.CONFIG + "score: {qualified: {at_least: 1}}\n"
    monkeypatch.setattr(test_live, "CONFIG", easy)
    with watching() as watch, watch.feed.listen(lambda: None) as listener:
        watch.take(track(1))
        first = heard(listener)
        watch.take(track(2, event="Demo Requested"))
        second = heard(listener)
        assert "acme" in [item.account for item in second if item.kind == "trigger"]
        (decision,) = (item for item in second if item.kind == "decision")
        assert decision.sentence.startswith("Hand over: ")
        told = [*first, *second]
        (crossing,) = (item for item in told if item.kind == "crossing")
        assert (crossing.what, crossing.account) == ("qualified", "acme")
        watch.take(track(3, event="Demo Requested"))
        assert {item.kind for item in heard(listener)} == {"event"}


def test_a_refused_message_is_told_with_its_reason():
    with watching() as watch, watch.feed.listen(lambda: None) as listener:
        watch.take({**track(1), "type": "shout"})
        (notice,) = heard(listener)
        assert (notice.kind, notice.what, notice.source) == ("reject", "bad-message", "app")


def test_many_are_told_as_one_beside_those_that_are_asked_for(monkeypatch):
    monkeypatch.setattr(noticing, "MOST", 10)
    with watching() as watch:
        watch.take(track(1, "own"), track(2, "u1", context={"groupId": "globex"}))
        many = [track(10 + n, "u1", context={"groupId": "globex"}) for n in range(40)]
        with watch.feed.listen(lambda: None, account="acme") as listener:
            watch.take(*many, track(3, "own", "Invite Sent"))
            single, rest = heard(listener, "event")
        assert (single.what, single.account, single.count) == ("Invite Sent", "acme", 1)
        assert (rest.what, rest.count) == ("many", 40)
        assert rest.sentence == "40 events: Board Viewed 40."


def test_what_came_while_nobody_listened_is_told_when_somebody_does(monkeypatch):
    with watching() as watch:
        watch.take(*(track(number) for number in range(5)))
        monkeypatch.setattr(
            watch.reporter, "_word", lambda _: pytest.fail("nobody listens"), raising=True
        )
        watch.take(track(6))
        monkeypatch.undo()
        with watch.feed.listen(lambda: None, after=watch.feed.mark(0)) as listener:
            watch.reporter.word()
            assert len(heard(listener, "event")) == 6


def test_a_feed_that_fails_stops_nothing(monkeypatch):
    with watching() as watch, watch.feed.listen(lambda: None) as listener:
        monkeypatch.setattr(watch.reporter, "_people", lambda _: 1 / 0)
        watch.take(track(1))
        monkeypatch.undo()
        watch.take(track(2))
        told = listener.hear(100)
        assert [item.what for _, item in told.notices if item.kind == "event"] == ["Board Viewed"]
        assert told.lost > 0


def test_triggers_that_held_when_the_server_stopped_are_no_news():
    with watching() as watch:
        watch.take(track(1), track(2, event="Demo Requested"))
        watch.follower.close()
        watch.follower = Follower(watch.project)
        with watch.feed.listen(lambda: None) as listener:
            watch.take(track(3))
            assert heard(listener, "trigger") == []
