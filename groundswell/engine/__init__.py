"""The only place where stages meet: a project is opened, loaded, computed and asked."""

from groundswell.engine.project import CONFIG_FILE, STATE_FOLDER, Project
from groundswell.engine.reports import (
    AccountRow,
    Explanation,
    LoadReport,
    RunReport,
    StoredReject,
)

__all__ = [
    "CONFIG_FILE",
    "STATE_FOLDER",
    "AccountRow",
    "Explanation",
    "LoadReport",
    "Project",
    "RunReport",
    "StoredReject",
]
