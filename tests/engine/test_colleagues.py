"""Signing in: passwords, sessions, keys, patience, and what is written down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from groundswell.clock import FixedClock
from groundswell.engine.colleagues import (
    FAILING_WITHIN,
    MOST_FAILURES_FROM,
    MOST_FAILURES_HERE,
    MOST_FAILURES_OF,
    SESSION_LASTS,
    SESSION_RESTS,
    Colleagues,
)
from groundswell.errors import UsageError
from groundswell.store.colleagues import REFUSED, AuditEntry
from groundswell.store.ledger import open_ledger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
ANN, BOB, HERE = "ann@ours.example", "bob@ours.example", "192.0.2.7"
PASSWORD = "correct horse battery"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def colleagues(tmp_path: Path, clock: FixedClock) -> Iterator[Colleagues]:
    with open_ledger("sqlite", tmp_path, clock=clock) as ledger:
        made = Colleagues(ledger, clock)
        made.add(ANN, role="admin", password=PASSWORD)
        yield made


def code_of(error: pytest.ExceptionInfo[UsageError]) -> str:
    return error.value.problems[0].code


def test_whoever_knows_the_password_is_let_in(colleagues: Colleagues) -> None:
    secret = colleagues.sign_in(" Ann@Ours.example ", PASSWORD, address=HERE)
    found = colleagues.whose(secret)
    assert found is not None
    assert found.email == ANN
    assert colleagues.whose(secret + "x") is None
    colleagues.sign_out(secret)
    assert colleagues.whose(secret) is None


def test_nothing_that_is_kept_opens_anything(colleagues: Colleagues, tmp_path: Path) -> None:
    secret = colleagues.sign_in(ANN, PASSWORD, address=HERE)
    key = colleagues.create_api_key("assistant", scope="read", by=ANN).key
    held = b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.is_file())
    for text in (secret, key, PASSWORD):
        assert text.encode() not in held
        assert text not in repr(colleagues.list())


@pytest.mark.parametrize(("who", "password"), [(ANN, "wrong horse battery"), (BOB, PASSWORD)])
def test_a_refusal_does_not_say_who_there_is(
    colleagues: Colleagues, who: str, password: str
) -> None:
    with pytest.raises(UsageError) as error:
        colleagues.sign_in(who, password, address=HERE)
    assert error.value.problems[0].what == "The address or the password is wrong."


def test_a_session_ends_when_it_is_left_alone_and_after_its_time(
    colleagues: Colleagues, clock: FixedClock
) -> None:
    left = colleagues.sign_in(ANN, PASSWORD, address=HERE)
    used = colleagues.sign_in(ANN, PASSWORD, address=HERE)
    step = SESSION_RESTS / 2
    for _ in range(SESSION_LASTS // step - 1):
        clock.advance(step)
        assert colleagues.whose(used) is not None
    assert colleagues.whose(left) is None
    clock.advance(step)
    assert colleagues.whose(used) is None


@pytest.mark.parametrize("change", ["role", "password", "disable"])
def test_a_change_ends_every_session(colleagues: Colleagues, change: str) -> None:
    colleagues.add(BOB, role="rep", password=PASSWORD, by=ANN)
    secret = colleagues.sign_in(BOB, PASSWORD, address=HERE)
    match change:
        case "role":
            colleagues.change_role(BOB, "manager", by=ANN)
        case "password":
            colleagues.change_password(BOB, PASSWORD + "!", by=ANN)
        case _:
            colleagues.disable(BOB, by=ANN)
    assert colleagues.whose(secret) is None


def test_who_is_disabled_is_refused_until_enabled(colleagues: Colleagues) -> None:
    colleagues.add(BOB, role="rep", password=PASSWORD, by=ANN)
    colleagues.disable(BOB, by=ANN)
    with pytest.raises(UsageError, match="wrong"):
        colleagues.sign_in(BOB, PASSWORD, address=HERE)
    colleagues.enable(BOB, by=ANN)
    assert colleagues.sign_in(BOB, PASSWORD, address=HERE)


def test_whoever_fails_too_often_waits(colleagues: Colleagues, clock: FixedClock) -> None:
    for _ in range(MOST_FAILURES_HERE):
        with pytest.raises(UsageError, match="sign-in-refused"):
            colleagues.sign_in(ANN, "wrong horse battery", address=HERE)
    with pytest.raises(UsageError, match="sign-in-waits"):
        colleagues.sign_in(ANN, PASSWORD, address=HERE)
    assert colleagues.sign_in(ANN, PASSWORD, address="192.0.2.8")  # not locked out by a stranger
    clock.advance(FAILING_WITHIN + timedelta(seconds=1))
    assert colleagues.sign_in(ANN, PASSWORD, address=HERE)


@pytest.mark.parametrize(
    ("entries", "waits"),
    [
        ([(f"u{n}@x.example", HERE) for n in range(MOST_FAILURES_FROM - 1)], False),
        ([(f"u{n}@x.example", HERE) for n in range(MOST_FAILURES_FROM)], True),
        ([(ANN, f"10.0.0.{n}") for n in range(MOST_FAILURES_OF - 1)], False),
        ([(ANN, f"10.0.0.{n}") for n in range(MOST_FAILURES_OF)], True),
    ],
)
def test_many_guesses_are_seen_together(
    colleagues: Colleagues, entries: list[tuple[str, str]], waits: bool
) -> None:
    tried = [AuditEntry(NOW, who, REFUSED, address=where) for who, where in entries]
    colleagues.ledger.append_audit(tried)
    if waits:
        with pytest.raises(UsageError, match="sign-in-waits"):
            colleagues.sign_in(ANN, PASSWORD, address=HERE)
    else:
        assert colleagues.sign_in(ANN, PASSWORD, address=HERE)


def test_an_admin_is_always_left(colleagues: Colleagues) -> None:
    with pytest.raises(UsageError) as error:
        colleagues.disable(ANN, by=ANN)
    assert code_of(error) == "colleague-last"
    with pytest.raises(UsageError, match="colleague-last"):
        colleagues.change_role(ANN, "rep", by=ANN)
    colleagues.add(BOB, role="admin", password=PASSWORD, by=ANN)
    assert colleagues.change_role(ANN, "rep", by=BOB).role == "rep"


@pytest.mark.parametrize(
    ("email", "role", "password", "code"),
    [
        ("nobody", "rep", PASSWORD, "colleague-address"),
        ("a b@c.example", "rep", PASSWORD, "colleague-address"),
        (BOB, "boss", PASSWORD, "role-unknown"),
        (BOB, "rep", "too short", "password-length"),
        (BOB, "rep", "x" * 257, "password-length"),
        (ANN, "rep", PASSWORD, "colleague-taken"),
    ],
)
def test_mistakes_are_told(
    colleagues: Colleagues, email: str, role: str, password: str, code: str
) -> None:
    with pytest.raises(UsageError) as error:
        colleagues.add(email, role=role, password=password)
    assert code_of(error) == code
    assert password not in str(error.value)


def test_a_key_opens_what_it_may_until_it_is_revoked(colleagues: Colleagues) -> None:
    made = colleagues.create_api_key("assistant", scope="act", by=ANN)
    found = colleagues.key_of(made.key)
    assert found is not None
    assert (found.name, found.scope, found.hint) == ("assistant", "act", made.key[-4:])
    with pytest.raises(UsageError, match="api-key-taken"):
        colleagues.create_api_key("assistant", scope="read", by=ANN)
    with pytest.raises(UsageError, match="scope-unknown"):
        colleagues.create_api_key("other", scope="everything", by=ANN)
    assert colleagues.revoke_api_key("assistant", by=ANN) == 1
    assert colleagues.key_of(made.key) is None
    with pytest.raises(UsageError, match="api-key-unknown"):
        colleagues.revoke_api_key("assistant", by=ANN)


def test_what_is_done_is_written_down(colleagues: Colleagues) -> None:
    colleagues.add(BOB, role="rep", password=PASSWORD, by=ANN)
    with pytest.raises(UsageError):
        colleagues.sign_in(BOB, "wrong horse battery", address=HERE)
    colleagues.sign_in(BOB, PASSWORD, address=HERE)
    colleagues.change_role(BOB, "manager", by=ANN)
    told = [(item.who, item.action, item.about, item.address) for item in colleagues.audit()]
    assert told[:4] == [
        (ANN, "colleague.role", BOB, ""),
        (BOB, "sign_in", "", HERE),
        (BOB, REFUSED, "", HERE),
        (ANN, "colleague.add", BOB, ""),
    ]


def test_a_project_is_set_up_once_an_admin_can_sign_in(tmp_path: Path, clock: FixedClock) -> None:
    with open_ledger("sqlite", tmp_path, clock=clock) as ledger:
        made = Colleagues(ledger, clock)
        made.add(BOB, role="rep", password=PASSWORD)
        assert not made.is_set_up()
        made.add(ANN, role="admin", subject="idp ann")
        assert made.is_set_up()
