"""Signing in: who of our own company may, how they prove it, and what is written down of it.

A secret is never kept: of a password there is an Argon2 hash, of a session and an API key the
digest. Whoever fails too often has to wait, by what the audit log says of the last minutes: a
restart or a second server forgets nothing.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from groundswell.errors import Problem, UsageError, did_you_mean
from groundswell.store.colleagues import REFUSED, ApiKey, AuditEntry, Colleague, Session
from groundswell.store.inbox import digest_key

if TYPE_CHECKING:
    from groundswell.clock import Clock
    from groundswell.store.ledger import Ledger


class Role(StrEnum):
    """What a colleague may see and do."""

    REP = "rep"
    """Sees the accounts that are theirs and the queue; works handoffs."""
    MANAGER = "manager"
    """Sees the accounts of their teams; works and reassigns their handoffs."""
    ANALYST = "analyst"
    """Sees everything; changes nothing."""
    ADMIN = "admin"
    """Sees and does everything."""


class Scope(StrEnum):
    """What an API key opens."""

    READ = "read"
    """What is looked at, but for who the people of accounts are."""
    PEOPLE = "people"
    """That, and who they are."""
    ACT = "act"
    """That, and handoffs are worked."""
    ADMIN = "admin"
    """Everything."""


SESSION_LASTS = timedelta(hours=12)
SESSION_RESTS = timedelta(hours=2)
"""Whoever asks nothing for so long has to sign in again."""

SEEN_EVERY = timedelta(minutes=5)
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256
LONGEST_ADDRESS = 254
PROVIDER = "identity provider"
"""What the audit log calls it."""
FAILING_WITHIN = timedelta(minutes=15)
MOST_FAILURES_HERE = 5
"""Times that one address may fail for one colleague, within `FAILING_WITHIN`."""
MOST_FAILURES_FROM = 20
"""Times that one address may fail for anybody."""
MOST_FAILURES_OF = 50
"""Times that anybody may fail for one colleague."""

HINT = 4  # characters of a key that are kept to tell keys apart
KEY_PREFIX = "gsw_"
_HASHER = PasswordHasher()


@dataclass(frozen=True, slots=True)
class CreatedApiKey:
    """An API key on the one occasion that it is shown."""

    name: str
    scope: Scope
    key: str = field(repr=False)


@dataclass(frozen=True)
class Colleagues:
    """Who signs in to a project.

    Attributes:
        ledger: Keeps them.
        clock: Tells the time.
    """

    ledger: Ledger
    clock: Clock

    # --- who there is -------------------------------------------------------------------------

    def list(self) -> list[Colleague]:
        """Return everybody by address, those who may not sign in too."""
        return self.ledger.colleagues()

    def add(
        self,
        email: str,
        *,
        role: str,
        name: str = "",
        password: str | None = None,
        subject: str | None = None,
        by: str = "",
    ) -> Colleague:
        """Let somebody sign in.

        Args:
            email: Their address; names them once and for all.
            role: What they may see and do, one of `Role`.
            name: What they are called; the address where nobody says.
            password: To sign in with; None where an identity provider says who they are.
            subject: Who the identity provider says they are.
            by: Who added them.

        Raises:
            UsageError: There is no such role, the address is none or taken, or the password too
                short.
        """
        address = check_address(email)
        colleague = Colleague(
            email=address,
            name=name or address,
            role=check_role(role),
            created_at=self.clock.now(),
            password=None if password is None else hash_password(password),
            subject=subject,
        )
        if not self.ledger.add_colleague(colleague):
            raise UsageError(
                Problem(
                    "colleague-taken",
                    f"{address} signs in already.",
                    "Change their role, or add another address.",
                )
            )
        self.note(by or address, "colleague.add", about=address, detail={"role": colleague.role})
        return colleague

    def get(self, email: str) -> Colleague:
        """Return who has this address.

        Raises:
            UsageError: Nobody has.
        """
        found = self.ledger.colleague(email.strip().lower())
        if found is None:
            known = [item.email for item in self.list()]
            hint = did_you_mean(email, known, noun="There are")
            raise UsageError(Problem("colleague-unknown", f"Nobody signs in as `{email}`.", hint))
        return found

    def change_role(self, email: str, role: str, *, by: str) -> Colleague:
        """Give somebody another role; they sign in again.

        Raises:
            UsageError: Nobody has this address, there is no such role, or no admin would be left.
        """
        found = replace(self.get(email), role=check_role(role))
        if found.role != Role.ADMIN:
            self._check_admin_but(found.email)
        return self._change(found, "colleague.role", {"role": found.role}, by)

    def change_password(self, email: str, password: str, *, by: str) -> Colleague:
        """Give somebody another password; they sign in again.

        Raises:
            UsageError: Nobody has this address, or the password is too short.
        """
        found = replace(self.get(email), password=hash_password(password))
        return self._change(found, "colleague.password", {}, by)

    def disable(self, email: str, *, by: str) -> Colleague:
        """Let somebody sign in no more, from this moment.

        Raises:
            UsageError: Nobody has this address, or no admin would be left.
        """
        found = self.get(email)
        self._check_admin_but(found.email)
        return self._change(
            replace(found, disabled_at=self.clock.now()), "colleague.disable", {}, by
        )

    def enable(self, email: str, *, by: str) -> Colleague:
        """Let somebody sign in again.

        Raises:
            UsageError: Nobody has this address.
        """
        return self._change(replace(self.get(email), disabled_at=None), "colleague.enable", {}, by)

    def is_set_up(self) -> bool:
        """Tell whether an admin can sign in, so that nobody else becomes the first one."""
        return any(_is_admin(item) for item in self.list())

    def _check_admin_but(self, email: str) -> None:
        if not any(_is_admin(item) and item.email != email for item in self.list()):
            raise UsageError(
                Problem(
                    "colleague-last", f"No admin but {email} is left.", "Add another one first."
                )
            )

    def _change(self, colleague: Colleague, what: str, told: dict[str, Any], by: str) -> Colleague:
        self.ledger.change_colleague(colleague)
        self.ledger.end_sessions(colleague.email)
        self.note(by, what, about=colleague.email, detail=told)
        return colleague

    # --- signing in ---------------------------------------------------------------------------

    def sign_in(self, email: str, password: str, *, address: str) -> str:
        """Let a browser in by a password; return the secret that it holds from now on.

        Args:
            email: Who they say they are.
            password: What proves it.
            address: The network address it comes from.

        Raises:
            UsageError: It is wrong, which says the same whether or not anybody has the address;
                or it was wrong too often.
        """
        asked = _written_down(email)
        self._check_patience(asked, address)
        colleague = self.ledger.colleague(asked)
        known = colleague.password if colleague is not None else None
        right = _is_password(known or _hash_of_nobody(), password) and known is not None
        if colleague is None or not right or colleague.disabled_at is not None:
            self.note(asked, REFUSED, address=address)
            raise UsageError(
                Problem(
                    "sign-in-refused",
                    "The address or the password is wrong.",
                    "Try again, or ask an admin for another password.",
                )
            )
        if known is not None and _HASHER.check_needs_rehash(known):
            self.ledger.change_colleague(replace(colleague, password=hash_password(password)))
        return self.let_in(colleague, address=address)

    def admit(self, *, email: str, subject: str, name: str, role: Role | None, address: str) -> str:
        """Let a browser in by what an identity provider says of who holds it.

        Who the provider says they are is kept the first time: another one of the same address is
        somebody else from then on, and the same one stays who they are, whatever their address.

        Args:
            email: Their address, which the provider has verified.
            subject: Who the provider says they are.
            name: What they are called.
            role: What they may be where they were not added; None where they may not come then.
            address: The network address it comes from.

        Raises:
            UsageError: They may not sign in.
        """
        asked = _written_down(email)
        known = next((one for one in self.list() if one.subject == subject), None)
        found = known or self.ledger.colleague(asked)
        if found is None and role is not None:
            found = self.add(email, role=role, name=name, subject=subject, by=PROVIDER)
        if found is None or found.disabled_at is not None or found.subject not in {None, subject}:
            self.note(asked, REFUSED, detail={"by": PROVIDER}, address=address)
            raise UsageError(
                Problem(
                    "sign-in-refused",
                    "Nobody who may sign in is known by this.",
                    "Ask an admin to add you, or to let you sign in again.",
                )
            )
        if found.subject is None:
            found = replace(found, subject=subject)
            self.ledger.change_colleague(found)
            self.note(PROVIDER, "colleague.subject", about=found.email, address=address)
        return self.let_in(found, address=address)

    def let_in(self, colleague: Colleague, *, address: str) -> str:
        """Let in a browser of somebody who proved who they are; return its secret."""
        now = self.clock.now()
        secret = secrets.token_urlsafe(32)
        session = Session(digest_key(secret), colleague.email, now, now, now + SESSION_LASTS)
        self.ledger.end_old_sessions(before=now)
        self.ledger.open_session(session)
        self.note(colleague.email, "sign_in", address=address)
        return secret

    def whose(self, secret: str, *, awake: bool = True) -> Colleague | None:
        """Return who holds the secret of a session; None where nobody does any more.

        Args:
            secret: What the browser holds.
            awake: Whether somebody asks, and not an open page by itself: that keeps no session.
        """
        session = self.ledger.session(digest_key(secret))
        now = self.clock.now()
        if session is None or now >= min(session.ends_at, session.seen_at + SESSION_RESTS):
            return None
        colleague = self.ledger.colleague(session.email)
        if colleague is None or colleague.disabled_at is not None:
            return None
        if awake and now - session.seen_at >= SEEN_EVERY:
            self.ledger.see_session(session.digest, at=now)
        return colleague

    def sign_out(self, secret: str) -> None:
        """Forget a session."""
        self.ledger.end_session(digest_key(secret))

    def _check_patience(self, email: str, address: str) -> None:
        since = self.clock.now() - FAILING_WITHIN
        failed = self.ledger.refused_sign_ins(since=since)
        of = sum(count for (who, _), count in failed.items() if who == email)
        from_here = sum(count for (_, where), count in failed.items() if where == address)
        if (
            failed.get((email, address), 0) >= MOST_FAILURES_HERE
            or from_here >= MOST_FAILURES_FROM
            or of >= MOST_FAILURES_OF
        ):
            minutes = FAILING_WITHIN // timedelta(minutes=1)
            raise UsageError(
                Problem(
                    "sign-in-waits",
                    "That was wrong too often.",
                    f"Wait {minutes} minutes, then try again.",
                )
            )

    # --- programs -----------------------------------------------------------------------------

    def create_api_key(self, name: str, *, scope: str, by: str) -> CreatedApiKey:
        """Make an API key; it is shown this once.

        Raises:
            UsageError: There is no such scope, or a good key has this name.
        """
        if scope not in tuple(Scope):
            hint = did_you_mean(scope, Scope, noun="Scopes")
            raise UsageError(Problem("scope-unknown", f"There is no scope `{scope}`.", hint))
        if any(key.name == name and key.revoked_at is None for key in self.api_keys()):
            raise UsageError(
                Problem(
                    "api-key-taken", f"There is a key `{name}`.", "Revoke it, or use another name."
                )
            )
        key = KEY_PREFIX + secrets.token_urlsafe(32)
        self.ledger.add_api_key(
            ApiKey(digest_key(key), name, scope, key[-HINT:], by, self.clock.now())
        )
        self.note(by, "api_key.create", about=name, detail={"scope": scope})
        return CreatedApiKey(name, Scope(scope), key)

    def api_keys(self) -> list[ApiKey]:
        """Return all of them in the order in which they were made, revoked ones too."""
        return self.ledger.api_keys()

    def revoke_api_key(self, name: str, *, by: str) -> int:
        """Let the good keys of a name open nothing any more; return how many there were.

        Raises:
            UsageError: There is no good key of this name.
        """
        revoked = self.ledger.revoke_api_key(name, at=self.clock.now())
        if not revoked:
            known = [key.name for key in self.api_keys() if key.revoked_at is None]
            hint = did_you_mean(name, known, noun="Good keys")
            raise UsageError(Problem("api-key-unknown", f"There is no key `{name}`.", hint))
        self.note(by, "api_key.revoke", about=name)
        return revoked

    def key_of(self, key: str) -> ApiKey | None:
        """Return the good API key of this text; None where there is none."""
        digest = digest_key(key)
        good = (item for item in self.api_keys() if item.revoked_at is None)
        return next((item for item in good if item.digest == digest), None)

    # --- what was done ------------------------------------------------------------------------

    def note(
        self,
        who: str,
        action: str,
        *,
        about: str = "",
        detail: dict[str, Any] | None = None,
        address: str = "",
    ) -> None:
        """Write down what somebody did; `detail` never holds a secret."""
        now: datetime = self.clock.now()
        self.ledger.append_audit([AuditEntry(now, who, action, about, detail or {}, address)])

    def audit(self, *, limit: int = 200, who: str | None = None) -> list[AuditEntry]:
        """Return what was done, the latest first."""
        return self.ledger.audit(limit=limit, who=who)


def check_address(email: str) -> str:
    """Return an e-mail address as it is kept.

    Raises:
        UsageError: It is none.
    """
    address = email.strip().lower()
    name, _, domain = address.partition("@")
    if not name or "." not in domain or " " in address or address != _written_down(address):
        raise UsageError(
            Problem("colleague-address", f"`{email}` is no e-mail address.", "Write name@company.")
        )
    return address


def _written_down(email: str) -> str:
    """Return an address as it is looked for and written down, whatever was sent in its place."""
    shown = (letter for letter in email.strip().lower()[:LONGEST_ADDRESS] if letter.isprintable())
    return "".join(shown)


def check_role(role: str) -> Role:
    """Return a role by its name.

    Raises:
        UsageError: There is none of this name.
    """
    if role in tuple(Role):
        return Role(role)
    hint = did_you_mean(role, Role, noun="Roles")
    raise UsageError(Problem("role-unknown", f"There is no role `{role}`.", hint))


def hash_password(password: str) -> str:
    """Return what is kept of a password.

    Raises:
        UsageError: It is too short, or too long.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise UsageError(
            Problem(
                "password-length",
                f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.",
                "Use a longer one: a few words will do."
                if len(password) < SHORTEST_PASSWORD
                else "Use a shorter one.",
            )
        )
    return _HASHER.hash(password)


@cache
def _hash_of_nobody() -> str:
    """Return what a password is compared with where nobody has the address: both take as long."""
    return _HASHER.hash(secrets.token_urlsafe())


def _is_password(known: str, password: str) -> bool:
    try:
        return len(password) <= LONGEST_PASSWORD and _HASHER.verify(known, password)
    except (Argon2Error, InvalidHashError):
        return False


def _is_admin(colleague: Colleague) -> bool:
    return colleague.role == Role.ADMIN and colleague.disabled_at is None
