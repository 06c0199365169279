"""Accounts and tasks as files: whole or not there, and every key once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl
import pytest

from groundswell.clock import FixedClock
from groundswell.connectors.deliveries import (
    ACCOUNT_FIELDS,
    AccountValues,
    Delivery,
    DeliveryKind,
    Task,
)
from groundswell.connectors.destination import DestinationError
from groundswell.connectors.registry import destination_type
from groundswell.connectors.table_export import (
    DESTINATION,
    TABLES,
    ExportDestination,
    ExportSettings,
)
from groundswell.testing import Subject
from groundswell.testing.suite import DestinationSuite

from .deliveries import ACME, NOON, context

if TYPE_CHECKING:
    from pathlib import Path

VALUES = {
    "score": 82,
    "tier": "PQL-Convert",
    "qualified": True,
    "reasons": 'said "yes",\n=1+1\n',
    "estimated_acv": 12000.5,
    "updated_on": "2026-03-02",
}


def account(key: str, *, made_at: datetime = NOON, **values: Any) -> Delivery:
    body = AccountValues(ACME, {**VALUES, **values}, owner="ann@acme.example")
    return Delivery(key, "there", DeliveryKind.ACCOUNT, "ac-1", None, body, made_at)


def task(key: str) -> Delivery:
    body = Task(ACME, "Call Acme", "Because", NOON + timedelta(hours=4), None, urgent=True)
    return Delivery(key, "there", DeliveryKind.TASK, "ac-1", "h-1", body, NOON)


def export(folder: Path, form: str = "parquet") -> ExportDestination:
    settings = msgspec.convert({"folder": str(folder), "format": form}, ExportSettings)
    return DESTINATION.open(settings, context(FixedClock(NOON)))


def statuses(destination: ExportDestination, *deliveries: Delivery) -> list[str]:
    by_key = {outcome.key: outcome.status for outcome in destination.send(deliveries)}
    return [by_key[delivery.key] for delivery in deliveries]


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_registry_knows_it():
    assert destination_type("export") is DESTINATION


def test_accounts_are_rows_in_the_folder_of_their_day(tmp_path):
    there = export(tmp_path)
    outcomes = there.send([account("k-1"), account("k-2", made_at=NOON + timedelta(days=1))])
    assert sorted(str(outcome.their_id) for outcome in outcomes) == files(tmp_path)
    assert [name.split("/")[:2] for name in files(tmp_path)] == [
        ["dim_accounts", "day=2026-03-02"],
        ["dim_accounts", "day=2026-03-03"],
    ]
    read = pl.read_parquet(tmp_path / "dim_accounts", hive_partitioning=True).sort("key")
    row = read.row(0, named=True)
    assert row["day"] == date(2026, 3, 2)
    assert (row["key"], row["made_at"], row["owner"]) == ("k-1", NOON, "ann@acme.example")
    assert (row["account_id"], row["name"], row["employees"]) == ("ac-1", "Acme", 120)
    assert {name: row[name] for name in VALUES} == {**VALUES, "updated_on": date(2026, 3, 2)}
    unsaid = set(ACCOUNT_FIELDS) - set(VALUES)
    assert {row[name] for name in unsaid} == {None}
    assert read.schema["score"] == pl.Float64


def test_tasks_are_rows_too(tmp_path):
    assert statuses(export(tmp_path), task("k-1")) == ["sent"]
    row = pl.read_parquet(tmp_path / "fct_pql").row(0, named=True)
    assert (row["handoff_id"], row["subject"], row["urgent"]) == ("h-1", "Call Acme", True)
    assert row["due_at"] == datetime(2026, 3, 2, 16, tzinfo=UTC)
    assert row["owner"] is None


def test_csv_is_read_back_as_it_was_written(tmp_path):
    export(tmp_path, "csv").send([account("k-1"), account("k-2", tier="")])
    (name,) = files(tmp_path)
    assert name.endswith(".csv")
    first, second = pl.read_csv(tmp_path / name).sort("key").iter_rows(named=True)
    assert (first["reasons"], first["score"], first["qualified"]) == (VALUES["reasons"], 82, True)
    assert (second["tier"], second["play"]) == ("", None), "no text is not no value"


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_every_key_is_written_once(tmp_path, form):
    """Another process sends the same again, in batches that were cut otherwise."""
    numbered = [account(f"007-{number}") for number in range(6)]
    first = export(tmp_path, form)
    assert statuses(first, *numbered[:3]) == ["sent"] * 3
    before = files(tmp_path)
    assert statuses(export(tmp_path, form), *numbered[:3]) == ["sent"] * 3
    assert files(tmp_path) == before
    assert statuses(export(tmp_path, form), *numbered[2:], numbered[5]) == ["sent"] * 5
    read = pl.read_csv if form == "csv" else pl.read_parquet
    keys = pl.concat([read(tmp_path / name) for name in files(tmp_path)])["key"].to_list()
    assert sorted(keys) == [delivery.key for delivery in numbered]


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_find_reads_the_files(tmp_path, form):
    sent = export(tmp_path, form).send([account("k-1"), account("k-2")])
    again = export(tmp_path, form)
    assert again.find([account("k-2"), account("never"), task("k-1")]) == {"k-2": sent[1].their_id}


def test_what_was_interrupted_is_written_anew(tmp_path):
    there = export(tmp_path)
    (outcome,) = there.send([account("k-1")])
    part = tmp_path / str(outcome.their_id)
    half = part.with_name(f".{part.name}.unfinished")
    part.rename(half)
    half.write_bytes(half.read_bytes()[:40])
    assert export(tmp_path).find([account("k-1")]) == {}
    assert statuses(export(tmp_path), account("k-1")) == ["sent"]
    assert files(tmp_path) == [str(outcome.their_id)]


@pytest.mark.parametrize(
    "wrong",
    [{"score": "high"}, {"qualified": 1}, {"tier": 3}, {"updated_on": "soon"}, {"score": True}],
)
def test_a_value_of_another_kind_is_refused_alone(tmp_path, wrong):
    deliveries = [account("k-1"), account("k-2", **wrong), account("k-3")]
    outcomes = {o.key: o for o in export(tmp_path).send(deliveries)}
    assert [outcomes[d.key].status for d in deliveries] == ["sent", "refused", "sent"]
    assert outcomes["k-2"].reason.endswith(".")
    assert outcomes["k-2"].fix
    assert pl.read_parquet(tmp_path / "dim_accounts")["key"].sort().to_list() == ["k-1", "k-3"]


def test_a_folder_that_cannot_be_used(tmp_path):
    taken = tmp_path / "taken"
    taken.write_text("a file")
    there = export(taken / "inside")
    finding = there.check()[0]
    assert not finding.ok
    assert finding.fix
    with pytest.raises(DestinationError) as error:
        there.send([account("k-1")])
    assert error.value.problems[0].code == "destination-unwritable"


def test_a_file_that_is_not_ours(tmp_path):
    folder = tmp_path / "dim_accounts" / "day=2026-03-02"
    folder.mkdir(parents=True)
    (folder / "part-strange.parquet").write_text("no parquet")
    for asked in (export(tmp_path).send, export(tmp_path).find):
        with pytest.raises(DestinationError):
            asked([account("k-1")])


def test_check_makes_nothing(tmp_path):
    assert export(tmp_path / "a" / "b").check()[0].ok
    assert list(tmp_path.iterdir()) == []


def test_settings_are_checked():
    for told in ({"folder": "x", "format": "xlsx"}, {"folder": "x", "form": "csv"}, {}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(told, ExportSettings)


def test_the_day_is_that_of_the_decision(tmp_path):
    late = replace(account("k-1"), made_at=datetime(2026, 3, 2, 23, 59, 59, tzinfo=UTC))
    export(tmp_path).send([late])
    assert "day=2026-03-02" in files(tmp_path)[0]


class TestExport(DestinationSuite):
    @pytest.fixture(params=["parquet", "csv"])
    def subject(self, tmp_path, request) -> Subject:
        def rows(delivery: Delivery) -> list[dict[str, Any]]:
            parts = sorted(tmp_path.glob(f"{TABLES[delivery.kind]}/*/part-*"))
            read = pl.read_csv if request.param == "csv" else pl.read_parquet
            found = [row for part in parts for row in read(part).iter_rows(named=True)]
            return [row for row in found if row["key"] == delivery.key]

        return Subject(
            type=DESTINATION,
            settings=ExportSettings(str(tmp_path), request.param),
            arrived=lambda delivery: len(rows(delivery)),
            state=lambda: {name: (tmp_path / name).read_bytes() for name in files(tmp_path)},
            shown=lambda delivery: "\n".join(str(value) for value in rows(delivery)[0].values()),
            spends=False,
        )
