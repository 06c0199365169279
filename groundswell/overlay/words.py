"""The fixed words of the overlay, as they ship."""

from __future__ import annotations

from functools import cache
from typing import Any

from groundswell.presets import load_preset


@cache
def words() -> dict[str, dict[Any, Any]]:
    """Return `presets/overlay_words.yaml`, section by section."""
    return load_preset("overlay_words.yaml")


def said(section: str, name: object) -> str:
    """Return what a thing is called.

    >>> said("decisions", "stay_plg")
    'Stay pure PLG'
    """
    return str(words()[section][name])


def tell(section: str, name: object, /, **values: object) -> str:
    """Return a sentence of `say`, with numbers filled in.

    >>> tell("rule", "nothing")
    'No signal fires.'
    """
    return str(words()["say"][section][name]).format(**values)
