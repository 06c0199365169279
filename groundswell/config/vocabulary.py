"""The fixed words of groundswell.yaml: meanings and their readers, aggregates, flags, dimensions.

Everything that a user can name without having declared it is listed here or in `presets/`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.config.schema import FeatureDef


class ValueType(StrEnum):
    """What a feature's value is, and so what an expression may do with it."""

    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "boolean"

    @property
    def words(self) -> str:
        """How a sentence names a value of this type."""
        said = {"number": "a number", "text": "text", "boolean": "true or false"}
        return said[self.value]


MEANINGS: dict[str, tuple[str, ...]] = {
    "signed_up": (),
    "signed_in": (),
    "activated": (),
    "used_feature": ("name",),
    "invited": ("invitee_email", "invitee_role", "department"),
    "invite_accepted": ("invitee_email", "invitee_role", "department"),
    "user_added": ("invitee_email", "invitee_role", "department"),
    "user_removed": ("invitee_email", "invitee_role", "department"),
    "shared": ("invitee_email", "department"),
    "api_called": ("endpoint", "environment"),
    "api_key_created": ("environment",),
    "integration_connected": ("name", "kind"),
    "limit_hit": ("kind", "name"),
    "paywall_seen": ("name", "kind"),
    "pricing_viewed": ("name",),
    "upgrade_started": ("name",),
    "upgrade_completed": ("name",),
    "invoice_requested": (),
    "enterprise_feature_viewed": ("name",),
    "enterprise_feature_used": ("name",),
    "admin_action": ("name", "kind"),
    "hand_raised": ("kind", "topic"),
    "security_asked": ("topic", "kind"),
    "procurement_asked": ("topic", "kind"),
    "support_ticket": ("topic", "kind"),
    "feature_requested": ("name", "topic"),
    "account_created": (),
    "trial_started": ("name",),
    "trial_ended": ("name",),
}
"""Every meaning, with the readers it takes; a reader left out reads `properties.<reader>`."""

NAMED_MEANINGS = frozenset(
    {
        "used_feature",
        "integration_connected",
        "enterprise_feature_viewed",
        "enterprise_feature_used",
    }
)
"""The meanings that come in kinds, written `used_feature: {dashboards: ...}`."""

READERS: tuple[str, ...] = (
    "name",
    "kind",
    "endpoint",
    "environment",
    "topic",
    "invitee_email",
    "invitee_role",
    "department",
)
"""Every reader, in the order the reference lists them."""

FLAGS: dict[str, str] = {
    "paid": "the matcher of the event says `paid: true`",
    "enterprise": "the matcher of the event says `enterprise: true`",
    "senior": "the invitee's role is director or above",
    "cross_team": "the invitee's department differs from the inviter's",
    "uninvited": "the user was not invited before signing up",
    "abandoned": "no upgrade was completed within 24 hours",
    "production": "the environment is production",
    "admin": "the user is an admin of the account",
    "presales": "the topic is about buying: pricing, security, procurement, enterprise",
}
"""Row tests a feature can ask for by `flag`, each with what it holds for."""

DIMENSIONS: dict[str, ValueType] = {
    "plan": ValueType.TEXT,
    "mrr": ValueType.NUMBER,
    "seats_used": ValueType.NUMBER,
    "seat_limit": ValueType.NUMBER,
    "seat_ratio": ValueType.NUMBER,
    "usage_limit": ValueType.NUMBER,
    "usage_ratio": ValueType.NUMBER,
    "months_on_plan": ValueType.NUMBER,
    "days_since_upgrade": ValueType.NUMBER,
    "days_at_limit": ValueType.NUMBER,
    "days_to_renewal": ValueType.NUMBER,
    "admin_departures_28d": ValueType.NUMBER,
    "employees": ValueType.NUMBER,
    "tech_overlap": ValueType.NUMBER,
    "account_age_days": ValueType.NUMBER,
    "estimated_acv": ValueType.NUMBER,
    "health": ValueType.NUMBER,
    "open_opportunities": ValueType.NUMBER,
    "industry": ValueType.TEXT,
    "country": ValueType.TEXT,
    "owner": ValueType.TEXT,
    "parent_id": ValueType.TEXT,
    "is_paying": ValueType.BOOLEAN,
    "is_enterprise_domain": ValueType.BOOLEAN,
    "is_target": ValueType.BOOLEAN,
    "is_free_mail": ValueType.BOOLEAN,
}
"""What a feature can `read`, as known on the day, and the type of its value."""

AGGREGATES: tuple[str, ...] = (
    "events",
    "users",
    "active_days",
    "user_days",
    "teams",
    "workspaces",
    "distinct <property>",
)
"""What a feature can `count`."""

SCORE_OUTPUTS: dict[str, ValueType] = {
    "score": ValueType.NUMBER,
    "usage_score": ValueType.NUMBER,
    "fit_score": ValueType.NUMBER,
    "behaviour_score": ValueType.NUMBER,
    "usage_band": ValueType.TEXT,
    "fit_band": ValueType.TEXT,
    "behaviour_band": ValueType.TEXT,
    "tier": ValueType.TEXT,
    "enterprise_fit": ValueType.BOOLEAN,
    "above_threshold": ValueType.BOOLEAN,
    "above_enterprise": ValueType.BOOLEAN,
    "qualified": ValueType.BOOLEAN,
}
"""What scoring adds to the features, for rules, triggers and destinations to read."""

DECISION_OUTPUTS: dict[str, ValueType] = {
    "motion": ValueType.TEXT,
    "rule": ValueType.TEXT,
    "team": ValueType.TEXT,
    "watch": ValueType.TEXT,
    "quadrant": ValueType.TEXT,
    "hand_raised": ValueType.BOOLEAN,
    "held_out": ValueType.BOOLEAN,
    "worked": ValueType.BOOLEAN,
}
"""What the latest decision adds to the features and the score, for offers to read."""

OFFERED: dict[str, ValueType] = {
    "offered_plan": ValueType.TEXT,
    "offered_price": ValueType.TEXT,
    "offered_seats": ValueType.NUMBER,
    "offered_usage": ValueType.NUMBER,
}
"""What the sentence of an upgrade may name of the plan that it offers."""

WATCHED: dict[str, ValueType] = {"champion_silent_days": ValueType.NUMBER}
"""What the daily pass finds out of paying accounts, for the signs of risk to read."""

BRIEFED: dict[str, ValueType] = {
    "account_name": ValueType.TEXT,
    "company": ValueType.TEXT,
    "rep": ValueType.TEXT,
    "champion": ValueType.TEXT,
    "champion_title": ValueType.TEXT,
    "admin": ValueType.TEXT,
    "senior": ValueType.TEXT,
    "added_arr": ValueType.NUMBER,
    "next_plan": ValueType.TEXT,
}
"""What the sentences of a brief may name beside features and the score."""

NOT_TO_SHOW = frozenset(
    {
        *SCORE_OUTPUTS,
        "enterprise_indicators",
        "estimated_acv",
        "expansion_potential",
        "health",
        "is_enterprise_domain",
        "is_high_potential",
        "is_high_value",
        "is_named_customer",
        "is_pooled_customer",
        "is_target",
        "open_opportunities",
        "owner",
        "tech_overlap",
    }
)
"""What we think of an account: no sentence that its people read may name it."""

_PROPERTY = re.compile(r"^properties(\.[A-Za-z_$][\w$ -]*)+$")


@dataclass(frozen=True, slots=True)
class Aggregate:
    """What is counted over the events of a feature.

    Attributes:
        kind: `events`, `users`, `active_days`, `user_days`, `teams`, `workspaces` or `distinct`.
        property: For `distinct`, a reader's name or `properties.<path>`; else None.
    """

    kind: str
    property: str | None = None


def is_property(text: str) -> bool:
    """Tell whether `text` is a path into an event's properties, such as `properties.route`.

    >>> is_property("properties.route"), is_property("route")
    (True, False)
    """
    return _PROPERTY.match(text) is not None


def parse_aggregate(text: str) -> Aggregate:
    """Return what `text` counts.

    >>> parse_aggregate("distinct properties.route")
    Aggregate(kind='distinct', property='properties.route')

    Raises:
        ValueError: `text` is no aggregate; the message names no place, the caller does.
    """
    words = text.split(maxsplit=1)
    if len(words) == 1 and words[0] in AGGREGATES:
        return Aggregate(words[0])
    if len(words) == 2 and words[0] == "distinct":
        property_ = words[1].strip()
        if property_ in READERS or is_property(property_):
            return Aggregate("distinct", property_)
    raise ValueError(f"`{text}` is no aggregate")


def feature_type(feature: FeatureDef) -> ValueType:
    """Return the type of the value a declared feature has."""
    if feature.when is not None:
        return ValueType.BOOLEAN
    if feature.read is not None:
        return DIMENSIONS.get(feature.read, ValueType.NUMBER)
    return ValueType.NUMBER


def feature_types(features: Mapping[str, FeatureDef]) -> dict[str, ValueType]:
    """Return the type of each feature's value: what conditions are checked against."""
    return {name: feature_type(feature) for name, feature in features.items()}
