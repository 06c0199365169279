"""The two addresses of signing in by an identity provider: out to it, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from groundswell.errors import Problem, UsageError
from groundswell.web.site.answering import address_of, with_headers
from groundswell.web.site.provider import BACK, BEGIN, LASTS, WAY_COOKIE
from groundswell.web.site.signing_in import asked, let_in, local_path, page_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from groundswell.web.site.provider import WayIn
    from groundswell.web.site.visit import Site

_SEE_OTHER, _AWAY, _REFUSED = 303, 502, 401


def provider_routes(site: Site) -> list[Route]:
    """Return the routes of signing in by the provider; none where there is none."""
    way = site.way_in
    if way is None:
        return []

    async def go(request: Request) -> Response:
        wanted = local_path(request.query_params.get("next", ""))
        try:
            to, attempt = await run_in_threadpool(way.provider.begin, _back_to(request))
        except UsageError as error:
            return page_of(
                site,
                "sign_in.html",
                asked(site, wanted, problem=error.problems[0]),
                "Sign in",
                status=_AWAY,
            )
        response = Response(status_code=_SEE_OTHER, headers={"location": to})
        response.set_cookie(
            WAY_COOKIE,
            way.seal(attempt, wanted, now=site.project.clock.now()),
            max_age=int(LASTS.total_seconds()),
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
            path=BEGIN,
        )
        return with_headers(response)

    async def come_back(request: Request) -> Response:
        try:
            secret, wanted = await run_in_threadpool(
                _admit, site, way, dict(request.query_params), request, _back_to(request)
            )
            response = await let_in(site, request, secret, wanted)
        except UsageError as error:
            page = asked(site, "/", problem=error.problems[0])
            response = page_of(site, "sign_in.html", page, "Sign in", status=_REFUSED)
        response.delete_cookie(WAY_COOKIE, path=BEGIN)
        return response

    return [Route(BEGIN, go, methods=["GET"]), Route(BACK, come_back, methods=["GET"])]


def _back_to(request: Request) -> str:
    """Return where the provider sends a browser back to: it knows the address, too."""
    return f"{request.url.scheme}://{request.url.netloc}{BACK}"


def _admit(
    site: Site, way: WayIn, told: dict[str, str], request: Request, redirect_uri: str
) -> tuple[str, str]:
    """Return the secret of a session of who came back from the provider, and where they wanted to.

    Raises:
        UsageError: They may not sign in, or did not come from the provider.
    """
    attempt, wanted = way.unseal(
        request.cookies.get(WAY_COOKIE, ""), told.get("state", ""), now=site.project.clock.now()
    )
    if told.get("iss", way.told.issuer) != way.told.issuer or "code" not in told:
        raise UsageError(
            Problem(
                "sign-in-astray",
                "The provider did not let you through.",
                "Begin again from this page, or ask an admin of the provider.",
            )
        )
    identity = way.provider.finish(told["code"], attempt, redirect_uri=redirect_uri)
    secret = site.colleagues.admit(
        email=way.address_of(identity),
        subject=identity.subject,
        name=identity.name[:200],
        role=way.role_of(identity),
        address=address_of(request),
    )
    return secret, local_path(wanted)
