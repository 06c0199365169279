"""A project that a server holds, asked over HTTP as if it were open here."""

from __future__ import annotations

import http.client
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode, urlsplit

import msgspec
import polars as pl

from groundswell.api.admin_client import AdminClient
from groundswell.api.desk_client import DeskClient
from groundswell.api.disputes_client import DisputesClient
from groundswell.api.handoffs_client import HandoffsClient
from groundswell.api.manners import CURSOR
from groundswell.api.measuring_client import MeasuringClient
from groundswell.api.operations import (
    AUTH_HEADER,
    HERE,
    OPERATIONS,
    SERVER_FILE,
    Failure,
    Operation,
)
from groundswell.api.signals_client import SignalsClient
from groundswell.engine import STATE_FOLDER
from groundswell.errors import GroundswellError, Place, Problem, StoreError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date

    from groundswell.engine import AccountRow, Explanation, LoadReport, RunReport, StoredReject
    from groundswell.engine.forgetting.forgetting import ForgetReport
    from groundswell.engine.handing.reading_back import ReadBack
    from groundswell.engine.handing.simulating import Simulation
    from groundswell.engine.jobs import JobState
    from groundswell.engine.lab import (
        Backtest,
        Behaviours,
        Comparison,
        Consequences,
        FitReport,
        Outcome,
        ScoreBar,
        Shadow,
        Watch,
    )
    from groundswell.engine.registry import Model
    from groundswell.engine.reports import Check, DismissalReport, OfferReport, SourceState
    from groundswell.engine.retaining import RetainReport
    from groundswell.handoff.brief import Brief
    from groundswell.model import Alert, Link, Risk
    from groundswell.store.ledger import JournalEntry

_USAGE = 2  # an exit code
_KNOCK_SECONDS = 2.0


class Address(msgspec.Struct):
    """Where a server listens, as it wrote into the project's folder."""

    url: str
    token: str
    intake_only: bool = False


def find_server(folder: Path) -> Client | None:
    """Return the client of the server that holds the project in `folder`; None if none runs."""
    try:
        written = (folder / STATE_FOLDER / SERVER_FILE).read_bytes()
        address = msgspec.json.decode(written, type=Address)
    except (OSError, msgspec.MsgspecError):
        return None
    client = Client(address)
    return client if client.is_there() else None


@dataclass
class Client:
    """The methods of `Project` that operations offer; they raise what those raise."""

    address: Address

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing: the project stays open where it is."""

    def is_there(self) -> bool:
        """Tell whether the server answers, and knows the token."""
        try:
            status, _, _ = self._request("GET", HERE, None, _KNOCK_SECONDS)
        except OSError:
            return False
        return status == http.HTTPStatus.NO_CONTENT

    def pages(self, name: str, /, **arguments: Any) -> Iterator[list[Any]]:
        """Return a long list page by page.

        Args:
            name: The operation, such as `journal`.
            arguments: Of it; `limit` says how long a page is.
        """
        operation = OPERATIONS[name]
        after: str | None = None
        while True:
            given = {**arguments, "after": after}
            answer, headers = self._ask(operation, given)
            yield msgspec.json.decode(answer, type=operation.result)
            after = headers.get(CURSOR)
            if after is None:
                return

    def run(self, *, as_of: date | None = None) -> RunReport:
        """See `Project.run`."""
        return self._call("run", as_of=as_of)

    def accounts(self, *, qualified: bool = False, limit: int | None = None) -> list[AccountRow]:
        """See `Project.accounts`."""
        return self._call("accounts", qualified=qualified, limit=limit)

    def explain(
        self,
        account: str,
        *,
        as_of: date | None = None,
        user: str | None = None,
        model: str | None = None,
    ) -> Explanation:
        """See `Project.explain`."""
        told = _definition(model) if model is not None else None
        return self._call("explain", account=account, as_of=as_of, user=user, model=told)

    def features(
        self,
        as_of: date | None = None,
        *,
        weeks: int = 1,
        accounts: Sequence[str] | None = None,
        as_known: bool = False,
    ) -> pl.DataFrame:
        """See `Project.features`; they come by way of a file."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "features.parquet"
            self.write_features(
                path, as_of=as_of, weeks=weeks, accounts=accounts, as_known=as_known
            )
            return pl.read_parquet(path)

    def write_features(
        self,
        path: str | Path,
        *,
        as_of: date | None = None,
        weeks: int = 1,
        accounts: Sequence[str] | None = None,
        as_known: bool = False,
    ) -> int:
        """See `Project.write_features`."""
        return self._call(
            "write_features",
            path=str(Path(path).absolute()),
            as_of=as_of,
            weeks=weeks,
            accounts=list(accounts) if accounts is not None else None,
            as_known=as_known,
        )

    def journal(
        self, *, account: str | None = None, kind: str | None = None, limit: int | None = None
    ) -> list[JournalEntry]:
        """See `Project.journal`."""
        return self._call("journal", account=account, kind=kind, limit=limit)

    def alerts(self, *, account: str | None = None, every: bool = False) -> list[Alert]:
        """See `Project.alerts`."""
        return self._call("alerts", account=account, every=every)

    def risks(self, *, account: str | None = None, every: bool = False) -> list[Risk]:
        """See `Project.risks`."""
        return self._call("risks", account=account, every=every)

    def rejects(self, *, source: str | None = None, limit: int | None = None) -> list[StoredReject]:
        """See `Project.rejects`."""
        return self._call("rejects", source=source, limit=limit)

    def reject(self, reject_id: str) -> StoredReject:
        """See `Project.reject`."""
        return self._call("reject", reject_id=reject_id)

    def replay(
        self,
        *,
        source: str | None = None,
        mapping: str | Path | None = None,
        maps: Mapping[str, str] | None = None,
        format: str | None = None,  # noqa: A002 - as in `Project.replay`
    ) -> list[LoadReport]:
        """See `Project.replay`."""
        where = str(Path(mapping).absolute()) if mapping else None
        return self._call("replay", source=source, mapping=where, maps=maps, format=format)

    def load(
        self,
        kind: str,
        files: Sequence[str | Path] = (),
        *,
        mapping: str | Path | None = None,
        source: str | None = None,
        maps: Mapping[str, str] | None = None,
        format: str | None = None,  # noqa: A002 - as in `Project.load`
        progress: object = None,  # noqa: ARG002 - how far the server is, it does not say
    ) -> list[LoadReport]:
        """See `Project.load`; the server reads the files, so they are on its machine."""
        return self._call(
            "load",
            kind=kind,
            files=[str(Path(file).absolute()) for file in files],
            mapping=str(Path(mapping).absolute()) if mapping else None,
            source=source,
            maps=maps,
            format=format,
        )

    def merge(
        self, account: str, *, into: str, since: date | None = None, reason: str = "by hand"
    ) -> None:
        """See `Project.merge`."""
        self._call("merge", account=account, into=into, since=since, reason=reason)

    def unmerge(
        self, account: str, *, into: str, until: date | None = None, reason: str = "by hand"
    ) -> None:
        """See `Project.unmerge`."""
        self._call("unmerge", account=account, into=into, until=until, reason=reason)

    def links(self, user: str, *, as_of: date | None = None) -> list[Link]:
        """See `Project.links`."""
        return self._call("links", user=user, as_of=as_of)

    def offer(
        self,
        *,
        account_id: str | None = None,
        user_id: str | None = None,
        anonymous_id: str | None = None,
    ) -> OfferReport:
        """See `Project.offer`."""
        return self._call(
            "offer", account_id=account_id, user_id=user_id, anonymous_id=anonymous_id
        )

    def dismiss_offer(
        self,
        offer: str,
        *,
        user_id: str | None = None,
        anonymous_id: str | None = None,
        days: int | None = None,
    ) -> DismissalReport:
        """See `Project.dismiss_offer`."""
        return self._call(
            "dismiss_offer", offer=offer, user_id=user_id, anonymous_id=anonymous_id, days=days
        )

    def forget(self, user: str, *, dry_run: bool = False) -> ForgetReport:
        """See `Project.forget`."""
        return self._call("forget", user=user, dry_run=dry_run)

    def job_states(self) -> list[JobState]:
        """See `Project.job_states`."""
        return self._call("job_states")

    def retain(self, *, dry_run: bool = False) -> RetainReport:
        """See `Project.retain`."""
        return self._call("retain", dry_run=dry_run)

    def export_person(self, user: str) -> dict[str, list[Any]]:
        """See `Project.export_person`."""
        return self._call("export_person", user=user)

    def sources(self) -> list[SourceState]:
        """See `Project.sources`."""
        return self._call("sources")

    def doctor(self, *, quick: bool = False) -> list[Check]:
        """See `Project.doctor`."""
        return self._call("doctor", quick=quick)

    def brief(self, account: str, *, as_of: date | None = None) -> Brief:
        """See `Project.brief`."""
        return self._call("brief", account=account, as_of=as_of)

    def read_back(self, destination: str) -> ReadBack:
        """See `Project.read_back`."""
        return self._call("read_back", destination=destination)

    def simulate(self, policy: str | Path, *, since: date, until: date | None = None) -> Simulation:
        """See `Project.simulate`."""
        path = str(Path(policy).absolute())
        return self._call("simulate", policy=path, since=since, until=until)

    @property
    def administration(self) -> AdminClient:
        """See `Project.administration`."""
        return AdminClient(self._call)

    @property
    def desk(self) -> DeskClient:
        """See `Project.desk`."""
        return DeskClient(self._call)

    @property
    def disputes(self) -> DisputesClient:
        """See `Project.disputes`."""
        return DisputesClient(self._call)

    @property
    def handoffs(self) -> HandoffsClient:
        """See `Project.handoffs`."""
        return HandoffsClient(self._call)

    @property
    def measuring(self) -> MeasuringClient:
        """See `Project.measuring`."""
        return MeasuringClient(self._call)

    @property
    def signals(self) -> SignalsClient:
        """See `Project.signals`."""
        return SignalsClient(self._call)

    @property
    def lab(self) -> LabClient:
        """See `Project.lab`."""
        return LabClient(self._call)

    def _call(self, name: str, /, **arguments: Any) -> Any:
        operation = OPERATIONS[name]
        answer, _ = self._ask(operation, arguments)
        return msgspec.json.decode(answer, type=operation.result)

    def _ask(
        self, operation: Operation, arguments: Mapping[str, Any]
    ) -> tuple[bytes, Mapping[str, str]]:
        """Return the body of a good answer, and its headers by lower-case name."""
        given = msgspec.to_builtins(
            {key: value for key, value in arguments.items() if value is not None}
        )
        path, body = operation.path, None
        if operation.method == "GET":
            path = f"{path}?{urlencode({k: _as_query(v) for k, v in given.items()})}"
        else:
            body = msgspec.json.encode(given)
        try:
            status, answer, headers = self._request(operation.method, path, body, None)
        except OSError as error:
            raise StoreError(
                Problem(
                    code="server-gone",
                    what=f"The server at {self.address.url} went away: {error}.",
                    fix="Look at its log, and ask again once it is up.",
                )
            ) from None
        if status == http.HTTPStatus.OK:
            return answer, headers
        raise error_of(msgspec.json.decode(answer, type=Failure))

    def _request(
        self, method: str, path: str, body: bytes | None, timeout: float | None
    ) -> tuple[int, bytes, Mapping[str, str]]:
        host = urlsplit(self.address.url).netloc
        connection = http.client.HTTPConnection(host, timeout=timeout)
        try:
            headers = {AUTH_HEADER: f"Bearer {self.address.token}"}
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, answer.read(), told
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from None
        finally:
            connection.close()


@dataclass(frozen=True, slots=True)
class LabClient:
    """The methods of `Lab` that operations offer."""

    _call: Callable[..., Any]

    def fit(
        self,
        *,
        outcome: Outcome | None = None,
        horizon: int | None = None,
        weeks: int | None = None,
        seed: int = 0,
        challenger: bool = False,
        as_of: date | None = None,
        who: str,
    ) -> FitReport:
        """See `Lab.fit`."""
        return self._call(
            "lab.fit",
            outcome=outcome,
            horizon=horizon,
            weeks=weeks,
            seed=seed,
            challenger=challenger,
            as_of=as_of,
            who=who,
        )

    def behaviours(
        self, outcome: Outcome, *, near: int, far: int, weeks: int, as_of: date | None = None
    ) -> Behaviours:
        """See `Lab.behaviours`."""
        return self._call(
            "lab.behaviours", outcome=outcome, near=near, far=far, weeks=weeks, as_of=as_of
        )

    def backtest(
        self,
        definition: str,
        *,
        outcome: Outcome | None = None,
        horizon: int | None = None,
        weeks: int,
        capacity: int | None = None,
        seed: int = 0,
        as_of: date | None = None,
        as_known: bool = False,
        at: float | None = None,
        keep: bool = True,
        who: str,
    ) -> Backtest:
        """See `Lab.backtest`."""
        return self._call(
            "lab.backtest",
            definition=_definition(definition),
            outcome=outcome,
            horizon=horizon,
            weeks=weeks,
            capacity=capacity,
            seed=seed,
            as_of=as_of,
            as_known=as_known,
            at=at,
            keep=keep,
            who=who,
        )

    def compare(
        self,
        first: str,
        second: str,
        *,
        outcome: Outcome | None = None,
        horizon: int | None = None,
        weeks: int,
        capacity: int | None = None,
        seed: int = 0,
        as_of: date | None = None,
    ) -> Comparison:
        """See `Lab.compare`."""
        return self._call(
            "lab.compare",
            first=_definition(first),
            second=_definition(second),
            outcome=outcome,
            horizon=horizon,
            weeks=weeks,
            capacity=capacity,
            seed=seed,
            as_of=as_of,
        )

    def drift(
        self, definition: str, *, since: date | None = None, as_of: date | None = None
    ) -> Watch:
        """See `Lab.drift`."""
        told = _definition(definition)
        return self._call("lab.drift", definition=told, since=since, as_of=as_of)

    def challenge(self, *, as_of: date | None = None, who: str) -> Shadow:
        """See `Lab.challenge`."""
        return self._call("lab.challenge", as_of=as_of, who=who)

    def spread(self) -> list[ScoreBar]:
        """See `Lab.spread`."""
        return self._call("lab.spread")

    def consequences(self, at: float | None = None) -> Consequences:
        """See `Lab.consequences`."""
        return self._call("lab.consequences", at=at)

    def versions(self) -> list[Model]:
        """See `Lab.versions`."""
        return self._call("lab.versions")

    def version(self, name: str) -> Model:
        """See `Lab.version`."""
        return self._call("lab.version", name=name)

    def add(self, path: str | Path, *, who: str, reason: str = "") -> Model:
        """See `Lab.add`."""
        return self._call("lab.add", path=str(Path(path).absolute()), who=who, reason=reason)

    def publish(self, name: str, *, who: str, reason: str, anyway: bool = False) -> Model:
        """See `Lab.publish`."""
        return self._call("lab.publish", name=name, who=who, reason=reason, anyway=anyway)

    def roll_back(self, *, who: str, reason: str = "") -> Model:
        """See `Lab.roll_back`."""
        return self._call("lab.roll_back", who=who, reason=reason)

    def retire(self, name: str, *, who: str, reason: str = "") -> Model:
        """See `Lab.retire`."""
        return self._call("lab.retire", name=name, who=who, reason=reason)


def _definition(name: str) -> str:
    """Return what a definition is called; a file by its absolute path."""
    return str(Path(name).absolute()) if Path(name).suffix in {".yaml", ".yml"} else name


def _as_query(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def error_of(failure: Failure) -> GroundswellError:
    """Return the error that a server answered with."""
    problems = [
        Problem(
            code=told.code,
            what=told.what,
            fix=told.fix,
            where=Place(told.where) if told.where else None,
            path=told.path or "",
        )
        for told in failure.problems
    ]
    kind = UsageError if failure.exit_code == _USAGE else StoreError
    return kind(*problems)
