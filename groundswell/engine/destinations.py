"""The destinations of a project: opened from the configuration, each with its budget and memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from groundswell.config.secrets import expand
from groundswell.connectors.destination import Budget, Context
from groundswell.engine.destination_blocks import DestinationBlock
from groundswell.errors import Problem, UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from groundswell.clock import Clock
    from groundswell.config.loading import LoadedConfig
    from groundswell.connectors.destination import Destination, DestinationType
    from groundswell.store.ledger import Ledger

_SPENT = "budget:"


@dataclass(frozen=True)
class Opened:
    """A destination that can be sent to.

    Attributes:
        name: As in `destinations:`.
        type: What it is.
        write: What is written: kinds of deliveries and values of an account.
        context: What it was given.
        destination: The thing itself.
    """

    name: str
    type: DestinationType
    write: frozenset[str]
    context: Context
    destination: Destination


@dataclass(frozen=True)
class LedgerMemory:
    """What a destination remembers, kept in the ledger."""

    ledger: Ledger
    destination: str

    def get(self, name: str) -> str | None:
        """Return what was kept under a name."""
        return self.ledger.remembered(self.destination, name)

    def put(self, name: str, value: str) -> None:
        """Keep a text under a name."""
        self.ledger.remember(self.destination, {name: value})

    def put_all(self, values: Mapping[str, str]) -> None:
        """Keep texts by name, in one transaction."""
        self.ledger.remember(self.destination, dict(values))


@dataclass
class Destinations:
    """Opens the destinations that a project names, when they are asked for."""

    loaded: LoadedConfig
    ledger: Ledger
    clock: Clock
    environ: Mapping[str, str] = field(repr=False)
    _opened: dict[str, Opened] = field(default_factory=dict[str, Opened], repr=False)
    _budgets: dict[str, Budget] = field(default_factory=dict[str, Budget], repr=False)

    def beside(self) -> Destinations:
        """Return the same for another thread: connections of its own, and one budget for both."""
        return Destinations(
            self.loaded, self.ledger, self.clock, self.environ, _budgets=self._budgets
        )

    def names(self) -> list[str]:
        """Return the names of all, in the order of the file."""
        return list(self.loaded.config.destinations)

    def writes(self, name: str) -> frozenset[str]:
        """Return what is written there, by its type and what the user says."""
        return self._block(name).writes()

    def type_of(self, name: str) -> DestinationType:
        """Return what a destination is.

        Raises:
            UsageError: There is none of that name.
        """
        return self._block(name).type()

    def open(self, name: str) -> Opened:
        """Return a destination, opened.

        Raises:
            UsageError: There is none of that name.
            ConfigError: Its block cannot be used, or a variable of it is not set.
        """
        if name not in self._opened:
            block = self._block(name)
            kind, write = block.type(), block.writes()
            settings = block.settings(self.environ)
            memory = LedgerMemory(self.ledger, name)
            context = Context(name, self.clock, self._budget(name, block), memory, write)
            self._opened[name] = Opened(name, kind, write, context, kind.open(settings, context))
        return self._opened[name]

    def _budget(self, name: str, block: DestinationBlock) -> Budget:
        budget = self._budgets.setdefault(name, Budget(block.limits(), self.clock))
        today = self.clock.now().date().isoformat()
        spent = self.ledger.remembered(name, f"{_SPENT}{today}")
        budget.restore(today, int(spent or 0))
        return budget

    def read_every(self, name: str) -> timedelta | None:
        """Return how often what changed there is taken in by a server; None for never."""
        return self._block(name).read_every()

    def secret(self, name: str, key: str) -> str | None:
        """Return a text of a destination's block with its variables filled in; None for none.

        Raises:
            ConfigError: A variable is not set.
        """
        value = self._block(name).block.get(key)
        return expand(value, self.environ) if isinstance(value, str) else None

    def keep_budget(self, name: str) -> None:
        """Remember what was spent today, for after a restart."""
        opened = self._opened.get(name)
        if opened is not None and opened.context.budget.limits.daily is not None:
            today = self.clock.now().date().isoformat()
            self.ledger.remember(name, {f"{_SPENT}{today}": str(opened.context.budget.spent)})

    def close(self) -> None:
        """Let go of all that were opened."""
        for opened in self._opened.values():
            opened.destination.close()
        self._opened.clear()

    def _block(self, name: str) -> DestinationBlock:
        blocks = self.loaded.config.destinations
        if name in blocks:
            return DestinationBlock(self.loaded, name, blocks[name])
        named = did_you_mean(name, blocks, noun="Destinations") if blocks else ""
        raise UsageError(
            Problem(
                "destination-unnamed",
                f"There is no destination `{name}`.",
                named or "Add it to `destinations:` in groundswell.yaml.",
            )
        )
