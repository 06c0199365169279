"""The signals of a project that a server holds, asked over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from groundswell.engine.signals import BlockChange, BlockText, Signs, Weighed, Written


@dataclass(frozen=True, slots=True)
class SignalsClient:
    """The methods of `Signals` that operations offer; they raise what those raise."""

    _call: Callable[..., Any]

    def read(self) -> Signs:
        """See `Signals.read`."""
        return self._call("signals.read")

    def block(self, block: str) -> BlockText:
        """See `Signals.block`."""
        return self._call("signals.block", block=block)

    def check(self, block: str, text: str, *, digest: str | None = None) -> BlockChange:
        """See `Signals.check`."""
        return self._call("signals.check", block=block, text=text, digest=digest)

    def weigh(self, block: str, text: str) -> Weighed:
        """See `Signals.weigh`."""
        return self._call("signals.weigh", block=block, text=text)

    def propose_score(
        self,
        *,
        weights: Mapping[str, float] | None = None,
        times: Mapping[str, float] | None = None,
        qualified: float | None = None,
    ) -> BlockText:
        """See `Signals.propose_score`."""
        return self._call(
            "signals.propose_score", weights=weights, times=times, qualified=qualified
        )

    def write(self, block: str, text: str, *, digest: str) -> Written:
        """See `Signals.write`."""
        return self._call("signals.write", block=block, text=text, digest=digest)
