"""The destinations of a project: opened from the configuration, each with its budget and memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import msgspec

from groundswell.config.secrets import expand
from groundswell.connectors.deliveries import ACCOUNT_FIELDS
from groundswell.connectors.destination import Budget, Context, Limits
from groundswell.connectors.registry import destination_names, destination_type
from groundswell.errors import ConfigError, Problem, UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.clock import Clock
    from groundswell.config.loading import LoadedConfig
    from groundswell.connectors.destination import Destination, DestinationType
    from groundswell.store.ledger import Ledger

_OURS = frozenset({"type", "for", "write", "requests", "daily_requests"})
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


@dataclass
class Destinations:
    """Opens the destinations that a project names, when they are asked for."""

    loaded: LoadedConfig
    ledger: Ledger
    clock: Clock
    environ: Mapping[str, str] = field(repr=False)
    _opened: dict[str, Opened] = field(default_factory=dict[str, Opened], repr=False)

    def names(self) -> list[str]:
        """Return the names of all, in the order of the file."""
        return list(self.loaded.config.destinations)

    def writes(self, name: str) -> frozenset[str]:
        """Return what is written there, by its type and what the user says."""
        block = self._block(name)
        given = cast("list[str]", block.get("write") or [])
        return frozenset(given) or self._type(name, block).usual

    def type_of(self, name: str) -> DestinationType:
        """Return what a destination is.

        Raises:
            ConfigError: There is no such type.
        """
        return self._type(name, self._block(name))

    def open(self, name: str) -> Opened:
        """Return a destination, opened.

        Raises:
            UsageError: There is none of that name.
            ConfigError: Its block cannot be used.
        """
        if name not in self._opened:
            block = self._block(name)
            kind = self._type(name, block)
            settings = self._settings(name, kind, block)
            budget = Budget(self._limits(name, kind, block), self.clock)
            today = self.clock.now().date().isoformat()
            spent = self.ledger.remembered(name, f"{_SPENT}{today}")
            budget.restore(today, int(spent or 0))
            write = self.writes(name)
            context = Context(name, self.clock, budget, LedgerMemory(self.ledger, name), write)
            self._opened[name] = Opened(name, kind, write, context, kind.open(settings, context))
        return self._opened[name]

    def secret(self, name: str, key: str) -> str | None:
        """Return a text of a destination's block with its variables filled in; None for none.

        Raises:
            ConfigError: A variable is not set.
        """
        value = self._block(name).get(key)
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

    def check(self) -> None:
        """Refuse blocks that cannot be used, as far as that can be told without the environment.

        Raises:
            ConfigError: With every mistake, each at its place.
        """
        problems: list[Problem] = []
        for name in self.names():
            try:
                block = self._block(name)
                kind = self._type(name, block)
                self._limits(name, kind, block)
                self._settings(name, kind, block, fills=False)
            except ConfigError as error:
                problems += error.problems
        if problems:
            raise ConfigError(*problems)

    def _block(self, name: str) -> dict[str, Any]:
        blocks = self.loaded.config.destinations
        if name not in blocks:
            named = did_you_mean(name, blocks, noun="Destinations") if blocks else ""
            raise UsageError(
                Problem(
                    "destination-unnamed",
                    f"There is no destination `{name}`.",
                    named or "Add it to `destinations:` in groundswell.yaml.",
                )
            )
        return blocks[name]

    def _type(self, name: str, block: Mapping[str, Any]) -> DestinationType:
        asked = block.get("type", name)
        if asked not in destination_names():
            raise ConfigError(
                Problem(
                    "config-unknown-destination",
                    f"There is no type of destination `{asked}`.",
                    did_you_mean(str(asked), destination_names(), noun="Types"),
                    self.loaded.where(f"destinations.{name}"),
                    f"destinations.{name}",
                )
            )
        return destination_type(str(asked))

    def _limits(self, name: str, kind: DestinationType, block: Mapping[str, Any]) -> Limits:
        requests, daily = (
            self._limit(name, block, key, usual)
            for key, usual in (
                ("requests", kind.limits.requests),
                ("daily_requests", kind.limits.daily),
            )
        )
        return Limits(requests or 1, kind.limits.seconds, daily)

    def _limit(
        self, name: str, block: Mapping[str, Any], key: str, usual: int | None
    ) -> int | None:
        value = block.get(key, usual)
        if value is None or (isinstance(value, int) and value >= 1):
            return value
        what = f"`{key}` is no number of requests."
        raise self._problem(name, key, what, "Write 1 or more.")

    def _settings(
        self, name: str, kind: DestinationType, block: Mapping[str, Any], *, fills: bool = True
    ) -> Any:
        known = {kind.value for kind in kind.kinds}
        values = {*known, *_VALUES}
        for place, item in enumerate(cast("list[Any]", block.get("write") or [])):
            if item not in values:
                raise self._problem(
                    name,
                    f"write[{place}]",
                    f"`{item}` is nothing that `{kind.name}` can write.",
                    did_you_mean(str(item), sorted(values)),
                )
        own = {key: value for key, value in block.items() if key not in _OURS}
        given = _filled(own, self.environ) if fills else own
        try:
            return msgspec.convert(given, kind.settings)
        except msgspec.ValidationError as error:
            fields = [field.encode_name for field in msgspec.structs.fields(kind.settings)]
            raise self._problem(
                name, "", f"{_told(error)}.", f"Settings of `{kind.name}`: {', '.join(fields)}."
            ) from None

    def _problem(self, name: str, key: str, what: str, fix: str) -> ConfigError:
        path = f"destinations.{name}" + (f".{key}" if key else "")
        place = self.loaded.where(path) or self.loaded.where(f"destinations.{name}")
        return ConfigError(Problem("config-destination", what, fix, place, path))


_VALUES = frozenset(ACCOUNT_FIELDS)


def _filled(value: Any, environ: Mapping[str, str]) -> Any:
    """Return a value with every `${NAME}` in its texts filled in."""
    if isinstance(value, str):
        return expand(value, environ)
    if isinstance(value, dict):
        return {key: _filled(item, environ) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_filled(item, environ) for item in cast("list[Any]", value)]
    return value


def _told(error: msgspec.ValidationError) -> str:
    """Return what is wrong, without the value, which may be a secret."""
    return (
        str(error)
        .replace("Object contains unknown field", "There is no setting")
        .replace("Object missing required field", "What is missing is")
    )
