"""The channel mix: every gained dollar of the last weeks in one place, beside the weeks before."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl

from groundswell.web.document import to_text
from groundswell.web.weekly_report import report_weekly
from tests.measuring.conftest import DAY

GAINS = ("new", "expansion", "reactivation")


def gained(project: Any, first: dt.date, last: dt.date) -> int:
    """Return what was gained in some days, told from the movements alone."""
    rows = (
        project.measuring.tables(DAY)
        .named["movements"]
        .filter(pl.col("kind").is_in(GAINS), pl.col("day").is_between(first, last))
    )
    return round(rows["arr_cents"].sum())


def test_each_gained_dollar_is_in_one_channel(company: Any) -> None:
    project = company()
    channels = project.measuring.weekly().channels
    since = DAY - dt.timedelta(days=90)
    before = since - dt.timedelta(days=91)
    assert sum(one.gained_cents for one in channels) == gained(project, since, DAY) > 0
    assert sum(one.before_cents for one in channels) == gained(
        project, before, since - dt.timedelta(days=1)
    )
    assert len({(one.bucket, one.motion) for one in channels}) == len(channels)
    accounts = [account for one in channels for account in one.accounts]
    assert len(accounts) == len(set(accounts))


def test_channels_are_in_the_weeks_report(company: Any) -> None:
    text = to_text(report_weekly(company().measuring.weekly(), title="Week"))
    assert "Channel mix" in text
    assert "product-sourced" in text
