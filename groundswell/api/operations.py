"""What a server does for those who ask it, one row each: shared by the server and its client.

An operation is a method of `Project`, its arguments a struct. GET takes them from the query, POST
from a JSON body; the answer is the method's result as JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from groundswell.engine import AccountRow, Explanation, LoadReport, RunReport, StoredReject
from groundswell.engine.reports import SourceState
from groundswell.model import Link
from groundswell.store.ledger import JournalEntry

AUTH_HEADER = "authorization"
HERE = "/v1/here"
"""Answers at once whether the server is there and knows the token, whatever it is doing."""

SERVER_FILE = "server.json"
"""In the project's state folder: where its server listens, and the token that it asks for."""


class Nothing(msgspec.Struct):
    """No arguments."""


class RunArguments(msgspec.Struct):
    """Of `run`."""

    as_of: date | None = None


class AccountsArguments(msgspec.Struct):
    """Of `accounts`."""

    qualified: bool = False
    limit: int | None = None


class ExplainArguments(msgspec.Struct):
    """Of `explain`."""

    account: str
    as_of: date | None = None
    user: str | None = None


class FeaturesArguments(msgspec.Struct):
    """Of `write_features`; the server writes the file."""

    path: str
    as_of: date | None = None
    weeks: int = 1
    accounts: list[str] | None = None
    as_known: bool = False


class JournalArguments(msgspec.Struct):
    """Of `journal`."""

    account: str | None = None
    kind: str | None = None
    limit: int | None = None


class RejectsArguments(msgspec.Struct):
    """Of `rejects`."""

    source: str | None = None
    limit: int | None = None


class RejectArguments(msgspec.Struct):
    """Of `reject`."""

    reject_id: str


class ReplayArguments(msgspec.Struct):
    """Of `replay`; files by their absolute path."""

    source: str | None = None
    mapping: str | None = None
    maps: dict[str, str] | None = None
    format: str | None = None


class LoadArguments(ReplayArguments):
    """Of `load`; files by their absolute path."""

    kind: str = ""
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
class Operation:
    """One endpoint.

    Attributes:
        method: `GET` for what only reads, else `POST`.
        path: Where it is.
        name: The method of `Project`.
        arguments: Its keyword arguments.
        result: What it returns.
    """

    method: str
    path: str
    name: str
    arguments: type[msgspec.Struct]
    result: Any


OPERATIONS = {
    operation.name: operation
    for operation in (
        Operation("POST", "/v1/run", "run", RunArguments, RunReport),
        Operation("GET", "/v1/accounts", "accounts", AccountsArguments, list[AccountRow]),
        Operation("GET", "/v1/explanation", "explain", ExplainArguments, Explanation),
        Operation("POST", "/v1/features", "write_features", FeaturesArguments, int),
        Operation("GET", "/v1/journal", "journal", JournalArguments, list[JournalEntry]),
        Operation("GET", "/v1/quarantine", "rejects", RejectsArguments, list[StoredReject]),
        Operation("GET", "/v1/quarantine/row", "reject", RejectArguments, StoredReject),
        Operation("POST", "/v1/quarantine/replay", "replay", ReplayArguments, list[LoadReport]),
        Operation("POST", "/v1/load", "load", LoadArguments, list[LoadReport]),
        Operation("POST", "/v1/merge", "merge", MergeArguments, None),
        Operation("POST", "/v1/unmerge", "unmerge", UnmergeArguments, None),
        Operation("GET", "/v1/links", "links", LinksArguments, list[Link]),
        Operation("GET", "/v1/sources", "sources", Nothing, list[SourceState]),
    )
}
