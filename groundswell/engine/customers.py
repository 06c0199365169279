"""Who of customer success looks after which customer: named once, and kept.

Somebody is named for an account when there is something to tell them of it: its owner in the CRM
where that is one of the team, whose named account it is, whose territory, else whose turn. They
stay while they are on the team.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from groundswell.model import CareTier, as_plain
from groundswell.routing import care_of
from groundswell.routing.assignment import Applicant, Desk, assign, settle
from groundswell.store.ledger import JournalEntry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from groundswell.config.loading import LoadedConfig
    from groundswell.model import Care, Scalar
    from groundswell.store.ledger import Ledger

CSM_ASSIGNED = "csm_assigned"
SUCCESS_TEAM = "customer_success"


@dataclass
class CsmBook:
    """Who is named for which customer as of a day, and whoever is named now.

    Attributes:
        loaded: The team and the thresholds.
        as_of: The day; what was written of later days does not count.
        now: When whoever is named now is.
        csms: By account, who is named for it.
        desks: By address, the customers they have.
        entries: Of the journal, for who was named now.
    """

    loaded: LoadedConfig
    as_of: date
    now: datetime
    csms: dict[str, str]
    desks: dict[str, Desk]
    entries: list[JournalEntry]

    @classmethod
    def of(cls, loaded: LoadedConfig, ledger: Ledger, *, as_of: date, now: datetime) -> CsmBook:
        """Read who was named."""
        entries = [e for e in ledger.journal(kinds=(CSM_ASSIGNED,)) if e.as_of <= as_of]
        there = _team(loaded)
        named = {entry.account_id: str(entry.body["csm"]) for entry in entries}
        csms = {account: csm for account, csm in named.items() if csm in there}
        held, behind = Counter(csms.values()), _credits(entries)
        desks = {email: Desk(held[email], behind.get(email, 0.0)) for email in {*held, *behind}}
        return cls(loaded, as_of, now, csms, desks, [])

    def care(
        self, account_id: str, values: Mapping[str, Scalar], *, domain: str | None = None
    ) -> Care | None:
        """Return who looks after a customer; where nobody is named who should be, somebody is."""
        care = care_of(self.loaded.customer_success, values, currency=self.loaded.config.currency)
        if care is None or care.tier is not CareTier.NAMED:
            return care
        if account_id not in self.csms:
            self._name(account_id, values, domain)
        return replace(care, csm=self.csms.get(account_id))

    def _name(self, account_id: str, values: Mapping[str, Scalar], domain: str | None) -> None:
        team = self.loaded.teams.get(SUCCESS_TEAM)
        if team is None:
            return
        owner = cast("str | None", values.get("owner"))
        found = assign(Applicant(account_id, domain, owner, values), team, self.desks, now=self.now)
        if found.email is None:
            return
        self.desks = settle(self.desks, found)
        self.csms[account_id] = found.email
        body: dict[str, Any] = {
            "csm": found.email,
            "name": found.name,
            "how": found.how,
            "reason": found.reason,
            "candidates": as_plain(found.candidates),
        }
        key = f"{CSM_ASSIGNED}:{account_id}:{self.as_of}"
        self.entries.append(JournalEntry(key, account_id, CSM_ASSIGNED, self.now, self.as_of, body))


def present_care(
    loaded: LoadedConfig,
    ledger: Ledger,
    account_id: str,
    values: Mapping[str, Scalar],
    *,
    as_of: date,
) -> Care | None:
    """Return who looks after an account as of a day; nobody is named for that."""
    care = care_of(loaded.customer_success, values, currency=loaded.config.currency)
    if care is None or care.tier is not CareTier.NAMED:
        return care
    entries = ledger.journal(account_id=account_id, kinds=(CSM_ASSIGNED,))
    named = [str(entry.body["csm"]) for entry in entries if entry.as_of <= as_of]
    return replace(care, csm=named[-1] if named and named[-1] in _team(loaded) else None)


def _team(loaded: LoadedConfig) -> set[str]:
    """Return the addresses of who may be named."""
    team = loaded.teams.get(SUCCESS_TEAM)
    if team is None:
        return set()
    return {member.email for member in team.members} | ({team.fallback} if team.fallback else set())


def _credits(entries: Sequence[JournalEntry]) -> dict[str, float]:
    """Return how far each is behind what is fair; see `routing.assignment`."""
    found: dict[str, float] = {}
    for entry in entries:
        for candidate in entry.body["candidates"]:
            if candidate["share"]:
                moved = candidate["share"] - (1.0 if candidate["taken"] else 0.0)
                found[candidate["email"]] = found.get(candidate["email"], 0.0) + moved
    return found
