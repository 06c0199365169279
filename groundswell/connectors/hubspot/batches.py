"""Many records in one request: written, read and linked, each with an outcome of its own."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from groundswell.connectors.hubspot.api import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from groundswell.connectors.hubspot.api import HubSpotApi, Record

Item = TypeVar("Item")

_WRITTEN_AT_ONCE = 100
_READ_AT_ONCE, _READ_WITH_HISTORY = 100, 50
_LINKS_READ_AT_ONCE = 1000
_DIVISIBLE = frozenset({400, 409})


@dataclass(frozen=True, slots=True)
class Input:
    """A record to be written.

    Attributes:
        name: What we call it, unlike any other of the same call.
        id: The value of the unique property by which it is found; HubSpot's id without one.
        properties: By HubSpot's name, all as texts.
    """

    name: str
    id: str
    properties: Mapping[str, str]


@dataclass(slots=True)
class Written:
    """What became of records.

    Attributes:
        ids: Our name to HubSpot's id.
        refused: Our name to the reason why not.
    """

    ids: dict[str, str] = field(default_factory=dict[str, str])
    refused: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Link:
    """A record that another one hangs on.

    Attributes:
        id: HubSpot's id of it.
        types: Ids of the kinds of association there are.
    """

    id: str
    types: frozenset[int]


class Batches:
    """Batch requests of one account."""

    def __init__(self, api: HubSpotApi) -> None:
        self._api = api

    def upsert(self, kind: str, inputs: Sequence[Input], *, by: str) -> Written:
        """Write records, which are made where none has the value of the unique property `by`."""
        return self._write(kind, "upsert", inputs, by)

    def update(self, kind: str, inputs: Sequence[Input]) -> Written:
        """Write records that are there, by HubSpot's ids."""
        return self._write(kind, "update", inputs, None)

    def read(
        self,
        kind: str,
        ids: Iterable[str],
        properties: Sequence[str],
        *,
        by: str | None = None,
        history: Sequence[str] = (),
    ) -> list[Record]:
        """Return the records that are there, by HubSpot's ids or the unique property `by`."""
        size = _READ_WITH_HISTORY if history else _READ_AT_ONCE
        found: list[Record] = []
        for some in _pieces(sorted(set(ids)), size):
            body: dict[str, Any] = {
                "inputs": [{"id": value} for value in some],
                "properties": list(properties),
                "propertiesWithHistory": list(history),
            }
            if by is not None:
                body["idProperty"] = by
            # What is not there is an error of its own in the answer, and no failure.
            found += self._post("objects", kind, "batch", "read", body=body)["results"]
        return found

    def link(
        self, kind: str, to_kind: str, pairs: Sequence[tuple[str, str]], types: Sequence[int]
    ) -> dict[str, str]:
        """Hang records on others; linking twice is the same as once.

        Args:
            kind: Of what hangs.
            to_kind: Of what it hangs on.
            pairs: HubSpot's ids of both.
            types: Ids of the associations.

        Returns:
            By the first id of a pair, why it could not be.
        """
        if not pairs:
            return {}
        wanted = [
            {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number}
            for number in types
        ]
        failed: dict[str, str] = {}
        for some in _pieces(pairs, _WRITTEN_AT_ONCE):
            failed |= self._link(kind, to_kind, some, wanted)
        return failed

    def linked(self, kind: str, to_kind: str, ids: Iterable[str]) -> dict[str, list[Link]]:
        """Return what records hang on, by their ids; those that hang on nothing are left out."""
        links: dict[str, list[Link]] = defaultdict(list)
        waiting: list[dict[str, str]] = [{"id": value} for value in sorted(set(ids))]
        while waiting:
            some, waiting = waiting[:_LINKS_READ_AT_ONCE], waiting[_LINKS_READ_AT_ONCE:]
            answer = self._post(
                "associations", kind, to_kind, "batch", "read", body={"inputs": some}
            )
            for row in answer["results"]:
                start = str(row["from"]["id"])
                links[start] += [_read_link(to) for to in row["to"]]
                after = row.get("paging", {}).get("next", {}).get("after")
                if after is not None:
                    waiting.append({"id": start, "after": after})
        return dict(links)

    def _write(self, kind: str, verb: str, inputs: Sequence[Input], by: str | None) -> Written:
        written = Written()
        for some in _pieces(inputs, _WRITTEN_AT_ONCE):
            part = self._write_some(kind, verb, some, by)
            written.ids |= part.ids
            written.refused |= part.refused
        return written

    def _write_some(self, kind: str, verb: str, inputs: Sequence[Input], by: str | None) -> Written:
        sent = [_sent(place, one, by) for place, one in enumerate(inputs)]
        try:
            answer = self._api.post("objects", kind, "batch", verb, body={"inputs": sent})
        except RefusedError as error:
            if error.status not in _DIVISIBLE:
                raise self._api.whole(error) from None
            if len(inputs) == 1:
                return Written(refused={inputs[0].name: str(error)})
            # HubSpot refused all for the sake of some, and does not say of which.
            half = len(inputs) // 2
            first = self._write_some(kind, verb, inputs[:half], by)
            second = self._write_some(kind, verb, inputs[half:], by)
            return Written(first.ids | second.ids, first.refused | second.refused)
        return self._judge(answer, inputs, by)

    def _judge(self, answer: Record, inputs: Sequence[Input], by: str | None) -> Written:
        written = Written()
        by_value = {one.id.casefold(): one.name for one in inputs}
        for result in answer["results"]:
            name = _named(result.get("objectWriteTraceId"), inputs)
            if name is None:
                value = result.get("properties", {}).get(by) if by else result["id"]
                name = by_value.get(str(value).casefold())
            if name is not None:
                written.ids[name] = str(result["id"])
        for error in answer.get("errors", []):
            for trace in error.get("context", {}).get("objectWriteTraceId", []):
                name = _named(trace, inputs)
                if name is not None:
                    written.refused[name] = self._api.told(error)
        return written

    def _link(
        self,
        kind: str,
        to_kind: str,
        pairs: Sequence[tuple[str, str]],
        types: list[dict[str, Any]],
    ) -> dict[str, str]:
        inputs = [
            {"from": {"id": start}, "to": {"id": end}, "types": types} for start, end in pairs
        ]
        parts = ("associations", kind, to_kind, "batch", "create")
        try:
            answer = self._api.post(*parts, body={"inputs": inputs})
        except RefusedError as error:
            if error.status not in _DIVISIBLE:
                raise self._api.whole(error) from None
            if len(pairs) == 1:
                return {pairs[0][0]: str(error)}
            half = len(pairs) // 2
            first = self._link(kind, to_kind, pairs[:half], types)
            return first | self._link(kind, to_kind, pairs[half:], types)
        errors = answer.get("errors")
        if not errors:
            return {}
        made = {_ends(result) for result in answer["results"]}
        return {pair[0]: self._api.told(errors[0]) for pair in pairs if pair not in made}

    def _post(self, area: str, *parts: str, body: Mapping[str, Any]) -> Any:
        try:
            return self._api.post(area, *parts, body=body)
        except RefusedError as error:
            raise self._api.whole(error) from None


def _sent(place: int, one: Input, by: str | None) -> dict[str, Any]:
    sent: dict[str, Any] = {
        "id": one.id,
        "properties": dict(one.properties),
        "objectWriteTraceId": str(place),
    }
    return sent if by is None else {**sent, "idProperty": by}


def _named(trace: Any, inputs: Sequence[Input]) -> str | None:
    place = int(trace) if isinstance(trace, str) and trace.isdecimal() else len(inputs)
    return inputs[place].name if place < len(inputs) else None


def _ends(result: Record) -> tuple[str, str]:
    """Return both ends of a link that was made: versions of the API name them differently."""
    start = result["fromObjectId"] if "fromObjectId" in result else result["from"]["id"]
    end = result["toObjectId"] if "toObjectId" in result else result["to"]["id"]
    return str(start), str(end)


def _read_link(row: Record) -> Link:
    return Link(
        str(row["toObjectId"]), frozenset(kind["typeId"] for kind in row["associationTypes"])
    )


def _pieces(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))
