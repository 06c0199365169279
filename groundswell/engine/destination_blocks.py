"""A block of `destinations:` read by what its type says: every mistake told, at its place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import msgspec

from groundswell.config.quantities import Misfit, parse_duration
from groundswell.config.secrets import expand
from groundswell.connectors.deliveries import ACCOUNT_FIELDS
from groundswell.connectors.destination import Limits
from groundswell.connectors.registry import destination_names, destination_type
from groundswell.errors import ConfigError, Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.config.loading import LoadedConfig
    from groundswell.connectors.destination import DestinationType

_OURS = frozenset({"type", "for", "write", "requests", "daily_requests", "read_every"})

READ_EVERY = "10 minutes"
"""How often a server takes in what changed in a CRM, where nobody says."""

_NEVER = "never"
_SHORTEST = timedelta(minutes=1)


@dataclass(frozen=True)
class DestinationBlock:
    """One block, and where it stands.

    Attributes:
        loaded: The configuration.
        name: Of the block.
        block: As it is written.
    """

    loaded: LoadedConfig
    name: str
    block: Mapping[str, Any]

    def type(self) -> DestinationType:
        """Return what it is.

        Raises:
            ConfigError: There is no such type.
        """
        asked = self.block.get("type", self.name)
        if asked in destination_names():
            return destination_type(str(asked))
        what = f"There is no type of destination `{asked}`."
        fix = did_you_mean(str(asked), destination_names(), noun="Types")
        raise self._problem("config-unknown-destination", "", what, fix)

    def writes(self) -> frozenset[str]:
        """Return what is written there: kinds of deliveries, and values of an account.

        Raises:
            ConfigError: It names something that its type cannot write.
        """
        kind = self.type()
        given = cast("list[Any]", self.block.get("write") or [])
        known = {*(str(one) for one in kind.kinds), *ACCOUNT_FIELDS}
        for place, item in enumerate(given):
            if item not in known:
                what = f"`{item}` is nothing that `{kind.name}` can write."
                fix = did_you_mean(str(item), sorted(known))
                raise self._problem("config-destination", f"write[{place}]", what, fix)
        return frozenset(map(str, given)) or kind.usual

    def limits(self) -> Limits:
        """Return how much may be asked of it.

        Raises:
            ConfigError: It is no number of requests.
        """
        usual = self.type().limits
        requests = self._limit("requests", usual.requests)
        daily = self._limit("daily_requests", usual.daily)
        return Limits(requests or 1, usual.seconds, daily)

    def _limit(self, key: str, usual: int | None) -> int | None:
        value = self.block.get(key, usual)
        if value is None or (isinstance(value, int) and value >= 1):
            return value
        what = f"`{key}` is no number of requests."
        raise self._problem("config-destination", key, what, "Write 1 or more.")

    def read_every(self) -> timedelta | None:
        """Return how often what changed there is taken in; None for never.

        Raises:
            ConfigError: It is no length of time, or less than a minute.
        """
        given = self.block.get("read_every", READ_EVERY)
        if given == _NEVER:
            return None
        try:
            hours = parse_duration(given).hours
        except Misfit as misfit:
            fix = f"{misfit.fix} Or write `{_NEVER}`."
            raise self._problem(misfit.code, "read_every", misfit.what, fix) from None
        if timedelta(hours=hours) < _SHORTEST:
            what = f"`{given}` is too often."
            raise self._problem("config-destination", "read_every", what, "Write 1 minute or more.")
        return timedelta(hours=hours)

    def settings(self, environ: Mapping[str, str] | None) -> Any:
        """Return its settings, with secrets from the environment; as written for None.

        Raises:
            ConfigError: It says something that its type does not know, or lacks what that needs.
        """
        kind = self.type()
        own = {key: value for key, value in self.block.items() if key not in _OURS}
        given = own if environ is None else _filled(own, environ)
        try:
            return msgspec.convert(given, kind.settings)
        except msgspec.ValidationError as error:
            fields = [field.encode_name for field in msgspec.structs.fields(kind.settings)]
            fix = f"Settings of `{kind.name}`: {', '.join(fields)}."
            raise self._problem("config-destination", "", f"{_told(error)}.", fix) from None

    def _problem(self, code: str, key: str, what: str, fix: str) -> ConfigError:
        path = f"destinations.{self.name}" + (f".{key}" if key else "")
        place = self.loaded.where(path) or self.loaded.where(f"destinations.{self.name}")
        return ConfigError(Problem(code, what, fix, place, path))


def check_destinations(loaded: LoadedConfig) -> None:
    """Refuse blocks that cannot be used, as far as that can be told without the environment.

    Raises:
        ConfigError: With every mistake, each at its place.
    """
    problems: list[Problem] = []
    for name, block in loaded.config.destinations.items():
        read = DestinationBlock(loaded, name, block)
        try:
            read.writes()
            read.limits()
            read.read_every()
            read.settings(None)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(*problems)


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
