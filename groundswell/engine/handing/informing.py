"""Word to whoever works an account already: that it asked, qualified, or could take more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from groundswell.connectors.deliveries import Company, Message, Task
from groundswell.engine.alerting import USAGE_ALERT
from groundswell.engine.handing.owners import ASKED, OWNER_TOLD
from groundswell.engine.handing.teams import due_at, member_of
from groundswell.handoff.rendering.mail import mail_html
from groundswell.handoff.rendering.slack import slack_blocks
from groundswell.handoff.rendering.text import plain_text
from groundswell.model import Alert, Motion, as_plain

if TYPE_CHECKING:
    from datetime import datetime

    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.handing.opening import About
    from groundswell.handoff.brief import Brief
    from groundswell.handoff.life import Handoff
    from groundswell.store.ledger import JournalEntry

INFORMS = frozenset({OWNER_TOLD, USAGE_ALERT})
"""Entries of the journal that somebody is told of, and that hand nothing over."""


@dataclass(frozen=True)
class Word:
    """What somebody is told of an account that is not handed over.

    Attributes:
        entry: Of the journal.
        about: The account.
        handoff: Its open handoff, if it has one.
    """

    entry: JournalEntry
    about: About
    handoff: Handoff | None

    @property
    def alert(self) -> Alert | None:
        """What the account could take more of, where that is the news."""
        if self.entry.kind != USAGE_ALERT:
            return None
        plain = {name: value for name, value in self.entry.body.items() if name != "reason"}
        return msgspec.convert(plain, Alert)

    @property
    def asked(self) -> bool:
        """Whether somebody of the account asked for a person."""
        return self.entry.body.get("news") == ASKED

    def owner(self, loaded: LoadedConfig) -> str | None:
        """Return the e-mail address of who is told; None for whoever reads the channel."""
        if self.handoff is not None and self.handoff.owner is not None:
            return self.handoff.owner
        named = str(self.about.values.get("owner") or self.entry.body.get("owner") or "")
        member = next(
            (
                one
                for team in loaded.teams.values()
                for one in team.members
                if named.strip().lower() in {one.email, one.name.lower()}
            ),
            None,
        )
        if member is not None:
            return member.email
        return named if "@" in named else None

    def subject(self, company: Company) -> str:
        """Return what happened, in a line."""
        if self.asked:
            return f"{company.name} asks for a person."
        if self.entry.kind == USAGE_ALERT:
            return f"{company.name} could take more."
        return f"{company.name} qualified."

    def message(self, loaded: LoadedConfig, company: Company, brief: Brief) -> Message:
        """Return the word with the brief."""
        told = f"{self.subject(company)} {self.entry.body['reason']}"
        handoff_id = self.handoff.handoff_id if self.handoff is not None else None
        return Message(
            company,
            str(self.entry.body["news"]) if self.entry.kind == OWNER_TOLD else "expansion",
            self.subject(company),
            f"{told}\n\n{plain_text(brief)}",
            mail_html(brief, news=told),
            slack_blocks(brief, news=told, handoff_id=handoff_id),
            self.owner(loaded),
            as_plain(brief),
            self.entry.at,
        )

    def task(self, loaded: LoadedConfig, company: Company, brief: Brief) -> Task | None:
        """Return what there is to do; None where nobody is known who would, or nothing is due."""
        owner = self.owner(loaded)
        if owner is None or not (self.asked or self.entry.kind == USAGE_ALERT):
            return None
        text = f"{self.entry.body['reason']}\n\n{plain_text(brief)}"
        due = self._due_at(loaded, owner, brief) if self.asked else None
        return Task(company, self.subject(company), text, due, owner, urgent=self.asked)

    def _due_at(self, loaded: LoadedConfig, owner: str, brief: Brief) -> datetime | None:
        member = member_of(loaded.teams, owner)
        team = next((one for one in loaded.teams.values() if member in one.members), None)
        if team is None:
            return None
        return due_at(team, member, Motion(brief.motion), urgent=True, now=self.entry.at)
