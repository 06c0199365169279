"""A page's place: its path, who may ask for it, and what of theirs it is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from groundswell.engine.colleagues import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from groundswell.web.site.visit import Answer, Visit

EVERYBODY = frozenset(Role)
ACTING = frozenset({Role.REP, Role.MANAGER, Role.ADMIN})
LEADING = frozenset({Role.MANAGER, Role.ANALYST, Role.ADMIN})
READING_ALL = frozenset({Role.ANALYST, Role.ADMIN})
ADMINS = frozenset({Role.ADMIN})


@dataclass(frozen=True, slots=True)
class SiteRoute:
    """A page, or something done on one.

    Attributes:
        method: Of HTTP; what changes something is a POST.
        path: Its path; names in braces vary.
        name: What it is called, in the audit log too.
        roles: Who may ask for it.
        handle: Makes the answer.
        about: What `{account}` or `{handoff}` in the path names: it must be in sight.
        computes: Whether it computes with the project, which one at a time does.
    """

    method: Literal["GET", "POST"]
    path: str
    name: str
    roles: frozenset[Role]
    handle: Callable[[Visit], Answer]
    about: Literal["account", "handoff"] | None = None
    computes: bool = False
