"""The application that a server runs: intake on bare paths, everything else behind Starlette."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from groundswell.api.browsers import preflight
from groundswell.api.headers import guarding
from groundswell.api.intake import Intake
from groundswell.api.local import failed
from groundswell.api.openapi import openapi_json
from groundswell.api.operations import Told
from groundswell.api.pages import DOCUMENT, HEALTH, JSON, METRICS, READY
from groundswell.tracing import start_tracing, stop_tracing

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from starlette.requests import Request

    from groundswell.api.metrics import Metrics

    Scope = dict[str, Any]
    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]
    Lifespan = Callable[[Starlette], Any]


class App:
    """Routes a request to intake, or to the pages."""

    def __init__(
        self,
        *,
        intake: Callable[[], Intake],
        metrics: Metrics,
        unready: Callable[[], str | None],
        leads: Callable[[], bool],
        lifespan: Lifespan,
        operations: Sequence[Route] = (),
        lost: Callable[[Request], Awaitable[Response | None]] | None = None,
    ) -> None:
        """Build the application.

        Args:
            intake: Gives what takes requests in; it is there once the server has started.
            metrics: What is counted.
            unready: Says why the server cannot take requests now; None when it can.
            leads: Tells whether this process is the one that drains and scores.
            lifespan: What begins and ends with the server.
            operations: The routes of what can be asked of the project.
            lost: Answers whoever asks for what is nowhere; with None for those that it knows not.
        """
        self._intake = intake

        async def health(_: Request) -> Response:
            return JSONResponse({"status": "ok"})

        async def ready(_: Request) -> Response:
            why = unready()
            if why is None:
                return JSONResponse({"status": "ok", "leads": leads()})
            told = {"status": "unready", "leads": leads(), "why": why}
            return JSONResponse(told, status_code=503)

        async def measured(_: Request) -> Response:
            unready()  # looks at the inbox, and notes what waits there
            metrics.leader.set(leads())
            return PlainTextResponse(metrics.text(), media_type="text/plain; version=0.0.4")

        async def document(_: Request) -> Response:
            return Response(openapi_json(), media_type=JSON)

        async def astray(request: Request, error: Exception) -> Response:
            assert isinstance(error, HTTPException), "it is registered for no other"
            nowhere = error.status_code == HTTPStatus.NOT_FOUND
            nowhere = nowhere and not Intake.methods(request.url.path)
            told = await lost(request) if lost is not None and nowhere else None
            return told or _astray(request, error)

        self._pages = Starlette(
            routes=[
                Route(HEALTH.path, health),
                Route(READY.path, ready),
                Route(METRICS.path, measured),
                Route(DOCUMENT.path, document),
                *operations,
            ],
            exception_handlers={HTTPException: astray, Exception: _broken},
            lifespan=_traced(lifespan),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or take part in starting and stopping."""
        answer = self._pages
        if scope["type"] == "http":
            method, path = scope["method"], scope["path"]
            if Intake.takes(method, path):
                await self._intake()(scope, receive, send)
                return
            answer, send = preflight(method, path) or answer, guarding(send)
        await answer(scope, receive, send)  # pyright: ignore[reportArgumentType]


def _traced(lifespan: Lifespan) -> Lifespan:
    """Return a lifespan that is traced from its beginning until all of it is told."""

    @asynccontextmanager
    async def traced(app: Starlette) -> AsyncGenerator[None]:
        start_tracing()
        try:
            async with lifespan(app):
                yield
        finally:
            await asyncio.to_thread(stop_tracing)

    return traced


def _astray(request: Request, error: HTTPException) -> Response:
    """Say that nothing is at a path, or what else may be done there."""
    path = request.url.path
    allowed = (error.headers or {}).get("Allow") or ", ".join(Intake.methods(path))
    if not allowed:
        told = Told("not-found", f"There is nothing at {path}.", f"See {DOCUMENT.path}.")
        return failed(error.status_code, told)
    told = Told("method", f"{request.method} is not answered here.", f"Allowed here: {allowed}.")
    return failed(405, told, headers={"allow": allowed})


async def _broken(_: Request, __: Exception) -> Response:
    """Say that the server failed; the error itself goes on, into the log."""
    return failed(500, Told("broken", "The server failed.", "Its log says why; please report it."))
