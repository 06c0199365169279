"""Signals over HTTP: programs are told what the project is asked, and write where they may."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from groundswell.api.client import Address, Client
from groundswell.config.loading import CONFIG_FILE
from groundswell.engine.colleagues import Scope
from groundswell.errors import UsageError

from .conftest import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import Served

TEXT = "company: Ours\nweb:\n  write_config: true\nguardrails:\n  holdout: 10%  # agreed\n"
CHANGED = "guardrails:\n  holdout: 20%  # agreed\n"
pytestmark = pytest.mark.loopback


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path, TEXT, runs=False) as running:
        yield running


def test_programs_are_told_what_the_project_is_asked(served: Served) -> None:
    told, own = Client(Address(served.url, served.token)).signals, served.project.signals
    signs, here = told.read(), own.read()
    assert (signs.triggers, signs.guardrails, signs.rules) == (
        here.triggers,
        here.guardrails,
        here.rules,
    )
    assert (signs.plays, signs.unmapped, signs.today) == (here.plays, here.unmapped, here.today)
    block = told.block("guardrails")
    assert block == own.block("guardrails")
    assert block.text == "guardrails:\n  holdout: 10%  # agreed\n"
    assert told.check("guardrails", CHANGED) == own.check("guardrails", CHANGED)
    wrong = told.check("guardrails", "guardrails:\n  holdout: many\n")
    assert wrong == own.check("guardrails", "guardrails:\n  holdout: many\n")
    assert wrong.problems[0].where is not None
    assert told.weigh("guardrails", CHANGED) == own.weigh("guardrails", CHANGED)


def test_what_a_program_writes_is_taken_up_and_a_stale_change_is_refused(served: Served) -> None:
    file = served.folder / CONFIG_FILE
    told = Client(Address(served.url, served.token)).signals
    digest = told.block("guardrails").digest
    written = told.write("guardrails", CHANGED, digest=digest)
    assert written.taken_up
    assert served.server.site.renewing()
    assert file.read_text("utf-8") == TEXT.replace("10%", "20%")
    with pytest.raises(UsageError) as refused:
        told.write("guardrails", CHANGED.replace("20", "30"), digest=digest)
    assert refused.value.problems[0].code == "edit-stale"
    assert file.read_text("utf-8") == TEXT.replace("10%", "20%")


def test_a_key_reads_by_its_scope_and_only_an_admins_writes(served: Served) -> None:
    team = served.server.site.colleagues
    before = (served.folder / CONFIG_FILE).read_bytes()
    digest = served.project.signals.block("guardrails").digest
    body = {"block": "guardrails", "text": CHANGED, "digest": digest}
    keys = {
        scope: team.create_api_key(f"of {scope}", scope=scope, by="root@ours.example").key
        for scope in Scope
    }
    for scope, secret in keys.items():
        headers = {"authorization": f"Bearer {secret}"}
        with httpx.Client(base_url=served.url, headers=headers) as client:
            assert client.get("/v1/signals").status_code == 200
            asked = client.get("/v1/config/block", params={"block": "guardrails"})
            assert asked.json()["text"] == "guardrails:\n  holdout: 10%  # agreed\n"
            if scope is Scope.ADMIN:
                continue
            for path in ("check", "weigh", "write"):
                given = body if path != "weigh" else {"block": "guardrails", "text": CHANGED}
                assert client.post(f"/v1/config/{path}", json=given).status_code == 403
            assert (served.folder / CONFIG_FILE).read_bytes() == before
