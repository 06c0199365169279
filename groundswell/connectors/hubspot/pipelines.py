"""The pipelines of deals: where new ones begin, and what a stage means."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from groundswell.connectors.budget import DestinationError
from groundswell.connectors.hubspot.api import DEALS, HubSpotApi, RefusedError
from groundswell.errors import Problem

if TYPE_CHECKING:
    from groundswell.connectors.destination import Context
    from groundswell.connectors.hubspot.api import Record
    from groundswell.connectors.hubspot.settings import HubSpotSettings


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a pipeline.

    Attributes:
        pipeline: Id of its pipeline.
        id: Its own.
        label: What people read.
        won: Whether it ends a deal as won (True) or lost (False); None for an open one.
    """

    pipeline: str
    id: str
    label: str
    won: bool | None


class Pipelines:
    """The pipelines of one account's deals; read once."""

    def __init__(self, api: HubSpotApi, context: Context, settings: HubSpotSettings) -> None:
        self._api = api
        self._context = context
        self._settings = settings

    @cached_property
    def stages(self) -> dict[str, Stage]:
        """Every stage by its id."""
        return {stage.id: stage for of_one in self._read.values() for stage in of_one}

    @cached_property
    def first(self) -> Stage:
        """The stage in which a new deal begins, by the settings.

        Raises:
            DestinationError: There is no such stage.
        """
        named, wanted = self._settings.deal_pipeline, self._settings.deal_stage
        labels = self._labels
        chosen = [
            stage
            for pipeline, stages in self._read.items()
            if named in {None, pipeline, labels[pipeline]}
            for stage in stages
            if wanted in {None, stage.id, stage.label}
        ]
        if chosen:
            return chosen[0]
        stage = f"stage `{wanted}`" if wanted else "stage"
        pipeline = f"the pipeline `{named}`" if named else "any pipeline"
        there = ", ".join(f"{one.label} ({one.id})" for one in self.stages.values())
        raise DestinationError(
            Problem(
                code="hubspot-deal-stage",
                what=f"`{self._context.name}`: there is no {stage} in {pipeline} of HubSpot.",
                fix=f"Mend `deal_pipeline` and `deal_stage`. Stages there are: {there}.",
            )
        )

    @cached_property
    def _read(self) -> dict[str, list[Stage]]:
        return {str(one["id"]): _stages(one) for one in self._rows}

    @cached_property
    def _labels(self) -> dict[str, str]:
        return {str(one["id"]): one["label"] for one in self._rows}

    @cached_property
    def _rows(self) -> list[Record]:
        try:
            rows = self._api.get("pipelines", DEALS)["results"]
        except RefusedError as error:
            raise self._api.whole(error) from None
        return sorted(rows, key=lambda one: (one.get("displayOrder", 0), str(one["id"])))


def _stages(pipeline: Record) -> list[Stage]:
    rows = sorted(pipeline["stages"], key=lambda one: (one.get("displayOrder", 0), one["id"]))
    return [Stage(str(pipeline["id"]), str(row["id"]), row["label"], _won(row)) for row in rows]


def _won(stage: Record) -> bool | None:
    told = stage.get("metadata", {})
    if str(told.get("isClosed", "false")).lower() != "true":
        return None
    return float(told.get("probability") or 0) > 0
