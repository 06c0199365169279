"""Shipped YAML: meanings, features, scores, motions, triggers, alerts, risks, offers, guardrails.

Everything here is read through the same models as a user's file, so it can be read, copied and
changed.
"""

from importlib.resources import files


def read_preset(name: str) -> str:
    """Return the text of a shipped file, such as `score/hybrid.yaml`."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def preset_path(name: str) -> str:
    """Return how a shipped file is named in messages, such as `presets/score/hybrid.yaml`."""
    return f"presets/{name}"
