"""`teams:` as it is written: who works accounts, when they work, and how fast they answer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from groundswell.config.block import (
    Block,
    DayText,
    DurationText,
    Email,
    HoursText,
    RegionText,
    Zone,
)

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Leave(Block):
    """Days on which somebody does not work, the last one included."""

    from_: DayText = Field(alias="from", description="The first day.")
    until: DayText = Field(description="The last day.")


class Member(Block):
    """A person who works accounts."""

    name: str = Field(description="Their name.")
    email: Email = Field(description="Their e-mail address.")
    role: str | None = Field(default=None, description="Their role, such as `smb_ae`.")
    timezone: Zone = Field(default="UTC", description="IANA time zone they work in.")
    capacity: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Accounts they can work at a time."
    )
    territory: str | None = Field(
        default=None, description="A condition over the accounts they work."
    )
    accounts: list[str] = Field(
        default_factory=list[str],
        description="Named accounts of theirs, by id or domain: they get these first.",
    )
    hours: HoursText | None = Field(
        default=None, description="When they work, such as `09:00-17:00`; the team's if left out."
    )
    holidays: RegionText | None = Field(
        default=None,
        description="Whose public holidays they have, such as `DE` or `US-CA`; the team's if left "
        "out.",
    )
    leave: list[Leave] = Field(default_factory=list[Leave], description="When they are away.")


class TeamDef(Block):
    """People who work one motion, and their service level."""

    members: list[Member] = Field(default_factory=list[Member], description="Who is on the team.")
    assign: Literal["round_robin", "owner"] = Field(
        default="round_robin", description="Who gets the next account."
    )
    first_touch_within: DurationText | None = Field(
        default=None, description="How fast they answer, such as `24 working hours`."
    )
    hand_raise_within: DurationText = Field(
        default="1 working hours", description="How fast they answer who asked for a person."
    )
    hours: HoursText = Field(default="09:00-17:00", description="When they work.")
    days: list[Weekday] = Field(
        default_factory=lambda: ["mon", "tue", "wed", "thu", "fri"],
        description="On which days of the week.",
    )
    holidays: RegionText | None = Field(
        default=None, description="Whose public holidays they have, such as `DE` or `US-CA`."
    )
    fallback: Email | None = Field(
        default=None,
        description="Who takes an account where nobody else can; capacity does not bind them.",
    )
    manager: Email | None = Field(
        default=None, description="Who is told when nobody answers in time, or nobody is free."
    )
    on_breach: Literal["reassign", "alert"] = Field(
        default="reassign",
        description="Where nobody answered in time: give it to somebody else once, or tell the "
        "manager.",
    )
