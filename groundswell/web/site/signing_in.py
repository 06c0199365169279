"""Signing in and out, and becoming the first admin: what is asked of whoever is not known yet."""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from groundswell.engine.colleagues import SESSION_LASTS, Role
from groundswell.errors import GroundswellError, Problem, UsageError
from groundswell.web.site.answering import (
    COOKIE,
    FOREIGN,
    SIGN_IN,
    TooLongError,
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
LONGEST_WANTED = 2_000
_NO_PASSWORDS = Problem(
    "sign-in-password-off",
    "Nobody signs in with a password here.",
    "Use the identity provider.",
)
_SEE_OTHER = 303


@dataclass(frozen=True, slots=True)
class SignInPage:
    """What is asked of whoever signs in.

    Attributes:
        wanted: Where they go then.
        email: What they wrote before.
        problem: Why not.
        set_up: Whether an admin can sign in; else somebody has to become the first.
        provider: What the identity provider is called; None where there is none.
        password: Whether a password of ours lets somebody in.
    """

    wanted: str
    email: str = ""
    problem: Problem | None = None
    set_up: bool = True
    provider: str | None = None
    password: bool = True


@dataclass(frozen=True, slots=True)
class WelcomePage:
    """What is asked of who becomes the first admin."""

    token: str
    email: str = ""
    problem: Problem | None = None


def signing_in_routes(site: Site) -> list[Route]:
    """Return the routes that ask for no session."""
    # One at a time is let in or not, so that guesses that come together are counted, too, and
    # one becomes the first admin; those who wait keep no thread from the pages.
    alone = asyncio.Lock()

    async def ask(request: Request) -> Response:
        set_up = await run_in_threadpool(site.colleagues.is_set_up)
        page = asked(site, local_path(request.query_params.get("next", "")), set_up=set_up)
        return page_of(site, "sign_in.html", page, "Sign in")

    async def sign_in(request: Request) -> Response:
        form = await _own_form(request)
        if isinstance(form, Response):
            return form
        wanted, email = local_path(form.get("next", "")), form.get("email", "")
        if not site.takes_passwords:
            page = asked(site, wanted, problem=_NO_PASSWORDS)
            return page_of(site, "sign_in.html", page, "Sign in", status=403)
        try:
            async with alone:
                secret = await run_in_threadpool(
                    site.colleagues.sign_in,
                    email,
                    form.get("password", ""),
                    address=address_of(request),
                )
        except UsageError as error:
            page = asked(site, wanted, email, error.problems[0])
            return page_of(site, "sign_in.html", page, "Sign in", status=401)
        return await let_in(site, request, secret, wanted)

    async def welcome(request: Request) -> Response:
        token = request.query_params.get("token", "")
        if not await run_in_threadpool(_may_begin, site, token):
            return failure_page(_begun(), status=404)
        return page_of(site, "welcome.html", WelcomePage(token), "Welcome")

    async def begin(request: Request) -> Response:
        form = await _own_form(request)
        if isinstance(form, Response):
            return form
        token, email = form.get("token", ""), form.get("email", "")
        try:
            async with alone:
                if not await run_in_threadpool(_may_begin, site, token):
                    return failure_page(_begun(), status=404)
                secret = await run_in_threadpool(
                    _begin, site, email, form.get("password", ""), address_of(request)
                )
        except GroundswellError as error:
            page = WelcomePage(token, email, error.problems[0])
            return page_of(site, "welcome.html", page, "Welcome", status=422)
        return await let_in(site, request, secret, "/setup")

    return [
        Route(SIGN_IN, ask, methods=["GET"]),
        Route(SIGN_IN, sign_in, methods=["POST"]),
        Route(WELCOME, welcome, methods=["GET"]),
        Route(WELCOME, begin, methods=["POST"]),
    ]


async def _own_form(request: Request) -> dict[str, str] | Response:
    """Return the fields of a form of ours, or what is answered to another."""
    try:
        form = await read_form(request)
    except TooLongError as error:
        return failure_page(error.problems[0], status=413)
    ours = form is not None and is_ours(request)
    return form if ours and form is not None else failure_page(FOREIGN, status=403)


def local_path(wanted: str) -> str:
    r"""Return where to go after signing in; never off this server.

    >>> local_path("/accounts?tier=x"), local_path("//evil.example"), local_path("/\\evil.example")
    ('/accounts?tier=x', '/', '/')
    """
    outside = not wanted.startswith("/") or wanted[1:2] in {"/", "\\"}
    if outside or len(wanted) > LONGEST_WANTED or not wanted.isprintable():
        return "/"
    return quote(wanted, safe="/?&=%+:@,;~!*'()[]")


def asked(
    site: Site,
    wanted: str,
    email: str = "",
    problem: Problem | None = None,
    *,
    set_up: bool = True,
) -> SignInPage:
    """Return what is asked of whoever signs in."""
    provider = None if site.way_in is None else site.way_in.told.name
    return SignInPage(wanted, email, problem, set_up, provider, site.takes_passwords)


def _may_begin(site: Site, token: str) -> bool:
    known = hmac.compare_digest(token.encode(), site.first_run.encode())
    return known and site.takes_passwords and not site.colleagues.is_set_up()


def _begun() -> Problem:
    return Problem(
        "welcome-over",
        "This address lets nobody in any more.",
        "Sign in, or start the server again where nobody can yet: it prints a new one.",
    )


def _begin(site: Site, email: str, password: str, address: str) -> str:
    admin = site.colleagues.add(email, role=Role.ADMIN, password=password)
    return site.colleagues.let_in(admin, address=address)


async def let_in(site: Site, request: Request, secret: str, to: str) -> Response:
    """Return an answer by which a browser holds a session, and no other."""
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


def page_of(
    site: Site, template: str, page: SignInPage | WelcomePage, title: str, *, status: int = 200
) -> Response:
    """Return a page for who is not known."""
    shown = Shown(template, page, title, status=status)
    html = render(template, page_context(shown, None, "", site))
    return with_headers(Response(html, status_code=status, media_type="text/html"))
