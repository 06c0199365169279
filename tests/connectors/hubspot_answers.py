"""How HubSpot answers, and how it compares and writes values."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from .hubspot_schemas import READ_ONLY

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Iterable

Row = dict[str, Any]


class WrongError(Exception):
    """An answer that is no success."""

    def __init__(
        self, status: int, category: str, message: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.body = {
            "status": "error",
            "category": category,
            "message": message,
            "correlationId": "0-0",
        }


def answer_of(results: list[Row], errors: list[Row]) -> tuple[int, Row]:
    answer: Row = {"status": "COMPLETE", "results": results}
    return (
        (207, {**answer, "numErrors": len(errors), "errors": errors}) if errors else (200, answer)
    )


def shown_of(row: Row, properties: Iterable[str], history: Iterable[str]) -> Row:
    named = [*properties, *READ_ONLY]
    shown: Row = {
        "id": row["id"],
        "properties": {name: row["properties"].get(name) for name in named},
        "archived": False,
    }
    if history:
        shown["propertiesWithHistory"] = {name: row["history"].get(name, []) for name in history}
    return shown


def holds(row: Row, one: Row) -> bool:
    value = row["properties"].get(one["propertyName"]) or ""
    match one["operator"]:
        case "HAS_PROPERTY":
            return value != ""
        case "EQ":
            return value == one["value"]
        case "IN":
            return value.lower() in one["values"]
        case "GT":
            return value != "" and comparable(value) > comparable(one["value"])
        case "BETWEEN":
            low, high = comparable(one["value"]), comparable(one["highValue"])
            return value != "" and low <= comparable(value) <= high
    raise AssertionError(f"the double does not know {one['operator']}")


def comparable(value: str) -> float:
    if is_number(value):
        return float(value)
    return datetime.fromisoformat(value).timestamp() * 1000 if value else 0.0


def is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def is_moment(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return value.isdigit()
    return True


def written(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def forget(moments: deque[datetime], before: datetime) -> None:
    while moments and moments[0] <= before:
        moments.popleft()


def lacking(scopes: Iterable[str]) -> WrongError:
    message = (
        "This app hasn't been granted all required scopes to make this call. Read more about "
        "required scopes here: https://developers.hubspot.com/scopes."
    )
    wrong = WrongError(403, "MISSING_SCOPES", message)
    said = "One or more of the following scopes are required."
    told = {"message": said, "context": {"requiredGranularScopes": list(scopes)}}
    wrong.body |= {
        "errors": [told],
        "links": {"scopes": "https://developers.hubspot.com/scopes"},
    }
    return wrong


def limited(policy: str, message: str, after: int | None) -> WrongError:
    headers = {} if after is None else {"Retry-After": str(after)}
    wrong = WrongError(429, "RATE_LIMITS", message, headers)
    wrong.body |= {"errorType": "RATE_LIMIT", "policyName": policy}
    return wrong
