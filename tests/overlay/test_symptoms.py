"""Symptoms of a ceiling, on both sides of every line."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest

from groundswell.config.overlay_schema import OverlayBlock
from groundswell.overlay.facts import OverlayFacts
from groundswell.overlay.figures import Figure
from groundswell.overlay.quarters import Quarter
from groundswell.overlay.symptoms import read_symptoms
from tests.overlay.scenarios import AS_OF, Company, simulate

TERMS = OverlayBlock.as_shipped()
LATEST = Quarter.of(AS_OF)


def symptom(facts: OverlayFacts, name: str):
    return next(one for one in read_symptoms(facts, TERMS) if one.name == name)


@pytest.mark.parametrize(
    ("growth", "seen"),
    [
        ((0.13, 0.13, 0.13, 0.13, 0.05, 0.05), True),
        ((0.13, 0.13, 0.13, 0.13, 0.07, 0.07), False),  # slower, and no ceiling
        ((0.10, 0.10, 0.10, 0.10, 0.05, 0.05), False),  # there was no growth to lose
    ],
)
def test_growth_at_a_ceiling(growth, seen):
    found = symptom(simulate(Company(growth=growth), 0), "growth_ceiling")
    assert found.holds is seen
    assert f"{100 * growth[-1]:.0f}% a quarter" in found.why


def test_a_ceiling_under_fewer_sign_ups_is_another_trouble():
    growth = (0.13, 0.13, 0.13, 0.13, 0.05, 0.05)
    facts = simulate(Company(growth=growth), 0)
    late = pl.col("signed_up") >= LATEST.earlier(1).first
    fewer = facts.accounts.filter(~late | (pl.int_range(pl.len()) % 2 == 0))
    assert symptom(replace(facts, accounts=fewer), "growth_ceiling").holds is False


def steps(*rows: tuple[str, int, int]) -> pl.DataFrame:
    """Return steps of revenue: account, quarters ago, cents."""
    return pl.DataFrame(
        [(who, LATEST.earlier(ago).first, cents) for who, ago, cents in rows],
        schema={"account_id": pl.String, "day": pl.Date, "arr_cents": pl.Int64},
        orient="row",
    )


def test_few_accounts_make_much_and_leave_unowned():
    many = [(f"small{n}", 4, 1_000) for n in range(18)]
    top = [("top0", 4, 90_000), ("top1", 4, 80_000)]
    left = [("top0", 1, 0), ("top1", 1, 20_000)]
    facts = OverlayFacts(AS_OF, arr=steps(*many, *top, *left))
    found = symptom(facts, "concentration")
    assert found.holds is True
    assert [one.account_id for one in found.evidence] == ["top0", "top1"]
    owned = pl.DataFrame({"account_id": ["top0"], "owner": ["ann"]})
    assert symptom(replace(facts, accounts=owned), "concentration").holds is False
    stayed = OverlayFacts(AS_OF, arr=steps(*many, *top))
    assert symptom(stayed, "concentration").holds is False
    early = OverlayFacts(
        AS_OF, arr=steps(*[(who, ago + 3, c) for who, ago, c in (*many, *top, *left)])
    )
    assert symptom(early, "concentration").holds is False  # they left long before


def seats(now: float, before: float, *, employees: float = 600, mrr: float = 10, n: int = 3):
    rows = [
        {
            "account_id": f"big{one}",
            "as_of": LATEST.earlier(ago).last,
            "employees": employees,
            "seats_used": used,
            "mrr": mrr,
        }
        for one in range(n)
        for ago, used in ((0, now), (3, before))
    ]
    return OverlayFacts(AS_OF, features=pl.DataFrame(rows))


@pytest.mark.parametrize(
    ("facts", "seen"),
    [
        (seats(45.0, 45.0), True),
        (seats(49.0, 45.0), True),
        (seats(50.0, 45.0), False),  # it grows
        (seats(91.0, 91.0), False),  # more than a few of its people
        (seats(45.0, 45.0, employees=499), False),
        (seats(45.0, 45.0, mrr=0), False),  # it does not pay
        (seats(45.0, 45.0, n=2), False),
    ],
)
def test_big_accounts_that_stand_still(facts, seen):
    assert symptom(facts, "big_accounts_stalled").holds is seen


def asked(*, answered: int, n: int = 10, after: int = 7) -> OverlayFacts:
    day = AS_OF - dt.timedelta(days=30)
    ids = [f"e{one}" for one in range(n)]
    at = dt.datetime.combine(day + dt.timedelta(days=after), dt.time(9), dt.UTC)
    touched = [*ids[:answered], "somebody else"]
    return OverlayFacts(
        AS_OF,
        accounts=pl.DataFrame({"account_id": ids, "hand_raised": [day] * n}),
        touches=pl.DataFrame({"account_id": touched, "at": [at] * len(touched)}),
    )


@pytest.mark.parametrize(
    ("facts", "seen"),
    [
        (asked(answered=7), True),
        (asked(answered=8), False),
        (asked(answered=7, after=8), True),  # an answer on the eighth day is none
        (asked(answered=10, after=8), True),
        (asked(answered=0, n=2), False),
    ],
)
def test_asks_that_nobody_answers(facts, seen):
    assert symptom(facts, "inbound_unanswered").holds is seen


def test_nobody_knows_of_answers_where_touches_are_not_loaded():
    facts = replace(asked(answered=0), touches=pl.DataFrame())
    found = symptom(facts, "inbound_unanswered")
    assert found.holds is None
    assert "touches" in found.missing[0]


@pytest.mark.parametrize(
    ("before", "now", "seen"),
    [(1.05, 1.15, True), (1.04, 1.1, False), (1.1, 1.16, False), (None, 1.1, None)],
)
def test_retention_is_stuck_between_its_lines(before, now, seen):
    nrr = {str(LATEST.earlier(1)): Figure(before), str(LATEST): Figure(now)}
    assert symptom(OverlayFacts(AS_OF, nrr=nrr), "nrr_plateau").holds is seen
