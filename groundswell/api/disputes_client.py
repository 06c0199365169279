"""The disputes of a project that a server holds, asked over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from groundswell.engine.measuring.disputes import Dispute


@dataclass(frozen=True, slots=True)
class DisputesClient:
    """The methods of `Disputes` that operations offer; they raise what those raise."""

    _call: Callable[..., Any]

    def kept(self, *, unanswered: bool = False) -> list[Dispute]:
        """See `Disputes.kept`."""
        return self._call("disputes.kept", unanswered=unanswered)

    def open(
        self, line: str, *, by: str, why: str, to: str | None = None, share: str | None = None
    ) -> Dispute:
        """See `Disputes.open`."""
        return self._call("disputes.open", line=line, by=by, why=why, to=to, share=share)

    def answer(
        self,
        line: str,
        *,
        upheld: bool,
        by: str,
        why: str,
        to: str | None = None,
        share: str | None = None,
    ) -> Dispute:
        """See `Disputes.answer`."""
        return self._call(
            "disputes.answer", line=line, upheld=upheld, by=by, why=why, to=to, share=share
        )
