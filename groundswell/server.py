"""`groundswell serve`: one process that takes events in and keeps the project up to date."""

from __future__ import annotations

import asyncio
import gc
import logging
import secrets
import signal
import sys
import threading
import time
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, TextIO, cast

import structlog

from groundswell.api.app import App
from groundswell.api.browsers import browser_routes
from groundswell.api.feed import feed_route
from groundswell.api.hosting import GRACE_SECONDS, Announcement, listen, serve_until_told
from groundswell.api.intake import Intake
from groundswell.api.keys import KeyRing
from groundswell.api.local import operation_routes
from groundswell.api.metrics import Metrics
from groundswell.api.slack import slack_route
from groundswell.config.loading import FITTED
from groundswell.config.webhooks import resolve_webhooks
from groundswell.engine import Project
from groundswell.engine.checking import check_serving
from groundswell.engine.colleagues import Colleagues
from groundswell.engine.correspondent import Correspondent
from groundswell.engine.courier import Courier
from groundswell.engine.draining import Drain, hand_raise_of
from groundswell.engine.feed import Feed
from groundswell.engine.live.following import Follower
from groundswell.engine.nightly import Nightly, next_midnight
from groundswell.engine.noticing import Reporter
from groundswell.errors import GroundswellError, Problem, StoreError
from groundswell.intake.committing import GroupCommit
from groundswell.tracing import span
from groundswell.web.posting import Poster
from groundswell.web.site import Site, lost_endpoint, site_routes
from groundswell.web.site.provider import open_way_in
from groundswell.web.site.shelf import ReportShelf
from groundswell.web.site.signal_board import SignalBoard
from groundswell.web.site.sources import SourceBoard

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

    from starlette.applications import Starlette

    from groundswell.clock import Clock

IDLE_SECONDS = 0.05
FAILING_SECONDS = 1.0
FOLLOWING_SECONDS = 0.5
SWEEP_SECONDS = 5.0
INBOX, SCORING, WHOLE = "inbox", "scoring", "everything anew"
log = structlog.get_logger()


class Server:
    """A project, served over HTTP until it is told to stop."""

    def __init__(
        self, project: Project, *, runs: bool = True, announcement: Announcement | None = None
    ) -> None:
        """Prepare to serve.

        Args:
            project: What is served.
            runs: Whether accounts are scored again when facts came.
            announcement: Of the server that this one goes on for.

        Raises:
            ConfigError: The secret of a webhook is not in the environment.
        """
        self._project = project
        self._metrics = Metrics()
        self._intake: Intake | None = None
        self._webhooks = resolve_webhooks(project.loaded, project.environ)
        self._alone = threading.Lock()  # one at a time computes with the project, or takes into it
        self._loop = EngineLoop(project, self._metrics, self._alone, runs=runs)
        self._announcement = announcement or Announcement(project.root)
        self._renewal = threading.Event()
        self._refused: tuple[Problem, ...] = ()
        token = self._announcement.token
        self.feed = self._loop.feed
        colleagues = Colleagues(project.ledger, project.clock)
        self.site = Site(
            project=project,
            colleagues=colleagues,
            alone=self._alone,
            feed=self.feed,
            reports=ReportShelf(project, self._alone),
            sources=SourceBoard(project),
            signals=SignalBoard(project, self._alone),
            first_run=secrets.token_urlsafe(24),
            way_in=open_way_in(project),
            renew=self.renew,
            renewing=self._renewal.is_set,
            refused=lambda: self._refused,
        )
        project.signals.take_up = self.renew
        self.app = App(
            intake=self._started,
            metrics=self._metrics,
            unready=self._unready,
            leads=lambda: self._loop.leads,
            lifespan=self._lifespan,
            operations=[
                *operation_routes(project, token=token, alone=self._alone, colleagues=colleagues),
                *browser_routes(
                    project, token=token, keys=KeyRing(project.ledger), colleagues=colleagues
                ),
                feed_route(self.feed, token=token, colleagues=colleagues),
                slack_route(project),
                *site_routes(self.site),
            ],
            lost=lost_endpoint(self.site),
        )

    def run(
        self, listener: socket.socket, *, listening: Callable[[str], None] | None = None
    ) -> Announcement | None:
        """Serve until SIGINT or SIGTERM, then finish what was begun; see `serve_until_told`.

        Returns:
            Where the configuration is to be taken up anew: what the next server goes on for.

        Raises:
            StoreError: The ledger allows one server, and another one serves it.
        """
        self._loop.claim()
        serve_until_told(
            self.app,
            self._announcement,
            listener=listener,
            ending=self._loop.end_feed,
            listening=listening,
            renewal=self._renewal,
        )
        return self._announcement if self._renewal.is_set() else None

    def renew(self) -> None:
        """Let the configuration be read anew by another server, which takes this one's place.

        Who asks meanwhile waits for a second or two; nothing that was acknowledged is lost.

        Raises:
            ConfigError: It has mistakes, or names other stores; this server goes on with what it
                read.
        """
        project = self._project
        try:
            check_serving(project.root, project.environ, project.loaded.config)
        except GroundswellError as error:
            self._refused = error.problems
            raise
        self._refused = ()
        self._renewal.set()

    def way_in(self, url: str) -> str:
        """Return where a browser begins: where the first admin is made, while there is none."""
        if self.site.colleagues.is_set_up() or not self.site.takes_passwords:
            return url
        return f"{url}/welcome?token={self.site.first_run}"

    def _started(self) -> Intake:
        assert self._intake is not None, "the application runs between the ends of its lifespan"
        return self._intake

    def _unready(self) -> str | None:
        try:
            entries, since = self._project.ledger.waiting()
        except StoreError:
            return "The ledger cannot be read."
        self._metrics.note_waiting(entries, since, now=self._project.clock.now())
        return self._loop.failing

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncGenerator[None]:
        commit = GroupCommit(self._project.ledger)
        self._intake = Intake(
            commit=commit,
            keys=KeyRing(self._project.ledger),
            clock=self._project.clock,
            metrics=self._metrics,
            webhooks=self._webhooks,
        )
        self._loop.start()
        try:
            yield
        finally:
            self.site.reports.close()
            if self.site.way_in is not None:
                self.site.way_in.provider.close()
            await asyncio.to_thread(commit.close)
            await asyncio.to_thread(self._loop.stop)


def serve_project(
    root: Path,
    *,
    host: str,
    port: int,
    clock: Clock | None = None,
    runs: bool = True,
    begun: Callable[[Server], None] | None = None,
    listening: Callable[[Server, str], None] | None = None,
) -> None:
    """Open a project and serve it until it is told to stop, with its configuration as it changes.

    SIGHUP lets the configuration be read anew, as a change from a page does. While one server
    takes another one's place, connections are taken and wait.

    Args:
        root: The project's folder.
        host: Address to listen on; see `listen`.
        port: TCP port; 0 for one that is free.
        clock: What time it is; the machine's own if left out.
        runs: Whether accounts are scored again when facts came.
        begun: Called with the first server before it listens.
        listening: Called with the first server and its address once it does.

    Raises:
        GroundswellError: It cannot be opened, or not served there.
    """
    with listen(host, port) as listener:
        goes_on: Announcement | None = None
        while True:
            with Project.open(root, clock=clock) as project:
                server = Server(project, runs=runs, announcement=goes_on)
                signal.signal(signal.SIGHUP, partial(_take_up, server))
                if goes_on is None and begun is not None:
                    begun(server)
                told = partial(listening, server) if goes_on is None and listening else None
                goes_on = server.run(listener, listening=told)
            if goes_on is None:
                return
            log.info("taking up the configuration")


def _take_up(server: Server, *_: object) -> None:
    try:
        server.renew()
    except GroundswellError as error:
        told = [f"{problem.where or ''} {problem.what}".strip() for problem in error.problems]
        log.warning("the configuration stays as it was", problems=told)


class EngineLoop:
    """Drains the inbox and scores accounts again, on a thread of its own, while the server runs."""

    def __init__(
        self, project: Project, metrics: Metrics, alone: threading.Lock, *, runs: bool
    ) -> None:
        self._project = project
        self._alone = alone
        self._drain = Drain(
            project.warehouse,
            project.ledger,
            project.clock,
            project.loaded.config.sources,
            hand_raise_of(project.loaded.meanings),
        )
        self._metrics = metrics
        self._stopping, self._ending = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._follower = Follower(project) if runs else None
        self.feed = Feed()
        self._reporter = Reporter(project, self.feed)
        self._nightly = Nightly(project)
        self._swept_at = 0.0
        self._courier = Courier(project, lambda: self.leads)
        self._correspondent = Correspondent(project, lambda: self.leads, alone)
        self._poster = Poster(project, lambda: self.leads, alone)
        self._leadership = project.ledger.leadership()
        self._know_jobs()
        self.leads = False
        self.failing: str | None = None

    def _know_jobs(self) -> None:
        jobs = self._project.jobs
        jobs.know(INBOX, "Takes in what clients sent.")
        if self._follower is not None:
            jobs.know(SCORING, "Scores the accounts that something came of.")
            midnight = next_midnight(self._project.today())
            jobs.know(WHOLE, "Computes and scores everything anew.", next_at=midnight)

    def claim(self) -> bool:
        """Take the lead where nobody has it; tell whether it is ours.

        Raises:
            StoreError: The ledger allows one server, and another one serves it.
        """
        leads = self._leadership.lead()
        if leads != self.leads:
            self.leads, self.failing = leads, None
            log.info("leading" if leads else "following")
        return leads

    def start(self) -> None:
        """Begin; see `claim` for what it raises."""
        self.claim()
        self._thread.start()
        self._courier.start()
        self._correspondent.start()
        self._poster.start()

    def stop(self) -> None:
        """Take in what is in the inbox, for a while; the rest is taken in after the next start."""
        self._stopping.set()
        self._thread.join()
        self._courier.stop()
        self._correspondent.stop()
        self._poster.stop()
        self._drain.close()
        if self._follower is not None:
            self._follower.close()
        self._leadership.close()

    def end_feed(self) -> None:
        """Let the feed end once it has told what came until now."""
        self._ending.set()

    def _run(self) -> None:
        until: float | None = None
        while until is None or time.monotonic() < until:
            if until is None and self._stopping.is_set():
                until = time.monotonic() + GRACE_SECONDS
            ending = self._ending.is_set()
            rest = self._turn(scores=until is None)
            if rest and ending:
                self.feed.end()
            if rest and until is not None:
                return
            if rest:
                self._stopping.wait(rest)

    def _turn(self, *, scores: bool) -> float:
        """Take one step; return how long to rest after it, which is 0 where more waits."""
        if not self.claim():  # looked at before every step: a lead can be lost at any time
            return FOLLOWING_SECONDS
        try:
            with self._alone:
                busy = self._take_in()
                self._reporter.word()  # at once, as scoring everything may take long
                if scores:
                    self._nightly.step()
                    self._score()
                    self._sweep()
                    self._reporter.word()
            self.failing = None
        except Exception as error:
            self.failing = "The inbox cannot be drained; the log says why."
            log.exception("the engine failed", problem=type(error).__name__)
            return FAILING_SECONDS
        return 0.0 if busy else IDLE_SECONDS

    def _take_in(self) -> bool:
        with self._project.jobs.watch(INBOX) as run:
            done = self._drain.step()
            if done is None:
                run.drop()
                return False
        for outcome in ("added", "duplicates", "rejected"):
            self._metrics.records.labels(outcome).inc(getattr(done, outcome))
        if self._follower is not None:
            self._follower.take(done)
        self._reporter.drained(done)
        return True

    def _score(self) -> None:
        """Score what came, or everything where that is due."""
        if self._follower is None:
            return
        jobs = self._project.jobs
        with span("score") as told, jobs.watch(SCORING) as run:
            scored = self._follower.step()
            if scored is None:
                told.drop()
                run.drop()
                return
            told.tell(
                {
                    "groundswell.counted": scored.counted,
                    "groundswell.recomputed": scored.recomputed,
                }
            )
            if scored.report is not None:
                run.name = WHOLE
                jobs.plan(WHOLE, next_midnight(self._project.today()))
                told.tell(
                    {
                        "groundswell.accounts": scored.report.accounts,
                        "groundswell.qualified": scored.report.qualified,
                    }
                )
        self._reporter.scored(scored)
        if scored.drift is not None:
            self._metrics.reconcile_differences.inc(scored.drift.count)
        for how in ("counted", "recomputed"):
            self._metrics.rescored.labels(how).inc(getattr(scored, how))
        now = self._project.clock.now()
        for arrived in scored.waited:
            self._metrics.rescored_after_seconds.observe((now - arrived).total_seconds())
        if scored.report is None:
            return
        _set_aside()
        self._metrics.run_seconds.observe(scored.seconds)
        log.info(
            "scored",
            accounts=scored.report.accounts,
            qualified=scored.report.qualified,
            newly_qualified=len(scored.report.newly_qualified),
            seconds=round(scored.seconds, 2),
        )
        self._challenge()

    def _sweep(self) -> None:
        """Let time pass for handoffs, every few seconds."""
        now = time.monotonic()
        if self._follower is not None and now - self._swept_at > SWEEP_SECONDS:
            self._swept_at = now
            self._project.handoffs.sweep()

    def _challenge(self) -> None:
        """Once a week, let a challenger be learned where that is wanted."""
        settings = self._project.loaded.config
        if settings.score.preset != FITTED or not settings.learning.challenger:
            return
        try:
            shadow = self._project.lab.challenge_if_due()
        except GroundswellError as error:
            codes = [problem.code for problem in error.problems]
            log.warning("no challenger was learned", problems=codes)
            return
        if shadow is not None:
            log.info(
                "challenger",
                version=shadow.version,
                champion=shadow.champion,
                weeks=shadow.weeks,
                offered=shadow.offered,
                published=shadow.published,
            )


def _set_aside() -> None:
    """Let the garbage collector pass over all that lives on after everything was computed.

    Otherwise it looks at each of the millions of objects again and again while events come in.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


class _Patient:
    """Standard error, on a disk that may be full: what cannot be said is left out."""

    def write(self, text: str) -> None:
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()


def log_to_stderr() -> None:
    """Write the log as JSON lines to standard error.

    A line that cannot be written is lost; the request that it tells of is answered all the same.
    """
    logging.basicConfig(level=logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _Patient())),
    )
