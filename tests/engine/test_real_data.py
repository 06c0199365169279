"""Real data sets, made by others, through the ordinary commands only."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.cli.conftest import groundswell as groundswell  # noqa: PLC0414 - a fixture

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
EXAMPLES = ROOT / "examples"

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not DATA.exists(), reason="the real data sets are not beside the project"),
]

RELAX = """\
company: Relax
events:
  signed_up: Signed Up
  signed_in: Signed In
  invited: Invite Sent
  invite_accepted: Invite Accepted
"""


def test_relax_through_the_ordinary_commands(tmp_path, groundswell):
    folder = tmp_path / "relax"
    assert groundswell("init", folder, "--company", "Relax").code == 0
    (folder / "groundswell.yaml").write_text(RELAX, encoding="utf-8")
    where = ("--project", folder)
    users = pl.read_csv(DATA / "relax" / "users.csv", encoding="utf8-lossy")
    logins = pl.read_csv(DATA / "relax" / "engagement.csv.gz")

    added: dict[str, int] = {}
    for kind in ("users", "memberships", "events"):
        mapping = EXAMPLES / "relax" / "mapping.yaml"
        reports = groundswell("load", kind, "--mapping", mapping, "--json", *where)
        assert reports.code == 0
        added |= {report["source"]: report["added"] for report in reports.json()}
    invited = users.filter(pl.col("invited_by_user_id").is_not_null()).height
    assert added == {
        "users": 12_000,
        "memberships": 12_000,
        "signups": 12_000,
        "invites_sent": invited,
        "invites_accepted": invited,
        "logins": logins.height,
    }
    assert logins.height == 207_917

    day = "2014-05-31"
    report = groundswell("run", "--as-of", day, "--json", *where).json()
    orgs = users.get_column("org_id").n_unique()
    assert report["accounts"] == orgs == 417, "free mail is no account of its own beside an org"

    path = tmp_path / "features.parquet"
    assert groundswell("features", "--as-of", day, "--out", path, *where).code == 0
    features = pl.read_parquet(path).sort("account_id")
    signed_up = users.with_columns(
        pl.col("creation_time").str.to_datetime("%d-%m-%Y %H:%M").dt.date().alias("day")
    ).filter(pl.col("day") <= pl.date(2014, 5, 31))
    members = signed_up.group_by(pl.col("org_id").cast(pl.String).alias("account_id")).len()
    counted = features.select("account_id", pl.col("users_total").cast(pl.UInt32))
    assert (
        counted.join(members, on="account_id")
        .filter(pl.col("users_total") != pl.col("len"))
        .is_empty()
    )

    active = (
        logins.with_columns(pl.col("time_stamp").str.to_date().alias("day"))
        .filter(pl.col("day").is_between(pl.date(2014, 5, 4), pl.date(2014, 5, 31)))
        .join(users.select("user_id", "org_id"), on="user_id")
    )
    signups = signed_up.filter(pl.col("day") >= pl.date(2014, 5, 4)).select("user_id", "org_id")
    inviters = (
        signed_up.filter(pl.col("day") >= pl.date(2014, 5, 4))
        .drop_nulls("invited_by_user_id")
        .select(pl.col("invited_by_user_id").alias("user_id"), "org_id")
    )
    people = pl.concat([active.select("user_id", "org_id"), signups, inviters]).unique()
    expected = people.group_by(pl.col("org_id").cast(pl.String).alias("account_id")).len()
    both = features.join(expected, on="account_id", how="left").select(
        "active_users_28d", pl.col("len").fill_null(0).cast(pl.Float64)
    )
    assert both.filter(pl.col("active_users_28d") != pl.col("len")).is_empty()

    top = groundswell("accounts", "--limit", "5", "--json", *where).json()
    story = groundswell("explain", top[0]["account_id"], "--json", *where).json()
    assert story["score"] == top[0]["score"]


def test_ravenstack_plans_seats_and_subscriptions(tmp_path, groundswell):
    folder = tmp_path / "ravenstack"
    groundswell("init", folder, "--company", "RavenStack")
    where = ("--project", folder)
    added: dict[str, int] = {}
    mapping = EXAMPLES / "ravenstack" / "mapping.yaml"
    for kind in ("accounts", "subscriptions", "tickets", "events"):
        reports = groundswell("load", kind, "--mapping", mapping, "--json", *where)
        assert reports.code == 0, reports.err
        for report in reports.json():
            added[report["kind"]] = added.get(report["kind"], 0) + report["added"]
    assert added["accounts"] == 500
    assert added["subscriptions"] == 5_000

    path = tmp_path / "features.parquet"
    groundswell("features", "--as-of", "2024-06-30", "--out", path, *where)
    features = pl.read_parquet(path)
    rows = pl.read_csv(
        DATA / "ravenstack" / "ravenstack_subscriptions.csv", encoding="utf8-lossy"
    ).with_columns(
        pl.col("start_date").str.to_date("%d-%m-%Y"),
        pl.col("end_date").str.to_date("%d-%m-%Y", strict=False),
    )
    day = pl.date(2024, 6, 30)
    running = rows.filter(
        (pl.col("start_date") <= day) & (pl.col("end_date").is_null() | (pl.col("end_date") > day))
    )
    expected = running.group_by("account_id").agg(pl.col("mrr_amount").sum().cast(pl.Float64))
    both = features.join(expected, on="account_id", how="inner")
    assert both.height == expected.height
    assert both.filter((pl.col("mrr") - pl.col("mrr_amount")).abs() > 1e-9).is_empty()
