"""Every page and everything that is done on one, one row each: who may, and what it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from groundswell.web.site import (
    account,
    accounts,
    admin,
    commissions,
    health,
    lab,
    proof,
    queue,
    reports,
    setup,
    signals,
    team,
    weights,
)
from groundswell.web.site.answering import (
    COOKIE,
    SIGN_IN,
    TooLongError,
    endpoint,
    is_ours,
    knows_session,
    read_form,
    static_file,
    with_headers,
)
from groundswell.web.site.live import live_endpoint
from groundswell.web.site.provider_routes import provider_routes
from groundswell.web.site.rendering import STATIC
from groundswell.web.site.route import ACTING, ADMINS, EVERYBODY, LEADING, READING_ALL, SiteRoute
from groundswell.web.site.signing_in import SIGN_OUT, signing_in_routes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from groundswell.web.site.visit import Site

LIVE = "/live"
ROUTES: tuple[SiteRoute, ...] = (
    SiteRoute("GET", "/", "queue", EVERYBODY, queue.show_queue),
    SiteRoute(
        "POST",
        "/handoffs/{handoff}/reassign-to",
        "team.reassign",
        LEADING - READING_ALL | ADMINS,
        team.reassign,
        about="handoff",
        computes=True,
    ),
    SiteRoute(
        "POST",
        "/handoffs/{handoff}/{action}",
        "handoff.step",
        ACTING,
        queue.do_step,
        about="handoff",
        computes=True,
    ),
    SiteRoute("GET", "/accounts", "accounts", EVERYBODY, accounts.show_accounts),
    SiteRoute("GET", "/accounts.csv", "accounts.export", EVERYBODY, accounts.export_accounts),
    SiteRoute("GET", "/find", "accounts.find", EVERYBODY, accounts.find_accounts),
    SiteRoute("POST", "/views/keep", "view.keep", EVERYBODY, accounts.keep_view),
    SiteRoute("POST", "/views/drop", "view.drop", EVERYBODY, accounts.drop_view),
    SiteRoute(
        "GET",
        "/accounts/{account:path}",
        "account",
        EVERYBODY,
        account.show_account,
        about="account",
        computes=True,
    ),
    SiteRoute(
        "GET",
        "/use/{account:path}",
        "account.use",
        EVERYBODY,
        account.show_use,
        about="account",
        computes=True,
    ),
    SiteRoute("GET", "/team", "team", LEADING, team.show_team),
    SiteRoute("GET", "/reports/{report}", "report", LEADING, reports.show_report),
    SiteRoute(
        "GET", "/reports/{report}/{picture}.svg", "report.picture", LEADING, reports.show_picture
    ),
    SiteRoute("GET", "/lab", "lab", LEADING, lab.show_lab),
    SiteRoute("GET", weights.WEIGHTS, "lab.weights", LEADING, weights.show_weights, computes=True),
    SiteRoute("GET", proof.PROOF, "lab.proof", LEADING, proof.show_proof),
    SiteRoute(
        "GET",
        f"{proof.PROOF}/{{picture}}.svg",
        "lab.proof.picture",
        LEADING,
        proof.show_proof_picture,
    ),
    SiteRoute("POST", f"{proof.PROOF}/keep", "model.backtest", ADMINS, proof.keep_backtest),
    SiteRoute("GET", "/lab/models", "models", LEADING, lab.show_models),
    SiteRoute(
        "POST", "/lab/models/publish", "model.publish", ADMINS, lab.publish_model, computes=True
    ),
    SiteRoute(
        "POST",
        "/lab/models/roll-back",
        "model.roll_back",
        ADMINS,
        lab.roll_back_model,
        computes=True,
    ),
    SiteRoute(
        "POST", "/lab/models/retire", "model.retire", ADMINS, lab.retire_model, computes=True
    ),
    SiteRoute(
        "GET", commissions.MINE, "commissions.mine", ACTING, commissions.show_own_commissions
    ),
    SiteRoute("GET", "/health", "health", READING_ALL, health.show_health),
    SiteRoute(
        "POST", "/health/replay", "quarantine.replay", ADMINS, health.replay_rejects, computes=True
    ),
    SiteRoute("POST", "/health/retry", "deliveries.retry", ADMINS, health.retry_deliveries),
    SiteRoute("POST", "/health/pause", "destination.pause", ADMINS, health.pause_destination),
    SiteRoute("POST", "/health/resume", "destination.resume", ADMINS, health.resume_destination),
    SiteRoute("GET", "/signals", "signals", LEADING, signals.show_signals),
    SiteRoute("GET", "/signals/{block}", "signals.block", LEADING, signals.show_block),
    SiteRoute("POST", "/signals/{block}/check", "signals.check", LEADING, signals.check_edit),
    SiteRoute(
        "POST",
        "/signals/{block}/weigh",
        "signals.weigh",
        LEADING,
        signals.weigh_edit,
        computes=True,
    ),
    SiteRoute("POST", "/signals/{block}/write", "signals.write", ADMINS, signals.write_edit),
    SiteRoute("GET", "/setup", "setup", ADMINS, setup.show_setup),
    SiteRoute("GET", "/setup/seen", "setup.seen", ADMINS, setup.show_seen),
    SiteRoute("POST", "/setup/key", "write_key.create", ADMINS, setup.create_key),
    SiteRoute("POST", "/setup/events", "setup.events", ADMINS, setup.map_events),
    SiteRoute("POST", "/setup/score", "setup.score", ADMINS, setup.choose_score),
    SiteRoute("GET", "/admin", "admin", ADMINS, admin.show_admin),
    SiteRoute("POST", "/admin/colleagues/add", "colleague.add", ADMINS, admin.add_colleague),
    SiteRoute(
        "POST", "/admin/colleagues/change", "colleague.change", ADMINS, admin.change_colleague
    ),
    SiteRoute("POST", "/admin/keys/create", "api_key.create", ADMINS, admin.create_api_key),
    SiteRoute("POST", "/admin/keys/revoke", "api_key.revoke", ADMINS, admin.revoke_api_key),
)
"""The pages of who signed in."""


def site_routes(site: Site) -> list[Route]:
    """Return the routes of the web application."""
    return [
        Route(f"{STATIC}{{name}}", static_file, methods=["GET"]),
        Route(LIVE, live_endpoint(site), methods=["GET"]),
        Route(SIGN_OUT, _signing_out(site), methods=["POST"]),
        *signing_in_routes(site),
        *provider_routes(site),
        *(
            Route(route.path, endpoint(site, route), methods=[route.method], name=route.name)
            for route in ROUTES
        ),
    ]


def _signing_out(site: Site) -> Callable[[Request], Awaitable[Response]]:
    async def sign_out(request: Request) -> Response:
        secret = request.cookies.get(COOKIE, "")
        try:
            form = await read_form(request)
        except TooLongError:
            form = None
        response = Response(status_code=303, headers={"location": SIGN_IN})
        if form is not None and is_ours(request) and knows_session(form, request, secret):
            await run_in_threadpool(site.colleagues.sign_out, secret)
            response.delete_cookie(COOKIE, path="/")
        return with_headers(response)

    return sign_out
