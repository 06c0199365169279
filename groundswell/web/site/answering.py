"""From a request to an answer: who asks, whether they may, what they see where they may not.

Everything that is sent has headers that let a browser load nothing from elsewhere and run no
script but ours. What changes something has to come from one of our own pages: by the browser's
word for where it came from, and by a secret that only such a page knows.
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
from contextlib import nullcontext
from functools import cache, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlsplit

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from groundswell.engine.sight import Sight
from groundswell.errors import GroundswellError, Problem, UsageError
from groundswell.web.site.rendering import render, static_files
from groundswell.web.site.visit import Answer, File, Moved, NotSeenError, Shown, Visit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from groundswell.store.colleagues import Colleague
    from groundswell.web.site.route import SiteRoute
    from groundswell.web.site.visit import Site

COOKIE = "groundswell_session"
CSRF_FIELD, CSRF_HEADER = "csrf", "x-csrf-token"
REFRESH_HEADER = "x-refresh"
SIGN_IN = "/sign-in"
MAX_BODY = 256 << 10  # bytes
_SEE_OTHER = 303
_UNPROCESSABLE = 422
_TOO_LONG = 413
FOREIGN = Problem(
    "page-foreign",
    "This did not come from one of our own pages.",
    "Go back, load the page again, and try once more.",
)

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}
log = structlog.get_logger()


def endpoint(site: Site, route: SiteRoute) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers requests for a page."""

    async def answer(request: Request) -> Response:
        secret, who = await _who_asks(site, request)
        if who is None:
            return _ask_to_sign_in(request)
        try:
            form = await read_form(request)
        except TooLongError as error:
            return failure_page(error.problems[0], status=_TOO_LONG, who=who, secret=secret)
        if form is None or (
            request.method == "POST"
            and not (is_ours(request) and knows_session(form, request, secret))
        ):
            return failure_page(FOREIGN, status=403, who=who, secret=secret)
        visit = _visit(site, who, request, form)
        try:
            found = await run_in_threadpool(_handle, route, visit)
        except NotSeenError as error:
            return _failed(error, visit, secret, status=404)
        except GroundswellError as error:
            return _failed(error, visit, secret, status=_UNPROCESSABLE)
        return respond(found, visit, secret)

    return answer


def lost_endpoint(site: Site) -> Callable[[Request], Awaitable[Response | None]]:
    """Return what answers whoever signed in and asks for a page that is nowhere.

    It says what is said of a page that is not for them, so that neither can be told from the other.
    """

    async def answer(request: Request) -> Response | None:
        secret, who = await _who_asks(site, request)
        if who is None:
            return None
        return _failed(NotSeenError("page"), _visit(site, who, request, {}), secret, status=404)

    return answer


async def _who_asks(site: Site, request: Request) -> tuple[str, Colleague | None]:
    """Return the secret that a browser holds, and whose it is.

    A page that asks for itself again because something moved, and not because somebody did
    anything, lets the session end when it would.
    """
    secret = request.cookies.get(COOKIE, "")
    if not secret:
        return secret, None
    awake = REFRESH_HEADER not in request.headers
    return secret, await run_in_threadpool(partial(site.colleagues.whose, secret, awake=awake))


def _visit(site: Site, who: Colleague, request: Request, form: dict[str, str]) -> Visit:
    return Visit(
        site=site,
        who=who,
        sight=Sight(site.project, who),
        path={name: str(value) for name, value in request.path_params.items()},
        query=dict(request.query_params),
        form=form,
        is_part=request.headers.get("hx-request") == "true",
        address=address_of(request),
    )


def _handle(route: SiteRoute, visit: Visit) -> Answer:
    """Make the answer, where who asks may have it."""
    if visit.who.role not in route.roles:
        raise NotSeenError("page")
    with visit.site.alone if route.computes else nullcontext():
        if route.about == "account" and not visit.sight.sees_account(visit.path["account"]):
            raise NotSeenError("account")
        if route.about == "handoff":
            handoff = visit.project.handing.book.refresh().get(visit.path["handoff"])
            if handoff is None or not visit.sight.sees_row(handoff):
                raise NotSeenError("handoff")
        return route.handle(visit)


def respond(found: Answer, visit: Visit, secret: str) -> Response:
    """Return an answer as a response."""
    if isinstance(found, Moved):
        if visit.is_part:
            return with_headers(Response(status_code=204, headers={"hx-redirect": found.to}))
        return with_headers(Response(status_code=_SEE_OTHER, headers={"location": found.to}))
    if isinstance(found, File):
        headers = {}
        if found.name is not None:
            headers["content-disposition"] = f"attachment; filename*=UTF-8''{quote(found.name)}"
        return with_headers(Response(found.content, media_type=found.media_type, headers=headers))
    part = visit.is_part and found.part is not None
    template = found.part if part and found.part is not None else found.template
    html = render(template, page_context(found, visit.who, secret, visit.site))
    response = Response(html, status_code=found.status, media_type="text/html")
    if found.trigger is not None:
        response.headers["hx-trigger"] = found.trigger
    return with_headers(response)


def page_context(
    found: Shown, who: Colleague | None, secret: str, site: Site | None
) -> dict[str, Any]:
    """Return what every template is given: the page's own context, and what is around it."""
    return {
        "page": found.context,
        "title": found.title,
        "who": who,
        "csrf": csrf_of(secret) if secret else "",
        "company": (site.project.loaded.config.company if site else "") or "Groundswell",
        "now": site.project.clock.now() if site else None,
    }


def _failed(error: GroundswellError, visit: Visit, secret: str, *, status: int) -> Response:
    template = "part_failure.html" if visit.is_part else "failure.html"
    shown = Shown(template, error.problems, "That did not work", status=status)
    html = render(template, page_context(shown, visit.who, secret, visit.site))
    return with_headers(Response(html, status_code=status, media_type="text/html"))


def failure_page(
    problem: Problem, *, status: int, who: Colleague | None = None, secret: str = ""
) -> Response:
    """Return a page that says what is wrong and how to go on."""
    shown = Shown("failure.html", (problem,), "That did not work", status=status)
    html = render(shown.template, page_context(shown, who, secret, None))
    return with_headers(Response(html, status_code=status, media_type="text/html"))


def with_headers(response: Response) -> Response:
    """Return a response with the headers that keep a page to itself."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _ask_to_sign_in(request: Request) -> Response:
    if request.headers.get("hx-request") == "true":
        return with_headers(Response(status_code=204, headers={"hx-redirect": SIGN_IN}))
    if request.method != "GET":
        return with_headers(Response(status_code=_SEE_OTHER, headers={"location": SIGN_IN}))
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    to = f"{SIGN_IN}?next={quote(wanted, safe='')}" if wanted != "/" else SIGN_IN
    return with_headers(Response(status_code=_SEE_OTHER, headers={"location": to}))


class TooLongError(UsageError):
    """A form is longer than any of ours."""

    def __init__(self) -> None:
        super().__init__(
            Problem("page-long", "That is longer than it may be.", "Go back, and write less.")
        )


async def read_form(request: Request) -> dict[str, str] | None:
    """Return the fields of a form; None where it is no form of ours.

    Raises:
        TooLongError: It is longer than any of ours.
    """
    if request.method != "POST":
        return {}
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY:
            raise TooLongError
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != "application/x-www-form-urlencoded":
        return None
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=200))
    except ValueError:
        return None


def is_ours(request: Request) -> bool:
    """Tell whether a browser says that a request came from one of our own pages."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in {"same-origin", "none"}:
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return True
    return origin != "null" and urlsplit(origin).netloc == request.headers.get("host", "")


def csrf_of(secret: str) -> str:
    """Return what a form bears to show that a page of this session made it."""
    return hmac.new(secret.encode(), b"form", hashlib.sha256).hexdigest()


def knows_session(form: dict[str, str], request: Request, secret: str) -> bool:
    """Tell whether a form bears what only a page of this session does."""
    given = form.pop(CSRF_FIELD, "") or request.headers.get(CSRF_HEADER, "")
    return hmac.compare_digest(given.encode(), csrf_of(secret).encode())


def address_of(request: Request) -> str:
    """Return the network address that a request comes from."""
    return request.client.host if request.client is not None else ""


@cache
def _packed(name: str) -> bytes:
    return gzip.compress(static_files()[name][0], mtime=0)


_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


async def static_file(request: Request) -> Response:
    """Answer with a static file; its address changes with it, so that it may be kept for ever."""
    name = request.path_params["name"]
    found = static_files().get(name)
    if found is None:
        return with_headers(Response("There is no such file.", status_code=404))
    content, digest = found
    headers = {
        "cache-control": "public, max-age=31536000, immutable",
        "etag": f'"{digest}"',
        "vary": "accept-encoding",
        "x-content-type-options": "nosniff",
    }
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        content = await run_in_threadpool(_packed, name)
        headers["content-encoding"] = "gzip"
    kind = _TYPES.get(name.rpartition(".")[2], "application/octet-stream")
    return Response(content, media_type=kind, headers=headers)
