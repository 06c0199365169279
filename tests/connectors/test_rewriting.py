"""A language model is asked for a line, and nothing depends on its answer."""

from __future__ import annotations

import datetime as dt
import time

import pytest
from structlog.testing import capture_logs

from groundswell.clock import FixedClock, SystemClock
from groundswell.config.resolved import Rewriting
from groundswell.connectors.rewriting import LanguageModel
from groundswell.errors import ConfigError

from .model_server import TOKEN, models

pytestmark = pytest.mark.loopback
NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def served():
    with models() as there:
        yield there


@pytest.fixture
def clock():
    return FixedClock(NOW)


@pytest.fixture
def opened(served, clock):
    """Opens models that are closed in the end."""
    made: list[LanguageModel] = []

    def make(*, url="${MODEL_URL}", token="${KEY}", timeout=5.0, clock=clock, key=TOKEN):
        environ = {"MODEL_URL": served.url, "KEY": key}
        made.append(LanguageModel(Rewriting(url, "small", token, timeout), environ, clock))
        return made[-1]

    yield make
    for model in made:
        model.close()


def test_a_model_answers_what_it_was_asked(opened, served):
    assert opened().ask("Polish.", "The line: Hello") == "May I lift the limit?"
    (asked,) = served.asked
    assert asked["messages"] == [
        {"role": "system", "content": "Polish."},
        {"role": "user", "content": "The line: Hello"},
    ]


def test_a_slash_at_the_end_of_the_address_is_no_other_address(opened, served):
    assert opened(url=f"{served.url}/").ask("a", "b") == "May I lift the limit?"


@pytest.mark.parametrize(
    ("trouble", "cause"),
    [
        ({"status": 500}, "answered 500"),
        ({"status": 429, "headers": {"Retry-After": "9"}}, "answered 429"),
        ({"status": 307, "headers": {"Location": "/v1/elsewhere"}}, "answered 307"),
        ({"raw": b"<html>"}, "DecodeError"),
        ({"raw": b'{"choices": [{"message": 5}]}'}, "ValidationError"),
        ({"raw": b'{"choices": []}'}, "answered without a choice"),
        ({"raw": b"x" * 100_000}, "answered at too great a length"),
        ({"finish": "length"}, "ended by length"),
        ({"line": None}, "ended by stop"),
        ({"raw": b"{}", "headers": {"Content-Encoding": "gzip"}}, "DecodingError"),
    ],
)
def test_whatever_goes_wrong_there_is_no_answer(opened, served, trouble, cause):
    for name, value in trouble.items():
        setattr(served, name, value)
    with capture_logs() as logs:
        assert opened().ask("Polish.", "Of Acme alone") is None
    (told,) = logs
    assert told["cause"] == cause
    assert "Acme" not in str(logs)
    assert TOKEN not in str(logs)


def test_a_wrong_token_is_no_answer_and_is_not_told(opened):
    with capture_logs() as logs:
        model = opened(key="sk-wrong")
        assert model.ask("a", "b") is None
    assert logs[0]["cause"] == "answered 401"
    assert "sk-wrong" not in f"{logs} {model!r}"


def test_nobody_there_is_no_answer(opened):
    with capture_logs() as logs:
        assert opened(url="http://127.0.0.1:9/v1").ask("a", "b") is None
    assert logs[0]["cause"] == "ConnectError"


def test_an_answer_that_comes_drop_by_drop_is_not_waited_for(opened, served):
    served.drip = 0.05
    began = time.monotonic()
    with capture_logs() as logs:
        assert opened(timeout=0.2, clock=SystemClock()).ask("a", "b") is None
    assert time.monotonic() - began < 3
    assert logs[0]["cause"] == "took too long"


def test_an_answer_that_does_not_come_is_not_waited_for(opened, served):
    served.drip, served.raw = 0.6, b"{}"
    with capture_logs() as logs:
        assert opened(timeout=0.2).ask("a", "b") is None
    assert logs[0]["cause"] == "ReadTimeout"


def test_after_it_failed_nobody_asks_for_a_minute(opened, served, clock):
    model = opened()
    served.status = 503
    with capture_logs() as logs:
        assert model.ask("a", "b") is None
        served.status = 200
        assert model.ask("a", "b") is None
    assert served.calls == 1
    assert len(logs) == 1
    clock.advance(dt.timedelta(seconds=61))
    assert model.ask("a", "b") == "May I lift the limit?"


def test_a_model_without_a_token_is_asked_without_one(opened, served):
    with capture_logs() as logs:
        assert opened(token=None).ask("a", "b") is None
    assert logs[0]["cause"] == "answered 401"


def test_a_variable_that_is_not_set_is_told_by_its_name(clock):
    with pytest.raises(ConfigError, match="`NO_KEY` is not set"):
        LanguageModel(Rewriting("https://m.example/v1", "small", "${NO_KEY}", 5.0), {}, clock)


@pytest.mark.parametrize("variable", ["MODEL_URL", "KEY"])
def test_what_the_environment_holds_is_checked_and_not_told(clock, variable):
    environ = {"MODEL_URL": "https://m.example/v1", "KEY": "sk", variable: "hush\nhush"}
    with pytest.raises(ConfigError) as caught:
        LanguageModel(Rewriting("${MODEL_URL}", "small", "${KEY}", 5.0), environ, clock)
    assert caught.value.problems[0].code == "config-rewrite"
    assert "hush" not in str(caught.value)
