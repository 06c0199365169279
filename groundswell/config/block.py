"""What every block of groundswell.yaml has in common, and the checked texts their fields hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

from groundswell.config import quantities
from groundswell.config.quantities import Misfit

if TYPE_CHECKING:
    from collections.abc import Callable

Plain = str | int | float | bool


class Block(BaseModel):
    """A mapping in the file; unknown keys are mistakes, and so is a value of another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, strict=True)


def misfit_error(misfit: Misfit) -> PydanticCustomError:
    """Return a refused text as an error that pydantic collects; code and fix ride along."""
    return PydanticCustomError("misfit", "{what}", vars(misfit))


_EMPTY = Misfit(
    "config-wrong-type",
    "There is no value.",
    "Write one after the colon, or take the line out.",
)


def _checked(parse: Callable[[object], object], *, written: Any = str) -> Any:
    """Return a validator that keeps the text as written once `parse` has taken it."""

    def check(value: object) -> str:
        if value is None:
            raise misfit_error(_EMPTY)
        try:
            parse(value)
        except Misfit as misfit:
            raise misfit_error(misfit) from None
        return str(value)

    return BeforeValidator(check, json_schema_input_type=written)


def as_list(value: Any) -> Any:
    """Let one text stand for a list of one."""
    return value if isinstance(value, list) else [value]


def _check_plain(value: Any) -> Any:
    """Take a text, a number or a truth value; one message instead of one for each."""
    if not isinstance(value, str | int | float):
        raise misfit_error(
            Misfit(
                "config-wrong-type",
                "A single value is needed here.",
                "Write a text, a number, `true` or `false`.",
            )
        )
    return value


def _check_plain_or_list(value: Any) -> Any:
    for item in cast("list[Any]", value) if isinstance(value, list) else [value]:
        _check_plain(item)
    return value


Name = Annotated[str, _checked(quantities.parse_name)]
Days = Annotated[str, _checked(quantities.parse_days)]
DurationText = Annotated[str, _checked(quantities.parse_duration)]
HoursText = Annotated[str, _checked(quantities.parse_hours)]
TimeText = Annotated[str, _checked(quantities.parse_time)]
DayText = Annotated[str, _checked(quantities.parse_day)]
RegionText = Annotated[str, _checked(quantities.parse_region)]
Window = Annotated[str, _checked(quantities.parse_window)]
ShareText = Annotated[str, _checked(quantities.parse_share)]
PriceText = Annotated[str, _checked(quantities.parse_price, written=str | float)]
Zone = Annotated[str, _checked(quantities.parse_zone)]
Email = Annotated[str, _checked(quantities.parse_email)]
Domain = Annotated[str, _checked(quantities.parse_domain)]
Currency = Annotated[str, _checked(quantities.parse_currency)]
Letter = Annotated[str, _checked(quantities.parse_letter)]
Quote = Annotated[str, _checked(quantities.parse_quote)]
Texts = Annotated[list[str], BeforeValidator(as_list, json_schema_input_type=str | list[str])]
Filters = dict[
    str,
    Annotated[
        Plain | list[Plain],
        BeforeValidator(_check_plain_or_list, json_schema_input_type=Plain | list[Plain]),
    ],
]
Constants = dict[str, Annotated[Plain, BeforeValidator(_check_plain, json_schema_input_type=Plain)]]
