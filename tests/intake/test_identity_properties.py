"""Filings against the oracle, at every day of random worlds."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from groundswell.clock import day_from_number
from groundswell.intake import explain_account, explain_user

from .oracle import Oracle, World, cut, day_of
from .worlds import (
    ACCOUNTS,
    COMPANY,
    FIRST_DAY,
    LAST_DAY,
    USERS,
    Answers,
    everything_as_of,
    file,
    worlds,
)


@settings(max_examples=80)
@given(worlds())
def test_every_answer_is_the_oracles_as_of_every_day(world: World) -> None:
    answers = Answers(file(world))
    for today in range(FIRST_DAY, LAST_DAY + 2):
        known = cut(world, today)
        oracle = Oracle(known, today, COMPANY)
        assert answers.members(today) == oracle.members()
        for actor in known.actors:
            for day in range(day_of(actor.first_at), today + 1):
                assert answers.answer(actor.number, day, today) == oracle.answer(actor, day)


@settings(max_examples=30)
@given(worlds(), st.integers(FIRST_DAY, LAST_DAY))
def test_what_became_known_later_changes_nothing(world: World, today: int) -> None:
    known = cut(world, today)
    whole, early = file(world), file(known)
    assert everything_as_of(whole, known, today) == everything_as_of(early, known, today)
    as_of = day_from_number(today)
    for user in USERS:
        assert explain_user(whole, user, as_of) == explain_user(early, user, as_of)
    for account in ACCOUNTS:
        assert explain_account(whole, account, as_of) == explain_account(early, account, as_of)


@settings(max_examples=15)
@given(worlds(), st.integers(0, 2**32))
def test_the_order_of_rows_does_not_matter(world: World, seed: int) -> None:
    as_given = file(world)
    shuffled = file(world, lambda frame: frame.sample(fraction=1, shuffle=True, seed=seed))
    for name in ("links", "filings", "members", "accounts", "persons", "merges", "unfiled"):
        assert getattr(as_given, name).equals(getattr(shuffled, name)), name


@settings(max_examples=30)
@given(worlds())
def test_links_and_members_tell_the_same(world: World) -> None:
    filing = file(world)
    answers = Answers(filing)
    for today in range(FIRST_DAY, LAST_DAY + 1):
        told = {
            (link.account_id, link.user_id)
            for user in USERS
            for link in explain_user(filing, user, day_from_number(today))
            if link.until is None
        }
        assert told == {pair for pair in answers.members(today) if pair[1] in USERS}
