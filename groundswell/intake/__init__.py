"""From raw ids to people and accounts: which account every event counts for, and why."""

from groundswell.intake.belonging import BELONGING, belonging
from groundswell.intake.explaining import explain_account, explain_user
from groundswell.intake.filing import Filing
from groundswell.intake.identity import resolve
from groundswell.intake.people import ANONYMOUS_PREFIX
from groundswell.intake.spans import OPEN

__all__ = [
    "ANONYMOUS_PREFIX",
    "BELONGING",
    "OPEN",
    "Filing",
    "belonging",
    "explain_account",
    "explain_user",
    "resolve",
]
