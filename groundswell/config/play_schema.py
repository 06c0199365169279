"""`plays:` and `brief:` as they are written: what a rep is told, in sentences anybody can edit."""

from __future__ import annotations

from typing import Annotated, Any, cast

from pydantic import BeforeValidator, Field

from groundswell.config.block import Block


class SayingDef(Block):
    """A sentence, and when it is said."""

    when: str | None = Field(
        default=None, description="A condition over features and the score; always, if left out."
    )
    say: str = Field(description="The sentence, with `{features}` filled in.")


class ClauseDef(SayingDef):
    """What the first sentence of a brief may say of an account, and what that is about."""

    about: str | None = Field(
        default=None, description="Of the clauses about the same, the first that can be said is."
    )


def _as_sayings(value: Any) -> Any:
    """Let a text stand for a sentence that is always said, and one thing for a list of one."""
    listed = cast("list[Any]", value) if isinstance(value, list) else [value]
    return [{"say": item} if isinstance(item, str) else item for item in listed]


Sayings = Annotated[
    list[SayingDef],
    BeforeValidator(_as_sayings, json_schema_input_type=str | SayingDef | list[str | SayingDef]),
]

Clauses = Annotated[
    list[ClauseDef],
    BeforeValidator(_as_sayings, json_schema_input_type=str | ClauseDef | list[str | ClauseDef]),
]


class PlayDef(Block):
    """What a rep is advised to do; of several sentences the first that can be said is."""

    title: str = Field(description="What it is called in a brief.")
    when: str | None = Field(
        default=None,
        description="When it is advised though no rule names it; never, if left out.",
    )
    solving: Sayings = Field(
        default_factory=list[SayingDef], description="What they are probably solving."
    )
    blocker: Sayings = Field(
        default_factory=list[SayingDef], description="What probably keeps them."
    )
    offer: Sayings = Field(default_factory=list[SayingDef], description="What there is to offer.")
    opening: Sayings = Field(
        default_factory=list[SayingDef], description="The first line to write, of their own usage."
    )
    avoid: Sayings = Field(
        default_factory=list[SayingDef],
        description="What not to do: each of these that can be said.",
    )


class RewriteBlock(Block):
    """A language model that polishes the opening line; the templated one stays beside it."""

    url: str = Field(description="Of an endpoint that speaks as OpenAI's does, up to `/v1`.")
    model: str = Field(description="Which model.")
    token: str | None = Field(default=None, description="As `${ENVIRONMENT_VARIABLE}`.")
    timeout: Annotated[float, Field(ge=0.1, le=60)] = Field(
        default=5.0, description="Seconds after which the templated line stays as it is."
    )


class BriefBlock(Block):
    """How a brief is worded."""

    clauses: Clauses = Field(
        default_factory=list[ClauseDef],
        description="What the first sentence may say after the account's name, in this order; "
        "yours come before the shipped ones.",
    )
    most: Annotated[int, Field(ge=1, le=12)] = Field(
        default=4, description="So many of them at most."
    )
    rewrite: RewriteBlock | None = Field(default=None, description="Off unless it is given.")
