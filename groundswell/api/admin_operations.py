"""What a server does for admins; see `operations`."""

from __future__ import annotations

from typing import Annotated

import msgspec

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Address = Annotated[str, msgspec.Meta(min_length=3, max_length=320)]
Password = Annotated[str, msgspec.Meta(max_length=1_000)]


class CreateWriteKeyArguments(msgspec.Struct):
    """Of `administration.create_write_key`."""

    name: Name
    wire: Name


class NameArguments(msgspec.Struct):
    """Of what is done to a key by its name."""

    name: Name


class AddColleagueArguments(msgspec.Struct):
    """Of `administration.add_colleague`."""

    email: Address
    role: Name
    name: Annotated[str, msgspec.Meta(max_length=200)] = ""
    password: Password | None = None


class ChangeRoleArguments(msgspec.Struct):
    """Of `administration.change_role`."""

    email: Address
    role: Name


class ColleagueArguments(msgspec.Struct):
    """Of what is done to a colleague."""

    email: Address


class CreateApiKeyArguments(msgspec.Struct):
    """Of `administration.create_api_key`."""

    name: Name
    scope: Name


class AuditArguments(msgspec.Struct):
    """Of `administration.audit`."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 200
    who: Annotated[str, msgspec.Meta(max_length=320)] | None = None
