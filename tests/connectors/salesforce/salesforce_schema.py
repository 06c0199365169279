"""What the organisation of the tests holds: users, secrets and the fields of its objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groundswell.connectors.deliveries import ACCOUNT_FIELDS

if TYPE_CHECKING:
    from .salesforce_soql import Row

USER, PASSWORD, SECURITY_TOKEN = "sync@ours.example", "pass&word", "sectoken1"
CLIENT, SECRET = "consumer-key", "consumer-secret"
US, ANN = "005000000000001AAA", "005000000000002AAA"
EXTERNAL, KEY = "Groundswell_Account_Id__c", "Groundswell_Key__c"
VERSION = "64.0"
MOST_RECORDS, LONGEST_ADDRESS = 200, 16_384

_VALUES = {
    "number": ("double", 0),
    "text": ("string", 255),
    "long_text": ("textarea", 32_768),
    "flag": ("boolean", 0),
    "day": ("date", 0),
}


def of(kind: str, length: int = 255, **more: Any) -> Row:
    """Return the description of a field."""
    usual = {"createable": True, "updateable": True, "externalId": False, "required": False}
    filterable = not (kind == "textarea" and length > 255)
    return {"type": kind, "length": length, "filterable": filterable, **usual, **more}


def to(sobject: str, name: str, **more: Any) -> Row:
    return of("reference", 18, refersTo=sobject, relationshipName=name, **more)


def made(kind: str, **more: Any) -> Row:
    """A field that Salesforce fills in."""
    return of(kind, createable=False, updateable=False, **more)


def _values() -> dict[str, Row]:
    return {
        f"Groundswell_{name.title()}__c": of(*_VALUES[value.kind])
        for name, value in ACCOUNT_FIELDS.items()
    }


def schema() -> dict[str, dict[str, Row]]:
    stamps = {
        "Id": made("string", length=18),
        "CreatedDate": made("datetime"),
        "SystemModstamp": made("datetime"),
    }
    owner = {"OwnerId": to("User", "Owner")}
    key = {KEY: of("string", externalId=True)}
    ours = {EXTERNAL: of("string", externalId=True)}
    named = {
        "Website": of("string"),
        "NumberOfEmployees": of("int"),
    }
    who = {
        "FirstName": of("string", 40),
        "LastName": of("string", 80, required=True),
        "Email": of("string", 80),
        "Title": of("string", 128),
        "Description": of("textarea", 32_000),
    }
    activity = {
        "Subject": of("string"),
        "Description": of("textarea", 32_000),
        "AccountId": made("reference", refersTo="Account", relationshipName="Account"),
    }
    return {
        "Account": {
            **stamps,
            **owner,
            **ours,
            **named,
            "Name": of("string", required=True),
            **_values(),
        },
        "Lead": {
            **stamps,
            **owner,
            **ours,
            **key,
            **named,
            **who,
            "Company": of("string", required=True),
            "LeadSource": of("picklist"),
            "IsConverted": made("boolean"),
            "ConvertedAccountId": made("reference", refersTo="Account", relationshipName="CA"),
            "ConvertedContactId": made("reference", refersTo="Contact", relationshipName="CC"),
            **_values(),
        },
        "Contact": {
            **stamps,
            **owner,
            **key,
            **who,
            "AccountId": to("Account", "Account"),
            "HasOptedOutOfEmail": of("boolean"),
            **_values(),
        },
        "Opportunity": {
            **stamps,
            **owner,
            **key,
            "Name": of("string", 120, required=True),
            "AccountId": to("Account", "Account"),
            "StageName": of("picklist", required=True),
            "CloseDate": of("date", required=True),
            "Amount": of("double"),
            "LeadSource": of("picklist"),
            "Description": of("textarea", 32_000),
            "IsClosed": made("boolean"),
            "IsWon": made("boolean"),
        },
        "OpportunityHistory": {
            **stamps,
            "OpportunityId": to("Opportunity", "Opportunity"),
            "StageName": of("string"),
            "Amount": of("double"),
        },
        "OpportunityStage": {
            "ApiName": of("string"),
            "IsClosed": of("boolean"),
            "IsWon": of("boolean"),
        },
        "Task": {
            **stamps,
            **owner,
            **activity,
            KEY: of("string"),
            "WhatId": to("Account", "What"),
            "WhoId": to("Contact", "Who"),
            "ActivityDate": of("date"),
            "Priority": of("picklist"),
            "Status": of("picklist"),
            "TaskSubtype": of("picklist"),
            "IsClosed": made("boolean"),
            "CompletedDateTime": made("datetime"),
        },
        "Event": {
            **stamps,
            **owner,
            **activity,
            "EndDateTime": of("datetime"),
            "IsChild": made("boolean"),
        },
        "User": {
            "Id": made("string"),
            "Email": of("string"),
            "IsActive": of("boolean"),
        },
    }
