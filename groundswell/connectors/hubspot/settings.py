"""What `groundswell.yaml` says of a HubSpot account."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from groundswell.connectors.settings import Settings, unusable

if TYPE_CHECKING:
    from groundswell.connectors.destination import Context

_VERSION = re.compile(r"v3|\d{4}-\d{2}")
_GROUP = re.compile(r"[a-z][a-z0-9_]{0,99}")
_LOCAL = ("127.0.0.1", "::1", "localhost")


class HubSpotSettings(Settings, frozen=True):
    """Which account, and where in it deals are made.

    Attributes:
        token: Access token of a private app.
        url: Of HubSpot's API.
        version: Of the API: `v3`, or a date such as `2026-03`.
        deal_pipeline: Id or label of the pipeline that deals are made in; the first one, if none.
        deal_stage: Id or label of the stage that they begin in; the pipeline's first, if none.
        property_group: Name of the group that our properties are shown in.
    """

    secrets: ClassVar[frozenset[str]] = frozenset({"token"})

    token: str
    url: str = "https://api.hubapi.com"
    version: str = "v3"
    deal_pipeline: str | None = None
    deal_stage: str | None = None
    property_group: str = "groundswell"


def check_settings(settings: HubSpotSettings, context: Context) -> None:
    """Refuse settings that lead nowhere.

    Raises:
        ConfigError: One of them cannot be used.
    """
    if not settings.token.strip().isascii() or not settings.token.strip():
        raise unusable(
            context.name,
            "token",
            "The token is empty, or holds letters that no token has.",
            "Set it as `${NAME}` of an environment variable that holds a private app's token.",
        )
    parts = urlsplit(settings.url)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)
    if not secure or not parts.hostname:
        raise unusable(
            context.name,
            "url",
            "The address does not begin with https://, so the token would not be safe.",
            "Leave `url` out: HubSpot's own address is meant then.",
        )
    if _VERSION.fullmatch(settings.version) is None:
        raise unusable(
            context.name,
            "version",
            f"There is no version `{settings.version}` of HubSpot's API.",
            "Write `v3`, or a date such as `2026-03`.",
        )
    if _GROUP.fullmatch(settings.property_group) is None:
        raise unusable(
            context.name,
            "property_group",
            f"`{settings.property_group}` is no name of a property group.",
            "Use small letters, digits and `_`, such as `groundswell`.",
        )
