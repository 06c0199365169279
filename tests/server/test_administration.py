"""What an admin does on a page, programs do by the API; secrets are told once and kept nowhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import pytest

from groundswell.api.client import Address, Client
from groundswell.api.operations import OPERATIONS
from groundswell.errors import UsageError
from groundswell.web.site.routes import ROUTES

if TYPE_CHECKING:
    from .conftest import Served

PASSWORD = "correct horse battery staple"


def client(served: Served) -> Client:
    return Client(Address(served.url, served.token))


def raw(served: Served, path: str) -> str:
    bearer = {"authorization": f"Bearer {served.token}"}
    return httpx.get(f"{served.url}{path}", headers=bearer, timeout=30).text


def test_a_write_key_is_made_turned_and_taken_back(served: Served) -> None:
    admin = client(served).administration
    first = admin.create_write_key("shop", "segment")
    second = admin.rotate_write_key("shop")
    assert first.key != second.key
    states = [one for one in admin.write_keys() if one.name == "shop"]
    assert [one.revoked_at is None for one in states] == [False, True]
    assert states[-1].hint == second.key[-4:]
    sent = httpx.post(
        f"{served.url}/v1/track", json={"userId": "u", "event": "E"}, auth=(second.key, "")
    )
    assert sent.status_code == 200
    assert admin.revoke_write_key("shop") == 1
    with pytest.raises(UsageError) as refused:
        admin.rotate_write_key("no-such")
    assert refused.value.problems[0].code == "key-unknown"
    with pytest.raises(UsageError):
        admin.create_write_key("shop", "smoke-signals")


def test_colleagues_come_change_and_go(served: Served) -> None:
    admin = client(served).administration
    admin.add_colleague("root@ours.example", "admin", password=PASSWORD)
    added = admin.add_colleague("ann@ours.example", "rep", name="Ann", password=PASSWORD)
    assert (added.name, added.role, added.has_password) == ("Ann", "rep", True)
    assert admin.change_role("ann@ours.example", "manager").role == "manager"
    assert admin.disable("ann@ours.example").disabled_at is not None
    assert admin.enable("ann@ours.example").disabled_at is None
    assert [one.email for one in admin.colleagues()] == ["ann@ours.example", "root@ours.example"]
    with pytest.raises(UsageError) as refused:
        admin.disable("root@ours.example")
    assert refused.value.problems[0].code == "colleague-last"


def test_api_keys_are_made_and_taken_back(served: Served) -> None:
    admin = client(served).administration
    made = admin.create_api_key("report", "read")
    assert [(one.name, one.scope, one.revoked_at) for one in admin.api_keys()] == [
        ("report", "read", None)
    ]
    assert admin.revoke_api_key("report") == 1
    assert made.key not in json.dumps(raw(served, "/v1/admin/api-keys"))


def test_it_is_written_down_and_no_secret_with_it(served: Served) -> None:
    admin = client(served).administration
    write, api = admin.create_write_key("shop", "segment"), admin.create_api_key("bot", "admin")
    by_bot = Client(Address(served.url, api.key)).administration
    by_bot.add_colleague("ann@ours.example", "rep", password=PASSWORD)
    entries = admin.audit()
    assert [(one.who, one.action, one.about) for one in reversed(entries)] == [
        ("API", "write_key.create", "shop"),
        ("API", "api_key.create", "bot"),
        ("API", "colleague.add", "ann@ours.example"),
        ("key bot", "api.administration.add_colleague", "ann@ours.example"),
    ]
    kept = [served.project.ledger.colleagues()[0].password or ""]
    kept += [one.digest for one in served.project.ledger.api_keys()]
    kept += [one.digest for one in served.project.ledger.write_keys()]
    for path in ("audit", "api-keys", "write-keys", "colleagues"):
        told = raw(served, f"/v1/admin/{path}")
        for secret in (write.key, api.key, PASSWORD, *kept):
            assert secret not in told, path


def test_whatever_admins_do_on_a_page_programs_can_do() -> None:
    done = {route.name for route in ROUTES if route.path.startswith("/admin/")}
    assert done == {
        "colleague.add",
        "colleague.change",
        "api_key.create",
        "api_key.revoke",
    }
    for name in ("add_colleague", "change_role", "disable", "enable"):
        assert f"administration.{name}" in OPERATIONS
    for name in ("create_api_key", "revoke_api_key", "create_write_key", "audit"):
        assert f"administration.{name}" in OPERATIONS
