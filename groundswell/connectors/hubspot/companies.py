"""Accounts and the companies they are in HubSpot: found, taken over, or made."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from groundswell.connectors.hubspot.api import COMPANIES, HubSpotApi, RefusedError
from groundswell.connectors.hubspot.batches import Batches, Input
from groundswell.connectors.hubspot.properties import ACCOUNT_ID
from groundswell.connectors.hubspot.records import company_properties

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from groundswell.connectors.deliveries import Company
    from groundswell.connectors.hubspot.api import Record

_LONGEST_SEARCH = 2_000
"""Letters of domains in one search; HubSpot takes 3,000 of the whole request."""

_MOST_IN_SEARCH = 100


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why no company stands for an account, and how to mend it."""

    reason: str
    fix: str


@dataclass(slots=True)
class Plan:
    """What accounts are in HubSpot, and what has to be done about the others.

    Attributes:
        ids: Account id to HubSpot's id of its company.
        adopted: Account id to HubSpot's id of a company that has its domain and no account yet.
        new: Accounts that no company stands for.
        unfit: Account id to why it can have no company.
    """

    ids: dict[str, str] = field(default_factory=dict[str, str])
    adopted: dict[str, str] = field(default_factory=dict[str, str])
    new: list[Company] = field(default_factory=list["Company"])
    unfit: dict[str, Unfit] = field(default_factory=dict[str, Unfit])


class Companies:
    """The companies of one account of HubSpot."""

    def __init__(self, api: HubSpotApi, batches: Batches) -> None:
        self._api = api
        self._batches = batches

    def plan(self, companies: Iterable[Company], *, ours: bool = True) -> Plan:
        """Find the companies of accounts: by the account's id, else by the domain.

        Args:
            companies: Accounts, in any order.
            ours: Whether HubSpot has our property for the account's id yet.
        """
        asked = {company.account_id: company for company in companies}
        plan = Plan(ids=self._known(asked) if ours else {})
        missing = [company for id_, company in asked.items() if id_ not in plan.ids]
        by_domain = self.of_domains(
            [company.domain for company in missing if company.domain], ours=ours
        )
        taken: dict[str, str] = {}
        for company in missing:
            domain = (company.domain or "").lower()
            if domain and domain in taken:
                plan.unfit[company.account_id] = _shared(domain, taken[domain])
                continue
            _choose(plan, company, by_domain.get(domain, []))
            if company.account_id not in plan.unfit:
                taken[domain] = company.account_id
        return plan

    def resolve(self, companies: Iterable[Company]) -> Plan:
        """Return the companies of accounts, after taking over and making what is missing."""
        plan = self.plan(companies)
        adopting = [Input(id_, there, {ACCOUNT_ID: id_}) for id_, there in plan.adopted.items()]
        making = [
            Input(one.account_id, one.account_id, company_properties(one)) for one in plan.new
        ]
        adopted = self._batches.update(COMPANIES, adopting)
        made = self._batches.upsert(COMPANIES, making, by=ACCOUNT_ID)
        plan.ids |= adopted.ids | made.ids
        for account_id, reason in (adopted.refused | made.refused).items():
            plan.unfit[account_id] = Unfit(
                f"HubSpot does not take the company: {reason}",
                "Mend the company in HubSpot or the account here, then send it again.",
            )
        return plan

    def of_domains(self, domains: Sequence[str], *, ours: bool = True) -> dict[str, list[Record]]:
        """Return the companies that have a domain, by domain."""
        properties = ["domain", ACCOUNT_ID] if ours else ["domain"]
        found: dict[str, list[Record]] = defaultdict(list)
        for some in _short(sorted({domain.lower() for domain in domains})):
            named = {"propertyName": "domain", "operator": "IN", "values": some}
            try:
                for row in self._api.search(COMPANIES, [[named]], properties):
                    found[str(row["properties"]["domain"]).lower()].append(row)
            except RefusedError as error:
                raise self._api.whole(error) from None
        return dict(found)

    def _known(self, account_ids: Iterable[str]) -> dict[str, str]:
        rows = self._batches.read(COMPANIES, account_ids, [ACCOUNT_ID], by=ACCOUNT_ID)
        return {row["properties"][ACCOUNT_ID]: str(row["id"]) for row in rows}


def _choose(plan: Plan, company: Company, found: Sequence[Record]) -> None:
    free = [row for row in found if not row["properties"].get(ACCOUNT_ID)]
    if len(free) > 1:
        plan.unfit[company.account_id] = Unfit(
            f"{len(free)} companies in HubSpot have the domain {company.domain}.",
            f"Merge them in HubSpot, or give one of them the Groundswell account "
            f"`{company.account_id}`.",
        )
    elif free:
        plan.adopted[company.account_id] = str(free[0]["id"])
    elif found:
        theirs = str(found[0]["properties"][ACCOUNT_ID])
        plan.unfit[company.account_id] = _shared(company.domain or "", theirs)
    else:
        plan.new.append(company)


def _shared(domain: str, account_id: str) -> Unfit:
    return Unfit(
        f"The company with the domain {domain} in HubSpot stands for the account `{account_id}`.",
        "Make a company of its own for this account in HubSpot, with its Groundswell account, or "
        "merge the accounts.",
    )


def _short(domains: Sequence[str]) -> Iterator[list[str]]:
    """Yield domains in pieces that fit into one search."""
    some: list[str] = []
    length = 0
    for domain in domains:
        if some and (length + len(domain) > _LONGEST_SEARCH or len(some) == _MOST_IN_SEARCH):
            yield some
            some, length = [], 0
        some.append(domain)
        length += len(domain) + 3
    if some:
        yield some
