"""The webhooks that sources may send, with the secrets they are signed with.

The file names environment variables; their values are read when the server starts, stay in
memory, and are shown nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from groundswell.config.secrets import expand
from groundswell.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from groundswell.config.loading import LoadedConfig


@dataclass(frozen=True, slots=True)
class Webhook:
    """What a source may send signed.

    Attributes:
        source: The source's name.
        wire: The system that sends, such as `stripe`.
        secrets: Any of them may have signed.
    """

    source: str
    wire: str
    secrets: tuple[str, ...] = field(repr=False)


def resolve_webhooks(loaded: LoadedConfig, environ: Mapping[str, str]) -> dict[str, Webhook]:
    """Return the webhooks by their source, the secrets filled in from the environment.

    Raises:
        ConfigError: Variables are not set, or empty; tells them all, each at its place.
    """
    found: dict[str, Webhook] = {}
    problems: list[Problem] = []
    for source, told in loaded.config.sources.items():
        if told.webhook is None:
            continue
        secrets: list[str] = []
        for path, text in _written(loaded, source, told.webhook.secret):
            try:
                secrets.append(_filled_in(text, environ))
            except ConfigError as error:
                where = loaded.where(path)
                problems += [replace(item, where=where, path=path) for item in error.problems]
        found[source] = Webhook(source, told.webhook.wire, tuple(secrets))
    if problems:
        raise ConfigError(*problems)
    return found


def _written(loaded: LoadedConfig, source: str, texts: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each secret as the file has it, with its key; a single one may stand without a list."""
    path = f"sources.{source}.webhook.secret"
    for index, text in enumerate(texts):
        item = f"{path}[{index}]"
        yield (item if loaded.where(item) else path), text


def _filled_in(text: str, environ: Mapping[str, str]) -> str:
    secret = expand(text, environ)
    if not secret.strip():
        raise ConfigError(
            Problem(
                code="config-empty-secret",
                what=f"`{text}` is set, but empty.",
                fix="A webhook without a secret would let anyone in: set it to what the sender "
                "signs with.",
            )
        )
    return secret
