"""Mappings and their mistakes."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from groundswell.config.columns import COLUMNS, canonical_name
from groundswell.config.schema import SourceDef, TimeFormat
from groundswell.config.shape import Column
from groundswell.connectors import registry
from groundswell.connectors.shape import Connector, shape_from
from groundswell.errors import UsageError
from groundswell.model import Kind
from groundswell.store.tables import TABLES


def mistakes(
    kind: str = "events",
    maps: dict[str, str] | None = None,
    format: str | None = None,  # noqa: A002
    **source: Any,
) -> list[tuple[str, str, str]]:
    with pytest.raises(UsageError) as caught:
        shape_from(kind, SourceDef(kind=kind, **source), maps, format)
    return [(p.code, p.path, p.fix) for p in caught.value.problems]


def test_pairs_come_before_the_source_and_the_source_before_the_defaults() -> None:
    source = SourceDef(kind="events", columns={"user_id": "uid", "event": "name"})
    shape = shape_from("events", source, {"user_id": "who"})
    assert shape.columns["user_id"] == Column(("who",), asked=True)
    assert shape.columns["event"] == Column(("name",), asked=True)
    assert shape.columns["occurred_at"] == Column(("occurred_at", "timestamp"))


def test_one_time_stands_for_all_and_single_ones_come_before_it() -> None:
    source = SourceDef(
        kind="tickets",
        time={"zone": "UTC"},
        times={"at": {"unit": "s"}},
    )
    times = shape_from("tickets", source).times
    assert (times["at"].unit, times["at"].zone) == ("s", None)
    assert times["resolved_at"].zone == "UTC"


def test_every_mistake_is_told_at_once() -> None:
    found = mistakes(
        maps={"usr_id": "who"},
        columns={"event": "name"},
        constants={"event": "Opened", "plan": "pro"},
        times={"timestam": {"zone": "UTC"}},
        time={"format": "%d-%m-%Y", "zone": "UTC"},
    )
    assert [(code, path) for code, path, _ in found] == [
        ("map-unknown-target", "--map.usr_id"),
        ("map-twice", "constants.event"),
        ("map-unknown-target", "constants.plan"),
        ("time-unknown-column", "times.timestam"),
    ]
    assert found[0][2].startswith("Did you mean `user_id`?")
    assert found[3][2].startswith("Did you mean `timestamp`?")


@pytest.mark.parametrize(
    ("time", "code"),
    [
        (TimeFormat.model_construct(format="%s", unit="s"), "time-both"),
        (TimeFormat.model_construct(format="dd-mm-yyyy", zone="UTC"), "time-format"),
        (TimeFormat.model_construct(format="%d-%m-%Y"), "time-no-zone"),
        (TimeFormat.model_construct(zone="Europe/Berln"), "time-unknown-zone"),
    ],
)
def test_a_time_that_says_too_little_or_too_much(time: TimeFormat, code: str) -> None:
    """A definition that Python code put together has not been through the file's checks."""
    source = SourceDef(kind="events").model_copy(update={"time": time})
    with pytest.raises(UsageError) as caught:
        shape_from("events", source)
    assert code in [problem.code for problem in caught.value.problems]


def test_kinds_and_formats_are_suggested() -> None:
    with pytest.raises(UsageError, match="Did you mean `events`"):
        shape_from("event")
    with pytest.raises(UsageError, match="Did you mean `segment`"):
        shape_from("events", format="segmet")
    with pytest.raises(UsageError, match="holds no costs"):
        shape_from("costs", format="segment")
    with pytest.raises(UsageError, match="no connector"):
        registry.connector("segmet")


def test_what_a_file_may_hold_is_what_the_warehouse_keeps() -> None:
    for kind, columns in COLUMNS.items():
        kept = [name for name in TABLES[kind].names if (kind, name) != (Kind.EVENTS, "source")]
        assert list(columns) == kept
        for name, column in columns.items():
            needed = not TABLES[kind].field(name).nullable
            assert column.required == needed or name in ("message_id", "received_at")
            assert canonical_name(kind, name) == name


def test_ours_are_registered_as_those_of_others_are() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    assert project["entry-points"][registry.GROUP] == registry.BUILT_IN
    assert project["entry-points"][registry.DESTINATION_GROUP] == registry.DESTINATIONS


@pytest.mark.parametrize("name", sorted(registry.BUILT_IN))
def test_a_connector_describes_every_kind_it_names(name: str) -> None:
    found = registry.connector(name)
    assert isinstance(found, Connector)
    assert found.name == name
    assert found.kinds
    for kind in found.kinds:
        for variant in found.shape(kind, "company").variants():
            assert variant.kind is kind
            assert set(variant.columns) <= set(COLUMNS[kind])
