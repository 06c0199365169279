"""Opening a project: by the server that holds it, or here where none does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.api.client import Client, find_server
from groundswell.engine import Project

if TYPE_CHECKING:
    from pathlib import Path


def open_project(folder: Path) -> Project | Client:
    """Return the project in `folder`; a running server is asked, and the user sees no difference.

    Raises:
        ConfigError: The configuration cannot be used.
        StoreError: A store cannot be opened.
    """
    return find_server(folder) or Project.open(folder)
