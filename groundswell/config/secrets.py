"""Secrets: taken from the environment when they are used, and never shown.

A file says `${HUBSPOT_TOKEN}`; config objects keep it as written, `expand` fills it in at the
last moment, and `mask` is what anything that prints goes through.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from groundswell.errors import ConfigError, Problem, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MASKED = "********"

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET_KEY = re.compile(
    r"(token|secret|password|passwd|api_?key|access_?key|private_?key|credential|webhook|dsn)",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(
    r"(hooks\.slack\.com/|^xox[abprs]-|^pat-|^sk[-_]|^ghp_|^Bearer\s|^eyJ[\w-]+\."
    r"|-----BEGIN |[?&]password=(?!\$))"
)
_URL_PASSWORD = re.compile(r"(?P<before>[a-z][a-z0-9+.-]*://[^/@:\s]*:)(?P<password>[^@/\s]+)@")


def references(text: str) -> list[str]:
    """Return the environment variables that a text names.

    >>> references("postgresql://me:${PASSWORD}@${HOST}/db")
    ['PASSWORD', 'HOST']
    """
    return _REFERENCE.findall(text)


def expand(text: str, environ: Mapping[str, str]) -> str:
    """Return the text with every `${NAME}` filled in from the environment.

    Raises:
        ConfigError: Variables are not set; names them all, and none of their values.
    """
    missing = [name for name in dict.fromkeys(references(text)) if name not in environ]
    if missing:
        raise ConfigError(*(_missing(name, environ) for name in missing))
    return _REFERENCE.sub(lambda match: environ[match[1]], text)


def _missing(name: str, environ: Mapping[str, str]) -> Problem:
    near = nearest(name, environ)
    hint = f" Did you mean `{near}`?" if near else ""
    return Problem(
        code="config-missing-variable",
        what=f"The environment variable `{name}` is not set.",
        fix=f"Set it before you run Groundswell: `export {name}=...`.{hint}",
    )


def inline_secrets(value: Any, key: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    """Yield the keys whose value is a secret written out.

    Args:
        value: A block, or a value of one.
        key: Where it stands; its last part is judged as a name.
    """
    if isinstance(value, dict):
        for name, item in cast("dict[str, Any]", value).items():
            yield from inline_secrets(item, (*key, name))
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value)):
            yield from inline_secrets(item, (*key, index))
    elif isinstance(value, str) and is_inline_secret(value, key):
        yield key


def is_inline_secret(text: str, key: tuple[str | int, ...]) -> bool:
    """Tell whether a text is a secret written out, by what it looks like or what it is called."""
    bare = _REFERENCE.sub("", text).strip()
    if not bare or bare == "Bearer":
        return False
    password = _URL_PASSWORD.search(text)
    if password is not None:
        return bool(_REFERENCE.sub("", password["password"]))
    names = [part for part in key if isinstance(part, str)]
    called_so = bool(names) and _SECRET_KEY.search(names[-1]) is not None
    if called_so and not references(text):
        return not re.match(r"^[a-z+]+://", text) or names[-1].lower() == "webhook"
    return _SECRET_VALUE.search(bare) is not None


def mask(text: str, key: tuple[str | int, ...] = ()) -> str:
    """Return a text as it may be shown: secrets and passwords of URLs masked.

    >>> mask("postgresql://me:hunter2@db/main")
    'postgresql://me:********@db/main'
    >>> mask("${HUBSPOT_TOKEN}", ("destinations", "hubspot", "token"))
    '${HUBSPOT_TOKEN}'
    """
    shown = _URL_PASSWORD.sub(
        lambda m: m[0] if references(m["password"]) else f"{m['before']}{MASKED}@", text
    )
    if shown == text and is_inline_secret(text, key):
        return MASKED
    return shown
