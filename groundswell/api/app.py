"""The application that a server runs: intake on bare paths, everything else behind Starlette."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from groundswell.api.intake import Intake

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

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
        lifespan: Lifespan,
        operations: Sequence[Route] = (),
    ) -> None:
        """Build the application.

        Args:
            intake: Gives what takes requests in; it is there once the server has started.
            metrics: What is counted.
            unready: Says why the server cannot take requests now; None when it can.
            lifespan: What begins and ends with the server.
            operations: The routes of what can be asked of the project.
        """
        self._intake = intake

        async def health(_: Request) -> Response:
            return JSONResponse({"status": "ok"})

        async def ready(_: Request) -> Response:
            why = unready()
            if why is None:
                return JSONResponse({"status": "ok"})
            return JSONResponse({"status": "unready", "why": why}, status_code=503)

        async def measured(_: Request) -> Response:
            unready()  # looks at the inbox, and notes what waits there
            return PlainTextResponse(metrics.text(), media_type="text/plain; version=0.0.4")

        self._pages = Starlette(
            routes=[
                Route("/healthz", health),
                Route("/readyz", ready),
                Route("/metrics", measured),
                *operations,
            ],
            lifespan=lifespan,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or take part in starting and stopping."""
        if scope["type"] == "http" and Intake.takes(scope["method"], scope["path"]):
            await self._intake()(scope, receive, send)
        else:
            await self._pages(scope, receive, send)  # pyright: ignore[reportArgumentType]
