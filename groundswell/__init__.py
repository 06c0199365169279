"""Groundswell: product events in, explained product-qualified leads out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundswell.engine import Project

__all__ = ["Project"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import the engine when it is first asked for; `import groundswell` alone stays light."""
    if name == "Project":
        from groundswell.engine import Project  # noqa: PLC0415

        return Project
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
