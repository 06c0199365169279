"""What happened to models, for ever; part of the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

ModelEventKind = Literal["used", "drafted", "shadowed", "backtested", "published", "retired"]


@dataclass(frozen=True, slots=True)
class ModelEvent:
    """One thing that happened to a version of the score.

    Attributes:
        key: Names it once and for all; a second one of the same key is dropped.
        version: Of the definition.
        kind: What happened.
        at: When.
        who: By whom.
        reason: Why; may be empty.
        body: What was found or kept: the definition itself where it first appears.
    """

    key: str
    version: str
    kind: ModelEventKind
    at: datetime
    who: str
    reason: str = ""
    body: dict[str, Any] = field(default_factory=dict[str, Any])


class Registry(Protocol):
    """Keeps every version of the score that ever was, and what became of it."""

    def append_model_events(self, events: Sequence[ModelEvent]) -> int:
        """Add events whose key is new, all or none; return how many were."""
        ...

    def model_events(self) -> list[ModelEvent]:
        """Return all of them in the order in which they were written."""
        ...

    def last_model_event(self) -> int:
        """Return the position of the last one; 0 for none."""
        ...
