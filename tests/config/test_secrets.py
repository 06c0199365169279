"""Secrets come from the environment and are never shown."""

import pytest

from groundswell.config.secrets import expand, inline_secrets, mask, references
from groundswell.errors import ConfigError

DESTINATIONS = ("destinations", "x", "token")


def test_variables_are_filled_in():
    environ = {"USER": "me", "HOST": "db"}
    assert expand("postgresql://${USER}@${HOST}/main", environ) == "postgresql://me@db/main"
    assert expand("duckdb", environ) == "duckdb"
    assert references("a ${B} $C ${D}") == ["B", "D"]


def test_every_missing_variable_is_named_and_no_value_is_told():
    with pytest.raises(ConfigError) as caught:
        expand("${TOKN}:${OTHER}", {"TOKEN": "hunter2"})
    assert [p.code for p in caught.value.problems] == ["config-missing-variable"] * 2
    assert "`TOKN`" in caught.value.problems[0].what
    assert "Did you mean `TOKEN`?" in caught.value.problems[0].fix
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"token": "pat-1"}, [("d", "token")]),
        ({"token": "${TOKEN}"}, []),
        ({"token": "Bearer ${TOKEN}"}, []),
        ({"channel": "#pqls", "write": ["score", "task"]}, []),
        ({"note": "xoxb-1234"}, [("d", "note")]),
        ({"url": "https://hooks.slack.com/services/T/B/x"}, [("d", "url")]),
        ({"url": "postgresql://me:pw@db"}, [("d", "url")]),
        ({"url": "postgresql://me:${PW}@db"}, []),
        ({"dsn": "postgresql://me@db/main"}, []),
        ({"url": "postgresql://db/main?password=pw"}, [("d", "url")]),
        ({"token_url": "https://auth.example/token"}, []),
        ({"servers": [{"api_key": "k1"}, {"api_key": "${K}"}]}, [("d", "servers", 0, "api_key")]),
    ],
)
def test_secrets_written_out_are_found(value, found):
    assert list(inline_secrets(value, ("d",))) == found


@pytest.mark.parametrize(
    ("text", "key", "shown"),
    [
        ("postgresql://me:hunter2@db/main", ("warehouse",), "postgresql://me:********@db/main"),
        ("postgresql://me:${PW}@db/main", ("warehouse",), "postgresql://me:${PW}@db/main"),
        ("hunter2", ("destinations", "x", "password"), "********"),
        ("${TOKEN}", DESTINATIONS, "${TOKEN}"),
        ("#pqls", ("destinations", "slack", "channel"), "#pqls"),
    ],
)
def test_masking(text, key, shown):
    assert mask(text, key) == shown
