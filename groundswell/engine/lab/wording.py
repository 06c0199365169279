"""How a feature is filed and said on a fitted scorecard, and which features it may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.config.vocabulary import feature_types
from groundswell.model import Part
from groundswell.scoring.learning import Wording

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.config.loading import LoadedConfig
    from groundswell.config.schema import FeatureDef

_FIT = frozenset(
    (
        "employees",
        "industry",
        "country",
        "tech_overlap",
        "is_enterprise_domain",
        "is_target",
        "is_free_mail",
    )
)
_INTENT = frozenset(
    (
        "paywall_seen",
        "limit_hit",
        "pricing_viewed",
        "trial_started",
        "trial_ended",
        "upgrade_started",
        "upgrade_completed",
        "invoice_requested",
        "hand_raised",
        "security_asked",
        "procurement_asked",
        "enterprise_feature_viewed",
        "enterprise_feature_used",
        "support_ticket",
        "feature_requested",
    )
)
_AFTERWARDS = "It says what an account pays: the outcome itself, or what follows from it."
_OURS = "It says what sales does, not what the account does."
_COMPOSED = "It is made of other features for decisions to read."
LEFT_OUT = {
    **dict.fromkeys(
        (
            "plan",
            "is_paying",
            "mrr",
            "months_on_plan",
            "days_to_renewal",
            "is_named_customer",
            "is_pooled_customer",
            "days_since_upgrade",
            "days_since_upgrade_completed",
        ),
        _AFTERWARDS,
    ),
    **dict.fromkeys(("owner", "open_opportunities"), _OURS),
    **dict.fromkeys(
        (
            "enterprise_indicators",
            "estimated_acv",
            "expansion_potential",
            "is_high_potential",
            "is_high_value",
            "is_onboarding",
            "has_friction",
        ),
        _COMPOSED,
    ),
}
"""Features that nothing is learned from, with the reason."""


FILLED_IN = _FIT | {"owner", "health"}
"""Features that somebody fills in, and may because of the outcome."""


class Words:
    """Files and says the features of a configuration."""

    def __init__(self, loaded: LoadedConfig) -> None:
        """Look at the features there are."""
        self._features = loaded.features
        self._types = feature_types(loaded.features)

    def __call__(self, name: str) -> Wording:
        """Return how a feature is filed and said."""
        told = self._features[name]
        words = told.doc.split(";")[0].rstrip(".") or name.replace("_", " ").capitalize()
        if told.within != "lifetime" and told.within not in words:
            words += f" ({told.within})"
        return Wording(
            part=self._part(name),
            kind=self._types[name],
            say=told.say or f"{_unbraced(words)}: {{{name}}}",
            say_unknown=f"{_unbraced(words)}: unknown",
        )

    def _part(self, name: str) -> Part:
        told = self._features[name]
        if told.read is not None:
            return Part.FIT if told.read in _FIT else Part.USAGE
        meanings = {text.split(":")[0] for text in told.of}
        if meanings:
            return Part.BEHAVIOUR if meanings <= _INTENT else Part.USAGE
        parts = {self._part(item) for item in _read_by(told, self._features)}
        return parts.pop() if len(parts) == 1 else Part.USAGE


def _read_by(told: FeatureDef, features: Mapping[str, FeatureDef]) -> list[str]:
    """Return the features that a condition or a value reads."""
    text = told.value or told.when or ""
    words = "".join(letter if letter.isalnum() or letter == "_" else " " for letter in text)
    return [word for word in dict.fromkeys(words.split()) if word in features]


def _unbraced(text: str) -> str:
    return text.replace("{", "(").replace("}", ")")
