"""The brief of a project, with a language model to polish its opening line and without."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from tests.connectors.model_server import TOKEN, models
from tests.connectors.test_email import OnAnyPort
from tests.handing.test_delivering import Mailbox, drain

pytestmark = pytest.mark.loopback


@pytest.fixture
def served():
    with models() as there:
        yield there


def asking(url):
    return {"rewrite": {"url": url, "model": "small", "token": "${KEY}", "timeout": 2}}


def test_the_model_polishes_the_line_and_the_templated_one_stays(company, served):
    project = company(1, environ={"KEY": TOKEN}, brief=asking(served.url))
    play = project.brief("Firm 0").play
    assert play.opening.startswith("You asked to talk")
    assert play.opening_rewritten == "May I lift the limit?"
    (asked,) = served.asked
    assert play.opening in asked["messages"][1]["content"]
    assert "firm0.example" not in str(asked)


def test_what_is_sent_has_the_polished_line_and_what_is_kept_the_templated_one(company, served):
    box = Mailbox()
    controller = OnAnyPort(box, hostname="127.0.0.1", port=0)
    controller.start()
    try:
        mail = {"host": "127.0.0.1", "port": controller.port, "from": "pql@ours.example"}
        project = company(
            1,
            environ={"KEY": TOKEN},
            brief=asking(served.url),
            destinations={"email": mail | {"tls": "none"}},
        )
        project.run()
        assert drain(project)["sent"] == 1
    finally:
        controller.stop()
    ((_, sent),) = box.messages
    assert "May I lift the limit?" in sent
    (kept,) = project.handoffs.deliveries()
    assert "May I lift the limit?" not in str(kept.body)
    assert kept.body["brief"]["play"]["opening"].startswith("You asked to talk")


def test_where_the_model_is_away_the_brief_is_as_it_was(company, served):
    served.status = 503
    project = company(1, environ={"KEY": TOKEN}, brief=asking(served.url))
    with capture_logs() as logs:
        play = project.brief("Firm 0").play
    assert play.opening.startswith("You asked to talk")
    assert play.opening_rewritten is None
    assert "answered 503" in {entry.get("cause") for entry in logs}


def test_no_model_is_asked_unless_one_is_named(company, served):
    assert company(1).brief("Firm 0").play.opening_rewritten is None
    assert served.calls == 0
