"""An organisation of Salesforce on this machine, by TLS and as strict as the real one.

It knows its schema, validates each record for itself, takes 200 at a time, pages its queries,
counts the requests of the day, and refuses sessions that are over, addresses that are too long and
whatever a record may not hold.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

import jsonschema

from .salesforce_schema import (
    ANN,
    CLIENT,
    LONGEST_ADDRESS,
    MOST_RECORDS,
    PASSWORD,
    SECRET,
    SECURITY_TOKEN,
    US,
    USER,
    VERSION,
    of,
    schema,
)
from .salesforce_soql import MalformedError, Query, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    import trustme

    from groundswell.clock import Clock

_COLLECTION = {
    "type": "object",
    "required": ["records"],
    "additionalProperties": False,
    "properties": {
        "allOrNone": {"const": False},
        "records": {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_RECORDS,
            "items": {
                "type": "object",
                "required": ["attributes"],
                "properties": {
                    "attributes": {
                        "type": "object",
                        "required": ["type"],
                        "additionalProperties": False,
                        "properties": {"type": {"type": "string"}},
                    }
                },
            },
        },
    },
}
_JOB = {
    "type": "object",
    "required": ["operation", "object", "contentType", "externalIdFieldName"],
    "additionalProperties": False,
    "properties": {
        "operation": {"const": "upsert"},
        "object": {"type": "string"},
        "contentType": {"const": "CSV"},
        "externalIdFieldName": {"type": "string"},
        "columnDelimiter": {"const": "COMMA"},
        "lineEnding": {"const": "LF"},
    },
}
_PREFIX = {"Account": "001", "Contact": "003", "Lead": "00Q", "Opportunity": "006", "Task": "00T"}
_JSON = {
    "string": str,
    "textarea": str,
    "picklist": str,
    "reference": str,
    "date": str,
    "datetime": str,
    "double": (int, float),
    "int": int,
    "boolean": bool,
}


class RefusedError(Exception):
    """The whole request is refused."""

    def __init__(self, status: int, code: str, message: str = "no") -> None:
        super().__init__(message)
        self.status = status
        self.body = [{"message": message, "errorCode": code}]


@dataclass
class SalesforceServer:
    """What the organisation holds, and what it was asked."""

    clock: Clock
    url: str = ""
    schema: dict[str, dict[str, Row]] = field(default_factory=schema)
    tables: dict[str, dict[str, Row]] = field(default_factory=dict)
    sessions: set[str] = field(default_factory=set)
    logins: int = 0
    requests: list[str] = field(default_factory=list)
    used: int = 0
    allowed: int = 15_000
    page: int = 2_000
    multi_currency: bool = False
    failures: list[tuple[int, Any, dict[str, str]]] = field(default_factory=list)
    rules: list[Callable[[str, Row], tuple[str, str] | None]] = field(default_factory=list)
    cursors: dict[str, tuple[list[Row], int]] = field(default_factory=dict)
    jobs: dict[str, Row] = field(default_factory=dict)
    numbers: int = 100
    breaks_jobs: bool = False

    def __post_init__(self) -> None:
        self.tables = {sobject: {} for sobject in self.schema}
        for user, email, active in ((US, USER, True), (ANN, "Ann@ours.example", True)):
            self.tables["User"][user] = {"Id": user, "Email": email, "IsActive": active}
        for name, closed, won in (
            ("Prospecting", False, False),
            ("Proposal", False, False),
            ("Closed Won", True, True),
            ("Closed Lost", True, False),
        ):
            stage = {"ApiName": name, "IsClosed": closed, "IsWon": won}
            self.tables["OpportunityStage"][name] = stage
        if self.multi_currency:
            self.schema["Opportunity"]["CurrencyIsoCode"] = of("picklist", 3)

    # What the tests do by hand.

    def put(self, sobject: str, **values: Any) -> str:
        """Put a record there, as a person would, without the checks of the API."""
        self.numbers += 1
        row_id = f"{_PREFIX.get(sobject, '00X')}{self.numbers:012d}AAA"
        row = dict.fromkeys(self.schema[sobject]) | {"Id": row_id, "CreatedDate": self.stamp()}
        if "OwnerId" in row:
            row["OwnerId"] = US
        for name, described in self.schema[sobject].items():
            if described["type"] == "boolean":
                row[name] = False
        self.tables[sobject][row_id] = row
        self.change(sobject, row_id, **values)
        return row_id

    def change(self, sobject: str, row_id: str, **values: Any) -> None:
        """Change a record, and what hangs on it."""
        row = self.tables[sobject][row_id]
        before = dict(row)
        row |= values | {"SystemModstamp": self.stamp()}
        if sobject == "Opportunity":
            stage = self.tables["OpportunityStage"][row["StageName"]]
            row |= {"IsClosed": stage["IsClosed"], "IsWon": stage["IsWon"]}
            if (before["StageName"], before["Amount"]) != (row["StageName"], row["Amount"]):
                told = {"StageName": row["StageName"], "Amount": row["Amount"]}
                self.put("OpportunityHistory", OpportunityId=row_id, **told)
        if sobject == "Task":
            row["IsClosed"] = row["Status"] == "Completed"
            row["CompletedDateTime"] = self.stamp() if row["IsClosed"] else None
            row["AccountId"] = row["WhatId"] if (row["WhatId"] or "").startswith("001") else None

    def rows(self, sobject: str) -> list[Row]:
        return list(self.tables[sobject].values())

    def stamp(self) -> str:
        return self.clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")

    # What the API does.

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> tuple[int, Any]:
        parts = urlsplit(target)
        self.requests.append(f"{method} {unquote(parts.path)}")
        if len(target) + sum(len(f"{k}: {v}\r\n") for k, v in headers.items()) > LONGEST_ADDRESS:
            raise RefusedError(414, "URI_TOO_LONG")
        if parts.path == "/services/oauth2/token":
            return self._token(headers, body)
        if parts.path.startswith("/services/Soap/u/"):
            return self._soap(parts.path, body.decode())
        self.used += 1
        if self.used > self.allowed:
            raise RefusedError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        if headers.get("Authorization", "").removeprefix("Bearer ") not in self.sessions:
            raise RefusedError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        base = f"/services/data/v{VERSION}/"
        if not parts.path.startswith(base):
            raise RefusedError(404, "NOT_FOUND", "The requested resource does not exist")
        return self._data(method, parts.path[len(base) :], parse_qs(parts.query), headers, body)

    def _data(
        self, method: str, path: str, query: dict[str, list[str]], headers: Any, body: bytes
    ) -> tuple[int, Any]:
        steps = path.strip("/").split("/")
        if method == "GET" and not path:
            return 200, {"identity": f"{self.url}/id/00D000000000001AAA/{US}"}
        if method == "GET" and steps == ["limits"]:
            left = max(self.allowed - self.used, 0)
            return 200, {"DailyApiRequests": {"Max": self.allowed, "Remaining": left}}
        if method == "GET" and steps[0] == "query":
            return self._query(query, steps)
        if method == "GET" and steps[0] == "sobjects" and steps[2:] == ["describe"]:
            if steps[1] not in self.schema:
                raise RefusedError(404, "NOT_FOUND", "The requested resource does not exist")
            fields = [{"name": name, **told} for name, told in self.schema[steps[1]].items()]
            return 200, {"name": steps[1], "fields": fields}
        if steps[:2] == ["jobs", "ingest"]:
            return self._job(method, steps[2:], headers, body)
        if steps[:2] == ["composite", "sobjects"] and len(steps) in {2, 4}:
            return self._collection(method, steps[2:], json.loads(body))
        raise RefusedError(404, "NOT_FOUND", "The requested resource does not exist")

    def _query(self, asked: dict[str, list[str]], steps: list[str]) -> tuple[int, Any]:
        if len(steps) > 1:
            rows, start = self.cursors.pop(steps[1])
        else:
            try:
                rows, start = Query(asked["q"][0], self.schema).run(self.tables), 0
            except MalformedError as error:
                raise RefusedError(400, error.code, str(error)) from None
        done = start + self.page >= len(rows)
        answer: Row = {
            "totalSize": len(rows),
            "done": done,
            "records": rows[start : start + self.page],
        }
        if not done:
            self.numbers += 1
            locator = f"01g{self.numbers}-{start + self.page}"
            self.cursors[locator] = (rows, start + self.page)
            answer["nextRecordsUrl"] = f"/services/data/v{VERSION}/query/{locator}"
        return 200, answer

    def _collection(self, method: str, place: list[str], body: Row) -> tuple[int, Any]:
        try:
            jsonschema.validate(body, _COLLECTION)
        except jsonschema.ValidationError as error:
            raise RefusedError(400, "INVALID_INPUT", error.message) from None
        records = body["records"]
        types = {record["attributes"]["type"] for record in records}
        if place and types != {place[0]}:
            raise RefusedError(400, "INVALID_INPUT", "all records must be of the type named")
        results: list[Row] = []
        seen: set[str] = set()
        for record in records:
            values = {name: value for name, value in record.items() if name != "attributes"}
            sobject = record["attributes"]["type"]
            if method == "POST" and not place:
                results.append(self._write(sobject, None, values))
            elif method == "PATCH":
                name = place[1] if place else "Id"
                if place and "Id" in values:
                    raise RefusedError(400, "INVALID_FIELD", "do not set the id")
                if str(values.get(name)) in seen:
                    results.append(_no("DUPLICATE_VALUE", "duplicate external id specified"))
                    continue
                seen.add(str(values.get(name)))
                results.append(self._put(sobject, name, values))
            else:
                raise RefusedError(405, "METHOD_NOT_ALLOWED")
        return 200, results

    def _put(self, sobject: str, name: str, values: Row) -> Row:
        """Change the record that holds an id, or make one of an external id."""
        if name == "Id":
            row_id = values.pop("Id")
            if row_id not in self.tables[sobject]:
                return _no("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
            return self._write(sobject, row_id, values)
        if not self.schema[sobject].get(name, {}).get("externalId"):
            what = "Provided external ID field does not exist or is not accessible"
            raise RefusedError(404, "NOT_FOUND", f"{what}: {name}")
        if not values.get(name):
            return _no("MISSING_ARGUMENT", f"{name} not specified")
        there = [row["Id"] for row in self.rows(sobject) if row[name] == values[name]]
        return self._write(sobject, there[0] if there else None, values)

    def _write(self, sobject: str, row_id: str | None, values: Row) -> Row:
        fault = self._fault(sobject, row_id, values)
        if fault:
            return _no(*fault)
        values = {k: v.strip() or None if isinstance(v, str) else v for k, v in values.items()}
        if row_id is None:
            return {"id": self.put(sobject, **values), "success": True, "errors": []}
        self.change(sobject, row_id, **values)
        return {"id": row_id, "success": True, "errors": []}

    def _fault(self, sobject: str, row_id: str | None, values: Row) -> tuple[str, ...] | None:
        row = self.tables[sobject].get(row_id or "", {})
        if row.get("IsConverted"):
            return "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead"
        for name, value in values.items():
            fault = self._value_fault(sobject, name, value, new=row_id is None)
            if fault:
                return fault
        merged = row | values
        for name, told in self.schema[sobject].items():
            if told["required"] and not str(merged.get(name) or "").strip():
                what = f"Required fields are missing: [{name}]"
                return "REQUIRED_FIELD_MISSING", what, name
            if told["externalId"] and values.get(name):
                others = [r for r in self.rows(sobject) if r[name] == values[name]]
                if [r for r in others if r["Id"] != row_id]:
                    return "DUPLICATE_VALUE", "duplicate value found", name
        if (
            sobject == "Task"
            and str(merged.get("WhoId")).startswith("00Q")
            and merged.get("WhatId")
        ):
            return "FIELD_INTEGRITY_EXCEPTION", "WhatId must be null for a lead", "WhatId"
        return next((rule for rule in (r(sobject, merged) for r in self.rules) if rule), None)

    def _value_fault(
        self, sobject: str, name: str, value: Any, *, new: bool
    ) -> tuple[str, ...] | None:
        told = self.schema[sobject].get(name)
        if told is None:
            what = f"No such column '{name}' on sobject of type {sobject}"
            return "INVALID_FIELD", what, name
        if not told["createable" if new else "updateable"]:
            return "INVALID_FIELD_FOR_INSERT_UPDATE", f"Unable to write: {name}", name
        if value is None:
            return ("INVALID_TYPE_ON_FIELD_IN_RECORD", name) if told["type"] == "boolean" else None
        wanted = _JSON[told["type"]]
        if not isinstance(value, wanted) or (wanted is not bool and isinstance(value, bool)):
            raise RefusedError(400, "JSON_PARSER_ERROR", f"Cannot deserialize {name}: {value!r}")
        if told["type"] == "date":
            datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC)
        if told["type"] in {"string", "textarea"} and len(value) > told["length"]:
            return "STRING_TOO_LONG", f"{name}: data value too large", name
        if name == "OwnerId":
            user = self.tables["User"].get(value)
            if user is None:
                return "INVALID_CROSS_REFERENCE_KEY", "invalid owner", name
            if not user["IsActive"]:
                return "OPERATION_WITH_INACTIVE_OWNER", "owner is inactive", name
        elif told["type"] == "reference" and not any(
            value in rows for rows in self.tables.values()
        ):
            return "INVALID_CROSS_REFERENCE_KEY", f"{name}: id value of incorrect type", name
        return None

    # Bulk API 2.

    def _job(self, method: str, steps: list[str], headers: Any, body: bytes) -> tuple[int, Any]:
        if method == "POST" and not steps:
            jsonschema.validate(json.loads(body), _JOB)
            self.numbers += 1
            job = {"id": f"750{self.numbers}", "state": "Open", **json.loads(body)}
            self.jobs[job["id"]] = job
            return 200, _public(job)
        job = self.jobs[steps[0]]
        if method == "PUT" and steps[1:] == ["batches"] and job["state"] == "Open":
            if headers["Content-Type"] != "text/csv; charset=UTF-8":
                raise RefusedError(415, "UNSUPPORTED_MEDIA_TYPE")
            job["data"] = body.decode()
            return 201, b""
        if method == "PATCH" and len(steps) == 1:
            state = json.loads(body)["state"]
            assert state in {"UploadComplete", "Aborted"}
            job["state"] = state
            return 200, _public(job)
        if method == "GET" and len(steps) == 1:
            return 200, self._progress(job)
        if method == "GET" and steps[1] in {"successfulResults", "failedResults"}:
            return 200, job[steps[1]].encode()
        raise RefusedError(405, "METHOD_NOT_ALLOWED")

    def _progress(self, job: Row) -> Row:
        if job["state"] == "InProgress":
            self._ingest(job)
        elif job["state"] == "UploadComplete":
            job["state"] = "InProgress"
        return _public(job)

    def _ingest(self, job: Row) -> None:
        if self.breaks_jobs:
            job |= {"state": "Failed", "errorMessage": "InvalidBatch : Field name not found"}
            return
        sobject, name = job["object"], job["externalIdFieldName"]
        good: list[Row] = []
        bad: list[Row] = []
        for row in csv.DictReader(io.StringIO(job["data"], newline="")):
            values = {
                column: self._typed(sobject, column, text) for column, text in row.items() if text
            }
            result = self._put(sobject, name, values)
            if result["success"]:
                good.append({"sf__Id": result["id"], "sf__Created": "true", **row})
            else:
                error = result["errors"][0]
                fields = ", ".join(error["fields"])
                told = f"{error['statusCode']}:{error['message']}:{fields} --"
                bad.append({"sf__Id": "", "sf__Error": told, **row})
        counts = {"numberRecordsFailed": len(bad), "numberRecordsProcessed": len(good) + len(bad)}
        job |= {"state": "JobComplete", **counts}
        job |= {"successfulResults": _csv(good), "failedResults": _csv(bad)}

    def _typed(self, sobject: str, column: str, text: str) -> Any:
        if text == "#N/A":
            return None
        kind = self.schema[sobject].get(column, {}).get("type")
        if kind == "boolean":
            return {"true": True, "false": False}[text]
        return {"double": float, "int": int}.get(kind, str)(text)

    # Logins.

    def _token(self, headers: Any, body: bytes) -> tuple[int, Any]:
        pair = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        told = parse_qs(body.decode())
        if headers.get("Authorization") != f"Basic {pair}":
            what = "invalid client credentials"
            return 400, {"error": "invalid_client", "error_description": what}
        assert told == {"grant_type": ["client_credentials"]}
        return 200, {"access_token": self.open_session(), "instance_url": self.url}

    def _soap(self, path: str, body: str) -> tuple[int, Any]:
        wanted = (
            f"<n1:username>{USER}</n1:username>",
            f"<n1:password>{PASSWORD.replace('&', '&amp;')}{SECURITY_TOKEN}</n1:password>",
        )
        if float(path.rpartition("/")[2]) > 64:
            code = "UNSUPPORTED_API_VERSION"
        elif all(part in body for part in wanted):
            server = f"{self.url}/services/Soap/u/{VERSION}/00D000000000001"
            found = f"<sessionId>{self.open_session()}</sessionId><serverUrl>{server}</serverUrl>"
            return 200, f"<e><result>{found}</result></e>".encode()
        else:
            code = "INVALID_LOGIN"
        what = f"<sf:exceptionCode>{code}</sf:exceptionCode>"
        what += f"<sf:exceptionMessage>{code}: no</sf:exceptionMessage>"
        return 500, f'<e xmlns:sf="urn:fault.partner.soap.sforce.com">{what}</e>'.encode()

    def open_session(self) -> str:
        self.logins += 1
        session = f"00D!session{self.logins}"
        self.sessions.add(session)
        return session


def _no(code: str, message: str, *fields: str) -> Row:
    error = {"statusCode": code, "message": message, "fields": list(fields)}
    return {"success": False, "errors": [error]}


def _public(job: Row) -> Row:
    hidden = {"data", "successfulResults", "failedResults"}
    return {name: value for name, value in job.items() if name not in hidden}


def _csv(rows: list[Row]) -> str:
    if not rows:
        return '"sf__Id","sf__Error"\n'
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    org: SalesforceServer

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers: dict[str, str] = {}
        try:
            if self.org.failures:
                status, answer, headers = self.org.failures.pop(0)
                self.org.requests.append(f"{self.command} {urlsplit(self.path).path}")
            else:
                status, answer = self.org.answer(self.command, self.path, self.headers, body)
        except RefusedError as error:
            status, answer = error.status, error.body
        raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        kind = "application/json;charset=UTF-8" if not isinstance(answer, bytes) else "text/csv"
        self.send_header("Content-Type", kind)
        usage = f"api-usage={self.org.used}/{self.org.allowed}"
        self.send_header("Sforce-Limit-Info", f"per-app-api-usage=1/250(appName=x);{usage}")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_PATCH = do_PUT = _do  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def salesforce_server(
    clock: Clock, authority: trustme.CA, *, multi_currency: bool = False
) -> Generator[SalesforceServer]:
    """Run an organisation on a port of its own."""
    org = SalesforceServer(clock, multi_currency=multi_currency)
    handler = type("Handler", (_Handler,), {"org": org})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    org.url = f"https://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield org
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def trusted(authority: trustme.CA, folder: Path) -> str:
    """Write the authority's certificate to a file, and return its path."""
    path = folder / "authority.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)
