"""Traces, where the environment asks for them: sent to a collector, and nothing secret in them."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from structlog.testing import capture_logs

from groundswell import tracing
from groundswell.engine.keys import Keys
from groundswell.tracing import span, start_tracing, stop_tracing

from .test_asking import CONFIG
from .test_intake import EVENT, batch
from .test_killed_server import free_port, start

if TYPE_CHECKING:
    from collections.abc import Iterator

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@dataclass
class Collector:
    """What takes spans over OTLP/HTTP, and keeps them."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)

    def spans(self) -> list[Any]:
        return [
            item
            for body in self.bodies
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for item in scope.spans
        ]

    def called(self, name: str) -> list[Any]:
        return [item for item in self.spans() if item.name == name]

    def resource(self) -> dict[str, str]:
        (told, *_) = ExportTraceServiceRequest.FromString(self.bodies[0]).resource_spans
        return {item.key: item.value.string_value for item in told.resource.attributes}


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    kept = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            assert self.headers["content-type"] == "application/x-protobuf"
            kept.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    kept.url = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", kept.url)
    yield kept
    stop_tracing()
    server.shutdown()
    server.server_close()


def told(item: Any) -> dict[str, Any]:
    values = ((entry.key, entry.value) for entry in item.attributes)
    return {name: getattr(value, value.WhichOneof("value")) for name, value in values}


@pytest.mark.slow
@pytest.mark.loopback
def test_requests_drains_and_runs_are_told_before_the_server_is_gone(collector, tmp_path):
    (tmp_path / "groundswell.yaml").write_text(CONFIG, encoding="utf-8")
    with Keys.open(tmp_path) as keys:
        key = keys.create("app", "segment").key
    port = free_port()
    process = start(tmp_path, port)
    url = f"http://127.0.0.1:{port}"
    try:
        answer = httpx.post(
            f"{url}/v1/batch?secret=in-query",
            content=batch(EVENT, {**EVENT, "messageId": "m2", "event": "In Body"}),
            auth=(key, ""),
            headers={"traceparent": f"00-{TRACE}-{PARENT}-01"},
        )
        assert answer.status_code == 200
        assert httpx.post(f"{url}/v1/batch", content=batch(EVENT)).status_code == 401
        deadline = time.monotonic() + 60
        while "groundswell_run_seconds_count 0.0" in httpx.get(f"{url}/metrics").text:
            assert time.monotonic() < deadline, "nobody was scored"
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    taken, refused = (item for item in collector.spans() if item.name.startswith("intake "))
    assert taken.name == "intake segment"
    assert (taken.trace_id.hex(), taken.parent_span_id.hex()) == (TRACE, PARENT)
    assert taken.end_time_unix_nano > taken.start_time_unix_nano
    assert told(taken) == {
        "http.request.method": "POST",
        "http.route": "/v1/batch",
        "http.response.status_code": 200,
        "groundswell.wire": "segment",
        "groundswell.messages": 2,
    }
    assert refused.trace_id.hex() != TRACE
    said = (told(refused)["http.response.status_code"], told(refused)["groundswell.messages"])
    assert said == (401, 0)
    (drained,) = collector.called("drain")
    counts = {"entries": 1, "added": 2, "duplicates": 0, "rejected": 0}
    assert told(drained) == {f"groundswell.{name}": count for name, count in counts.items()}
    scored = told(collector.called("score")[-1])
    assert (scored["groundswell.accounts"], scored["groundswell.qualified"]) == (1, 0)
    assert collector.resource()["service.name"] == "groundswell"
    said = b"".join(collector.bodies)
    assert not [word for word in (key, "in-query", "In Body", "acme") if word.encode() in said]


@pytest.mark.loopback
def test_what_goes_wrong_is_told_by_its_kind_alone(collector, monkeypatch):
    monkeypatch.setenv("OTEL_SERVICE_NAME", "intake-eu")
    assert start_tracing()
    with pytest.raises(ValueError, match="secret"), span("drain"):
        raise ValueError("secret")
    stop_tracing()
    (failed,) = collector.spans()
    assert (failed.name, failed.status.code, failed.status.message) == ("drain", 2, "ValueError")
    assert collector.resource()["service.name"] == "intake-eu"
    assert b"secret" not in collector.bodies[0]


@pytest.mark.loopback
def test_a_collector_that_is_away_holds_nobody_up(monkeypatch):
    monkeypatch.setattr(tracing, "FLUSH_SECONDS", 0.2)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    assert start_tracing()
    with span("drain"):
        pass
    began = time.monotonic()
    stop_tracing()
    assert time.monotonic() - began < 2


ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("environ", "fix"),
    [
        ({}, None),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "TRUE"}, None),
        ({**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"}, None),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "Set OTEL_TRACES_EXPORTER"),
        ({**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "Set OTEL_EXPORTER_OTLP_PROTOCOL"),
    ],
    ids=["nothing", "disabled", "none", "unknown", "grpc"],
)
def test_without_a_wish_that_can_be_met_a_span_is_nothing(environ, fix):
    with capture_logs() as log:
        assert not start_tracing(environ)
    assert [line["fix"].startswith(fix) for line in log] == ([True] if fix else [])
    assert span("drain") is span("score", headers=[(b"traceparent", b"00")])


def test_the_extra_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    with capture_logs() as log:
        assert not start_tracing(ENDPOINT)
    (line,) = log
    assert (line["log_level"], line["fix"]) == ("warning", "pip install 'groundswell[otel]'")
    assert span("drain") is span("score")


def test_spans_can_be_written_to_the_console(capsys):
    assert start_tracing({"OTEL_TRACES_EXPORTER": "console"})
    with span("score") as nothing:
        nothing.drop()
    with span("drain") as drained:
        drained.tell({"groundswell.entries": 3})
    stop_tracing()
    assert json.loads(capsys.readouterr().out)["attributes"] == {"groundswell.entries": 3}
