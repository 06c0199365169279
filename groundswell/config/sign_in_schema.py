"""`sign_in:` as it is written: how colleagues prove who they are."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from groundswell.config.block import Block, Domain

RoleName = Literal["rep", "manager", "analyst", "admin"]


class RoleClaims(Block):
    """Which role a colleague has who comes for the first time."""

    claim: str = Field(
        default="groups", description="What the provider says of them that decides it."
    )
    map: dict[str, RoleName] = Field(
        default_factory=dict[str, RoleName],
        description="The role by a value of that claim; of several, the one that may most.",
    )
    default: Literal["rep"] | None = Field(
        default=None,
        description="The role where no value decides; left out, only who was added comes in.",
    )


class OidcDef(Block):
    """An identity provider that speaks OpenID Connect."""

    issuer: str = Field(description="Its address, such as `https://accounts.google.com`.")
    client_id: Annotated[str, Field(min_length=1)] = Field(description="What it calls this server.")
    client_secret: Annotated[str, Field(min_length=1)] = Field(
        description="The secret of that, as `${ENVIRONMENT_VARIABLE}`."
    )
    name: str = Field(
        default="your identity provider", description="What the button calls the provider."
    )
    roles: RoleClaims = Field(
        default_factory=RoleClaims, description="Who may come that was not added, and as what."
    )
    domains: list[Domain] = Field(
        default_factory=list[Domain],
        description="Domains of the e-mail addresses that are let in; all where none is named.",
    )


class SignInBlock(Block):
    """How colleagues prove who they are."""

    password: bool = Field(default=True, description="Whether a password of ours does.")
    oidc: OidcDef | None = Field(default=None, description="An identity provider that does.")
