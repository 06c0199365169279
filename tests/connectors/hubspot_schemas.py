"""What HubSpot's CRM API takes, as far as we use it, and what an account begins with."""

from __future__ import annotations

from typing import Any

TEXT = {"type": "string"}
ID = {"type": "string", "minLength": 1}
VALUES = {"type": "object", "additionalProperties": TEXT}


def _body(required: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": required,
        "additionalProperties": False,
        "properties": properties,
    }


def _inputs(most: int, item: dict[str, Any], **others: Any) -> dict[str, Any]:
    inputs = {"type": "array", "minItems": 1, "maxItems": most, "items": item}
    return _body(["inputs"], inputs=inputs, **others)


TYPES = {
    "type": "array",
    "minItems": 1,
    "items": _body(
        ["associationCategory", "associationTypeId"],
        associationCategory={"const": "HUBSPOT_DEFINED"},
        associationTypeId={"type": "integer"},
    ),
}
REF = _body(["id"], id=ID)
FILTER = _body(
    ["propertyName", "operator"],
    propertyName=TEXT,
    operator={"enum": ["EQ", "IN", "GT", "GTE", "LT", "LTE", "BETWEEN", "HAS_PROPERTY"]},
    value=TEXT,
    highValue=TEXT,
    values={"type": "array", "minItems": 1, "maxItems": 100, "items": TEXT},
)
PROPERTY = _body(
    ["name", "label", "type", "fieldType", "groupName"],
    name={"type": "string", "pattern": "^[a-z][a-z0-9_]*$"},
    label=ID,
    type={"enum": ["string", "number", "bool", "date", "datetime", "enumeration"]},
    fieldType={"enum": ["text", "textarea", "number", "booleancheckbox", "date", "select"]},
    groupName=ID,
    description=TEXT,
    hasUniqueValue={"type": "boolean"},
    options={
        "type": "array",
        "items": _body(
            ["label", "value", "hidden"],
            label=TEXT,
            value=TEXT,
            displayOrder={"type": "integer"},
            hidden={"type": "boolean"},
        ),
    },
)
SCHEMAS = {
    "token": _body(["tokenKey"], tokenKey=ID),
    "upsert": _inputs(
        100,
        _body(
            ["id", "idProperty", "properties"],
            id=ID,
            idProperty=ID,
            properties=VALUES,
            objectWriteTraceId=ID,
        ),
    ),
    "update": _inputs(
        100, _body(["id", "properties"], id=ID, properties=VALUES, objectWriteTraceId=ID)
    ),
    "create": _inputs(
        100,
        _body(
            ["properties", "associations"],
            properties=VALUES,
            objectWriteTraceId=ID,
            associations={"type": "array", "items": _body(["to", "types"], to=REF, types=TYPES)},
        ),
    ),
    "read": _inputs(
        100,
        REF,
        properties={"type": "array", "items": TEXT},
        propertiesWithHistory={"type": "array", "items": TEXT},
        idProperty=ID,
    ),
    "search": _body(
        [],
        filterGroups={
            "type": "array",
            "maxItems": 5,
            "items": _body(
                ["filters"],
                filters={"type": "array", "minItems": 1, "maxItems": 6, "items": FILTER},
            ),
        },
        sorts={
            "type": "array",
            "maxItems": 1,
            "items": _body(
                ["propertyName", "direction"],
                propertyName=TEXT,
                direction={"enum": ["ASCENDING", "DESCENDING"]},
            ),
        },
        properties={"type": "array", "items": TEXT},
        limit={"type": "integer", "minimum": 1, "maximum": 200},
        after=TEXT,
    ),
    "link": _inputs(2000, _body(["from", "to", "types"], **{"from": REF}, to=REF, types=TYPES)),
    "linked": _inputs(1000, _body(["id"], id=ID, after=TEXT)),
    "properties": _inputs(100, PROPERTY),
    "group": _body(["name", "label"], name=ID, label=ID, displayOrder={"type": "integer"}),
}

LINKS = {
    ("contacts", "companies"): {279, 1},
    ("deals", "companies"): {5, 341},
    ("tasks", "companies"): {192},
    ("tasks", "contacts"): {204},
    ("tasks", "deals"): {216},
    ("notes", "companies"): {190},
    ("calls", "companies"): {182},
    ("emails", "companies"): {186},
    ("meetings", "companies"): {188},
}
"""The associations that HubSpot defines, in the direction in which they are made here."""

SCOPED = ("companies", "contacts", "deals")
"""Kinds of record that have scopes of their own; the others go with contacts."""

_ENGAGEMENT = {"hs_timestamp": "datetime", "hubspot_owner_id": "owner"}
BUILT_IN = {
    "companies": {
        "name": "string",
        "domain": "string",
        "numberofemployees": "number",
        "country": "string",
        "hubspot_owner_id": "owner",
    },
    "contacts": {
        "email": "email",
        "firstname": "string",
        "lastname": "string",
        "jobtitle": "string",
    },
    "deals": {
        "dealname": "string",
        "amount": "number",
        "deal_currency_code": "currency",
        "pipeline": "string",
        "dealstage": "stage",
        "closedate": "datetime",
        "closed_lost_reason": "string",
        "hubspot_owner_id": "owner",
    },
    "tasks": {
        **_ENGAGEMENT,
        "hs_task_subject": "string",
        "hs_task_body": "string",
        "hs_task_status": "string",
        "hs_task_type": "string",
        "hs_task_priority": "string",
        "hs_task_completion_date": "datetime",
    },
    "notes": {**_ENGAGEMENT, "hs_note_body": "string"},
    "calls": {**_ENGAGEMENT, "hs_call_title": "string"},
    "emails": {**_ENGAGEMENT, "hs_email_direction": "string"},
    "meetings": {**_ENGAGEMENT, "hs_meeting_outcome": "string"},
}
"""The properties that an account begins with, and what they hold."""

REQUIRED = {
    "deals": {"dealname", "dealstage"},
    "tasks": {"hs_timestamp"},
    "notes": {"hs_timestamp"},
}
READ_ONLY = {"hs_object_id": "number", "createdate": "datetime", "hs_lastmodifieddate": "datetime"}

PIPELINES = [
    {
        "id": "default",
        "label": "Sales Pipeline",
        "displayOrder": 0,
        "stages": [
            {
                "id": id_,
                "label": label,
                "displayOrder": place,
                "metadata": {"isClosed": closed, "probability": probability},
            }
            for place, (id_, label, closed, probability) in enumerate(
                [
                    ("appointmentscheduled", "Appointment Scheduled", "false", "0.2"),
                    ("contractsent", "Contract Sent", "false", "0.9"),
                    ("closedwon", "Closed Won", "true", "1.0"),
                    ("closedlost", "Closed Lost", "true", "0.0"),
                ]
            )
        ],
    },
    {
        "id": "77",
        "label": "Self-serve",
        "displayOrder": 1,
        "stages": [
            {
                "id": "7701",
                "label": "Raised",
                "displayOrder": 0,
                "metadata": {"isClosed": "false", "probability": "0.3"},
            }
        ],
    },
]
