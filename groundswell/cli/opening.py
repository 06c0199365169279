"""Opening a project: by the server that holds it, or here where none does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.api.client import Client, find_server
from groundswell.engine import Project
from groundswell.errors import Problem, UsageError

if TYPE_CHECKING:
    from pathlib import Path


def open_project(folder: Path) -> Project | Client:
    """Return the project in `folder`; a running server is asked, and the user sees no difference.

    Raises:
        ConfigError: The configuration cannot be used.
        StoreError: A store cannot be opened.
    """
    return find_server(folder) or Project.open(folder)


def refuse_second_server(folder: Path) -> None:
    """See to it that no other server answers the commands of the project in `folder`.

    Raises:
        UsageError: One does.
    """
    other = find_server(folder)
    if other is not None and not other.address.intake_only:
        raise UsageError(
            Problem(
                code="server-running",
                what=f"A server of this project already runs at {other.address.url}.",
                fix="Stop it first. To take in more, give `serve --intake-only` a PostgreSQL "
                "ledger, or start a second server in a folder of its own.",
            )
        )
