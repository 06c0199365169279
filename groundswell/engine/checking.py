"""Whether a project's configuration can be used, as far as that is known before it is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.config.loading import CONFIG_FILE, LoadedConfig, load_config
from groundswell.config.secrets import expand
from groundswell.config.webhooks import resolve_webhooks
from groundswell.engine.destination_blocks import check_destinations
from groundswell.errors import ConfigError, Place, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from groundswell.config.schema import Config


def check_project(root: Path, environ: Mapping[str, str]) -> LoadedConfig:
    """Read a project's configuration and check it; return it.

    Args:
        root: The project's folder.
        environ: Has the secrets of webhooks.

    Raises:
        ConfigError: With every mistake, each at its place.
    """
    loaded = load_config(root / CONFIG_FILE)
    resolve_webhooks(loaded, environ)
    check_destinations(loaded)
    return loaded


def check_serving(root: Path, environ: Mapping[str, str], running: Config) -> None:
    """Check whether a server can go on with a project's configuration as it is now.

    Args:
        root: The project's folder.
        environ: Has every secret.
        running: What the server began with; it goes on with the same stores.

    Raises:
        ConfigError: With every mistake, each at its place.
    """
    told = check_project(root, environ).config
    moved = [key for key in ("warehouse", "ledger") if getattr(told, key) != getattr(running, key)]
    if moved:
        raise ConfigError(
            *(
                Problem(
                    "config-restart",
                    f"`{key}` was changed, which a running server does not take up.",
                    "Stop the server and start it again, or write it as it was.",
                    where=Place(CONFIG_FILE),
                )
                for key in moved
            )
        )
    oidc = told.sign_in.oidc
    for text in (told.warehouse, told.ledger, oidc.client_secret if oidc else ""):
        expand(text, environ)
