"""The shape of `offers:`: what the product shows an account beside what it does."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from groundswell.config.block import Block


class OfferDef(Block):
    """What the product shows an account beside what it does; first match wins."""

    offer: Literal["none", "onboarding", "upgrade", "human"] = Field(
        description="What is shown: `onboarding` help, an `upgrade` to buy by oneself, a talk with "
        "a `human`, or `none` at all."
    )
    when: str = Field(
        description="A condition over features, the score and the decision: `motion`, `rule`, "
        "`team`, `watch`, `quadrant`, `hand_raised`, `held_out`, `worked`."
    )
    say: str | None = Field(
        default=None,
        description="The sentence that the account's people read, with `{features}` filled in; of "
        "an upgrade also `{offered_plan}`, `{offered_price}`, `{offered_seats}`, "
        "`{offered_usage}`.",
    )
    plan: str | None = Field(
        default=None, description="The plan of an upgrade; the one that fits, if left out."
    )
