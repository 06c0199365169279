"""What is counted, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


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
        self.waiting = Gauge(
            "groundswell_inbox_waiting", "Requests in the inbox.", registry=self.registry
        )
        self.lag_seconds = Gauge(
            "groundswell_inbox_lag_seconds",
            "Age of the oldest request in the inbox.",
            registry=self.registry,
        )

    def text(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self.registry)
