"""Traces, where the environment asks for them: what a request, a drain or a run took.

The standard variables of OpenTelemetry decide: `OTEL_TRACES_EXPORTER` (`otlp`, `console`, `none`),
or an `OTEL_EXPORTER_OTLP_ENDPOINT` alone; `OTEL_SDK_DISABLED=true` turns it off. Where nothing is
asked for, a span is one object that does nothing. A span never holds a key, a body or a query.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Self

import structlog

from groundswell.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

    Headers = Iterable[tuple[bytes, bytes]]
    Value = str | int | float | bool

FLUSH_SECONDS = 5.0
"""How long a server that stops may wait for its last spans to be taken."""

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL = "http/protobuf"
_PARENT = (b"traceparent", b"tracestate")

log = structlog.get_logger()


class Span:
    """Something that takes time; by itself it does nothing."""

    __slots__ = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End it."""

    def tell(self, attributes: Mapping[str, Value], *, name: str | None = None) -> None:
        """Say what came of it, and by which name it goes from now on."""

    def drop(self) -> None:
        """Say that nothing was done, which is not worth telling."""


_SILENT = Span()


class _Recorded(Span):
    """A span that is told when it ends."""

    __slots__ = ("_attributes", "_began", "_headers", "_is_dropped", "_name", "_tracer")

    def __init__(self, tracer: Tracer, name: str, headers: Headers) -> None:
        self._tracer = tracer
        self._name = name
        self._headers = headers
        self._attributes: dict[str, Value] = {}
        self._is_dropped = False
        self._began = time.time_ns()

    def tell(self, attributes: Mapping[str, Value], *, name: str | None = None) -> None:
        self._attributes.update(attributes)
        self._name = name or self._name

    def drop(self) -> None:
        self._is_dropped = True

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._is_dropped and kind is None:
            return
        from opentelemetry.trace import SpanKind, Status, StatusCode  # noqa: PLC0415

        span = self._tracer.start_span(
            self._name,
            context=_parent(self._headers),
            kind=SpanKind.SERVER if self._headers else SpanKind.INTERNAL,
            attributes=self._attributes,
            start_time=self._began,
        )
        if kind is not None:  # its words may hold what was sent
            span.set_status(Status(StatusCode.ERROR, kind.__name__))
        span.end()


class _Tracing:
    """What is on in this process."""

    def __init__(self) -> None:
        self.provider: TracerProvider | None = None
        self.tracer: Tracer | None = None


_tracing = _Tracing()


def span(name: str, *, headers: Headers = ()) -> Span:
    """Return a span to enter.

    Args:
        name: What it is called, unless `tell` says otherwise.
        headers: Of the request that it answers; their `traceparent` says what it is part of.
    """
    tracer = _tracing.tracer
    return _SILENT if tracer is None else _Recorded(tracer, name, headers)


def start_tracing(environ: Mapping[str, str] = os.environ) -> bool:
    """Begin to trace if the environment asks for it; tell whether it does.

    What is asked for and cannot be done is said in the log, and nothing else comes of it.

    Args:
        environ: Where it is asked; the details are read by the SDK, from the process's own.
    """
    wanted = _exporters(environ)
    if not wanted or _tracing.tracer is not None:
        return _tracing.tracer is not None
    try:
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        exporters = [_exporter(name) for name in wanted]
    except ImportError:
        (problem,) = MissingExtraError("otel", needed_for="Tracing").problems
        log.warning("not traced", what=problem.what, fix=problem.fix)
        return False
    release = version("groundswell")
    named = {"service.name": "groundswell", "service.version": release}
    # What the environment calls the service goes before what we call it.
    resource = Resource.create().merge(Resource(named)).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    for exporter in exporters:
        provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracing.provider, _tracing.tracer = provider, provider.get_tracer(__name__, release)
    return True


def stop_tracing() -> None:
    """Send what was not sent yet, for a while, and trace no more."""
    provider, _tracing.provider, _tracing.tracer = _tracing.provider, None, None
    if provider is None:
        return
    sending = threading.Thread(target=provider.shutdown, name="traces", daemon=True)
    sending.start()
    sending.join(FLUSH_SECONDS)


def _exporters(environ: Mapping[str, str]) -> list[str]:
    """Return what the environment asks for, `otlp` or `console`; what is neither, the log says."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return []
    asked = environ.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if not asked:
        asked = "otlp" if any(environ.get(name) for name in _ENDPOINTS) else "none"
    protocol = next((told for name in _PROTOCOLS if (told := environ.get(name))), _PROTOCOL)
    names = [name.strip() for name in asked.split(",")]
    for name in names:
        if name not in ("otlp", "console", "none"):
            fix = "Set OTEL_TRACES_EXPORTER to otlp, console or none."
            log.warning("not traced", what=f"There is no exporter `{name}`.", fix=fix)
        elif name == "otlp" and protocol != _PROTOCOL:
            fix = f"Set OTEL_EXPORTER_OTLP_PROTOCOL to {_PROTOCOL}; its port is mostly 4318."
            log.warning("not traced", what=f"OTLP is not sent as `{protocol}`.", fix=fix)
    known = ["console", "otlp"] if protocol == _PROTOCOL else ["console"]
    return [name for name in known if name in names]


def _exporter(name: str) -> SpanExporter:
    if name == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter  # noqa: PLC0415

        return ConsoleSpanExporter(out=sys.stdout)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )

    return OTLPSpanExporter()


def _parent(headers: Headers) -> Context | None:
    carrier = {name.decode(): value.decode("latin-1") for name, value in headers if name in _PARENT}
    if not carrier:
        return None
    from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
        TraceContextTextMapPropagator,
    )

    return TraceContextTextMapPropagator().extract(carrier)
