"""An organisation of Salesforce: logged in when it is first asked, and asked within the budget."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import quote_plus
from xml.parsers.expat import ExpatError

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceError,
    SalesforceExpiredSession,
    SalesforceOperationError,
)
from simple_salesforce.format import format_soql
from simple_salesforce.login import SalesforceLogin, token_login

from groundswell.connectors.http import unreachable
from groundswell.connectors.salesforce_errors import (
    Fault,
    broken,
    bulk_failed,
    fault_of,
    whole_error,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from groundswell.connectors.destination import Context
    from groundswell.connectors.salesforce_settings import SalesforceSettings

Row = dict[str, Any]
Answer = TypeVar("Answer")

MOST_RECORDS = 200
"""Records that one request of sObject Collections takes."""

_TIMEOUT = (10.0, 60.0)
# A query goes in the address, which may have 16,384 bytes together with the headers.
_LONGEST_LIST = 8_000
# The last version of the API that lets users log in by SOAP.
_SOAP_VERSION = "64.0"
_USAGE = re.compile(r"(?<![\w-])api-usage=(\d+)/(\d+)")


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of one record that was written.

    Attributes:
        id: Salesforce's, where it was taken.
        fault: Why not, where it was not.
    """

    id: str | None
    fault: Fault | None = None


class _Counted(HTTPAdapter):
    """Spends each request before it is sent, and learns from each answer what the day has left."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        """Send one request, within the time that an answer may take."""
        self._context.budget.spend()
        # The library sets no limit, and would wait for ever.
        kwargs["timeout"] = kwargs.get("timeout") or _TIMEOUT
        response = super().send(request, *args, **kwargs)
        # Results of bulk jobs do not say so, and would be read as Latin-1.
        response.encoding = "utf-8"
        usage = _USAGE.search(response.headers.get("Sforce-Limit-Info", ""))
        if usage:
            self._context.budget.learn(used=int(usage[1]), allowed=int(usage[2]))
        return response


def _as_given(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Leave a request's authorization as it is: a `.netrc` would replace it."""
    return request


class Org:
    """An organisation, and all the ways in which it is asked."""

    def __init__(self, settings: SalesforceSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._salesforce: Salesforce | None = None
        self._fields: dict[str, dict[str, Row]] = {}
        self._session = requests.Session()
        self._session.adapters.clear()
        self._session.mount("https://", _Counted(context))
        self._session.auth = _as_given
        # What is sent stays with whom it is meant for.
        self._session.max_redirects = 0

    def __repr__(self) -> str:
        return f"Org({self._context.name!r})"

    def ask(self, question: Callable[[Salesforce], Answer]) -> Answer:
        """Return the answer to a question, logged in anew once where the session is over.

        Raises:
            DestinationError: There is no answer.
        """
        name = self._context.name
        try:
            try:
                return question(self._opened())
            except SalesforceExpiredSession:
                if not self._settings.renews:
                    raise
                self._salesforce = None
                return question(self._opened())
        except SalesforceError as error:
            raise whole_error(error, name, self._context.clock) from None
        except SalesforceOperationError as error:
            raise bulk_failed(name, str(error)) from None
        except requests.exceptions.InvalidJSONError:
            raise broken(name, "no JSON") from None
        except requests.RequestException as error:
            raise unreachable(name, error) from None

    def rows(self, query: str) -> list[Row]:
        """Return all rows of a query, page by page."""

        def whole(salesforce: Salesforce) -> list[Row]:
            return list(cast("Iterator[Row]", salesforce.query_all_iter(query)))

        return self.ask(whole)

    def rows_where(self, query: str, condition: str, values: Iterable[str]) -> list[Row]:
        """Return rows that meet a condition for any of the values, in queries of a fair length.

        Args:
            query: Made by `select`.
            condition: With `{}` for one value, or `{:like}` for a part of a pattern.
            values: Put in with escapes.
        """
        terms = [format_soql(condition, value) for value in sorted(set(values))]
        found: list[Row] = []
        for part in _parts(terms):
            found += self.rows(f"{query} WHERE {' OR '.join(part)}")
        return found

    def rows_in(self, query: str, field: str, values: Iterable[str]) -> list[Row]:
        """Return rows whose field holds any of the values."""
        terms = [format_soql("{}", value) for value in sorted(set(values))]
        found: list[Row] = []
        for part in _parts(terms):
            found += self.rows(f"{query} WHERE {field} IN ({','.join(part)})")
        return found

    def create(self, sobject: str, records: Sequence[Row]) -> list[Saved]:
        """Create records, each for itself."""
        return self._collection("POST", "composite/sobjects", sobject, records)

    def update(self, sobject: str, records: Sequence[Row]) -> list[Saved]:
        """Change records that name their `Id`, each for itself."""
        return self._collection("PATCH", "composite/sobjects", sobject, records)

    def upsert(self, sobject: str, field: str, records: Sequence[Row]) -> list[Saved]:
        """Create or change records by a field that holds an external id, each for itself."""
        return self._collection("PATCH", f"composite/sobjects/{sobject}/{field}", sobject, records)

    def fields(self, sobject: str) -> dict[str, Row]:
        """Return the fields of an object that the user may see, by name."""
        if sobject not in self._fields:
            answer = self.get(f"sobjects/{sobject}/describe")
            self._fields[sobject] = {field["name"]: field for field in answer["fields"]}
        return self._fields[sobject]

    def get(self, path: str) -> Row:
        """Return what stands under a path of the API."""
        return self.ask(lambda salesforce: salesforce.restful(path)) or {}

    def close(self) -> None:
        """Let go of the connections and of the session."""
        self._session.close()
        self._salesforce = None

    def _collection(
        self, method: str, path: str, sobject: str, records: Sequence[Row]
    ) -> list[Saved]:
        saved: list[Saved] = []
        for start in range(0, len(records), MOST_RECORDS):
            typed = [
                {"attributes": {"type": sobject}, **record}
                for record in records[start : start + MOST_RECORDS]
            ]
            body = {"allOrNone": False, "records": typed}
            answer = self.ask(
                lambda salesforce, body=body: salesforce.restful(path, method=method, json=body)
            )
            if not isinstance(answer, list) or len(cast("list[Any]", answer)) != len(typed):
                raise broken(self._context.name, "results are missing")
            saved += [_saved(item) for item in cast("list[Row]", answer)]
        return saved

    def _opened(self) -> Salesforce:
        if self._salesforce is None:
            token, instance = self._login()
            self._salesforce = Salesforce(
                session_id=token,
                instance=instance,
                session=self._session,
                version=self._settings.version,
                object_pairs_hook=dict,  # pyright: ignore[reportArgumentType]
            )
        return self._salesforce

    def _login(self) -> tuple[str, str]:
        """Return a token and the host that takes it."""
        told = self._settings
        if told.access_token is not None:
            return told.access_token, str(told.instance_url).removeprefix("https://").rstrip("/")
        url = (told.login_url or f"https://{told.domain}.salesforce.com").rstrip("/")
        try:
            if told.client_id is not None:
                return self._login_as_app(url)
            return SalesforceLogin(
                username=told.username,
                password=told.password,
                security_token=told.security_token,
                sf_version=min(told.version, _SOAP_VERSION, key=float),
                session=self._session,
                scratch_url=url,
            )
        except (ExpatError, AttributeError, UnicodeDecodeError):
            # The library takes for granted that what answers with 200 is Salesforce.
            raise broken(self._context.name, "no login") from None

    def _login_as_app(self, url: str) -> tuple[str, str]:
        told = self._settings
        pair = base64.b64encode(f"{told.client_id}:{told.client_secret}".encode()).decode()
        return token_login(
            f"{url}/services/oauth2/token",
            {"grant_type": "client_credentials"},
            told.domain,
            str(told.client_id),
            {"Authorization": f"Basic {pair}"},
            None,
            self._session,
        )


def select(sobject: str, *columns: str) -> str:
    """Return the beginning of a query; names are ours, or settings that were verified.

    >>> select("Task", "Id", "Subject")
    'SELECT Id, Subject FROM Task'
    """
    return format_soql("SELECT {:literal} FROM {:literal}", ", ".join(columns), sobject)


def _saved(item: Row) -> Saved:
    if item.get("success"):
        return Saved(str(item["id"]))
    return Saved(None, fault_of(item.get("errors")))


def _parts(terms: Sequence[str]) -> Iterator[list[str]]:
    """Yield the terms of a query in lists that fit into an address."""
    part: list[str] = []
    length = 0
    for term in terms:
        size = len(quote_plus(term)) + len(quote_plus(" OR "))
        if part and length + size > _LONGEST_LIST:
            yield part
            part, length = [], 0
        part.append(term)
        length += size
    if part:
        yield part
