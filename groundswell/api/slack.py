"""Where Slack sends the press of a button."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from groundswell.api.local import failed
from groundswell.api.operations import Told
from groundswell.api.pages import SLACK
from groundswell.errors import GroundswellError

if TYPE_CHECKING:
    from starlette.requests import Request

    from groundswell.engine import Project

MAX_BODY = 1 << 20
_STRANGER = Told(
    "slack-signature",
    "No destination's app signed this request, or not within five minutes.",
    "Set `signing_secret` of the destination to that of the app, from its Basic Information.",
)


def slack_route(project: Project) -> Route:
    """Return the route of presses of buttons."""

    def pressed(body: bytes, headers: dict[str, str]) -> Response:
        from groundswell.engine.handing.slack import find_sender, press  # noqa: PLC0415 - HTTP

        sender = find_sender(project.handoffs, body, headers)
        if sender is None:
            return failed(401, _STRANGER, headers={"www-authenticate": "Slack-Signature"})
        press(project.handoffs, sender, body)
        return Response(status_code=200)

    async def answer(request: Request) -> Response:
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_BODY:
                told = Told("too-large", "It is longer than any press of a button.", "Send less.")
                return failed(413, told)
        try:
            return await run_in_threadpool(pressed, bytes(body), dict(request.headers))
        except GroundswellError as error:
            problem = error.problems[0]
            return failed(400, Told(problem.code, problem.what, problem.fix))

    return Route(SLACK.path, answer, methods=["POST"], name=SLACK.name)
