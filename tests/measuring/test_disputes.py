"""Disputes of lines of commission: what is recorded, what is paid, and who is told of them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from groundswell.api.operations import OPERATIONS
from groundswell.engine.measuring.disputes import Claim, Dispute
from groundswell.engine.measuring.overlay_facts import count_disputes
from groundswell.errors import UsageError
from groundswell.model import as_plain
from groundswell.overlay.quarters import Quarter
from groundswell.web.advice_report import write_mistakes
from groundswell.web.commission_report import write_commissions
from groundswell.web.document import to_text
from tests.measuring.conftest import DAY
from tests.measuring.test_attribution import ANN, SALE, owned, sell
from tests.measuring.test_mistakes import known_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from groundswell.clock import FixedClock

BO, MO = "bo@ours.example", "mo@ours.example"
TWO = {
    "sales_assist": {
        "members": [{"name": "Ann Ash", "email": ANN}, {"name": "Bo Birch", "email": BO}],
        "first_touch_within": "24 working hours",
    },
}
SOLD = DAY - dt.timedelta(days=SALE)
LINE = f"a06@{SOLD}"
PAID = 117_000
JULY, AUGUST = dt.date(2026, 7, 20), dt.date(2026, 8, 5)


@pytest.fixture
def paying(company: Callable[..., Any]) -> Any:
    """Open the company with two reps, of whom Ann sold something."""
    project = company(teams=TWO, commissions={"baseline": {"at_least": 1000}})
    sell(project)
    owned(project)
    return project


def on(clock: FixedClock, day: dt.date) -> None:
    clock.at = dt.datetime.combine(day, dt.time(9), dt.UTC)


def paid(project: Any, month: str, as_of: dt.date) -> dict[str, int]:
    found = project.measuring.commissions(month=month, as_of=as_of)
    return {one.rep: one.pay_cents for one in found.statements}


def refusal(do: Callable[..., Any], *told: Any, **more: Any) -> str:
    with pytest.raises(UsageError) as caught:
        do(*told, **more)
    (problem,) = caught.value.problems
    assert problem.fix
    return problem.code


def test_an_answer_is_paid_for_in_the_month_in_which_it_is_given(
    paying: Any, clock: FixedClock
) -> None:
    june = paid(paying, "2026-06", DAY)
    on(clock, JULY)
    opened = paying.disputes.open(LINE, by=BO, why="I ran the demo", share="50%")
    assert (opened.status, opened.claim, opened.account_id) == ("open", Claim(BO, 0.5), "a06")
    on(clock, AUGUST)
    answered = paying.disputes.answer(LINE, upheld=True, by=MO, why="Both did", share="25%")
    assert (answered.status, answered.answer.given) == ("upheld", Claim(BO, 0.25))
    assert paid(paying, "2026-06", AUGUST) == june
    assert paid(paying, "2026-07", AUGUST) == {ANN: -PAID}
    assert paid(paying, "2026-08", AUGUST) == {ANN: PAID * 3 // 4, BO: PAID // 4}
    statement = paying.measuring.commissions(month="2026-08", rep=BO, as_of=AUGUST).statements[0]
    (entry,) = statement.entries
    assert (entry.day, entry.kind, entry.receipt_id) == (AUGUST, "released", LINE)
    assert entry.receipt.startswith(f"{ANN} opened `o6`")


def test_a_day_knows_what_was_recorded_by_its_end(paying: Any, clock: FixedClock) -> None:
    june = paying.measuring.commissions(as_of=DAY)
    on(clock, JULY)
    paying.disputes.open(LINE, by=BO, why="I ran the demo")
    open_ = paying.measuring.commissions(as_of=JULY)
    on(clock, AUGUST)
    paying.disputes.answer(LINE, upheld=True, by=MO, why="Yes")
    assert paying.measuring.commissions(as_of=DAY) == june
    assert june.statements[0].disputes == ()
    assert paying.measuring.commissions(as_of=JULY) == open_
    (ann,) = open_.statements
    assert (ann.open_cents, [one.status for one in ann.disputes]) == (PAID, ["open"])


def test_what_is_rejected_stays_as_it_was(paying: Any, clock: FixedClock) -> None:
    on(clock, JULY)
    for to, upheld in ((BO, True), (ANN, False), ("nobody", True), (ANN, False)):
        clock.advance(dt.timedelta(hours=1))
        paying.disputes.open(LINE, by=MO, why=f"{to} at {clock.at:%H}", to=to)
        clock.advance(dt.timedelta(days=1))
        paying.disputes.answer(LINE, upheld=upheld, by=MO, why="So be it")
        held = paying.measuring.commissions(as_of=clock.at.date())
        total = {one.rep: one.pay_cents for one in held.statements}
        expected = {1: {ANN: -PAID, BO: PAID}, 2: {ANN: -PAID, BO: PAID}}
        number = len(paying.disputes.kept())
        assert total == expected.get(number, {ANN: -PAID, BO: 0}), number


def test_a_line_is_disputed_once_at_a_time(paying: Any, clock: FixedClock) -> None:
    ask = paying.disputes
    first = ask.open(LINE, by=BO, why="Mine")
    clock.advance(dt.timedelta(hours=1))
    assert ask.open(LINE, by=BO.upper(), why=" Mine ", to=BO, share="100%") == first
    assert refusal(ask.open, LINE, by=BO, why="Half", share="50%") == "dispute-open"
    assert refusal(ask.open, LINE, by=MO, why="Mine") == "dispute-open"
    answered = ask.answer(LINE, upheld=False, by=MO, why="No")
    clock.advance(dt.timedelta(hours=1))
    assert ask.answer(LINE, upheld=False, by=MO, why="No") == answered
    assert refusal(ask.answer, LINE, upheld=True, by=MO, why="No") == "dispute-answered"
    assert refusal(ask.answer, LINE, upheld=False, by=BO, why="No") == "dispute-answered"
    assert refusal(ask.open, LINE, by=BO, why="Mine") == "dispute-answered"
    again = ask.open(LINE, by=BO, why="Look at the call of May")
    assert (again.number, len(ask.kept()), ask.kept(unanswered=True)) == (2, 2, [again])
    kinds = [one.kind for one in paying.journal(account="a06", limit=3)]
    assert kinds == ["dispute_opened", "dispute_answered", "dispute_opened"]


def test_what_cannot_be_disputed_is_said(paying: Any) -> None:
    ask = paying.disputes
    assert refusal(ask.open, "a06@2026-06-21", by=BO, why="Mine") == "dispute-line"
    alone = "a03@2026-01-01"  # bought by itself: nobody is credited with it
    assert refusal(ask.open, alone, by=BO, why="Mine") == "dispute-line"
    assert refusal(ask.open, LINE, by="Bo", why="Mine") == "dispute-email"
    assert refusal(ask.open, LINE, by=BO, why=" ") == "dispute-why"
    assert refusal(ask.open, LINE, by=BO, why="Mine", to="eve@ours.example") == "rep-unknown"
    for share in ("half", "0%", "101%", "0.5"):
        assert refusal(ask.open, LINE, by=BO, why="Mine", share=share) == "dispute-share"
    assert refusal(ask.open, LINE, by=BO, why="x", to="nobody", share="5%") == "dispute-share"
    assert refusal(ask.answer, LINE, upheld=True, by=MO, why="Yes") == "dispute-none"
    assert ask.kept() == []
    ask.open(LINE, by=BO, why="Mine")
    told = {"upheld": True, "by": MO, "why": "Yes"}
    assert refusal(ask.answer, LINE, **told, to="eve@ours.example") == "rep-unknown"
    told["upheld"] = False
    assert refusal(ask.answer, LINE, **told, to=ANN) == "dispute-rejected"
    assert len(ask.kept(unanswered=True)) == 1


def test_who_disputed_at_the_same_time_is_told(paying: Any, monkeypatch: Any) -> None:
    ask = paying.disputes
    before = ask.lines

    def meanwhile() -> Any:
        object.__setattr__(ask, "lines", before)
        ask.open(LINE, by=MO, why="It is for Bo", to=BO)
        return before()

    object.__setattr__(ask, "lines", meanwhile)
    assert refusal(ask.open, LINE, by=BO, why="Mine") == "dispute-open"
    assert [one.by for one in ask.kept()] == [MO]


def test_a_statement_shows_disputes_beside_its_lines(paying: Any, clock: FixedClock) -> None:
    paying.disputes.open(LINE, by=BO, why="I ran the demo", share="50%")
    text = to_text(write_commissions(paying.measuring.commissions()))
    assert f"{LINE} is disputed by {BO} since {DAY}, who claims 50% of it for {BO}" in text
    assert "I ran the demo. Nobody has answered; it is paid to nobody." in text
    (row,) = [line for line in text.splitlines() if " earned " in line and LINE in line]
    assert row.rstrip(" |").endswith("open")
    paying.disputes.answer(LINE, upheld=True, by=MO, why="Both did.", to="nobody")
    text = to_text(write_commissions(paying.measuring.commissions()))
    assert f"{LINE} was disputed by {BO} on {DAY}" in text
    assert f"It was upheld on {DAY} by {MO}, nobody is paid: Both did." in text


def test_a_month_in_which_some_get_what_others_lose_pays_somebody(
    paying: Any, clock: FixedClock
) -> None:
    on(clock, JULY)
    paying.disputes.open(LINE, by=BO, why="Mine")
    paying.disputes.answer(LINE, upheld=True, by=MO, why="Yes")
    text = to_text(write_commissions(paying.measuring.commissions(as_of=JULY)))
    assert "0.00 is paid to 2 reps." in text
    assert f"{JULY}, {LINE}: dispute settled: awarded to {BO}. {ANN} opened `o6`" in text


def test_mistakes_know_what_the_journal_knows(paying: Any, clock: FixedClock) -> None:
    bare = known_of(paying)
    assert bare.disputes is None
    assert bare.quarters.get_column("commission_lines").to_list() == [None] * 4
    paying.disputes.open(LINE, by=BO, why="Mine")
    known = known_of(paying)
    assert known.disputes.rows() == [(LINE, DAY)]
    lines = [len([one for one in paying.measuring.credited().lines if one.day.month > 3])]
    assert known.quarters.get_column("commission_lines").to_list() == [0, 0, 0, *lines]
    assert lines == [2]
    assert known_of(paying, DAY - dt.timedelta(days=1)).disputes is None


def test_disputes_of_a_quarter_are_friction(paying: Any) -> None:
    (other,) = {one.receipt_id for one in paying.measuring.credited().lines} - {LINE}
    paying.disputes.open(other, by=BO, why="Mine")
    for number in (1, 2):
        paying.disputes.open(LINE, by=BO, why=f"Mine, {number}")
        paying.disputes.answer(LINE, upheld=False, by=MO, why="No")
    text = to_text(write_mistakes(paying.measuring.mistakes()))
    assert "3 lines of commission were disputed this quarter" in text


def test_the_journal_counts_from_the_quarter_in_which_it_begins() -> None:
    def opened(*at: dt.datetime) -> list[Dispute]:
        return [Dispute("r", "a", 1, one, BO, "x", Claim(BO, 1.0)) for one in at]

    quarters = [Quarter(2026, 1), Quarter(2026, 2), Quarter(2026, 3)]
    declared = {"2025-Q4": 9, "2026-Q1": 6, "2026-Q2": 4, "2026-Q3": 7}
    assert count_disputes(declared, [], quarters) == declared
    assert count_disputes({}, [], quarters) == {}
    may = dt.datetime(2026, 5, 3, tzinfo=dt.UTC)
    told = {"2025-Q4": 9, "2026-Q1": 6, "2026-Q2": 4, "2026-Q3": 0}
    assert count_disputes(declared, opened(may), quarters) == told
    many = opened(*[may] * 5, may.replace(month=8))
    assert count_disputes(declared, many, quarters) == told | {"2026-Q2": 5, "2026-Q3": 1}


def test_the_overlay_is_judged_by_them(paying: Any, clock: FixedClock) -> None:
    asked = "disputes over who earned what"
    before = str(paying.measuring.overlay().verdict)
    paying.disputes.open(LINE, by=BO, why="Mine")
    assert asked in before
    assert asked not in str(paying.measuring.overlay().verdict)


def test_a_server_tells_the_same(paying: Any) -> None:
    ask = paying.disputes
    opened = ask.open(LINE, by=BO, why="Mine", share="33.3%")
    answered = ask.answer(LINE, upheld=True, by=MO, why="Yes")
    for name, found in (
        ("disputes.open", opened),
        ("disputes.answer", answered),
        ("disputes.kept", ask.kept()),
        ("measuring.commissions", paying.measuring.commissions()),
    ):
        told = msgspec.json.encode(as_plain(found))
        assert msgspec.json.decode(told, type=OPERATIONS[name].result) == found
