"""Counting event by event comes to what computing everything comes to."""

from __future__ import annotations

import datetime as dt
import json
import random
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from groundswell.clock import FixedClock
from groundswell.engine import Project
from groundswell.engine.draining import Drain
from groundswell.engine.live import state
from groundswell.engine.running import run_whole
from groundswell.model import Kind, as_plain
from groundswell.store.inbox import InboxEntry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from groundswell.engine.live.state import Live

NOON = dt.datetime(2026, 6, 30, 12, tzinfo=dt.UTC)
TODAY = NOON.date()
CONFIG = """\
company: Small Co
events:
  signed_up: Signed Up
  used_feature:
    boards: Board Viewed
    reports: {event: Report Made, paid: true}
  api_called: {event: Api Called, endpoint: properties.path}
  invited: Invite Sent
  invite_accepted: Invite Accepted
  pricing_viewed: Pricing Viewed
  admin_action: Settings Changed
  upgrade_started: Upgrade Started
  upgrade_completed: Upgrade Completed
  hand_raised: Demo Requested
features:
  amount_28d: {sum: properties.amount, of: Report Made, within: 28d}
  raisers_ever: {count: users, of: Demo Requested, within: lifetime}
plans:
  free: {seats: 2}
  team: {price: 12 per seat monthly, seats: 10}
identity:
  aliases: {acme.test: acme.example}
"""
USERS, ACCOUNTS = ("u0", "u1", "u2", "u3"), ("acme", "globex")
EMAILS = ("ann@acme.example", "bob@globex.example", "cy@gmail.com", "di@acme.test", None)
TRACKED = (
    "Signed Up", "Board Viewed", "Board Viewed", "Report Made", "Api Called", "Invite Sent",
    "Invite Accepted", "Pricing Viewed", "Settings Changed", "Upgrade Started",
    "Upgrade Completed", "Demo Requested", "Unheard Of",
)  # fmt: skip


UNSURE = ("Invite Accepted", "Settings Changed", "Signed Up", "Upgrade Completed")
"""What changes how earlier events count."""

PEOPLE = {"u0": ("acme", "Sales"), "u1": ("acme", "IT"), "u2": ("globex", "IT"), "u3": (None, None)}


def _known_world() -> list[dict[str, Any]]:
    """Everybody known, and one of everything that can be done, on some day before."""
    sent: list[dict[str, Any]] = []

    def say(days: int, **message: Any) -> None:
        at = NOON - dt.timedelta(days=days, seconds=len(sent))
        sent.append({"messageId": f"k{len(sent)}", "timestamp": at.isoformat(), **message})

    for user, (account, team) in PEOPLE.items():
        traits = {"email": f"{user}@gmail.com", "department": team}
        told = {name: value for name, value in traits.items() if value}
        say(80, type="identify", userId=user, anonymousId=f"d-{user}", traits=told)
        if account:
            say(80, type="group", userId=user, groupId=account, traits={"employees": 40})
    for number, name in enumerate(TRACKED):
        for path, department in (("/a", "Sales"), ("/b", "IT")):
            properties = {"path": path, "department": department, "amount": 2}
            who = {"userId": ("u0", "u1", "u2", "u3")[number % 4]}
            event = {"event": name, "properties": properties}
            say(7 * (number % 9) + 1, type="track", **who, **event)
    for user in PEOPLE:
        say(50, type="track", userId=user, event="Board Viewed", properties={})
        say(3, type="track", userId=user, event="Board Viewed", properties={})
    return sent


@st.composite
def acts(draw: st.DrawFn) -> list[dict[str, Any]]:
    """What known people do today, in order."""
    odd = draw(st.sampled_from((False, False, True)))
    plain = [name for name in TRACKED if name not in UNSURE]
    return [
        {
            "messageId": f"t{number}",
            "timestamp": (NOON - dt.timedelta(seconds=900 - number)).isoformat(),
            "type": "track",
            "userId": draw(st.sampled_from(USERS)),
            "event": draw(st.sampled_from(TRACKED if odd else plain)),
            "properties": {
                "path": draw(st.sampled_from(("/a", "/b"))),
                "department": draw(st.sampled_from(("Sales", "IT"))),
                "amount": draw(st.integers(0, 9)),
            },
        }
        for number in range(draw(st.integers(5, 40)))
    ]


def _message(number: int, draw: st.DrawFn) -> dict[str, Any]:
    user = draw(st.sampled_from(USERS))
    late = dt.timedelta(days=draw(st.sampled_from((0, 0, 0, 0, 1, 2, 20, 33, 100, -1))))
    at = NOON - late - dt.timedelta(seconds=draw(st.integers(0, 40_000)))
    message = {"messageId": f"m{number}", "timestamp": at.isoformat()}
    match draw(st.sampled_from((*("track",) * 6, "identify", "group", "alias"))):
        case "track":
            name = draw(st.sampled_from(TRACKED))
            device = f"d-{draw(st.sampled_from(USERS))}"
            who = draw(
                st.sampled_from(
                    ({"userId": user}, {"anonymousId": device},
                     {"userId": user, "anonymousId": device})
                )
            )  # fmt: skip
            account = draw(st.sampled_from((None, None, *ACCOUNTS)))
            properties = {
                "path": draw(st.sampled_from(("/a", "/b", "/c"))),
                "department": draw(st.sampled_from(("Sales", "IT"))),
                "amount": draw(st.integers(0, 9)),
            }
            context = {"groupId": account} if account else {}
            return {
                **message, **who, "type": "track", "event": name, "context": context,
                "properties": properties,
            }  # fmt: skip
        case "identify":
            given_ = {
                "email": draw(st.sampled_from(EMAILS)),
                "title": draw(st.sampled_from(("CTO", "Admin", None))),
                "department": draw(st.sampled_from(("Sales", "IT", None))),
            }
            traits = {name: value for name, value in given_.items() if value}
            ids = {"userId": user, "anonymousId": f"d-{user}"}
            return {**message, **ids, "type": "identify", "traits": traits}
        case "group":
            traits = {
                "employees": draw(st.sampled_from((40, 800))),
                "website": draw(st.sampled_from(("acme.example", "globex.example"))),
            }
            account = draw(st.sampled_from(ACCOUNTS))
            return {
                **message, "type": "group", "userId": user, "groupId": account, "traits": traits
            }  # fmt: skip
        case _:
            return {**message, "type": "alias", "userId": user, "previousId": f"d-{user}"}


@st.composite
def messages(draw: st.DrawFn, most: int = 30) -> list[dict[str, Any]]:
    return [_message(number, draw) for number in range(draw(st.integers(2, most)))]


@contextmanager
def opened() -> Iterator[tuple[Project, Drain]]:
    with tempfile.TemporaryDirectory() as name:
        Path(name, "groundswell.yaml").write_text(CONFIG, encoding="utf-8")
        with Project.open(name, clock=FixedClock(NOON)) as project:
            drain = Drain(project.warehouse, project.ledger, project.clock)
            yield project, drain
            drain.close()


def send(project: Project, batch: Sequence[dict[str, Any]]) -> None:
    body = json.dumps({"batch": batch}).encode()
    entry = InboxEntry("app", "segment", "POST", "/v1/batch", {}, {}, body, NOON)
    project.ledger.put_entries([entry])


def take(drain: Drain, live: Live) -> None:
    while (done := drain.step()) is not None:
        live.take(done.news)
    live.rescore()


def assert_like_a_run(project: Project, live: Live) -> None:
    """Compare with a whole run of the same facts."""
    shown = live.latest()
    whole = run_whole(
        project.loaded,
        project.computer,
        project.ledger,
        project.clock,
        day=TODAY,
    ).latest
    assert shown is not None
    assert_frame_equal(shown.sort("account_id"), whole.sort("account_id"), check_column_order=False)


@settings(max_examples=6, suppress_health_check=list(HealthCheck))
@given(sent=messages(), seed=st.integers(0, 1_000))
def test_counting_comes_to_what_a_run_comes_to(sent: list[dict[str, Any]], seed: int) -> None:
    chance = random.Random(seed)
    again = [*sent, *chance.choices(sent, k=2)]
    chance.shuffle(again)
    cuts = sorted(chance.choices(range(1, len(again)), k=4))
    pieces = [again[a:b] for a, b in zip([0, *cuts], [*cuts, len(again)], strict=True) if a < b]
    with opened() as (project, drain):
        live = project.follow()
        first, *rest = pieces
        send(project, [*first, _known_world()[0]])  # somebody is known
        while drain.step() is not None:
            pass
        live.rebase()
        assert_like_a_run(project, live)
        for piece in rest:
            send(project, piece)
            take(drain, live)
            assert not live.is_due()
            assert_like_a_run(project, live)


def test_a_visitor_of_no_account_moves_none() -> None:
    with opened() as (project, drain):
        live = project.follow()
        at = (NOON - dt.timedelta(hours=2)).isoformat()
        known = {"type": "track", "event": "Board Viewed", "timestamp": at}
        send(project, [{**known, "messageId": "a", "userId": "u0", "context": {"groupId": "acme"}}])
        drain.step()
        live.rebase()
        send(project, [{**known, "messageId": "b", "anonymousId": "a-visitor"}])
        take(drain, live)
        assert_like_a_run(project, live)
        send(project, [{**known, "messageId": "c", "userId": "u9", "anonymousId": "a-visitor"}])
        take(drain, live)
        assert_like_a_run(project, live)


def test_a_domain_that_a_later_statement_takes_away_moves_its_people() -> None:
    with opened() as (project, drain):
        live = _following(project, drain)
        at = NOON - dt.timedelta(days=20)
        group = {"type": "group", "userId": "u0", "groupId": "acme"}
        traits = {"website": "acme.example"}
        told = {**group, "messageId": "a", "timestamp": at.isoformat(), "traits": traits}
        somebody = {"type": "identify", "userId": "u9", "anonymousId": "d-u9", "messageId": "b"}
        send(project, [told, {**somebody, "traits": {"email": "di@acme.test"}}])
        take(drain, live)
        later = (at + dt.timedelta(hours=1)).isoformat()
        traits = {"website": "globex.example"}
        send(project, [{**group, "messageId": "c", "timestamp": later, "traits": traits}])
        take(drain, live)
        assert_like_a_run(project, live)


REJOINS = [
    {"userId": "u9", "context": {"groupId": "acme"}},
    {"userId": "u9", "context": {"groupId": "a new company"}},
    {"userId": "u9", "anonymousId": "d-u9"},
    {"anonymousId": "d-u9", "context": {"groupId": "acme"}},
    {"anonymousId": "a visitor"},
    {"userId": "u0", "timestamp": (NOON - dt.timedelta(days=20)).isoformat()},
]


@pytest.mark.parametrize("who", REJOINS)
def test_who_was_computed_once_is_counted_from_then_on(who: dict[str, Any]) -> None:
    now = (NOON - dt.timedelta(minutes=9)).isoformat()
    seen = {"type": "track", "event": "Report Made", "timestamp": now, "properties": {"amount": 3}}
    with opened() as (project, drain):
        live = _following(project, drain)
        for number in range(3):
            named = {"messageId": f"n{number}"}
            timed = {"timestamp": now} if number else {}
            send(project, [{**seen, **who, **timed, **named}])
            while (done := drain.step()) is not None:
                live.take(done.news)
            assert live.rescore().recomputed == 0 or not number
            assert live.apart == 0
        assert_like_a_run(project, live)


def test_an_account_is_computed_again_and_again() -> None:
    now = (NOON - dt.timedelta(minutes=9)).isoformat()
    seen = {"type": "track", "event": "Board Viewed", "timestamp": now}
    with opened() as (project, drain):
        live = _following(project, drain)
        for number in range(12):
            group = {"groupId": ("acme", "globex", "new")[number % 3]}
            who = {"userId": f"n{number // 2}", "context": group}
            send(project, [{**seen, **who, "messageId": f"n{number}"}])
            take(drain, live)
        assert live.apart == 0
        assert_like_a_run(project, live)


@settings(max_examples=4, suppress_health_check=list(HealthCheck))
@given(sent=acts())
def test_what_known_people_do_today_is_counted(sent: list[dict[str, Any]]) -> None:
    with opened() as (project, drain):
        live = project.follow()
        send(project, _known_world())
        while drain.step() is not None:
            pass
        live.rebase()
        half = len(sent) // 2
        for piece in (sent[:half], sent[half:]):
            send(project, piece)
            while (done := drain.step()) is not None:
                live.take(done.news)
            unsure = any(message["event"] in UNSURE for message in piece)
            scored = live.rescore()
            assert scored.counted or unsure
            assert scored.recomputed == 0 or unsure
            assert live.apart == 0
            assert_like_a_run(project, live)


def _following(project: Project, drain: Drain) -> Live:
    live = project.follow()
    send(project, _known_world())
    while drain.step() is not None:
        pass
    live.rebase()
    return live


BEGAN, COMPLETED, LOOKED, ADMINISTERED = (
    "Upgrade Started", "Upgrade Completed", "Pricing Viewed", "Settings Changed",
)  # fmt: skip
BEFORE_AND_AFTER = [
    ([], [("u2", COMPLETED)], 0),
    ([], [("u2", BEGAN), ("u2", COMPLETED)], 0),
    ([(23, "u1", BEGAN)], [("u0", COMPLETED)], 1),
    ([(23, "u1", BEGAN)], [("u2", COMPLETED)], 0),
    ([(25, "u1", BEGAN)], [("u1", COMPLETED)], 1),
    ([], [("u1", ADMINISTERED)], 0),
    ([], [("u1", LOOKED)], 0),
    ([], [("u1", LOOKED), ("u1", ADMINISTERED)], 1),
    ([], [("u3", LOOKED), ("u1", ADMINISTERED)], 0),
    ([], [("u1", ADMINISTERED), ("u1", LOOKED)], 0),
    ([(1, "u1", LOOKED)], [("u1", ADMINISTERED)], 1),
    ([(30, "u1", LOOKED)], [("u1", ADMINISTERED)], 0),
    ([(30, "u1", ADMINISTERED)], [("u1", LOOKED), ("u1", ADMINISTERED)], 0),
    ([], [("u1", "Signed Up"), ("u1", "Invite Accepted")], 1),
]


@pytest.mark.parametrize(("before", "after", "recomputed"), BEFORE_AND_AFTER)
def test_an_event_that_changes_how_others_count(before, after, recomputed) -> None:
    def acted(hours: float, user: str, event: str) -> dict[str, Any]:
        at = (NOON - dt.timedelta(hours=hours)).isoformat()
        name = f"{hours}-{user}-{event}"
        return {"type": "track", "messageId": name, "timestamp": at, "userId": user, "event": event}

    with opened() as (project, drain):
        send(project, [acted(*one) for one in before] or [acted(100, "u0", "Board Viewed")])
        live = _following(project, drain)
        send(project, [acted(0.5 - n / 100, *one) for n, one in enumerate(after)])
        while (done := drain.step()) is not None:
            live.take(done.news)
        assert live.rescore().recomputed == recomputed
        assert live.apart == 0
        assert_like_a_run(project, live)


def test_what_a_company_buys_is_known_at_once() -> None:
    with opened() as (project, drain):
        first = {"subscription_id": "s0", "account_id": "globex", "plan": "team", "mrr": 12.0}
        started = {"started_at": NOON - dt.timedelta(days=90)}
        project.warehouse.append(Kind.SUBSCRIPTIONS, _rows({**first, **started}), received_at=NOON)
        live = _following(project, drain)
        bought = {"subscription_id": "s1", "account_id": "acme", "plan": "team", "mrr": 60.0}
        rows = _rows({**bought, "started_at": NOON - dt.timedelta(hours=1), "seats": 5})
        done = project.warehouse.append(Kind.SUBSCRIPTIONS, rows, received_at=NOON)
        assert done.news is not None
        live.take([(Kind.SUBSCRIPTIONS, done.news)])
        assert not live.is_due()
        assert live.rescore().recomputed == 1
        row = live.known.row("acme") if live.known is not None else None
        assert row is not None
        assert (row["plan"], row["mrr"], row["is_paying"]) == ("team", 60.0, True)
        assert_like_a_run(project, live)


def test_the_first_subscription_of_anybody_is_due_everything() -> None:
    with opened() as (project, drain):
        live = _following(project, drain)
        bought = {"account_id": "acme", "plan": "team", "mrr": 60.0, "started_at": NOON}
        done = project.warehouse.append(Kind.SUBSCRIPTIONS, _rows(bought), received_at=NOON)
        assert done.news is not None
        live.take([(Kind.SUBSCRIPTIONS, done.news)])
        assert live.is_due()


def test_a_merge_a_load_and_midnight_are_due_everything() -> None:
    with opened() as (project, drain):
        live = _following(project, drain)
        assert not live.is_due()
        project.merge("globex", into="acme", since=TODAY - dt.timedelta(days=5))
        assert live.is_due()
        live.rebase()
        assert_like_a_run(project, live)
        event = {"source": "file", "message_id": "f1", "user_id": "u0", "event": "Board Viewed"}
        moments = {"occurred_at": NOON, "received_at": NOON}
        project.warehouse.append(Kind.EVENTS, _rows({**event, **moments}), received_at=NOON)
        assert live.is_due()
        live.rebase()
        assert_like_a_run(project, live)
        clock = project.clock
        assert isinstance(clock, FixedClock)
        clock.advance(dt.timedelta(hours=13))
        assert live.is_due()


def test_a_merged_account_is_followed_with_the_one_it_went_into() -> None:
    with opened() as (project, drain):
        live = _following(project, drain)
        project.merge("globex", into="acme", since=TODAY - dt.timedelta(days=5))
        live.rebase()
        at = (NOON - dt.timedelta(days=2)).isoformat()
        late = {"messageId": "l1", "timestamp": at, "type": "track", "event": "Board Viewed"}
        send(project, [{**late, "userId": "u2", "context": {"groupId": "globex"}}])
        take(drain, live)
        assert_like_a_run(project, live)


def told(project: Project, account: str, as_of: dt.date | None = None) -> Any:
    """Return an explanation; numbers to twelve digits, as frames are compared with less."""
    plain = json.dumps(as_plain(project.explain(account, as_of=as_of)), default=str)
    return json.loads(plain, parse_float=lambda text: f"{float(text):.12g}")


@contextmanager
def counted_ways() -> Iterator[list[str]]:
    """Tell how accounts that are looked at were computed."""
    ways: list[str] = []

    def noting(name: str) -> Any:
        before = getattr(state, name, None) or getattr(state.Live, name)

        def noted(*arguments: Any, **named: Any) -> Any:
            found = before(*arguments, **named)
            if found is not None:
                ways.append(name)
            return found

        return noted

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(state, "look_near", noting("look_near"))
        for name in ("_counted", "_as_it_was"):
            patched.setattr(state.Live, name, noting(name))
        yield ways


@pytest.mark.parametrize("days", [0, 1, 5, 30])
def test_an_account_that_is_looked_at_is_told_as_a_run_tells_it(days: int) -> None:
    day = TODAY - dt.timedelta(days=days)
    with opened() as (project, drain), counted_ways() as ways:
        live = _following(project, drain)
        at = (NOON - dt.timedelta(minutes=1)).isoformat()
        act = {"type": "track", "userId": "u0", "event": "Demo Requested", "timestamp": at}
        send(project, [{**act, "messageId": "n1"}])
        take(drain, live)
        counted = [told(project, name, day) for name in ("acme", "globex")]
        assert set(ways) == {"_counted" if not days else "_as_it_was"}
        # Somebody new, and something late: they are computed anew, and counted on from there.
        late = (NOON - dt.timedelta(days=7)).isoformat()
        send(project, [{**act, "messageId": "n2", "userId": "u9", "context": {"groupId": "acme"}}])
        send(project, [{**act, "messageId": "n3", "userId": "u1", "timestamp": late}])
        take(drain, live)
        ways.clear()
        moved = [told(project, name, day) for name in ("acme", "globex")]
        assert ways == ["_counted", "_counted"] if not days else ["look_near", "_as_it_was"]
        project.stop_following()
        assert moved == [told(project, name, day) for name in ("acme", "globex")]
        assert counted[1] == moved[1]
        assert (counted[0] == moved[0]) == (days == 30)  # nothing of it was known then


def _rows(row: dict[str, Any]) -> pa.Table:
    moments = {
        name: pa.array([value], pa.timestamp("us", "UTC"))
        for name, value in row.items()
        if isinstance(value, dt.datetime)
    }
    return pa.table({name: moments.get(name, [value]) for name, value in row.items()})
