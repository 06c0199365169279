"""What a server does for those who ask it, one row each: shared by the server and its client.

An operation is a method of `Project`, its arguments a struct. GET takes them from the query, POST
from a JSON body; the answer is the method's result as JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from importlib import import_module
from typing import Annotated, Any, Literal

import msgspec

from groundswell.api.admin_operations import (
    AddColleagueArguments,
    AuditArguments,
    ChangeRoleArguments,
    ColleagueArguments,
    CreateApiKeyArguments,
    CreateWriteKeyArguments,
    NameArguments,
)
from groundswell.api.desk_operations import (
    AdmitArguments,
    DeskAccountArguments,
    DeskFindArguments,
    DeskQueueArguments,
    DeskStepArguments,
    DeskTimelineArguments,
)
from groundswell.api.handoff_operations import (
    BackfillArguments,
    BriefArguments,
    Cursor,
    DeliveriesArguments,
    DestinationArguments,
    HandoffArguments,
    PauseArguments,
    PostArguments,
    PreviewArguments,
    QueueArguments,
    RetryArguments,
    SimulateArguments,
    StepArguments,
)
from groundswell.api.measuring_operations import (
    AnswerArguments,
    AttributionArguments,
    BehindArguments,
    CommissionsArguments,
    DayArguments,
    DisputeArguments,
    DisputesArguments,
    FiguresArguments,
    WhatIfArguments,
)
from groundswell.api.signals_operations import (
    BlockArguments,
    CheckBlockArguments,
    ProposeScoreArguments,
    WeighBlockArguments,
    WriteBlockArguments,
)
from groundswell.connectors.deliveries import Change
from groundswell.connectors.destination import Finding
from groundswell.engine import AccountRow, Explanation, LoadReport, RunReport, StoredReject
from groundswell.engine.desk.answers import (
    AccountAnswer,
    AccountsAnswer,
    Admitted,
    Held,
    QueueAnswer,
    TimelineAnswer,
    WhyAnswer,
)
from groundswell.engine.dispatching import Dispatched
from groundswell.engine.forgetting.forgetting import ForgetReport
from groundswell.engine.handing.backfilling import Backfill
from groundswell.engine.handing.handoffs import DestinationState, QueueRow
from groundswell.engine.handing.reading_back import ReadBack
from groundswell.engine.handing.simulating import Simulation
from groundswell.engine.jobs import JobState
from groundswell.engine.measuring.disputes import Dispute
from groundswell.engine.registry import Model
from groundswell.engine.reports import (
    Check,
    DismissalReport,
    NoticeKind,
    OfferReport,
    SourceState,
)
from groundswell.engine.retaining import RetainReport
from groundswell.engine.signals import BlockChange, BlockText, Signs, Weighed, Written
from groundswell.handoff.brief import Brief
from groundswell.handoff.life import Handoff
from groundswell.model import Alert, Link, OfferedPrice, OfferKind, Risk
from groundswell.store.ledger import JournalEntry
from groundswell.store.outbox import KeptDelivery

Row = dict[str, str | int | float | bool | None]
"""One row of a table; days as ISO texts."""

AUTH_HEADER = "authorization"
HERE = "/v1/here"
"""Answers at once whether the server is there and knows the token, whatever it is doing."""

FEED = "/v1/feed"
"""Says what happens, as it does."""

SERVER_FILE = "server.json"
"""In the project's state folder: where its server listens, and the token that it asks for."""


Limit = Annotated[int, msgspec.Meta(ge=0, le=(1 << 31) - 1)]
"""At most so many; 0 for all."""


class Nothing(msgspec.Struct):
    """No arguments."""


class RunArguments(msgspec.Struct):
    """Of `run`."""

    as_of: date | None = None


class AccountsArguments(msgspec.Struct):
    """Of `accounts`."""

    qualified: bool = False
    limit: Limit | None = None
    after: Cursor | None = None


class ExplainArguments(msgspec.Struct):
    """Of `explain`; a definition's file by its absolute path."""

    account: str
    as_of: date | None = None
    user: str | None = None
    model: str | None = None


class FeaturesArguments(msgspec.Struct):
    """Of `write_features`; the server writes the file."""

    path: str
    as_of: date | None = None
    weeks: Annotated[int, msgspec.Meta(ge=1, le=1_040)] = 1
    accounts: list[str] | None = None
    as_known: bool = False


class JournalArguments(msgspec.Struct):
    """Of `journal`."""

    account: str | None = None
    kind: str | None = None
    limit: Limit | None = None
    after: Cursor | None = None


class AlertsArguments(msgspec.Struct):
    """Of `alerts` and `risks`."""

    account: str | None = None
    every: bool = False


class RejectsArguments(msgspec.Struct):
    """Of `rejects`."""

    source: str | None = None
    limit: Limit | None = None
    after: Cursor | None = None


class RejectArguments(msgspec.Struct):
    """Of `reject`."""

    reject_id: str


class ReplayArguments(msgspec.Struct):
    """Of `replay`; files by their absolute path."""

    source: str | None = None
    mapping: str | None = None
    maps: dict[str, str] | None = None
    format: str | None = None


class LoadArguments(ReplayArguments, kw_only=True):
    """Of `load`; files by their absolute path."""

    kind: str
    files: list[str] = []


class MergeArguments(msgspec.Struct):
    """Of `merge`."""

    account: str
    into: str
    since: date | None = None
    reason: str = "by hand"


class UnmergeArguments(msgspec.Struct):
    """Of `unmerge`."""

    account: str
    into: str
    until: date | None = None
    reason: str = "by hand"


class LinksArguments(msgspec.Struct):
    """Of `links`."""

    user: str
    as_of: date | None = None


class PersonArguments(msgspec.Struct):
    """Of `export_person`: a user id, or an e-mail address."""

    user: Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]


class ForgetArguments(PersonArguments):
    """Of `forget`."""

    dry_run: bool = False


class RetainArguments(msgspec.Struct):
    """Of `retain`."""

    dry_run: bool = False


class DoctorArguments(msgspec.Struct):
    """Of `doctor`."""

    quick: bool = False


OutcomeName = Literal["converted", "expanded", "won", "any"]
Horizon = Annotated[int, msgspec.Meta(ge=1, le=1_000)]
Weekly = Annotated[int, msgspec.Meta(ge=1, le=1_040)]
Seed = Annotated[int, msgspec.Meta(ge=0, le=(1 << 31) - 1)]


class FitArguments(msgspec.Struct):
    """Of `lab.fit`."""

    outcome: OutcomeName | None = None
    horizon: Horizon | None = None
    weeks: Weekly | None = None
    seed: Seed = 0
    challenger: bool = False
    as_of: date | None = None
    who: str = "somebody"


class BehavioursArguments(msgspec.Struct):
    """Of `lab.behaviours`."""

    outcome: OutcomeName = "converted"
    near: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 30
    far: Horizon = 90
    weeks: Weekly = 52
    as_of: date | None = None


class BacktestArguments(msgspec.Struct):
    """Of `lab.backtest`; a file by its absolute path."""

    definition: str = "current"
    outcome: OutcomeName | None = None
    horizon: Horizon | None = None
    weeks: Weekly = 52
    capacity: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None
    seed: Seed = 0
    as_of: date | None = None
    as_known: bool = False
    at: float | None = None
    keep: bool = True
    who: str = "somebody"


class CompareArguments(msgspec.Struct):
    """Of `lab.compare`; files by their absolute path."""

    first: str
    second: str
    outcome: OutcomeName | None = None
    horizon: Horizon | None = None
    weeks: Weekly = 52
    capacity: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None
    seed: Seed = 0
    as_of: date | None = None


class DriftArguments(msgspec.Struct):
    """Of `lab.drift`; a file by its absolute path."""

    definition: str = "current"
    since: date | None = None
    as_of: date | None = None


class ConsequencesArguments(msgspec.Struct):
    """Of `lab.consequences`."""

    at: float | None = None


class ModelArguments(msgspec.Struct):
    """Of `lab.version`."""

    name: str


class AddModelArguments(msgspec.Struct):
    """Of `lab.add`; the file by its absolute path."""

    path: str
    who: str = "somebody"
    reason: str = ""


class PublishArguments(msgspec.Struct):
    """Of `lab.publish`."""

    name: str
    reason: str
    who: str = "somebody"
    anyway: bool = False


class RollBackArguments(msgspec.Struct):
    """Of `lab.roll_back`."""

    who: str = "somebody"
    reason: str = ""


class RetireArguments(msgspec.Struct):
    """Of `lab.retire`."""

    name: str
    who: str = "somebody"
    reason: str = ""


class ChallengeArguments(msgspec.Struct):
    """Of `lab.challenge`."""

    as_of: date | None = None
    who: str = "somebody"


class FeedArguments(msgspec.Struct):
    """Of the feed: which notices, and from which on."""

    account: str | None = None
    kind: list[NoticeKind] = []
    since: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    after: str | None = None


Id = Annotated[str, msgspec.Meta(max_length=1_000)]


class OfferArguments(msgspec.Struct):
    """Of `offer`."""

    account_id: Id | None = None
    user_id: Id | None = None
    anonymous_id: Id | None = None


class DismissArguments(msgspec.Struct):
    """Of `dismiss_offer`."""

    offer: Annotated[str, msgspec.Meta(max_length=100)]
    user_id: Id | None = None
    anonymous_id: Id | None = None
    days: Annotated[int, msgspec.Meta(ge=1, le=1_000)] | None = None


class ShownOffer(msgspec.Struct):
    """What a page is told of an offer: what it shows, and what it is dismissed by."""

    offer: OfferKind
    id: str | None
    sentence: str | None
    plan: str | None
    price: OfferedPrice | None
    as_of: date | None


class Told(msgspec.Struct):
    """One problem of an error, as it goes over the line."""

    code: str
    what: str
    fix: str
    where: str | None = None
    path: str | None = None


class Failure(msgspec.Struct):
    """The body of an error."""

    problems: list[Told]
    exit_code: int = 1


@dataclass(frozen=True, slots=True)
class Lazily:
    """A type of the engine whose module is slow to import: only who needs it does.

    Attributes:
        module: Where it is, in `groundswell.engine`.
        name: What it is called there.
    """

    module: str
    name: str

    def get(self) -> Any:
        """Import it."""
        return getattr(import_module(f"groundswell.engine.{self.module}"), self.name)


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint.

    Attributes:
        method: `GET` for what only reads, else `POST`.
        path: Where it is.
        name: The method of `Project`, or of what it has, such as `lab.fit`.
        arguments: Its keyword arguments.
        returns: What it returns.
        shown: What of it whoever has a write key is told; None where nobody but the token may ask.
        page: The member by which an item of the list is gone on after; None for one that is told
            whole.
        alone: Whether nothing is computed or taken in meanwhile; not where others are waited for.
    """

    method: str
    path: str
    name: str
    arguments: type[msgspec.Struct]
    returns: Any
    shown: Any = None
    alone: bool = True
    page: str | None = None

    @property
    def result(self) -> Any:
        """The type that it returns."""
        return self.returns.get() if isinstance(self.returns, Lazily) else self.returns


OPERATIONS = {
    operation.name: operation
    for operation in (
        Operation("POST", "/v1/run", "run", RunArguments, RunReport),
        Operation(
            "GET",
            "/v1/accounts",
            "accounts",
            AccountsArguments,
            list[AccountRow],
            page="account_id",
        ),
        Operation("GET", "/v1/explanation", "explain", ExplainArguments, Explanation),
        Operation("POST", "/v1/features", "write_features", FeaturesArguments, int),
        Operation(
            "GET", "/v1/journal", "journal", JournalArguments, list[JournalEntry], page="key"
        ),
        Operation("GET", "/v1/alerts", "alerts", AlertsArguments, list[Alert]),
        Operation("GET", "/v1/risks", "risks", AlertsArguments, list[Risk]),
        Operation(
            "GET", "/v1/quarantine", "rejects", RejectsArguments, list[StoredReject], page="id"
        ),
        Operation("GET", "/v1/quarantine/row", "reject", RejectArguments, StoredReject),
        Operation("POST", "/v1/quarantine/replay", "replay", ReplayArguments, list[LoadReport]),
        Operation("POST", "/v1/load", "load", LoadArguments, list[LoadReport]),
        Operation("POST", "/v1/merge", "merge", MergeArguments, None),
        Operation("POST", "/v1/unmerge", "unmerge", UnmergeArguments, None),
        Operation("GET", "/v1/links", "links", LinksArguments, list[Link]),
        Operation("GET", "/v1/offer", "offer", OfferArguments, OfferReport, ShownOffer),
        Operation(
            "POST",
            "/v1/offer/dismiss",
            "dismiss_offer",
            DismissArguments,
            DismissalReport,
            DismissalReport,
        ),
        Operation("POST", "/v1/person/forget", "forget", ForgetArguments, ForgetReport),
        Operation("GET", "/v1/person", "export_person", PersonArguments, dict[str, list[Any]]),
        Operation("POST", "/v1/retain", "retain", RetainArguments, RetainReport),
        Operation("GET", "/v1/sources", "sources", Nothing, list[SourceState]),
        Operation("GET", "/v1/jobs", "job_states", Nothing, list[JobState], alone=False),
        Operation("GET", "/v1/doctor", "doctor", DoctorArguments, list[Check]),
        *(
            Operation("POST", f"/v1/lab/{name}", f"lab.{name}", arguments, Lazily("lab", result))
            for name, arguments, result in (
                ("fit", FitArguments, "FitReport"),
                ("behaviours", BehavioursArguments, "Behaviours"),
                ("backtest", BacktestArguments, "Backtest"),
                ("compare", CompareArguments, "Comparison"),
                ("drift", DriftArguments, "Watch"),
                ("challenge", ChallengeArguments, "Shadow"),
            )
        ),
        Operation("GET", "/v1/brief", "brief", BriefArguments, Brief),
        Operation(
            "GET", "/v1/queue", "handoffs.queue", QueueArguments, list[QueueRow], page="handoff_id"
        ),
        Operation("GET", "/v1/handoff", "handoffs.get", HandoffArguments, Handoff),
        Operation("POST", "/v1/handoff/step", "handoffs.step", StepArguments, Handoff),
        Operation("POST", "/v1/handoff/sweep", "handoffs.sweep", Nothing, int),
        Operation(
            "GET",
            "/v1/deliveries",
            "handoffs.deliveries",
            DeliveriesArguments,
            list[KeptDelivery],
            page="key",
        ),
        Operation(
            "POST", "/v1/deliveries/dispatch", "handoffs.dispatch", Nothing, Dispatched, alone=False
        ),
        Operation("POST", "/v1/deliveries/retry", "handoffs.retry", RetryArguments, int),
        Operation("GET", "/v1/destinations", "handoffs.states", Nothing, list[DestinationState]),
        Operation("POST", "/v1/deliveries/post", "handoffs.post", PostArguments, int),
        Operation("POST", "/v1/destinations/pause", "handoffs.pause", PauseArguments, None),
        Operation("POST", "/v1/destinations/resume", "handoffs.resume", DestinationArguments, bool),
        Operation(
            "GET",
            "/v1/destinations/check",
            "handoffs.check",
            DestinationArguments,
            list[Finding],
            alone=False,
        ),
        Operation(
            "GET",
            "/v1/destinations/preview",
            "handoffs.preview",
            PreviewArguments,
            list[Change],
            alone=False,
        ),
        Operation(
            "POST", "/v1/destinations/backfill", "handoffs.backfill", BackfillArguments, Backfill
        ),
        Operation("POST", "/v1/destinations/read", "read_back", DestinationArguments, ReadBack),
        Operation("GET", "/v1/desk", "desk.admit", AdmitArguments, Admitted),
        Operation("GET", "/v1/desk/queue", "desk.queue", DeskQueueArguments, QueueAnswer),
        Operation("GET", "/v1/desk/accounts", "desk.find", DeskFindArguments, AccountsAnswer),
        Operation("GET", "/v1/desk/account", "desk.account", DeskAccountArguments, AccountAnswer),
        Operation("GET", "/v1/desk/why", "desk.explain", DeskAccountArguments, WhyAnswer),
        Operation(
            "GET", "/v1/desk/timeline", "desk.timeline", DeskTimelineArguments, TimelineAnswer
        ),
        Operation("POST", "/v1/desk/step", "desk.step", DeskStepArguments, Held),
        Operation("POST", "/v1/simulation", "simulate", SimulateArguments, Simulation),
        *(
            Operation(
                "GET",
                f"/v1/report/{name}",
                f"measuring.{name}",
                arguments,
                Lazily(f"measuring.{module}", result),
            )
            for name, arguments, module, result in (
                ("weekly", DayArguments, "weekly", "WeeklyReport"),
                ("payback", DayArguments, "advising", "PaybackReport"),
                ("pricing", DayArguments, "advising", "PricingReport"),
                ("uplift", DayArguments, "uplift", "UpliftReport"),
                ("mistakes", DayArguments, "mistakes", "MistakesReport"),
                ("overlay", DayArguments, "overlay", "OverlayReport"),
                ("feedback", DayArguments, "feedback", "FeedbackReport"),
                ("quarterly", DayArguments, "quarterly", "QuarterlyReport"),
                ("monthly", DayArguments, "monthly", "MonthlyReport"),
                ("attribution", AttributionArguments, "attributing", "AttributionReport"),
                ("commissions", CommissionsArguments, "paying", "CommissionsReport"),
            )
        ),
        Operation(
            "GET", "/v1/commissions/disputes", "disputes.kept", DisputesArguments, list[Dispute]
        ),
        Operation("POST", "/v1/commissions/dispute", "disputes.open", DisputeArguments, Dispute),
        Operation("POST", "/v1/commissions/answer", "disputes.answer", AnswerArguments, Dispute),
        Operation("GET", "/v1/exposure", "measuring.exposure", DayArguments, list[Row]),
        Operation(
            "GET",
            "/v1/metrics",
            "measuring.figures",
            FiguresArguments,
            Lazily("measuring.weekly", "Figures"),
        ),
        Operation("GET", "/v1/metrics/behind", "measuring.behind", BehindArguments, list[Row]),
        Operation(
            "POST",
            "/v1/what-if",
            "measuring.what_if",
            WhatIfArguments,
            Lazily("measuring.whatif", "WhatIf"),
        ),
        Operation(
            "GET",
            "/v1/lab/consequences",
            "lab.consequences",
            ConsequencesArguments,
            Lazily("lab", "Consequences"),
        ),
        Operation("GET", "/v1/lab/spread", "lab.spread", Nothing, Lazily("lab", "Spread")),
        Operation("GET", "/v1/signals", "signals.read", Nothing, Signs),
        Operation("GET", "/v1/config/block", "signals.block", BlockArguments, BlockText),
        Operation("POST", "/v1/config/check", "signals.check", CheckBlockArguments, BlockChange),
        Operation("POST", "/v1/config/weigh", "signals.weigh", WeighBlockArguments, Weighed),
        Operation(
            "POST",
            "/v1/config/score",
            "signals.propose_score",
            ProposeScoreArguments,
            BlockText,
        ),
        Operation("POST", "/v1/config/write", "signals.write", WriteBlockArguments, Written),
        *(
            Operation(
                method,
                f"/v1/admin/{path}",
                f"administration.{name}",
                arguments,
                Lazily("administering", result) if isinstance(result, str) else result,
            )
            for method, path, name, arguments, result in (
                ("GET", "write-keys", "write_keys", Nothing, "WriteKeyStates"),
                (
                    "POST",
                    "write-keys/create",
                    "create_write_key",
                    CreateWriteKeyArguments,
                    "CreatedKey",
                ),
                ("POST", "write-keys/rotate", "rotate_write_key", NameArguments, "CreatedKey"),
                ("POST", "write-keys/revoke", "revoke_write_key", NameArguments, int),
                ("GET", "colleagues", "colleagues", Nothing, "ColleagueStates"),
                (
                    "POST",
                    "colleagues/add",
                    "add_colleague",
                    AddColleagueArguments,
                    "ColleagueState",
                ),
                ("POST", "colleagues/role", "change_role", ChangeRoleArguments, "ColleagueState"),
                ("POST", "colleagues/disable", "disable", ColleagueArguments, "ColleagueState"),
                ("POST", "colleagues/enable", "enable", ColleagueArguments, "ColleagueState"),
                ("GET", "api-keys", "api_keys", Nothing, "ApiKeyStates"),
                (
                    "POST",
                    "api-keys/create",
                    "create_api_key",
                    CreateApiKeyArguments,
                    "CreatedApiKey",
                ),
                ("POST", "api-keys/revoke", "revoke_api_key", NameArguments, int),
                ("GET", "audit", "audit", AuditArguments, "AuditEntries"),
            )
        ),
        Operation("GET", "/v1/models", "lab.versions", Nothing, list[Model]),
        Operation("GET", "/v1/models/version", "lab.version", ModelArguments, Model),
        Operation("POST", "/v1/models/add", "lab.add", AddModelArguments, Model),
        Operation("POST", "/v1/models/publish", "lab.publish", PublishArguments, Model),
        Operation("POST", "/v1/models/roll-back", "lab.roll_back", RollBackArguments, Model),
        Operation("POST", "/v1/models/retire", "lab.retire", RetireArguments, Model),
    )
}
