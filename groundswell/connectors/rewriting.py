"""Asking a language model, over the interface that OpenAI's has and most others speak as well.

No answer is ever needed: where the model is away, slow or refuses, there is none, and for a while
nobody asks again, so that many briefs do not each wait for it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import msgspec
import structlog

from groundswell.config.secrets import expand
from groundswell.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.clock import Clock
    from groundswell.config.resolved import Rewriting

log = structlog.get_logger()

REST = timedelta(minutes=1)
"""How long nobody asks after it failed."""
_MOST_BYTES = 64 * 1024
_OK = 200


class LanguageModel:
    """A model at an address; one instance is asked for many briefs."""

    def __init__(self, rewriting: Rewriting, environ: Mapping[str, str], clock: Clock) -> None:
        """Use the settings of `brief.rewrite`.

        Raises:
            ConfigError: A variable of the environment is not set, or what it holds cannot be used.
        """
        self._url = f"{expand(rewriting.url, environ).rstrip('/')}/chat/completions"
        if not self._url.startswith(("http://", "https://")):
            raise _unusable("url", "`url` is no address of a web server.")
        token = expand(rewriting.token, environ) if rewriting.token else None
        if token is not None and not (token.isascii() and token.isprintable()):
            raise _unusable("token", "`token` holds signs that no header can.")
        self._model, self._timeout, self._clock = rewriting.model, rewriting.timeout, clock
        self._resting: datetime | None = None
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=rewriting.timeout,
            follow_redirects=False,
        )

    def __repr__(self) -> str:
        return f"LanguageModel({self._model!r})"

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def ask(self, instruction: str, material: str) -> str | None:
        """Return what the model answers; None where it does not, whatever the cause.

        Args:
            instruction: What it is to do.
            material: What it is to do it with.
        """
        now = self._clock.now()
        if self._resting is not None and now < self._resting:
            return None
        try:
            return self._asked(instruction, material, now + timedelta(seconds=self._timeout))
        except (httpx.HTTPError, httpx.InvalidURL, _NoAnswerError, msgspec.MsgspecError) as error:
            self._resting = now + REST
            cause = str(error) if isinstance(error, _NoAnswerError) else type(error).__name__
            log.warning("opening lines stay as templated", model=self._model, cause=cause)
            return None

    def _asked(self, instruction: str, material: str, until: datetime) -> str:
        body = {
            "model": self._model,
            "messages": [
                {"role": "system", "content": instruction},
                {"role": "user", "content": material},
            ],
        }
        with self._client.stream("POST", self._url, json=body) as response:
            if response.status_code != _OK:
                raise _NoAnswerError(f"answered {response.status_code}")
            answer = msgspec.json.decode(self._read(response, until), type=_Answer)
        if not answer.choices:
            raise _NoAnswerError("answered without a choice")
        choice = answer.choices[0]
        if choice.finish_reason not in {"stop", None} or not choice.message.content:
            raise _NoAnswerError(f"ended by {choice.finish_reason or 'nothing'}")
        return choice.message.content

    def _read(self, response: httpx.Response, until: datetime) -> bytes:
        """Return the body, unless it is too long or comes too slowly, piece by piece."""
        read = bytearray()
        for piece in response.iter_bytes():
            read += piece
            if len(read) > _MOST_BYTES:
                raise _NoAnswerError("answered at too great a length")
            if self._clock.now() > until:
                raise _NoAnswerError("took too long")
        return bytes(read)


class _Message(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Answer(msgspec.Struct):
    choices: list[_Choice]


class _NoAnswerError(Exception):
    """The model answered, but not with a line; says why, and nothing of what was sent."""


def _unusable(key: str, what: str) -> ConfigError:
    fix = "Write it like `https://models.acme.example/v1`, or put it into the environment anew."
    return ConfigError(Problem("config-rewrite", what, fix, path=f"brief.rewrite.{key}"))
