"""Shipped YAML: meanings, features, scores, motions, triggers, alerts, risks, offers, guardrails.

Everything here is read through the same models as a user's file, so it can be read, copied and
changed.

What ships has no mistakes to tell, so LibYAML reads it, twenty times as fast.
"""

from importlib.resources import files
from typing import Any

import yaml

_BOOL = "tag:yaml.org,2002:bool"


class _Loader(yaml.CSafeLoader):
    """Takes `true` and `false` alone for truth, as YAML 1.2 does, and not `yes` or `on`."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as the library has it
        first: [(tag, found) for tag, found in resolvers if tag != _BOOL or first in "tTfF"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def read_preset(name: str) -> str:
    """Return the text of a shipped file, such as `score/hybrid.yaml`."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def load_preset(name: str) -> Any:
    """Return what a shipped file says, as plain data."""
    return yaml.load(read_preset(name), Loader=_Loader)  # noqa: S506 - a safe one


def compose_preset(name: str) -> yaml.Node:
    """Return the nodes of a shipped file, each of which knows where it stands."""
    root = yaml.compose(read_preset(name), Loader=_Loader)
    assert root is not None, "no shipped file is empty"
    return root


def preset_path(name: str) -> str:
    """Return how a shipped file is named in messages, such as `presets/score/hybrid.yaml`."""
    return f"presets/{name}"
