"""`reports:` as it is written: which reports are sent by themselves, where and when."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from groundswell.config.block import Block, Name, TimeText, Zone
from groundswell.config.team_schema import Weekday  # noqa: TC001 - pydantic reads it


class WeeklyDef(Block):
    """The weekly report, sent once a week."""

    to: Annotated[list[Name], Field(min_length=1)] = Field(
        description="Destinations that take messages: Slack, e-mail, a webhook."
    )
    on: Weekday = Field(default="mon", description="On which day of the week.")
    at: TimeText = Field(default="08:00", description="At what time of that day.")
    timezone: Zone = Field(default="UTC", description="IANA time zone of the time.")


class ReportsBlock(Block):
    """Which reports are sent by themselves."""

    weekly: WeeklyDef | None = Field(
        default=None, description="The weekly report of the week that ended the day before."
    )
