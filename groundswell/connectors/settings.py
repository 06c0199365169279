"""What a destination is told in its block of `destinations:`, and what is wrong with it."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from groundswell.config.secrets import MASKED
from groundswell.errors import ConfigError, Problem


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings of a destination; what is secret is never shown.

    Attributes:
        secrets: Names of the settings whose values are secret.
    """

    secrets: ClassVar[frozenset[str]] = frozenset()

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"{type(self).__name__}({shown})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Return what may be shown, name by name; tracebacks show settings by it as well."""
        values = [(name, getattr(self, name)) for name in self.__struct_fields__]
        return [
            (name, MASKED if value and name in self.secrets else value) for name, value in values
        ]


def unusable(name: str, key: str, what: str, fix: str) -> ConfigError:
    """Return the error for a setting that a destination cannot use.

    Args:
        name: Of the destination, as in `destinations:`.
        key: The setting.
        what: What is wrong, without a secret in it.
        fix: How to mend it.
    """
    return ConfigError(
        Problem(code="destination-settings", what=what, fix=fix, path=f"destinations.{name}.{key}")
    )
