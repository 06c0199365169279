"""What happens around an account's moment, by kind of account: a table of beats.

A beat is something that people of an account do in the days before or after its moment. The
stories overlap on purpose: those who never buy also read the prices now and then, and not all
who buy do everything, so that telling them apart takes weighing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Who = Literal["founder", "lead", "anyone"]


@dataclass(frozen=True, slots=True)
class Beat:
    """One thing that happens in a story.

    Attributes:
        event: Name in `catalogue.STORY`.
        chance: Share of the accounts in which it happens at all.
        mean: How often it then happens, at least once.
        days: First and last day, counted from the moment.
        who: The founder, a lead (one of the first three), or anyone.
    """

    event: str
    chance: float
    mean: float
    days: tuple[int, int]
    who: Who = "anyone"


_ADOPTION = (
    Beat("Board Shared", 0.8, 4, (-50, 30)),
    Beat("Integration Connected", 0.6, 1.5, (-40, 10), "lead"),
    Beat("API Key Created", 0.25, 1, (-40, 5), "lead"),
    Beat("Ticket", 0.3, 1.3, (-40, 60)),
    Beat("Feature Requested", 0.2, 1.2, (-30, 30)),
)

STORIES: dict[str, tuple[Beat, ...]] = {
    "dormant": (
        Beat("Pricing", 0.08, 1, (0, 5), "founder"),
        Beat("Board Shared", 0.05, 1, (0, 5)),
    ),
    "tyre_kicker": (
        Beat("Pricing", 0.3, 1.6, (-3, 20), "lead"),
        Beat("Paywall Seen", 0.25, 1.3, (-2, 15)),
        Beat("Feature Limit", 0.08, 1, (0, 15)),
        Beat("Checkout Opened", 0.04, 1, (0, 10), "founder"),
        Beat("Integration Connected", 0.15, 1.1, (-3, 10), "lead"),
        Beat("API Key Created", 0.08, 1, (0, 10), "lead"),
        Beat("Board Shared", 0.25, 1.5, (0, 20)),
        Beat("Ticket", 0.06, 1, (0, 20)),
        Beat("Trial Started", 0.2, 1, (0, 3), "founder"),
        Beat("Feature Requested", 0.05, 1, (0, 30)),
        Beat("Demo Requested", 0.004, 1, (0, 20), "founder"),
    ),
    "hobbyist": (
        Beat("Pricing", 0.08, 1.2, (0, 90), "founder"),
        Beat("Paywall Seen", 0.15, 1.5, (0, 90), "founder"),
        Beat("Feature Requested", 0.08, 1, (10, 120), "founder"),
        Beat("API Key Created", 0.05, 1, (0, 60), "founder"),
    ),
    "steady_payer": (
        Beat("Pricing", 0.7, 1.6, (-12, 0), "lead"),
        Beat("Checkout Opened", 0.3, 1, (-6, -1), "founder"),
        Beat("Seat Limit", 0.15, 1, (-10, -1)),
        Beat("Pricing", 0.15, 1, (60, 300), "lead"),
        Beat("Automation Created", 0.5, 2, (1, 60)),
        Beat("Integration Connected", 0.5, 1.6, (0, 120), "lead"),
        Beat("Production Key", 0.2, 1, (0, 90), "lead"),
        Beat("Ticket", 0.5, 2.2, (0, 250)),
        Beat("Feature Requested", 0.2, 1.2, (0, 200)),
        Beat("Board Shared", 0.6, 3, (0, 200)),
        Beat("Roles Changed", 0.3, 1.5, (0, 200), "lead"),
    ),
    "will_convert": (
        *_ADOPTION,
        Beat("Trial Started", 0.5, 1, (-16, -12), "lead"),
        Beat("Pricing", 0.9, 3.4, (-21, 0), "lead"),
        Beat("Pricing", 0.4, 1.3, (-14, 0), "anyone"),
        Beat("Seat Limit", 0.7, 2.5, (-24, -1)),
        Beat("Feature Limit", 0.35, 1.5, (-30, -1)),
        Beat("Usage Limit", 0.1, 1.2, (-20, -1)),
        Beat("Paywall Seen", 0.6, 2.2, (-30, 0)),
        Beat("Checkout Opened", 0.6, 1.4, (-14, -2), "lead"),
        Beat("Ticket Presales", 0.25, 1.2, (-18, 0), "lead"),
        Beat("Production Key", 0.2, 1, (-20, 20), "lead"),
        Beat("Invoice Requested", 0.08, 1, (-7, 0), "lead"),
        Beat("Contact Sales Submitted", 0.05, 1, (-12, 0), "lead"),
        Beat("Automation Created", 0.5, 1.5, (-20, 20)),
    ),
    "only_large": (
        Beat("Pricing", 0.12, 1, (0, 60), "founder"),
        Beat("Board Shared", 0.1, 1, (0, 60)),
        Beat("Security Page", 0.1, 1, (-5, 20), "founder"),
    ),
    "only_busy": (
        Beat("API Key Created", 0.5, 1, (-15, 0), "founder"),
        Beat("Production Key", 0.4, 1, (-10, 30), "founder"),
        Beat("Usage Limit", 0.6, 3, (0, 200), "founder"),
        Beat("Ticket", 0.2, 1, (0, 100), "founder"),
        Beat("Feature Requested", 0.2, 1.3, (0, 100), "founder"),
    ),
    "hand_raiser": (
        *_ADOPTION,
        Beat("Pricing", 0.75, 2, (-10, 2), "lead"),
        Beat("Enterprise Pricing", 0.3, 1, (-6, 2), "lead"),
        Beat("Contact Sales Submitted", 0.65, 1, (0, 0), "lead"),
        Beat("Demo Requested", 0.45, 1, (0, 1), "lead"),
        Beat("Ticket Presales", 0.35, 1.2, (-8, 10), "lead"),
        Beat("Security Questionnaire Requested", 0.12, 1, (0, 20), "lead"),
        Beat("Paywall Seen", 0.4, 1.4, (-20, 0)),
        Beat("Seat Limit", 0.2, 1.4, (-15, 0)),
        Beat("Invoice Requested", 0.12, 1, (2, 20), "lead"),
    ),
    "champion_churn": (
        Beat("Pricing", 0.7, 1.6, (-12, 0), "lead"),
        Beat("Checkout Opened", 0.3, 1, (-6, -1), "founder"),
        Beat("Automation Created", 0.5, 1.5, (1, 60)),
        Beat("Integration Connected", 0.4, 1.2, (0, 40), "lead"),
        Beat("Ticket", 0.7, 2, (20, 120)),
        Beat("Feature Requested", 0.4, 1.5, (10, 100)),
        Beat("Board Shared", 0.5, 3, (0, 60)),
    ),
    "enterprise_shaped": (
        *_ADOPTION,
        Beat("Pricing", 0.7, 2, (-30, 5), "lead"),
        Beat("Enterprise Pricing", 0.8, 2, (-25, 10), "lead"),
        Beat("Security Page", 0.7, 2, (-40, 5), "lead"),
        Beat("Paywall Seen", 0.6, 2, (-40, 5)),
        Beat("Audit Log Viewed", 0.7, 2.5, (-30, 30), "lead"),
        Beat("SSO Connected", 0.35, 1, (-5, 40), "lead"),
        Beat("SSO Configured", 0.35, 1, (-5, 40), "lead"),
        Beat("Roles Changed", 0.6, 2, (-20, 60), "lead"),
        Beat("Security Questionnaire Requested", 0.8, 1.6, (-12, 20), "lead"),
        Beat("Contract Requested", 0.55, 1.3, (0, 40), "lead"),
        Beat("Contact Sales Submitted", 0.4, 1, (-3, 6), "lead"),
        Beat("Invoice Requested", 0.2, 1, (0, 30), "lead"),
        Beat("Seat Limit", 0.6, 2, (-30, 0)),
        Beat("Production Key", 0.4, 1, (-20, 20), "lead"),
        Beat("Ticket Presales", 0.5, 1.4, (-15, 15), "lead"),
    ),
    "expansion_ready": (
        Beat("Seat Limit", 0.85, 2.5, (0, 140)),
        Beat("Seat Limit", 0.7, 1.6, (50, 140)),
        Beat("Pricing", 0.8, 4, (30, 160), "lead"),
        Beat("Checkout Opened", 0.25, 1, (60, 150), "lead"),
        Beat("Paywall Seen", 0.4, 1.5, (0, 120)),
        Beat("Enterprise Pricing", 0.15, 1, (30, 120), "lead"),
        Beat("Audit Log Viewed", 0.3, 1.5, (0, 120), "lead"),
        Beat("Automation Created", 0.7, 2.5, (-100, 60)),
        Beat("Integration Connected", 0.8, 2, (-100, 60), "lead"),
        Beat("Production Key", 0.4, 1, (-80, 60), "lead"),
        Beat("Ticket", 0.6, 2, (-90, 120)),
        Beat("Ticket Presales", 0.2, 1, (20, 120), "lead"),
        Beat("Feature Requested", 0.4, 1.3, (-50, 120)),
        Beat("Board Shared", 0.8, 4, (-80, 120)),
        Beat("Roles Changed", 0.5, 2, (-60, 100), "lead"),
    ),
}
