"""A strict stand-in for Odoo's `/jsonrpc`: models, types, external ids and transactions.

It takes only what Odoo takes: known models, fields and methods, rows of text for `load`, the
password with every call; one call is one transaction. It answers in Odoo's words and shapes.
"""

from __future__ import annotations

import copy
import json
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

DATABASE, USER, PASSWORD, UID = "acme", "sales@acme.example", "odoo-Key-of-tests", 7

_BASE = {"id": "integer", "create_date": "datetime", "write_date": "datetime"}
MODELS: dict[str, dict[str, str]] = {
    "res.partner": {
        **_BASE, "name": "char", "ref": "char", "is_company": "boolean", "website": "char",
        "active": "boolean", "user_id": "res.users", "parent_id": "res.partner",
        "commercial_partner_id": "res.partner",
    },
    "crm.lead": {
        **_BASE, "name": "char", "type": "selection:lead,opportunity", "partner_id": "res.partner",
        "expected_revenue": "monetary", "user_id": "res.users", "team_id": "crm.team",
        "description": "html", "stage_id": "crm.stage", "probability": "float",
        "active": "boolean", "lost_reason_id": "crm.lost.reason", "date_closed": "datetime",
    },
    "mail.activity": {
        **_BASE, "summary": "char", "note": "html", "date_deadline": "date",
        "user_id": "res.users", "activity_type_id": "mail.activity.type",
        "res_model_id": "ir.model", "res_id": "integer", "active": "boolean",
    },
    "mail.message": {
        **_BASE, "model": "char", "res_id": "integer", "body": "html",
        "message_type": "selection:email,comment,notification",
        "subtype_id": "mail.message.subtype",
    },
    "res.users": {**_BASE, "login": "char", "company_id": "res.company", "active": "boolean"},
    "res.company": {**_BASE, "name": "char", "currency_id": "res.currency"},
    "res.currency": {**_BASE, "name": "char"},
    "crm.team": {**_BASE, "name": "char", "active": "boolean"},
    "crm.stage": {**_BASE, "name": "char", "is_won": "boolean"},
    "crm.lost.reason": {**_BASE, "name": "char"},
    "mail.activity.type": {**_BASE, "name": "char"},
    "mail.message.subtype": {**_BASE, "name": "char"},
    "ir.model": {**_BASE, "model": "char"},
    "ir.model.fields": {**_BASE, "model": "char", "name": "char"},
    "ir.model.data": {
        **_BASE, "module": "char", "name": "char", "model": "char", "res_id": "integer",
    },
}  # fmt: skip
REQUIRED = {
    "res.partner": ("name",),
    "crm.lead": ("name", "type"),
    "mail.activity": ("date_deadline", "user_id", "res_model_id", "res_id"),
    "mail.message": ("message_type",),
}
WRITABLE = frozenset(REQUIRED)
DEFAULTS: dict[str, dict[str, Any]] = {
    "res.partner": {"active": True},
    "crm.lead": {"active": True, "probability": 10.0, "stage_id": 1, "user_id": UID},
    "mail.activity": {"active": True, "user_id": UID},
}


class OdooError(Exception):
    """An exception of the server, by the name that Odoo gives it."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass
class OdooDouble:
    """What the server holds."""

    tables: dict[str, dict[int, dict[str, Any]]] = field(
        default_factory=lambda: {model: {} for model in MODELS}
    )
    url: str = ""
    requests: int = 0
    calls: list[tuple[str, str]] = field(default_factory=list)
    now: datetime = datetime(2026, 3, 2, 12, tzinfo=UTC)
    hidden: set[str] = field(default_factory=set)
    broken: int | None = None
    stumbles: str | None = None

    def __post_init__(self) -> None:
        self.put("res.currency", name="EUR")
        self.put("res.company", name="Us", currency_id=1)
        self.put("res.users", id=UID, login=USER, company_id=1, active=True)
        self.put("res.users", id=8, login="rita@acme.example", company_id=1, active=True)
        self.put("res.users", id=9, login="gone@acme.example", company_id=1, active=False)
        self.put("crm.team", name="Self-serve", active=True)
        self.put("crm.stage", name="New", is_won=False)
        self.put("crm.stage", name="Won", is_won=True)
        self.put("crm.lost.reason", name="Too expensive")
        for model in WRITABLE:
            self.put("ir.model", model=model)
        for module, name, model in (
            ("mail", "mail_activity_data_todo", "mail.activity.type"),
            ("mail", "mt_note", "mail.message.subtype"),
        ):
            made = self.put(model, name=name)
            self.put("ir.model.data", module=module, name=name, model=model, res_id=made)

    def put(self, model: str, /, **values: Any) -> int:
        """Enter a record as a person would, or as the server itself does."""
        made = values.pop("id", max(self.tables[model], default=0) + 1)
        stamp = f"{self.now:%Y-%m-%d %H:%M:%S}"
        record = {"id": made, "create_date": stamp, "write_date": stamp}
        blank = {name: False for name in MODELS[model] if name not in record}
        self.tables[model][made] = {**blank, **record, **DEFAULTS.get(model, {}), **values}
        if model == "res.partner":
            row = self.tables[model][made]
            row["commercial_partner_id"] = row["parent_id"] or made
        return made

    def change(self, model: str, made: int, /, **values: Any) -> None:
        """Change a record, and stamp it."""
        stamp = f"{self.now:%Y-%m-%d %H:%M:%S}"
        self.tables[model][made].update(values, write_date=stamp)

    def rows(self, model: str, /, **wanted: Any) -> list[dict[str, Any]]:
        """Return the records that hold all of these values."""
        found = self.tables[model].values()
        return [row for row in found if all(row[key] == value for key, value in wanted.items())]

    def answer(self, question: Any) -> Any:
        """Answer one request, whole or not at all."""
        assert set(question) == {"jsonrpc", "method", "id", "params"}, question
        assert (question["jsonrpc"], question["method"]) == ("2.0", "call")
        params = question["params"]
        assert set(params) == {"service", "method", "args"}
        before = copy.deepcopy(self.tables)
        try:
            return {"result": self._serve(params["service"], params["method"], *params["args"])}
        except OdooError as error:
            self.tables = before
            data = {"name": error.name, "message": str(error), "debug": f"Traceback {PASSWORD}"}
            return {"error": {"code": 200, "message": "Odoo Server Error", "data": data}}

    def _serve(self, service: str, method: str, *args: Any) -> Any:
        if (service, method) == ("common", "authenticate"):
            database, user, password, _ = args
            return UID if (database, user, password) == (DATABASE, USER, PASSWORD) else False
        assert (service, method) == ("object", "execute_kw"), (service, method)
        database, uid, password, model, name, positional, options = args
        if (database, uid, password) != (DATABASE, UID, PASSWORD):
            raise OdooError("odoo.exceptions.AccessDenied", "Access Denied")
        if model not in MODELS:
            raise OdooError("builtins.KeyError", model)
        if model in self.hidden:
            raise OdooError("odoo.exceptions.AccessError", f"You may not access {model}.")
        self.calls.append((model, name))
        if self.stumbles == name:
            raise OdooError("psycopg2.errors.SerializationFailure", "could not serialize access")
        methods = {"search_read": self._search_read, "load": self._load, "write": self._write}
        if name not in methods:
            raise OdooError("builtins.AttributeError", f"{model} has no method {name}")
        return methods[name](model, *positional, **options)

    def _search_read(
        self, model: str, domain: list[Any], *, fields: list[str], limit: int | None = None,
        order: str = "id", context: dict[str, Any] | None = None,
    ) -> list[dict[str, Any]]:  # fmt: skip
        for name in fields:
            self._field(model, name)
        rows = [row for row in self.tables[model].values() if self._meets(model, row, domain)]
        tested = (context or {}).get("active_test", True)
        if tested and "active" in MODELS[model] and "active" not in [one[0] for one in domain]:
            rows = [row for row in rows if row["active"]]
        assert order in {"id", "id desc"}
        rows = sorted(rows, key=lambda row: row["id"], reverse=order == "id desc")[:limit]
        return [self._shown(model, row, {*fields, "id"}) for row in rows]

    def _meets(self, model: str, row: dict[str, Any], domain: list[Any]) -> bool:
        tests = {
            "=": lambda a, b: a == b,
            "!=": lambda a, b: a != b,
            "in": lambda a, b: a in b,
            "<": lambda a, b: a is not False and a < b,
            ">": lambda a, b: a is not False and a > b,
            "<=": lambda a, b: a is not False and a <= b,
            ">=": lambda a, b: a is not False and a >= b,
        }
        for name, operator, value in domain:
            self._field(model, name)
            if not tests[operator](row[name], value):
                return False
        return True

    def _shown(self, model: str, row: dict[str, Any], fields: set[str]) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        for name in fields:
            kind, value = self._field(model, name), row[name]
            if kind in MODELS and value is not False:
                other = self.tables[kind][value]
                value = [value, other.get("name") or other.get("login") or f"{kind},{value}"]
            shown[name] = value
        return shown

    def _write(self, model: str, made: list[int] | int, values: dict[str, Any]) -> bool:
        if model not in WRITABLE:
            raise OdooError("odoo.exceptions.AccessError", f"You may not modify {model}.")
        for one in made if isinstance(made, list) else [made]:
            if one not in self.tables[model]:
                raise OdooError("odoo.exceptions.MissingError", "Record does not exist.")
            for name in values:
                self._field(model, name)
            self.change(model, one, **values)
        return True

    def _load(self, model: str, columns: list[str], cells: list[list[str]]) -> dict[str, Any]:
        if model not in WRITABLE:
            raise OdooError("odoo.exceptions.AccessError", f"You may not create {model}.")
        before, made, messages = copy.deepcopy(self.tables), [], []
        for index, row in enumerate(cells):
            assert len(row) == len(columns)
            assert all(isinstance(cell, str) for cell in row), f"load takes texts: {row}"
            try:
                made.append(self._load_row(model, dict(zip(columns, row, strict=True))))
            except ValueError as error:
                place = {"from": index, "to": index}
                messages.append({"type": "error", "message": str(error), "rows": place})
        if messages:
            self.tables = before
            return {"ids": False, "messages": messages, "nextrow": 0}
        return {"ids": made, "messages": [], "nextrow": 0}

    def _load_row(self, model: str, row: dict[str, str]) -> int:
        module, _, name = row.pop("id").partition(".")
        if " " in name or "." in name or not name:
            raise ValueError("External IDs cannot contain spaces")
        values = {
            column.split("/")[0]: self._read(model, column, text) for column, text in row.items()
        }
        for needed in REQUIRED[model]:
            if values.get(needed, DEFAULTS.get(model, {}).get(needed, False)) is False:
                raise ValueError(f"Missing required value for the field '{needed}'")
        known = self.rows("ir.model.data", module=module, name=name)
        if known:
            if known[0]["model"] != model:
                raise ValueError(f"External ID {module}.{name} is of {known[0]['model']}")
            self.change(model, known[0]["res_id"], **values)
            return known[0]["res_id"]
        made = self.put(model, **values)
        self.put("ir.model.data", module=module, name=name, model=model, res_id=made)
        return made

    def _read(self, model: str, column: str, text: str) -> Any:
        name, _, by = column.partition("/")
        kind = self._field(model, name)
        if not text:
            return False
        if kind in MODELS:
            return self._reference(kind, by, text)
        if kind.startswith("selection:") and text not in kind.partition(":")[2].split(","):
            raise ValueError(f"Value '{text}' not found in selection field '{name}'")
        readers = {
            "integer": int,
            "float": float,
            "monetary": float,
            "boolean": {"1": True, "0": False}.__getitem__,
            "date": lambda value: str(date.fromisoformat(value)),
            "html": _sanitized,
        }
        if kind == "char" and re.search(r"[\r\n\t]", text):
            raise ValueError(f"'{name}' is one line")  # Odoo keeps it; no list of it shows it well
        return readers.get(kind, str)(text)

    def _reference(self, kind: str, by: str, text: str) -> int:
        if by == ".id":
            found = int(text)
        else:
            module, _, name = text.partition(".")
            named = self.rows("ir.model.data", module=module, name=name, model=kind)
            found = named[0]["res_id"] if named else 0
        if found not in self.tables[kind]:
            raise ValueError(f"No matching record found for {by} '{text}' in {kind}")
        return found

    def _field(self, model: str, name: str) -> str:
        made = self.rows("ir.model.fields", model=model, name=name)
        if name not in MODELS[model] and not made:
            raise OdooError("builtins.ValueError", f"Invalid field '{name}' on model '{model}'")
        return MODELS[model].get(name, "char")


def _sanitized(html: str) -> str:
    """Odoo cleans HTML fields: a script that was not escaped is gone."""
    return re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL | re.IGNORECASE)


@contextmanager
def running_odoo() -> Iterator[OdooDouble]:
    """Serve a new double on loopback, and stop it at the end."""
    double, guard = OdooDouble(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet: the second would wait for an answer

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with guard:
                double.requests += 1
                known = (
                    self.path == "/jsonrpc" and self.headers["Content-Type"] == "application/json"
                )
                status = double.broken or (200 if known else 404)
                answer = double.answer(json.loads(body)) if status == 200 else {}
            told = json.dumps({"jsonrpc": "2.0", "id": 1, **answer}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(told)))
            if status == 429:
                self.send_header("Retry-After", "7")
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_: Any) -> None:
            """Write no log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    double.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield double
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
