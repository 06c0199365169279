"""From raw ids to people and accounts: which account every event counts for, and why."""

from groundswell.intake.explaining import explain_account, explain_user
from groundswell.intake.filing import Filing
from groundswell.intake.identity import resolve
from groundswell.intake.spans import OPEN

__all__ = ["OPEN", "Filing", "explain_account", "explain_user", "resolve"]
