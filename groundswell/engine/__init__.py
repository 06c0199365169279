"""The only place where stages meet: a project is opened, loaded, computed and asked."""

from groundswell.engine.project import CONFIG_FILE, STATE_FOLDER, Project
from groundswell.engine.reports import (
    AccountRow,
    Check,
    Explanation,
    LoadReport,
    Notice,
    RunReport,
    StoredReject,
)

__all__ = [
    "CONFIG_FILE",
    "STATE_FOLDER",
    "AccountRow",
    "Check",
    "Explanation",
    "LoadReport",
    "Notice",
    "Project",
    "RunReport",
    "StoredReject",
]
