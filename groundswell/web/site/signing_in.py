"""Signing in and out, and becoming the first admin: what is asked of whoever is not known yet."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from groundswell.engine.colleagues import SESSION_LASTS, Role
from groundswell.errors import GroundswellError, Problem, UsageError
from groundswell.web.site.answering import (
    COOKIE,
    SIGN_IN,
    address_of,
    failure_page,
    is_ours,
    page_context,
    read_form,
    with_headers,
)
from groundswell.web.site.rendering import render
from groundswell.web.site.visit import Shown

if TYPE_CHECKING:
    from starlette.requests import Request

    from groundswell.web.site.visit import Site

WELCOME, SIGN_OUT = "/welcome", "/sign-out"
_SEE_OTHER = 303
_FOREIGN = Problem(
    "page-foreign",
    "This did not come from one of our own pages.",
    "Load the page again, and try once more.",
)


@dataclass(frozen=True, slots=True)
class SignInPage:
    """What is asked of whoever signs in.

    Attributes:
        wanted: Where they go then.
        email: What they wrote before.
        problem: Why not.
        set_up: Whether an admin can sign in; else somebody has to become the first.
    """

    wanted: str
    email: str = ""
    problem: Problem | None = None
    set_up: bool = True


@dataclass(frozen=True, slots=True)
class WelcomePage:
    """What is asked of who becomes the first admin."""

    token: str
    email: str = ""
    problem: Problem | None = None


def signing_in_routes(site: Site) -> list[Route]:
    """Return the routes that ask for no session."""

    async def ask(request: Request) -> Response:
        set_up = await run_in_threadpool(site.colleagues.is_set_up)
        page = SignInPage(local_path(request.query_params.get("next", "")), set_up=set_up)
        return _page(site, "sign_in.html", page, "Sign in")

    async def sign_in(request: Request) -> Response:
        form = await read_form(request)
        if form is None or not is_ours(request):
            return failure_page(_FOREIGN, status=403)
        wanted, email = local_path(form.get("next", "")), form.get("email", "")
        try:
            secret = await run_in_threadpool(
                site.colleagues.sign_in,
                email,
                form.get("password", ""),
                address=address_of(request),
            )
        except UsageError as error:
            page = SignInPage(wanted, email, error.problems[0])
            return _page(site, "sign_in.html", page, "Sign in", status=401)
        return await _let_in(site, request, secret, wanted)

    async def welcome(request: Request) -> Response:
        token = request.query_params.get("token", "")
        if not await run_in_threadpool(_may_begin, site, token):
            return failure_page(_begun(), status=404)
        return _page(site, "welcome.html", WelcomePage(token), "Welcome")

    async def begin(request: Request) -> Response:
        form = await read_form(request)
        if form is None or not is_ours(request):
            return failure_page(_FOREIGN, status=403)
        token, email = form.get("token", ""), form.get("email", "")
        if not await run_in_threadpool(_may_begin, site, token):
            return failure_page(_begun(), status=404)
        try:
            secret = await run_in_threadpool(
                _begin, site, email, form.get("password", ""), address_of(request)
            )
        except GroundswellError as error:
            page = WelcomePage(token, email, error.problems[0])
            return _page(site, "welcome.html", page, "Welcome", status=422)
        return await _let_in(site, request, secret, "/setup")

    return [
        Route(SIGN_IN, ask, methods=["GET"]),
        Route(SIGN_IN, sign_in, methods=["POST"]),
        Route(WELCOME, welcome, methods=["GET"]),
        Route(WELCOME, begin, methods=["POST"]),
    ]


def local_path(wanted: str) -> str:
    r"""Return where to go after signing in; never off this server.

    >>> local_path("/accounts?tier=x"), local_path("//evil.example"), local_path("/\\evil.example")
    ('/accounts?tier=x', '/', '/')
    """
    outside = not wanted.startswith("/") or wanted[1:2] in {"/", "\\"}
    return "/" if outside or any(ord(letter) < ord(" ") for letter in wanted) else wanted


def _may_begin(site: Site, token: str) -> bool:
    known = hmac.compare_digest(token.encode(), site.first_run.encode())
    return known and not site.colleagues.is_set_up()


def _begun() -> Problem:
    return Problem(
        "welcome-over",
        "This address lets nobody in any more.",
        "Sign in, or start the server again where nobody can yet: it prints a new one.",
    )


def _begin(site: Site, email: str, password: str, address: str) -> str:
    admin = site.colleagues.add(email, role=Role.ADMIN, password=password)
    return site.colleagues.let_in(admin, address=address)


async def _let_in(site: Site, request: Request, secret: str, to: str) -> Response:
    old = request.cookies.get(COOKIE)
    if old:
        await run_in_threadpool(site.colleagues.sign_out, old)
    response = Response(status_code=_SEE_OTHER, headers={"location": to})
    set_cookie(response, secret, secure=request.url.scheme == "https")
    return with_headers(response)


def set_cookie(response: Response, secret: str, *, secure: bool) -> None:
    """Let a browser hold the secret of its session, and no script read it."""
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(SESSION_LASTS.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=secure,
        path="/",
    )


def _page(
    site: Site, template: str, page: SignInPage | WelcomePage, title: str, *, status: int = 200
) -> Response:
    shown = Shown(template, page, title, status=status)
    html = render(template, page_context(shown, None, "", site))
    return with_headers(Response(html, status_code=status, media_type="text/html"))
