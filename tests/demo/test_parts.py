"""The small parts of the generator, each on its own."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import numpy as np
import pytest

from groundswell.clock import day_number
from groundswell.demo.arrays import NEVER, NEVER_US, Stream, generator
from groundswell.demo.calendars import build_calendar, months_of
from groundswell.demo.catalogue import MIXES, Templates
from groundswell.demo.csvfiles import days, instants, write_csv
from groundswell.demo.eventfiles import _mixed, hex_ids
from groundswell.demo.names import INDUSTRY_NAMES, company_names, person_names
from groundswell.demo.stories import STORIES
from groundswell.intake.domains import registrable_domain


def test_streams_are_independent_and_repeatable() -> None:
    assert generator(7, Stream.CAST).random() == generator(7, Stream.CAST).random()
    drawn = {
        generator(seed, stream, part).random()
        for seed in (1, 2)
        for stream in Stream
        for part in (0, 1)
    }
    assert len(drawn) == 2 * len(Stream) * 2


def test_company_names_are_unique_and_name_their_industry() -> None:
    industry = np.arange(6000, dtype=np.int32) % len(INDUSTRY_NAMES)
    names = company_names(generator(1, Stream.CAST), industry=industry)
    assert len(set(names)) == len(names)
    assert names[INDUSTRY_NAMES.index("insurance")].split(" ", 1)[1] in (
        "Insurance", "Cover", "Assurance", "Underwriting", "Claims", "Re", "Shield", "Risk",
    )  # fmt: skip


def test_person_names_are_unique_within_an_account() -> None:
    rank = np.arange(3000, dtype=np.int32)
    names = person_names(base=np.full(3000, 12345, dtype=np.int32), rank=rank)
    assert len(set(names)) == 3000


def test_domains_are_registrable_as_they_stand() -> None:
    for name in ("oakmere-robotics.example", "postbox.example"):
        assert registrable_domain(name) == name
        assert registrable_domain(f"mail.{name}") == name


def test_message_ids_are_unique_text_of_one_width() -> None:
    numbers = np.concatenate([np.arange(5000), (3 << 40) + np.arange(5000)]).astype(np.int64)
    ids = hex_ids("m-", _mixed(numbers)).to_pylist()
    assert len(set(ids)) == 10_000
    assert {len(text) for text in ids} == {18}
    assert hex_ids("a-", np.array([-1, 1], dtype=np.int64)).to_pylist() == [
        "a-ffffffffffffffff",
        "a-0000000000000001",
    ]


def test_the_months_of_a_history_touch_each_other() -> None:
    first, last = day_number(date(2025, 11, 15)), day_number(date(2026, 2, 10))
    months = months_of(first, last)
    assert months[0][0] == first
    assert months[-1][1] == last
    assert len(months) == 4
    assert all(stop + 1 == start for (_, stop), (start, _) in pairwise(months))


def test_weekends_differ_by_country() -> None:
    monday = day_number(date(2026, 6, 1))
    calendar = build_calendar(first=monday, last=monday + 6)
    codes = [country.code for country in calendar.countries]
    german, saudi = calendar.factor[codes.index("DE")], calendar.factor[codes.index("SA")]
    assert list(np.flatnonzero(german < 1)) == [5, 6]
    assert list(np.flatnonzero(saudi < 1)) == [4, 5]
    assert (calendar.factor[calendar.restless] == 1).all()


def test_moments_keep_the_order_of_local_days() -> None:
    calendar = build_calendar(first=20_000, last=20_010)
    rng = generator(1, Stream.STORY)
    for country in range(len(calendar.countries)):
        where = np.full(500, country, dtype=np.int32)
        today = calendar.moments(rng, np.full(500, 20_003, dtype=np.int32), where)
        tomorrow = calendar.moments(rng, np.full(500, 20_004, dtype=np.int32), where)
        assert today.max() < tomorrow.min()


def test_every_mix_draws_from_the_catalogue_and_adds_up_to_one() -> None:
    templates = Templates.build()
    tables = templates.mix_tables()
    for (numbers, chances), mix in zip(tables, MIXES.values(), strict=True):
        assert {templates.events[number] for number in numbers} == set(mix)
        assert chances[-1] == pytest.approx(1)
        assert (np.diff(chances) > 0).all()


def test_every_beat_is_in_the_catalogue() -> None:
    known = Templates.build().story
    assert [beat for story in STORIES.values() for beat in story if beat.event not in known] == []


def test_csv_keeps_nulls_quotes_and_broken_lines(tmp_path) -> None:
    path = tmp_path / "some.csv"
    count = write_csv(
        path, {"a": ["x,y", None, "z"], "b": [1, 2, 3]}, broken=["broken line,1,2", "another"]
    )
    lines = path.read_text().splitlines()
    assert count == 3
    assert lines[0] == "a,b"
    assert {'"x,y",1', ",2", "z,3", "broken line,1,2", "another"} == set(lines[1:])


def test_times_are_written_in_utc_and_never_is_empty() -> None:
    assert instants(np.array([0, NEVER_US], dtype=np.int64)) == ["1970-01-01T00:00:00Z", None]
    assert days(np.array([1, NEVER], dtype=np.int32), hour=9) == ["1970-01-02T09:00:00Z", None]
