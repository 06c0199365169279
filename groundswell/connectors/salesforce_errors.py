"""What Salesforce says when it does not take something, and what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from simple_salesforce.exceptions import SalesforceAuthenticationFailed

from groundswell.connectors.budget import DestinationError
from groundswell.connectors.deliveries import Outcome
from groundswell.connectors.http import FORBIDDEN, UNAUTHORIZED
from groundswell.errors import Problem

if TYPE_CHECKING:
    from simple_salesforce.exceptions import SalesforceError

    from groundswell.clock import Clock
    from groundswell.connectors.deliveries import Delivery

BUSY_SECONDS = 900.0
"""How long an organisation is left alone that has too much to do."""

_SERVER_ERROR = 500
_CODE = re.compile(r"[A-Za-z_]{1,60}")
_LONGEST = 300
_LIMIT = "REQUEST_LIMIT_EXCEEDED"
_OVERLOADED = frozenset({_LIMIT, "SERVER_UNAVAILABLE", "QUERY_TIMEOUT"})

_AGAIN = "then `groundswell deliveries retry` it."
_FIXES = {
    "REQUIRED_FIELD_MISSING": f"Give the field a default value in Salesforce, {_AGAIN}",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "A validation rule of yours refuses it: exempt the user "
    f"that Groundswell logs in as, {_AGAIN}",
    "INVALID_FIELD": "Create the field, or let the user see and edit it: `groundswell "
    f"destinations test` names what is missing; {_AGAIN}",
    "INVALID_FIELD_FOR_INSERT_UPDATE": "Let the user edit the field: field-level security or a "
    f"formula forbids it; {_AGAIN}",
    "INSUFFICIENT_ACCESS_OR_READONLY": f"Let the user edit this record, {_AGAIN}",
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": "Let the user edit what the record hangs on, "
    f"{_AGAIN}",
    "ENTITY_IS_LOCKED": f"An approval holds the record: approve or recall it, {_AGAIN}",
    "DUPLICATES_DETECTED": "A duplicate rule refuses it: merge the records, or let the rule allow "
    f"what the API creates; {_AGAIN}",
    "STRING_TOO_LONG": f"Make the field longer, {_AGAIN}",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": f"Add the value to the picklist, {_AGAIN}",
    "OPERATION_WITH_INACTIVE_OWNER": f"Give the record to a user who is active, {_AGAIN}",
    "INACTIVE_OWNER_OR_USER": f"Give the record to a user who is active, {_AGAIN}",
    "STORAGE_LIMIT_EXCEEDED": f"The organisation is full: free data storage, {_AGAIN}",
}
_OTHERWISE = f"Mend it in Salesforce, {_AGAIN}"

# What another moment changes: a row that somebody else was writing, a lead that was converted or
# a record that was created since we looked.
_PASSING = {
    "UNABLE_TO_LOCK_ROW": 30.0,
    "CANNOT_UPDATE_CONVERTED_LEAD": 1.0,
    "DUPLICATE_VALUE": 30.0,
    "ENTITY_IS_DELETED": 30.0,
    "SERVER_UNAVAILABLE": BUSY_SECONDS,
    _LIMIT: BUSY_SECONDS,
}
OWNER_CODES = frozenset({"OPERATION_WITH_INACTIVE_OWNER", "INACTIVE_OWNER_OR_USER"})


@dataclass(frozen=True, slots=True)
class Fault:
    """Why one record was not taken.

    Attributes:
        code: Salesforce's, such as `REQUIRED_FIELD_MISSING`; empty for a reason of our own.
        message: What it says beside.
        fix: How to mend it; by the code where it is not told.
    """

    code: str
    message: str
    fix: str = ""

    def outcome(self, delivery: Delivery) -> Outcome:
        """Return what became of a delivery whose record it was."""
        if not self.code:
            return Outcome.refused(delivery, f"{self.message}.", self.fix)
        reason = f"Salesforce: {_clipped(self.message)} ({self.code})"
        if self.code in _PASSING:
            return Outcome.later(delivery, reason, after=_PASSING[self.code])
        return Outcome.refused(delivery, reason, self.fix or _FIXES.get(self.code, _OTHERWISE))


def fault_of(errors: Any) -> Fault:
    """Return the first of the errors that Salesforce tells of one record."""
    first: dict[str, Any] = errors[0] if errors else {}
    code = first.get("statusCode") or first.get("errorCode") or "UNKNOWN_EXCEPTION"
    fields = cast("list[str]", first.get("fields") or [])
    message = str(first.get("message") or "it does not say why")
    named = [field for field in fields if field not in message]
    return Fault(str(code), f"{message} {named}" if named else message)


def whole_error(error: SalesforceError, name: str, clock: Clock) -> DestinationError:
    """Return the error for an answer that says nothing of one record, but of the whole request.

    Args:
        error: What simple-salesforce raised; its address and body are shown only in parts.
        name: Of the destination.
        clock: Tells when the day's requests are renewed.
    """
    if isinstance(error, SalesforceAuthenticationFailed):
        return _not_let_in(error, name)
    code, message = _told(error.content)
    if code == _LIMIT:
        return _limit_reached(message, name, clock)
    if error.status >= _SERVER_ERROR or code in _OVERLOADED:
        return _busy(name, f"answered {error.status}")
    if error.status == UNAUTHORIZED:
        what = f"The session of `{name}` is over, or its token is not good (401)."
        fix = "Nothing is lost. Renew the credentials; a `client_id` renews its token by itself."
        return DestinationError(Problem("destination-refused", what, fix))
    if error.status == FORBIDDEN:
        what = f"`{name}` does not let us do this: {_clipped(message)} ({code})."
        fix = "Nothing is lost. Give the user the permission `API Enabled` and access to the "
        fix += f"objects that `groundswell destinations test {name}` names."
        return DestinationError(Problem("destination-refused", what, fix))
    what = f"`{name}` does not take what we ask: {_clipped(message)} ({code})."
    fix = f"Nothing is lost. `groundswell destinations test {name}` names the fields that it lacks."
    return DestinationError(Problem("destination-refused", what, fix))


def broken(name: str, word: str) -> DestinationError:
    """Return the error for an answer that Salesforce does not give."""
    what = f"What answers as `{name}` is not Salesforce ({word})."
    fix = "Check `login_url`, `domain` and `instance_url`, and any proxy on the way."
    return DestinationError(Problem("destination-refused", what, fix))


def bulk_failed(name: str, message: str) -> DestinationError:
    """Return the error for a job of the Bulk API that came to nothing."""
    what = f"The bulk job of `{name}` failed: {_clipped(message)}."
    fix = "Nothing is lost: what it wrote is written again without harm."
    return DestinationError(Problem("destination-bulk", what, fix))


def _not_let_in(error: SalesforceAuthenticationFailed, name: str) -> DestinationError:
    code = str(error.code or "").removeprefix("sf:")
    if code == _LIMIT or (code.isdigit() and int(code) >= _SERVER_ERROR) or code in _OVERLOADED:
        return _busy(name, "takes no login now")
    shown = code if _CODE.fullmatch(code) else "login failed"
    return DestinationError(
        Problem(
            "destination-refused",
            f"`{name}` does not let us in ({shown}).",
            "Nothing is lost. Check the credentials, and that the user or the app may log in from "
            "this address.",
        )
    )


def _limit_reached(message: str, name: str, clock: Clock) -> DestinationError:
    """Return the error for a limit: of the day until it ends, of what runs at once for a while."""
    now = clock.now()
    midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC)
    day = "concurrent" not in message.lower()
    after = (midnight - now).total_seconds() if day else BUSY_SECONDS
    return DestinationError(
        Problem(
            "destination-budget",
            f"`{name}` takes no more requests: {_clipped(message)}.",
            "Nothing is lost: it is tried again. All that uses the organisation's API shares the "
            "limit; Setup > Company Information shows it.",
        ),
        after=after,
    )


def _busy(name: str, said: str) -> DestinationError:
    fix = "Nothing is lost: it is tried again in a quarter of an hour."
    return DestinationError(
        Problem("destination-busy", f"`{name}` {said}.", fix), after=BUSY_SECONDS
    )


def _told(content: Any) -> tuple[str, str]:
    """Return the code and the message of an answer; a page of HTML says neither."""
    first: Any = cast("list[Any]", content)[0] if isinstance(content, list) and content else content
    if not isinstance(first, dict):
        return "UNKNOWN_EXCEPTION", "it does not say why"
    told = cast("dict[str, Any]", first)
    code = str(told.get("errorCode") or told.get("error") or "")
    code = code if _CODE.fullmatch(code) else "UNKNOWN_EXCEPTION"
    return code, str(told.get("message") or "it does not say why")


def _clipped(text: str) -> str:
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
