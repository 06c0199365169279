"""What an account of HubSpot holds, and what it lets programs do with it.

Tokens and scopes, unique properties, values that fit their property, partial failures told by
`objectWriteTraceId`, so many requests in ten seconds and in a day, and searches that are slower and
give no more than 10,000 records.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .hubspot_answers import (
    Row,
    WrongError,
    answer_of,
    comparable,
    forget,
    holds,
    is_moment,
    is_number,
    lacking,
    limited,
    shown_of,
    written,
)
from .hubspot_schemas import (
    BUILT_IN,
    LINKS,
    PIPELINES,
    READ_ONLY,
    REQUIRED,
    SCOPED,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from groundswell.clock import FixedClock

TOKEN = "pat-eu1-very-secret"
ALL_SCOPES = frozenset(
    f"crm.{area}.{kind}.{right}"
    for area in ("objects", "schemas")
    for kind in SCOPED
    for right in ("read", "write")
) | {"crm.objects.owners.read"}


@dataclass
class Account:
    """What the account holds, and how it behaves.

    Attributes:
        clock: By which it limits, and dates changes.
        requests: Method and path of each.
        trouble: Answers to give instead, to the next requests: part of the path, status, headers
            and body.
        lost: Parts of paths of requests that have their effect, and whose answer is lost.
        per_window: Requests in ten seconds.
        searches: Searches in a second.
        most_found: Records that a search gives, page by page.
        daily: Requests in a day.
        closing: What to close at the end.
        private: Whether the token is of a private app, the scopes of which are told.
        multi_status: Whether a batch with a bad record is taken in part; else it is refused whole.
    """

    clock: FixedClock
    url: str = ""
    scopes: frozenset[str] = ALL_SCOPES
    private: bool = True
    per_window: int = 100
    searches: int = 4
    most_found: int = 10_000
    daily: int = 650_000
    multi_status: bool = True
    dated: str = "2026-03"
    requests: list[tuple[str, str]] = field(default_factory=list)
    trouble: list[tuple[str, int, dict[str, str], Row]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    records: dict[str, dict[str, Row]] = field(default_factory=lambda: defaultdict(dict))
    properties: dict[str, dict[str, Row]] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    links: dict[tuple[str, str], dict[tuple[str, str], set[int]]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    owners: list[Row] = field(default_factory=list)
    bodies: list[Row] = field(default_factory=list)
    closing: list[Callable[[], None]] = field(default_factory=list)
    _window: deque[datetime] = field(default_factory=deque)
    _searches: deque[datetime] = field(default_factory=deque)
    _ids: int = 1000

    def __post_init__(self) -> None:
        for kind, there in BUILT_IN.items():
            self.properties[kind] = {
                name: {"name": name, "type": holds, "hasUniqueValue": holds == "email"}
                for name, holds in {**there, **READ_ONLY}.items()
            }

    def owner(self, email: str, *, archived: bool = False) -> str:
        """Let somebody in; return their id."""
        id_ = str(500 + len(self.owners))
        self.owners.append({"id": id_, "email": email, "archived": archived})
        return id_

    def put(self, kind: str, at: datetime | None = None, **values: str) -> str:
        """Let people make a record; return its id."""
        self._ids += 1
        record = {"id": str(self._ids), "properties": {}, "history": defaultdict(list)}
        self.records[kind][record["id"]] = record
        self.change(kind, record["id"], at, **values)
        record["properties"]["createdate"] = written(at or self.clock.now())
        return record["id"]

    def change(self, kind: str, id_: str, at: datetime | None = None, **values: str) -> None:
        """Let people change a record."""
        moment = written(at or self.clock.now())
        record = self.records[kind][id_]
        for name, value in values.items():
            assert name in self.properties[kind] or name == "competitor", name
            record["properties"][name] = value
            record["history"][name].insert(0, {"value": value, "timestamp": moment})
        record["properties"] |= {"hs_object_id": id_, "hs_lastmodifieddate": moment}

    def hang(self, kind: str, id_: str, to_kind: str, to: str, *types: int) -> None:
        """Let people associate two records."""
        self.links[kind, to_kind].setdefault((id_, to), set()).update(types)

    def all(self, kind: str) -> list[dict[str, str]]:
        """Return the properties of all records of a kind."""
        return [row["properties"] for row in self.records[kind].values()]

    def state(self) -> str:
        """Return everything that could be changed, as a text to compare."""
        links = {
            f"{kind}": {f"{pair}": sorted(types) for pair, types in there.items()}
            for kind, there in self.links.items()
            if there
        }
        return json.dumps(
            [
                {kind: there for kind, there in self.records.items() if there},
                {kind: sorted(there) for kind, there in self.properties.items()},
                {kind: there for kind, there in self.groups.items() if there},
                links,
            ]
        )

    # What a request is let through by.

    def admit(self, request: Request, path: str) -> dict[str, str]:
        """Return the headers of an answer; refuse strangers and those who ask too much."""
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            raise WrongError(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")
        now = self.clock.now()
        if len(self.requests) > self.daily:
            raise limited("DAILY", "You have reached your daily limit.", None)
        forget(self._window, now - timedelta(seconds=10))
        if len(self._window) >= self.per_window:
            raise limited("TEN_SECONDLY_ROLLING", "You have reached your ten_secondly limit.", 4)
        self._window.append(now)
        if path.endswith("/search"):
            forget(self._searches, now - timedelta(seconds=1))
            if len(self._searches) >= self.searches:
                raise limited("SECONDLY", "You have reached your secondly limit.", 1)
            self._searches.append(now)
            return {}
        return {
            "X-HubSpot-RateLimit-Daily": str(self.daily),
            "X-HubSpot-RateLimit-Daily-Remaining": str(self.daily - len(self.requests)),
            "X-HubSpot-RateLimit-Max": str(self.per_window),
        }

    def allow(self, kind: str, *, right: str, areas: tuple[str, ...] = ("objects",)) -> None:
        """Refuse a token that has none of the scopes of a kind of record."""
        named = kind if kind in SCOPED else "contacts"
        self.need(*(f"crm.{area}.{named}.{right}" for area in areas))

    def need(self, *scopes: str) -> None:
        """Refuse a token that has none of some scopes, and say which."""
        if self.scopes.isdisjoint(scopes):
            raise lacking(scopes)

    def token_info(self, token: str) -> Row:
        """Tell what the token of a private app may do."""
        if token != TOKEN or not self.private:
            raise WrongError(404, "OBJECT_NOT_FOUND", "No private app has this token")
        return {"userId": 7, "hubId": 1_000_001, "appId": 42, "scopes": sorted(self.scopes)}

    # Batches.

    def write(self, kind: str, verb: str, inputs: list[Row]) -> tuple[int, Row]:
        """Write a batch, each record by itself."""
        self.allow(kind, right="write")
        self._no_repeats(kind, verb, inputs)
        if not self.multi_status:
            for one in inputs:
                self._check(kind, verb, one)
        results, errors = [], []
        for one in inputs:
            try:
                record = self._check(kind, verb, one)
            except WrongError as wrong:
                trace = [one["objectWriteTraceId"]] if "objectWriteTraceId" in one else []
                errors.append({**wrong.body, "context": {"objectWriteTraceId": trace}})
                continue
            values = dict(one["properties"])
            if verb == "upsert":
                values.setdefault(one["idProperty"], one["id"])
            new = record is None
            if record is None:
                record = self.records[kind][self.put(kind, **values)]
            else:
                self.change(kind, record["id"], **values)
            shown = {name: record["properties"].get(name) for name in values}
            trace = {name: one[name] for name in ("objectWriteTraceId",) if name in one}
            results.append({"id": record["id"], "properties": shown, "new": new, **trace})
        return answer_of(results, errors)

    def _no_repeats(self, kind: str, verb: str, inputs: list[Row]) -> None:
        if verb == "upsert":
            for one in inputs:
                self._need_unique(kind, one["idProperty"])
        if verb != "create":
            named = [one["id"].lower() for one in inputs]
            if len(named) != len(set(named)):
                raise WrongError(400, "VALIDATION_ERROR", "Duplicate IDs found in batch input")

    def _check(self, kind: str, verb: str, one: Row) -> Row | None:
        """Return the record that is there; refuse what cannot be written."""
        record: Row | None = None
        if verb == "update":
            record = self.records[kind].get(one["id"])
            if record is None:
                raise WrongError(404, "OBJECT_NOT_FOUND", f"Object not found. id: {one['id']}")
        elif verb == "upsert":
            record = self.by(kind, one["idProperty"], one["id"])
        self._validate(kind, one["properties"], record)
        missing = REQUIRED.get(kind, set()) - one["properties"].keys()
        if record is None and missing:
            raise WrongError(400, "VALIDATION_ERROR", f"Required properties: {sorted(missing)}")
        return record

    def by(self, kind: str, name: str, value: str) -> Row | None:
        """Return the record with a value of a unique property."""
        there = self.records[kind].values()
        return next(
            (row for row in there if row["properties"].get(name, "").lower() == value.lower()), None
        )

    def _need_unique(self, kind: str, name: str) -> None:
        if not self.properties[kind].get(name, {}).get("hasUniqueValue"):
            message = f"Unable to perform update/upsert by non-unique {kind} property {name}"
            raise WrongError(400, "VALIDATION_ERROR", message)

    def _validate(self, kind: str, values: Row, record: Row | None) -> None:
        for name, value in values.items():
            told = self.properties[kind].get(name)
            if told is None:
                said = f'Property "{name}" does not exist [{{"error":"PROPERTY_DOESNT_EXIST"}}]'
                raise WrongError(400, "VALIDATION_ERROR", f"Property values were not valid: {said}")
            if name in READ_ONLY:
                raise WrongError(400, "VALIDATION_ERROR", f"{name} is a read only property")
            if not self._fits(told["type"], value):
                said = f"{value[:40]!r} is no {told['type']} for {name}"
                raise WrongError(400, "VALIDATION_ERROR", f"Property values were not valid: {said}")
            other = self.by(kind, name, value) if told["hasUniqueValue"] else None
            if other is not None and other is not record:
                raise WrongError(
                    409, "CONFLICT", f"{other['id']} already has that value for {name}"
                )

    def _fits(self, holds: str, value: str) -> bool:
        if len(value) > 65_536:
            return False
        if value == "":
            return True
        if holds == "number":
            return is_number(value)
        if holds in {"date", "datetime"}:
            return is_moment(value)
        if holds == "string":
            return "\x00" not in value
        allowed = {
            "bool": {"true", "false"},
            "currency": {"EUR", "USD"},
            "owner": {one["id"] for one in self.owners if not one["archived"]},
            "stage": {stage["id"] for one in PIPELINES for stage in one["stages"]},
        }
        if holds == "email":
            return value.count("@") == 1 and " " not in value and "." in value.split("@")[1]
        return value in allowed[holds]

    def read(self, kind: str, body: Row) -> tuple[int, Row]:
        """Read a batch; what is not there is an error of its own."""
        self.allow(kind, right="read")
        history = body.get("propertiesWithHistory") or []
        if history and len(body["inputs"]) > 50:
            raise WrongError(400, "VALIDATION_ERROR", "At most 50 records with history")
        by = body.get("idProperty")
        if by is not None:
            self._need_unique(kind, by)
        results, missing = [], []
        for one in body["inputs"]:
            found = self.by(kind, by, one["id"]) if by else self.records[kind].get(one["id"])
            if found is None:
                missing.append(one["id"])
            else:
                results.append(shown_of(found, body.get("properties", []), history))
        error = WrongError(404, "OBJECT_NOT_FOUND", "Could not get some objects").body
        told = [{**error, "context": {"ids": missing}}] if missing else []
        return answer_of(results, told)

    def search(self, kind: str, body: Row) -> Row:
        """Search, within the limits of searches."""
        self.allow(kind, right="read")
        groups = [group["filters"] for group in body.get("filterGroups", [])]
        if sum(map(len, groups)) > 18:
            raise WrongError(400, "VALIDATION_ERROR", "At most 18 filters")
        for one in (one for filters in groups for one in filters):
            if one["propertyName"] not in self.properties[kind]:
                said = f"There was a problem with the request: no {one['propertyName']}"
                raise WrongError(400, "VALIDATION_ERROR", said)
            if any(value != value.lower() for value in one.get("values", [])):
                raise WrongError(400, "VALIDATION_ERROR", "Values of IN are in small letters")
        rows = [
            row
            for row in self.records[kind].values()
            if not groups or any(all(holds(row, one) for one in filters) for filters in groups)
        ]
        for sort in body.get("sorts", []):
            rows.sort(
                key=lambda row: comparable(row["properties"].get(sort["propertyName"], "")),
                reverse=sort["direction"] == "DESCENDING",
            )
        start, limit = int(body.get("after", 0)), body.get("limit", 10)
        if start + limit > self.most_found:
            said = f"A search gives no more than {self.most_found:,} records"
            raise WrongError(400, "VALIDATION_ERROR", said)
        shown = [
            shown_of(row, body.get("properties", []), []) for row in rows[start : start + limit]
        ]
        paging = {"paging": {"next": {"after": str(start + limit)}}}
        return {"total": len(rows), "results": shown, **(paging if rows[start + limit :] else {})}

    # Associations.

    def link(self, kind: str, to_kind: str, inputs: list[Row]) -> tuple[int, Row]:
        """Associate records by types that there are."""
        self.allow(kind, right="write")
        results, errors = [], []
        for one in inputs:
            start, end = one["from"]["id"], one["to"]["id"]
            types = {found["associationTypeId"] for found in one["types"]}
            if not types <= LINKS.get((kind, to_kind), set()):
                raise WrongError(400, "VALIDATION_ERROR", f"No association {types} of {kind}")
            if start not in self.records[kind] or end not in self.records[to_kind]:
                wrong = WrongError(404, "OBJECT_NOT_FOUND", f"No {kind} {start} or {to_kind} {end}")
                errors.append({**wrong.body, "context": {"fromObjectId": [start]}})
                continue
            self.hang(kind, start, to_kind, end, *types)
            results.append({"fromObjectId": int(start), "toObjectId": int(end), "labels": []})
        status, answer = answer_of(results, errors)
        return 201 if status == 200 else status, answer

    def linked(self, kind: str, to_kind: str, inputs: list[Row]) -> tuple[int, Row]:
        """Tell what records are associated with, three at a time for each."""
        self.allow(kind, right="read")
        there = dict(self.links[kind, to_kind])
        there |= {(a, b): types for (b, a), types in self.links[to_kind, kind].items()}
        results, errors = [], []
        for one in inputs:
            found = [(b, types) for (a, b), types in there.items() if a == one["id"]]
            start = int(one.get("after", 0))
            row: Row = {"from": {"id": one["id"]}, "to": []}
            for to, types in found[start : start + 3]:
                kinds = [{"category": "HUBSPOT_DEFINED", "typeId": number} for number in types]
                row["to"].append({"toObjectId": int(to), "associationTypes": kinds})
            if found[start + 3 :]:
                row["paging"] = {"next": {"after": str(start + 3)}}
            if found:
                results.append(row)
            else:
                wrong = WrongError(404, "OBJECT_NOT_FOUND", f"No {to_kind} of {one['id']}")
                errors.append({**wrong.body, "context": {"fromObjectId": [one["id"]]}})
        return answer_of(results, errors)

    # Definitions.

    def define(self, kind: str, inputs: list[Row]) -> tuple[int, Row]:
        """Make properties, in groups that are there."""
        self.allow(kind, right="write", areas=("schemas",))
        for one in inputs:
            if one["groupName"] not in self.groups[kind]:
                raise WrongError(400, "VALIDATION_ERROR", f"No group {one['groupName']}")
            if one["name"] in self.properties[kind]:
                raise WrongError(409, "OBJECT_ALREADY_EXISTS", f"{one['name']} is there already")
            if one["type"] == "bool" and len(one.get("options", [])) != 2:
                raise WrongError(400, "VALIDATION_ERROR", "A bool has exactly two options")
            self.properties[kind][one["name"]] = {"hasUniqueValue": False, **one}
        return answer_of(inputs, [])

    def group(self, kind: str, body: Row) -> Row:
        """Make a group of properties."""
        self.allow(kind, right="write", areas=("schemas",))
        if body["name"] in self.groups[kind]:
            raise WrongError(409, "OBJECT_ALREADY_EXISTS", "The group is there already")
        self.groups[kind].append(body["name"])
        return body
