"""A billing server that keeps subscriptions and signs its webhooks, driven by Stripe's library.

It runs as a process of its own. It tells nothing when a quantity changes, so that event is made of
what it then answers, and signed by Stripe's library.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import stripe

from tests.stripe_events import event, signed

from .conftest import DEADLINE, Served, serving
from .test_killed_server import free_port
from .test_webhooks import ENVIRON, HOOKS, SECRET, held

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.loopback, pytest.mark.slow]
PROGRAM = Path(sys.executable).with_name("localstripe")


@pytest.fixture
def billing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A billing server that Stripe's library talks to; its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (tmp_path / "billing.log").open("wb") as log:
        process = subprocess.Popen(
            [PROGRAM, "--port", str(port), "--from-scratch"],
            cwd=tmp_path, stdout=log, stderr=log, env={"TMPDIR": str(tmp_path)},
        )  # fmt: skip
        try:
            deadline = time.monotonic() + DEADLINE
            while True:
                assert process.poll() is None, (tmp_path / "billing.log").read_text()
                assert time.monotonic() < deadline, "the billing server did not start"
                try:
                    httpx.get(url)
                    break
                except httpx.TransportError:
                    time.sleep(0.05)
            monkeypatch.setattr(stripe, "api_base", url)
            monkeypatch.setattr(stripe, "api_key", "sk_test_12345")
            yield url
        finally:
            process.terminate()
            process.wait(DEADLINE)


def wait_for(served: Served, versions: int) -> None:
    deadline = time.monotonic() + DEADLINE
    while len(served.subscriptions()) < versions:
        assert time.monotonic() < deadline, f"no version {versions} of the subscription came"
        time.sleep(0.05)


def test_a_subscription_from_its_beginning_to_its_end(billing: str, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    with serving(folder, HOOKS, environ=ENVIRON) as served:
        hook = f"{served.url}/v1/webhooks/stripe?source=billing"
        told = {"url": hook, "secret": SECRET}
        httpx.post(f"{billing}/_config/webhooks/groundswell", json=told).raise_for_status()

        plan = stripe.Plan.create(
            id="pro-yearly",
            nickname="Pro",
            amount=24_000,
            currency="usd",
            interval="year",
            product={"name": "The product"},
        )
        customer = stripe.Customer.create(email="ann@acme.example")
        card = stripe.PaymentMethod.create(
            type="card",
            card={"number": "4242424242424242", "exp_month": 12, "exp_year": 2050, "cvc": "123"},
        )
        stripe.PaymentMethod.attach(card.id, customer=customer.id)
        stripe.Customer.modify(customer.id, invoice_settings={"default_payment_method": card.id})
        bought = stripe.Subscription.create(
            customer=customer.id,
            items=[{"plan": plan.id, "quantity": 3}],
            metadata={"account_id": "acme"},
        )
        wait_for(served, 1)

        stripe.Subscription.modify(bought.id, items=[{"quantity": 5}])
        now = stripe.Subscription.retrieve(bought.id).to_dict()
        content, headers = signed(event(now, name="evt_more", created=int(time.time())), SECRET)
        assert httpx.post(hook, content=content, headers=headers).status_code == 200
        wait_for(served, 2)

        time.sleep(1)  # its clock counts seconds
        stripe.Subscription.cancel(bought.id)
        wait_for(served, 3)

        versions = held(served)
        assert [version[:3] for version in versions] == [
            ("Pro", 60.0, 3),
            ("Pro", 100.0, 5),
            ("Pro", 100.0, 5),
        ]
        assert [version[3] is None for version in versions] == [True, True, False]
        assert {row["account_id"] for row in served.subscriptions()} == {"acme"}
        assert {row["subscription_id"] for row in served.subscriptions()} == {bought.id}
        assert served.rejects() == []
        assert served.project.ledger.waiting()[0] == 0
        statuses = httpx.get(f"{served.url}/metrics").text
        assert 'groundswell_requests_total{status="400",wire="stripe"}' not in statuses
