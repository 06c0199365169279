"""What can happen in Acme Boards: event names with the properties they may carry.

A template is one (event name, properties) pair. Everyday use draws templates by the mix of the
user; the stories of accounts name them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from groundswell.demo.arrays import Floats, Ints

Properties = dict[str, str | int | float]

_DASHBOARDS = ("Delivery", "Hiring", "Roadmap", "Pipeline", "Incidents", "Budget")
_BOARDS = ("Sprint", "Backlog", "Launch", "Onboarding", "Editorial", "Support", "Design")
ROUTES = (
    "/v1/cards", "/v1/cards/{id}", "/v1/boards", "/v1/boards/{id}", "/v1/comments",
    "/v1/webhooks", "/v1/exports", "/v1/users", "/v1/search", "/v1/automations",
    "/v1/audit-log", "/v1/reports",
)  # fmt: skip
INTEGRATIONS = {
    "slack": "chat", "teams": "chat", "github": "code", "salesforce": "crm", "hubspot": "crm",
    "snowflake": "warehouse", "bigquery": "warehouse", "google_drive": "files", "zapier": "glue",
}  # fmt: skip

EVERYDAY: dict[str, tuple[Properties, ...]] = {
    "Signed In": ({"method": "password"}, {"method": "google"}),
    "Dashboard Viewed": tuple({"dashboard": name} for name in _DASHBOARDS),
    "Dashboard Created": tuple({"dashboard": name} for name in _DASHBOARDS),
    "Board Viewed": tuple({"board": name} for name in _BOARDS),
    "Card Created": tuple({"board": name} for name in _BOARDS),
    "Card Moved": tuple(
        {"board": name, "to": column} for name in _BOARDS for column in ("Doing", "Done")
    ),
    "Comment Added": tuple({"board": name} for name in _BOARDS),
    "Report Viewed": ({"report": "velocity"}, {"report": "workload"}, {"report": "cycle time"}),
    "Export Finished": tuple(
        {"format": kind, "rows": rows} for kind in ("csv", "pdf") for rows in (40, 300, 2500)
    ),
    "Board Shared": tuple({"board": name, "with": "link"} for name in _BOARDS),
    "Automation Run": tuple(
        {"automation": name} for name in ("assign owner", "close stale", "notify chat", "due dates")
    ),
    "Automation Created": ({"automation": "assign owner"}, {"automation": "due dates"}),
    "Timeline Viewed": ({"timeline": "quarter"}, {"timeline": "year"}),
    "Integration Synced": tuple({"provider": name} for name in INTEGRATIONS),
    "API Request": tuple(
        {"route": route, "env": env} for env in ("production", "test") for route in ROUTES
    ),
    "Audit Log Viewed": ({"range": "7d"}, {"range": "30d"}),
    "Roles Changed": ({"role": "editor"}, {"role": "viewer"}),
    "Page": tuple({"path": path} for path in ("/", "/templates", "/help/boards", "/blog/kanban")),
}

STORY: dict[str, tuple[Properties, ...]] = {
    "Signed Up": (
        {"channel": "search"}, {"channel": "referral"}, {"channel": "paid"}, {"channel": "direct"},
    ),
    "Signed Up Invited": ({"channel": "invite"},),
    "Account Created": ({"plan": "free"},),
    "Account Added User": ({},),
    "Account Removed User": ({},),
    "Invite Accepted": ({},),
    "Dashboard Created": EVERYDAY["Dashboard Created"],
    "Board Shared": EVERYDAY["Board Shared"],
    "Automation Created": EVERYDAY["Automation Created"],
    "Audit Log Viewed": EVERYDAY["Audit Log Viewed"],
    "Pricing": ({"path": "/pricing"}, {"path": "/pricing/compare"}),
    "Enterprise Pricing": ({"path": "/pricing/enterprise"},),
    "Website": ({"path": "/"}, {"path": "/product"}, {"path": "/customers"}, {"path": "/pricing"}),
    "Security Page": ({"path": "/security"}, {"path": "/docs/sso"}),
    "Seat Limit": ({"limit": "seats"},),
    "Usage Limit": ({"limit": "usage"},),
    "Feature Limit": ({"limit": "feature", "feature": "automations"},),
    "Paywall Seen": ({"feature": "automations"}, {"feature": "timeline"}, {"feature": "sso"}),
    "Trial Started": ({"plan": "team", "days": 14},),
    "Trial Ended": ({"plan": "team"},),
    "Checkout Opened": ({"plan": "team"}, {"plan": "business"}),
    "Plan Upgraded": ({"plan": "team"},),
    "Invoice Requested": ({"plan": "business"},),
    "Integration Connected": tuple(
        {"provider": name, "category": kind} for name, kind in INTEGRATIONS.items()
    ),
    "SSO Connected": ({"provider": "okta", "category": "sso"},),
    "SSO Configured": ({"provider": "okta"},),
    "Roles Changed": EVERYDAY["Roles Changed"],
    "API Key Created": ({"env": "test"},),
    "Production Key": ({"env": "production"},),
    "Contact Sales Submitted": ({"form": "contact sales"}, {"form": "quote"}),
    "Demo Requested": ({"form": "demo"},),
    "Security Questionnaire Requested": (
        {"topic": "SOC 2"}, {"topic": "DPA"}, {"topic": "data residency"}, {"topic": "ISO 27001"},
    ),
    "Contract Requested": ({"topic": "MSA"}, {"topic": "redlines"}),
    "Ticket Presales": ({"topic": "pricing"}, {"topic": "plans"}, {"topic": "security"}),
    "Ticket": ({"topic": "bug"}, {"topic": "how to"}, {"topic": "integration"}),
    "Feature Requested": ({"feature": "gantt"}, {"feature": "scim"}, {"feature": "guest access"}),
}  # fmt: skip

# Names of stories that are other words for one event of the product.
_EVENT_OF = {
    "Signed Up Invited": "Signed Up",
    "Pricing": "Page",
    "Enterprise Pricing": "Page",
    "Website": "Page",
    "Security Page": "Page",
    "Seat Limit": "Limit Reached",
    "Usage Limit": "Limit Reached",
    "Feature Limit": "Limit Reached",
    "SSO Connected": "Integration Connected",
    "Production Key": "API Key Created",
    "Ticket Presales": "Support Ticket Opened",
    "Ticket": "Support Ticket Opened",
}

MIXES: dict[str, dict[str, float]] = {
    "viewer": {
        "Signed In": 14, "Board Viewed": 40, "Dashboard Viewed": 22, "Comment Added": 12,
        "Card Moved": 6, "Report Viewed": 4, "Page": 2,
    },
    "maker": {
        "Signed In": 10, "Board Viewed": 22, "Dashboard Viewed": 14, "Dashboard Created": 2,
        "Card Created": 18, "Card Moved": 20, "Comment Added": 9, "Report Viewed": 2,
        "Export Finished": 2, "Board Shared": 1,
    },
    "paid_maker": {
        "Signed In": 8, "Board Viewed": 18, "Dashboard Viewed": 14, "Dashboard Created": 2,
        "Card Created": 14, "Card Moved": 16, "Comment Added": 8, "Report Viewed": 3,
        "Export Finished": 2, "Board Shared": 1, "Automation Run": 8, "Automation Created": 0.6,
        "Timeline Viewed": 3, "Integration Synced": 3,
    },
    "developer": {
        "Signed In": 6, "Board Viewed": 14, "Card Moved": 14, "Comment Added": 6,
        "API Request": 50, "Integration Synced": 8, "Export Finished": 2,
    },
    "admin": {
        "Signed In": 10, "Board Viewed": 16, "Dashboard Viewed": 16, "Report Viewed": 14,
        "Audit Log Viewed": 4, "Roles Changed": 2, "Export Finished": 6, "Card Created": 8,
    },
    "bot": {"API Request": 100},
}  # fmt: skip
MIX_NAMES = tuple(MIXES)
MIX = {name: index for index, name in enumerate(MIXES)}


@dataclass(slots=True)
class Templates:
    """Every (event, properties) pair of one company; grows while stories are told."""

    events: list[str] = field(default_factory=list[str])
    properties: list[str] = field(default_factory=list[str])
    everyday: dict[str, range] = field(default_factory=dict[str, range])
    story: dict[str, range] = field(default_factory=dict[str, range])

    @classmethod
    def build(cls) -> Templates:
        """Return the templates of the catalogue."""
        templates = cls()
        for name, variants in EVERYDAY.items():
            templates.everyday[name] = templates.add(name, [json.dumps(item) for item in variants])
        for name, variants in STORY.items():
            event = _EVENT_OF.get(name, name)
            templates.story[name] = templates.add(event, [json.dumps(item) for item in variants])
        return templates

    def add(self, event: str, properties: list[str]) -> range:
        """Add one template per properties text and return their numbers."""
        first = len(self.events)
        self.events.extend([event] * len(properties))
        self.properties.extend(properties)
        return range(first, len(self.events))

    def draw(self, rng: np.random.Generator, name: str, count: int) -> Ints:
        """Return `count` random templates of one story event."""
        choices = self.story[name]
        return rng.integers(choices.start, choices.stop, count).astype(np.int32)

    def mix_tables(self) -> tuple[tuple[Ints, Floats], ...]:
        """Return, per mix, the template numbers and their cumulative chances.

        Within an event the n-th variant is drawn in proportion to 1 / n: a few boards, routes
        and providers carry most of the traffic.
        """
        tables: list[tuple[Ints, Floats]] = []
        for mix in MIXES.values():
            numbers: list[int] = []
            chances: list[float] = []
            for event, weight in mix.items():
                variants = self.everyday[event]
                skew = 1.0 / np.arange(1, len(variants) + 1)
                numbers.extend(variants)
                chances.extend((weight * skew / skew.sum()).tolist())
            total = np.cumsum(np.asarray(chances))
            tables.append((np.asarray(numbers, dtype=np.int32), total / total[-1]))
        return tuple(tables)
