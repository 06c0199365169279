"""The example that learns who takes to a product, on a log written by hand and on the real one."""

from __future__ import annotations

import datetime as dt
import runpy
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from groundswell.engine.lab import Asked, Plan, study_table

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "relax"
SCRIPT = ROOT / "examples" / "relax" / "adoption.py"
EXAMPLE = runpy.run_path(str(SCRIPT))
NEW_YEAR = dt.date(2024, 1, 1)

real = pytest.mark.skipif(not DATA.exists(), reason="the real data sets are not beside the project")


def day(age: int) -> dt.date:
    return NEW_YEAR + dt.timedelta(days=age)


def table_of(logins: dict[int, list[int]], *, signed_up: dict[int, int], log_ends: int):
    users = pl.DataFrame(
        {
            "user_id": signed_up.keys(),
            "org_id": 1,
            "creation_source": "SIGNUP",
            "signed_up": [day(age) for age in signed_up.values()],
            "invited": False,
        }
    )
    rows = [(user, day(age)) for user, ages in logins.items() for age in ages]
    frame = pl.DataFrame(rows, schema={"user_id": pl.Int64, "on": pl.Date}, orient="row")
    return EXAMPLE["adoption_table"](users, frame, log_ends=day(log_ends))


def test_whom_it_holds_and_who_of_them_adopts():
    logins = {
        1: [0, 3, 6],  # has adopted on day 6, so nothing is left to tell
        2: [0, 7, 13, 15, 19],  # three within seven days on day 19: the 13th, 15th and 19th
        3: [2, 101, 102, 103],  # on the last of the 90 days
        4: [2, 102, 103, 104],  # on the day after them
        5: [20, 24, 27],  # three within eight days
        7: [12, 13, 14],  # on the first of the 90 days
    }
    table = table_of(logins, signed_up=dict.fromkeys(range(1, 8), 0), log_ends=104)
    adopted = dict(table.select("user_id", "adopted").iter_rows())
    assert adopted == {2: True, 3: True, 4: False, 5: False, 6: False, 7: True}


def test_what_a_row_says_of_the_first_days():
    logins = {1: [0, 7, 13, 14, 20], 2: [6], 3: [14]}
    table = table_of(logins, signed_up=dict.fromkeys((1, 2, 3, 4), 0), log_ends=104)
    shown = table.select("user_id", "logins", "second_week", "quiet_days").rows()
    assert shown == [(1, 3, 2, 0), (2, 1, 0, 7), (3, 0, 0, 14), (4, 0, 0, 14)]
    assert set(table["snapshot_day"]) == {day(14)}


def test_an_organisation_has_the_users_who_had_signed_up_by_then():
    table = table_of({}, signed_up={1: 0, 2: 13, 3: 14, 4: 40}, log_ends=200)
    assert table["org_users"].to_list() == [2, 3, 3, 4]


def test_who_signed_up_too_late_to_be_judged_is_left_out():
    table = table_of({}, signed_up={1: 0, 2: 1}, log_ends=104)
    assert table["user_id"].to_list() == [1]


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("relax") / "adoption.csv"
    ran = subprocess.run(
        [sys.executable, SCRIPT, DATA, out], check=True, capture_output=True, text=True
    )
    assert ran.stdout == "9,279 users, 1,109 of whom adopted the product\n"
    return out


@pytest.mark.data
@real
def test_the_real_log_counted_by_hand(written):
    signed_up, ages = {}, {}
    for user, created in pl.read_csv(DATA / "users.csv")["user_id", "creation_time"].iter_rows():
        day_, month, year = map(int, created[:10].split("-"))
        signed_up[user] = dt.date(year, month, day_)
        ages[user] = set()
    logins = pl.read_csv(DATA / "engagement.csv.gz")
    for text, user in logins["time_stamp", "user_id"].iter_rows():
        ages[user].add((dt.date.fromisoformat(text) - signed_up[user]).days)

    def adopted_on(age, seen):
        return age in seen and len(seen & set(range(age - 6, age + 1))) >= 3

    table = pl.read_csv(written)
    for row in table.iter_rows(named=True):
        seen = ages[row["user_id"]]
        assert row["logins"] == sum(age <= 13 for age in seen)
        assert not any(adopted_on(age, seen) for age in range(14))
        assert row["adopted"] == any(adopted_on(age, seen) for age in range(14, 104))
    last = dt.date.fromisoformat(logins["time_stamp"].max())
    old = [user for user, on in signed_up.items() if (last - on).days >= 104]
    early = [user for user in old if any(adopted_on(age, ages[user]) for age in range(14))]
    assert set(table["user_id"]) == set(old) - set(early)


@pytest.mark.data
@real
def test_later_logins_change_nothing_but_the_outcome():
    users, logins = EXAMPLE["read_users"](DATA), EXAMPLE["read_logins"](DATA)
    end = logins["on"].max()
    before = EXAMPLE["adoption_table"](users, logins, log_ends=end)
    even = before.filter(pl.col("user_id") % 2 == 0).select("user_id", "snapshot_day")
    later = [
        even.select("user_id", on=pl.col("snapshot_day") + pl.duration(days=days))
        for days in (0, 1, 2)
    ]
    after = EXAMPLE["adoption_table"](users, pl.concat([logins, *later]).unique(), log_ends=end)
    assert_frame_equal(after.drop("adopted"), before.drop("adopted"))
    assert after.filter(pl.col("user_id") % 2 == 0)["adopted"].all()
    odd = pl.col("user_id") % 2 == 1
    assert_frame_equal(after.filter(odd), before.filter(odd))


@pytest.mark.data
@real
@pytest.mark.parametrize(
    ("asked", "plan"),
    [
        (
            Asked("adopted", time="snapshot_day", drop=["user_id", "org_id"]),
            Plan(embargo=90.0),
        ),
        (Asked("adopted", group="org_id", drop=["user_id", "snapshot_day"]), Plan()),
    ],
    ids=["by time", "by organisation"],
)
def test_the_first_days_tell_who_adopts(written, asked, plan):
    found = study_table(written, asked, plan)
    assert found.verdict == "ok"
    assert found.roc_auc.value >= 0.80
