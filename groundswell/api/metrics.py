"""What is counted, for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from datetime import datetime


class Metrics:
    """The counters of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "groundswell_requests",
            "Requests of client libraries, by wire and by the status they were answered with.",
            ("wire", "status"),
            registry=self.registry,
        )
        self.messages = Counter(
            "groundswell_messages",
            "Messages acknowledged.",
            ("wire",),
            registry=self.registry,
        )
        self.commit_seconds = Histogram(
            "groundswell_commit_seconds",
            "From a request's arrival until its body was durable.",
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
            registry=self.registry,
        )
        self.records = Counter(
            "groundswell_records",
            "Records taken in, by what came of them: added, duplicate or rejected.",
            ("outcome",),
            registry=self.registry,
        )
        self.run_seconds = Histogram(
            "groundswell_run_seconds",
            "What scoring every account took.",
            buckets=(0.1, 0.5, 1, 5, 10, 30, 60, 300),
            registry=self.registry,
        )
        self.rescored = Counter(
            "groundswell_rescored_accounts",
            "Accounts scored again as events came: counted, or recomputed from the facts.",
            ("how",),
            registry=self.registry,
        )
        self.rescored_after_seconds = Histogram(
            "groundswell_rescored_after_seconds",
            "From a request's arrival until the accounts it touches were scored and decided on.",
            buckets=(
                *(0.01, 0.025, 0.05, 0.075, 0.1, 0.125, 0.15, 0.175, 0.2, 0.225, 0.25, 0.3, 0.35),
                *(0.4, 0.5, 0.75, 1, 2.5, 5, 10, 30, 60),
            ),
            registry=self.registry,
        )
        self.reconcile_differences = Counter(
            "groundswell_reconcile_differences",
            "Values that a day, once it ended, was counted otherwise than it is computed.",
            registry=self.registry,
        )
        self.waiting = Gauge(
            "groundswell_inbox_waiting", "Requests in the inbox.", registry=self.registry
        )
        self.lag_seconds = Gauge(
            "groundswell_inbox_lag_seconds",
            "Age of the oldest request in the inbox.",
            registry=self.registry,
        )
        self.leader = Gauge(
            "groundswell_leader",
            "1 where this process drains the inbox and scores, 0 where another one does.",
            registry=self.registry,
        )

    def note_waiting(self, entries: int, since: datetime | None, *, now: datetime) -> None:
        """Note how many requests are in the inbox, and how long the oldest has been there."""
        self.waiting.set(entries)
        self.lag_seconds.set(max((now - since).total_seconds(), 0) if since else 0)

    def text(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self.registry)
