"""Which record an account of ours is in Salesforce, and which user an address belongs to."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundswell.connectors.salesforce_errors import Fault
from groundswell.connectors.salesforce_org import select
from groundswell.connectors.salesforce_records import host, new_company

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from groundswell.connectors.deliveries import Company
    from groundswell.connectors.destination import Context
    from groundswell.connectors.salesforce_org import Org, Row
    from groundswell.connectors.salesforce_settings import SalesforceSettings

_OWNER = "user:"
# A pattern that may begin anywhere would find the sites of half the world for `a.co`.
_SITE = (
    "(Website LIKE '{0:like}%' OR Website LIKE 'www.{0:like}%'"
    " OR Website LIKE '%//{0:like}%' OR Website LIKE '%//www.{0:like}%')"
)
_MEND = "write our account id into the field {field} of the right one, or merge them; then "
_RETRY = "`groundswell deliveries retry` it."


@dataclass(frozen=True, slots=True)
class Place:
    """Where an account of ours stands.

    Attributes:
        sobject: `Account`; `Lead`; `Contact` for a lead that was converted and is locked.
        id: Of the record; None for one that is not there yet.
        account: Id of the account, where there is one.
        adopted: The record does not hold our id yet.
    """

    sobject: str
    id: str | None = None
    account: str | None = None
    adopted: bool = False


Places = dict[str, Place | Fault]


class Matching:
    """Finds accounts by our id and then by their site, and owners by their address."""

    def __init__(self, org: Org, settings: SalesforceSettings, context: Context) -> None:
        self._org = org
        self._settings = settings
        self._context = context

    def find(self, companies: Iterable[Company]) -> Places:
        """Return where accounts stand, or why that cannot be told; nothing is changed."""
        asked = {company.account_id: company for company in companies}
        places = self._by_id(asked)
        sought = {
            account_id: company.domain.lower().removeprefix("www.")
            for account_id, company in asked.items()
            if account_id not in places and company.domain
        }
        places |= self._by_site(sought)
        for account_id in asked.keys() - places.keys():
            places[account_id] = Place(self._settings.target)
        return places

    def ensure(self, companies: Iterable[Company]) -> Places:
        """Return where accounts stand, after putting those there that were not."""
        asked = {company.account_id: company for company in companies}
        places = self.find(asked.values())
        target, field = self._settings.target, self._settings.external_id
        adopted = [
            (account_id, {"Id": place.id, field: account_id})
            for account_id, place in places.items()
            if isinstance(place, Place) and place.adopted
        ]
        absent = [
            (account_id, new_company(asked[account_id], self._settings))
            for account_id, place in places.items()
            if isinstance(place, Place) and place.id is None
        ]
        saved = self._org.update(target, [record for _, record in adopted])
        saved += self._org.upsert(target, field, [record for _, record in absent])
        for (account_id, _), result in zip((*adopted, *absent), saved, strict=True):
            account = result.id if target == "Account" else None
            places[account_id] = result.fault or Place(target, result.id, account)
        return places

    def owners(self, addresses: Iterable[str | None]) -> dict[str, str]:
        """Return the ids of the users that addresses belong to; those of nobody are left out."""
        wanted = {address.lower() for address in addresses if address}
        memory = self._context.memory
        known = {address: memory.get(f"{_OWNER}{address}") for address in wanted}
        found = {address: user for address, user in known.items() if user}
        unknown = wanted - found.keys()
        for row in self._org.rows_in(
            select("User", "Id", "Email"), "IsActive = true AND Email", unknown
        ):
            address = str(row["Email"]).lower()
            # Of users who share an address the first is taken, the same one each time.
            found[address] = min(found.get(address, row["Id"]), row["Id"])
        for address in unknown & found.keys():
            memory.put(f"{_OWNER}{address}", found[address])
        return found

    def forget_owner(self, address: str) -> None:
        """Ask anew for a user who was found to be inactive."""
        self._context.memory.put(f"{_OWNER}{address.lower()}", "")

    def _by_id(self, asked: Mapping[str, Company]) -> Places:
        field, target = self._settings.external_id, self._settings.target
        rows = self._org.rows_in(select(target, *self._columns()), field, asked)
        # Salesforce compares without regard to case; ids of ours differ by it.
        return {row[field]: self._place(row) for row in rows if row[field] in asked}

    def _by_site(self, sought: Mapping[str, str]) -> Places:
        if not sought:
            return {}
        query = select(self._settings.target, *self._columns(), "Website")
        by_host: dict[str, dict[str, Row]] = defaultdict(dict)
        for row in self._org.rows_where(query, _SITE, sought.values()):
            found = host(row["Website"])
            if found:
                by_host[found][row["Id"]] = row
        taken: dict[str, str] = {}
        places: Places = {}
        for account_id, domain in sought.items():
            rows = list(by_host.get(domain, {}).values())
            if rows:
                places[account_id] = self._matched(account_id, domain, rows, taken)
        return places

    def _matched(
        self, account_id: str, domain: str, rows: list[Row], taken: dict[str, str]
    ) -> Place | Fault:
        field = self._settings.external_id
        noun = self._settings.target.lower()
        mend = _MEND.format(field=field) + _RETRY
        if len(rows) > 1:
            what = f"{len(rows)} {noun}s have the website {domain}"
            return Fault("", what, f"Say which it is: {mend}")
        other = rows[0][field] or taken.get(rows[0]["Id"])
        if other:
            what = f"The {noun} with the website {domain} belongs to our account {other}"
            return Fault("", what, f"Merge our two accounts, or give this one a {noun}: {mend}")
        taken[rows[0]["Id"]] = account_id
        place = self._place(rows[0])
        return Place(place.sobject, place.id, place.account, adopted=place.sobject != "Contact")

    def _columns(self) -> tuple[str, ...]:
        ours = ("Id", self._settings.external_id)
        if self._settings.match == "account":
            return ours
        return (*ours, "IsConverted", "ConvertedAccountId", "ConvertedContactId")

    def _place(self, row: Row) -> Place:
        if self._settings.match == "account":
            return Place("Account", row["Id"], row["Id"])
        if row["IsConverted"]:
            return Place("Contact", row["ConvertedContactId"], row["ConvertedAccountId"])
        return Place("Lead", row["Id"])
