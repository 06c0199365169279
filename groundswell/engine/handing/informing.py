"""Word of an account that is not handed over: it asked, qualified, could take more, may leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from groundswell.connectors.deliveries import Company, Message, Task
from groundswell.engine.alerting import USAGE_ALERT
from groundswell.engine.handing.owners import ASKED, OWNER_TOLD
from groundswell.engine.handing.teams import due_at, member_of
from groundswell.engine.risks import RISK_ALERT, risk_of
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
    from groundswell.model import Risk
    from groundswell.store.ledger import JournalEntry

INFORMS = frozenset({OWNER_TOLD, RISK_ALERT, USAGE_ALERT})
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
    def risk(self) -> Risk | None:
        """Why the account is at risk, where that is the news."""
        return risk_of(self.entry) if self.entry.kind == RISK_ALERT else None

    @property
    def asked(self) -> bool:
        """Whether somebody of the account asked for a person."""
        return self.entry.body.get("news") == ASKED

    def owner(self, loaded: LoadedConfig) -> str | None:
        """Return the e-mail address of who works the account; None where nobody is known."""
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

    def carer(self) -> str | None:
        """Return the address of who looks after the customer, where they are told too."""
        risk, alert = self.risk, self.alert
        if risk is not None:
            return risk.csm or risk.inbox
        return alert.csm if alert is not None else None

    def told(self, loaded: LoadedConfig) -> list[str | None]:
        """Return who is told, whose it is first; None stands for whoever reads the channel.

        Of a customer at risk that is who looks after it, and its owner together with them. Of one
        that could take more it is who works it; who looks after it is informed beside.
        """
        owner, carer = self.owner(loaded), self.carer()
        if self.risk is None and self.handoff is None and owner is not None and owner == carer:
            owner = None  # growth is not theirs: whoever reads the channel has it
        first, second = (carer, owner) if self.risk is not None else (owner, carer)
        return [first] if second is None or second == first else [first, second]

    def subject(self, company: Company) -> str:
        """Return what happened, in a line."""
        if self.asked:
            return f"{company.name} asks for a person."
        if self.entry.kind == USAGE_ALERT:
            return f"{company.name} could take more."
        if self.entry.kind == RISK_ALERT:
            return f"{company.name} is at risk."
        return f"{company.name} qualified."

    def messages(self, loaded: LoadedConfig, company: Company, brief: Brief) -> list[Message]:
        """Return the word with the brief, to everybody who is told."""
        return [self._message(to, loaded, company, brief) for to in self.told(loaded)]

    def tasks(self, loaded: LoadedConfig, company: Company, brief: Brief) -> list[Task]:
        """Return what there is to do; nothing where nobody is known who would, or nothing is due.

        Who is only informed has nothing to do.
        """
        if not (self.asked or self.entry.kind in {USAGE_ALERT, RISK_ALERT}):
            return []
        told = self.told(loaded)
        owners = [to for to in (told if self.risk is not None else told[:1]) if to is not None]
        return [self._task(owner, loaded, company, brief) for owner in owners]

    def _message(
        self, to: str | None, loaded: LoadedConfig, company: Company, brief: Brief
    ) -> Message:
        told = " ".join(
            [self.subject(company), str(self.entry.body["reason"]), *self._who(to, loaded)]
        )
        handoff_id = self.handoff.handoff_id if self.handoff is not None else None
        return Message(
            company,
            self._news(),
            self.subject(company),
            f"{told}\n\n{plain_text(brief)}",
            mail_html(brief, news=told),
            slack_blocks(brief, news=told, handoff_id=handoff_id),
            to,
            as_plain(brief),
            self.entry.at,
        )

    def _news(self) -> str:
        if self.entry.kind == OWNER_TOLD:
            return str(self.entry.body["news"])
        return "risk" if self.entry.kind == RISK_ALERT else "expansion"

    def _who(self, to: str | None, loaded: LoadedConfig) -> list[str]:
        """Say who else is told, so that nobody thinks that nobody else knows."""
        told = self.told(loaded)
        others = [other or "whoever reads the channel" for other in told if other != to]
        if not others:
            return []
        if self.risk is not None:
            return [f"{others[0]} is told too."]
        works = f"It is {others[0]}'s to grow; you are told because you look after it."
        return [works] if to != told[0] else [f"{others[0]} looks after it, and is told too."]

    def _task(self, owner: str, loaded: LoadedConfig, company: Company, brief: Brief) -> Task:
        text = f"{self.entry.body['reason']}\n\n{plain_text(brief)}"
        due = self._due_at(loaded, owner, brief) if self.asked else None
        return Task(company, self.subject(company), text, due, owner, urgent=self.asked)

    def _due_at(self, loaded: LoadedConfig, owner: str, brief: Brief) -> datetime | None:
        member = member_of(loaded.teams, owner)
        team = next((one for one in loaded.teams.values() if member in one.members), None)
        if team is None:
            return None
        return due_at(team, member, Motion(brief.motion), urgent=True, now=self.entry.at)
