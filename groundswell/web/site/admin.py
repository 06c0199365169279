"""Administration: who signs in, keys of programs, and what was done."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundswell.engine.colleagues import Role, Scope
from groundswell.web.site.visit import Answer, Moved, Shown

if TYPE_CHECKING:
    from groundswell.store.colleagues import ApiKey, AuditEntry, Colleague
    from groundswell.web.site.visit import Visit

AUDIT_SHOWN = 200


@dataclass(frozen=True, slots=True)
class AdminPage:
    """Who signs in, keys of programs, and what was done.

    Attributes:
        colleagues: Everybody, those who may not sign in too.
        keys: API keys, the good ones first.
        audit: What was done, the latest first.
        roles, scopes: What there is to choose from.
        shown_once: A password or a key, on the one occasion that it is shown, and whose it is.
    """

    colleagues: tuple[Colleague, ...]
    keys: tuple[ApiKey, ...]
    audit: tuple[AuditEntry, ...]
    roles: tuple[str, ...] = tuple(Role)
    scopes: tuple[str, ...] = tuple(Scope)
    shown_once: tuple[str, str] | None = None


def show_admin(visit: Visit, shown_once: tuple[str, str] | None = None) -> Answer:
    """Show who signs in, keys of programs, and what was done."""
    colleagues = visit.site.colleagues
    keys = sorted(colleagues.api_keys(), key=lambda key: key.revoked_at is not None)
    page = AdminPage(
        tuple(colleagues.list()),
        tuple(keys),
        tuple(colleagues.audit(limit=AUDIT_SHOWN)),
        shown_once=shown_once,
    )
    return Shown("admin.html", page, "Administration")


def add_colleague(visit: Visit) -> Answer:
    """Let somebody sign in; their first password is shown once.

    Raises:
        UsageError: The address is none or taken, or there is no such role.
    """
    password = secrets.token_urlsafe(12)
    added = visit.site.colleagues.add(
        visit.form.get("email", ""),
        role=visit.form.get("role", ""),
        name=visit.form.get("name", "").strip()[:200],
        password=password,
        by=visit.who.email,
    )
    return show_admin(visit, (f"First password of {added.email}", password))


def change_colleague(visit: Visit) -> Answer:
    """Give somebody another role, or let them sign in or not.

    Raises:
        UsageError: Nobody has this address, or no admin would be left.
    """
    colleagues, email = visit.site.colleagues, visit.form.get("email", "")
    match visit.form.get("change", ""):
        case "role":
            colleagues.change_role(email, visit.form.get("role", ""), by=visit.who.email)
        case "disable":
            colleagues.disable(email, by=visit.who.email)
        case "enable":
            colleagues.enable(email, by=visit.who.email)
        case "password":
            password = secrets.token_urlsafe(12)
            colleagues.change_password(email, password, by=visit.who.email)
            return show_admin(visit, (f"New password of {email}", password))
        case _:
            pass
    return Moved("/admin")


def create_api_key(visit: Visit) -> Answer:
    """Make an API key; it is shown once.

    Raises:
        UsageError: There is no such scope, or a good key has this name.
    """
    made = visit.site.colleagues.create_api_key(
        visit.form.get("name", "").strip()[:100],
        scope=visit.form.get("scope", ""),
        by=visit.who.email,
    )
    return show_admin(visit, (f"API key {made.name}", made.key))


def revoke_api_key(visit: Visit) -> Answer:
    """Let an API key open nothing any more.

    Raises:
        UsageError: There is no good key of this name.
    """
    visit.site.colleagues.revoke_api_key(visit.form.get("name", ""), by=visit.who.email)
    return Moved("/admin")
