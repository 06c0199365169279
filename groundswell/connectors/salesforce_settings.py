"""What a block of `destinations:` says of Salesforce, and what cannot be right in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Literal

import msgspec

from groundswell.connectors.deliveries import ACCOUNT_FIELDS
from groundswell.connectors.settings import Settings, unusable
from groundswell.errors import did_you_mean

if TYPE_CHECKING:
    from groundswell.errors import ConfigError

_API_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
_VERSION = re.compile(r"\d{2,3}\.0")
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_WAYS = (
    ("client_id", "client_secret"),
    ("instance_url", "access_token"),
    ("username", "password", "security_token"),
)


class SalesforceSettings(Settings, frozen=True):
    """How to reach an organisation of Salesforce, and what its fields are called.

    Attributes:
        client_id: Consumer key of an app that may use the client credentials flow.
        client_secret: Its secret.
        instance_url: Of the organisation, for a token that something else renews.
        access_token: That token.
        username: For the older login by SOAP.
        password: With it.
        security_token: With it.
        login_url: Where to log in; made of `domain` when it is not told.
        domain: `login`, `test` for a sandbox, or a domain of your own such as `acme.my`.
        version: Of the API.
        match: What an account of ours is there: an account, or a lead until it is converted.
        fields: Name of a value of ours to the API name of their field; "" leaves it out.
        external_id: Field of Account (and Lead) that holds our account id.
        key_field: Field of the other objects that holds the key of a delivery.
        do_not_contact: Checkbox of Account; without it, people who opted out of e-mail decide.
        stage: Of an opportunity that we make.
        close_in_days: After which an opportunity that we make is expected to close.
    """

    secrets: ClassVar[frozenset[str]] = frozenset(
        {"password", "security_token", "access_token", "client_secret"}
    )

    client_id: str | None = None
    client_secret: str | None = None
    instance_url: str | None = None
    access_token: str | None = None
    username: str | None = None
    password: str | None = None
    security_token: str | None = None
    login_url: str | None = None
    domain: str = "login"
    version: str = "64.0"
    match: Literal["account", "lead"] = "account"
    fields: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    external_id: str = "Groundswell_Account_Id__c"
    key_field: str = "Groundswell_Key__c"
    do_not_contact: str = "Do_Not_Contact__c"
    stage: str = "Prospecting"
    close_in_days: int = 90

    @property
    def renews(self) -> bool:
        """Whether we can log in anew when a session is over."""
        return self.access_token is None

    @property
    def target(self) -> str:
        """The object that an account of ours is there."""
        return "Lead" if self.match == "lead" else "Account"


def field_names(settings: SalesforceSettings) -> dict[str, str]:
    """Return the field of each value of ours that has one.

    >>> field_names(SalesforceSettings(fields={"score": "PQL__c", "tier": ""}))["score"]
    'PQL__c'
    >>> field_names(SalesforceSettings())["usage_score"]
    'Groundswell_Usage_Score__c'
    """
    usual = {name: f"Groundswell_{name.title()}__c" for name in ACCOUNT_FIELDS}
    return {name: field for name, field in {**usual, **settings.fields}.items() if field}


def verify_settings(settings: SalesforceSettings, name: str) -> None:
    """Refuse settings that cannot lead anywhere.

    Field names go into queries as they are, so what is no API name is refused here.

    Args:
        settings: With secrets filled in.
        name: Of the destination.

    Raises:
        ConfigError: At the first setting that is wrong.
    """
    _verify_credentials(settings, name)
    for key in ("login_url", "instance_url"):
        url = getattr(settings, key)
        if url is not None and not url.startswith("https://"):
            fix = "Write it as https://acme.my.salesforce.com."
            raise unusable(name, key, f"`{key}` does not begin with https://.", fix)
    if not _VERSION.fullmatch(settings.version):
        raise unusable(name, "version", "`version` is no version of the API.", "Write 64.0.")
    if not _DOMAIN.fullmatch(settings.domain):
        raise unusable(name, "domain", "`domain` is no domain.", "Write login, test or acme.my.")
    if settings.close_in_days < 0:
        raise unusable(name, "close_in_days", "`close_in_days` is below zero.", "Write 90.")
    for value in settings.fields:
        if value not in ACCOUNT_FIELDS:
            fix = did_you_mean(value, ACCOUNT_FIELDS)
            raise unusable(name, f"fields.{value}", f"There is no value `{value}`.", fix)
    named = {f"fields.{value}": field for value, field in settings.fields.items() if field}
    for key in ("external_id", "key_field", "do_not_contact"):
        named[key] = getattr(settings, key)
    for key, field in named.items():
        if not _API_NAME.fullmatch(field):
            fix = "Write the API name, such as Groundswell_Score__c."
            raise unusable(name, key, f"`{key}` does not name a field.", fix)


def _verify_credentials(settings: SalesforceSettings, name: str) -> None:
    told = [way for way in _WAYS if any(getattr(settings, key) for key in way)]
    if len(told) != 1:
        found = "several ways are" if told else "no way is"
        raise _credentials(name, f"Salesforce is logged in to in one way; {found} told.")
    missing = [key for key in told[0] if not getattr(settings, key)]
    if missing:
        raise _credentials(name, f"What is missing to log in is `{'`, `'.join(missing)}`.")
    own = settings.login_url is not None or settings.domain not in {"login", "test"}
    if settings.client_id is not None and not own:
        raise unusable(
            name,
            "login_url",
            "An app logs in at the organisation's own address, which is not told.",
            "Set `login_url: https://acme.my.salesforce.com`, as Setup > My Domain shows it.",
        )


def _credentials(name: str, what: str) -> ConfigError:
    ways = ", or ".join(" and ".join(f"`{key}`" for key in way) for way in _WAYS)
    return unusable(name, "client_id", what, f"Set {ways}; secrets as `${{NAME}}`.")
