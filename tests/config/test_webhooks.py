"""The secrets of webhooks: from the environment, told where they are missing, shown nowhere."""

from __future__ import annotations

import typing

import pytest

from groundswell.config.explaining import explain_config
from groundswell.config.loading import load_config
from groundswell.config.schema import WebhookDef
from groundswell.config.webhooks import resolve_webhooks
from groundswell.connectors.wires.catalogue import WIRES
from groundswell.errors import ConfigError

if typing.TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
sources:
  billing:
    webhook: {wire: stripe, secret: "${STRIPE_WEBHOOK_SECRET}"}
  forms:
    group_type: team
    webhook:
      wire: segment
      secret: ["${NEW}", "${OLD}"]
  crm: {kind: users, path: users.csv}
"""
ENVIRON = {"STRIPE_WEBHOOK_SECRET": "whsec_s3cret", "NEW": "n3w", "OLD": "0ld"}


@pytest.fixture
def loaded(tmp_path: Path):
    (tmp_path / "groundswell.yaml").write_text(CONFIG, encoding="utf-8")
    return load_config(tmp_path)


def test_secrets_come_from_the_environment(loaded) -> None:
    found = resolve_webhooks(loaded, ENVIRON)
    assert {name: (hook.wire, hook.secrets) for name, hook in found.items()} == {
        "billing": ("stripe", ("whsec_s3cret",)),
        "forms": ("segment", ("n3w", "0ld")),
    }


def test_secrets_are_shown_nowhere(loaded) -> None:
    shown = repr(resolve_webhooks(loaded, ENVIRON)) + repr(explain_config(loaded)) + repr(loaded)
    assert "stripe" in shown
    assert not any(secret in shown for secret in ENVIRON.values())


def test_every_variable_that_is_not_set_is_told_where_it_is_named(loaded) -> None:
    environ = {"STRIPE_WEBHOOK_SECRTE": "s3cret", "NEW": " "}
    with pytest.raises(ConfigError) as caught:
        resolve_webhooks(loaded, environ)
    assert str(caught.value) == (
        "groundswell.yaml:3:37  sources.billing.webhook.secret  [config-missing-variable]\n"
        "  what  The environment variable `STRIPE_WEBHOOK_SECRET` is not set.\n"
        "  fix   Set it before you run Groundswell: `export STRIPE_WEBHOOK_SECRET=...`. "
        "Did you mean `STRIPE_WEBHOOK_SECRTE`?\n"
        "groundswell.yaml:8:16  sources.forms.webhook.secret[0]  [config-empty-secret]\n"
        "  what  `${NEW}` is set, but empty.\n"
        "  fix   A webhook without a secret would let anyone in: set it to what the sender signs "
        "with.\n"
        "groundswell.yaml:8:26  sources.forms.webhook.secret[1]  [config-missing-variable]\n"
        "  what  The environment variable `OLD` is not set.\n"
        "  fix   Set it before you run Groundswell: `export OLD=...`."
    )


def test_the_systems_that_may_be_named_are_those_that_sign() -> None:
    named = typing.get_args(WebhookDef.model_fields["wire"].annotation)
    signing = {wire.name for wire in WIRES.values() if any(r.signature for r in wire.routes)}
    assert set(named) == signing
