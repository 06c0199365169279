"""What a subscription's items come to in a month, as Stripe tells of prices.

Whole numbers and fractions throughout: money is rounded once, to the cent, at the end.

Source: https://docs.stripe.com/api/prices/object, https://docs.stripe.com/currencies
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from groundswell.connectors.wires.wire import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable

_IN_A_MONTH = {
    "day": Fraction(365, 12),
    "week": Fraction(52, 12),
    "month": Fraction(1),
    "year": Fraction(1, 12),
}
_THREE_DECIMALS = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
_NO_DECIMALS = frozenset(  # Stripe gives two to isk and ugx, though they have none
    {"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv"}
    | {"xaf", "xof", "xpf"}
)
_LONGEST = 40  # digits of an amount

_Count = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
_Times = Annotated[int, msgspec.Meta(ge=1, le=10**12)]
_Interval = Literal["day", "week", "month", "year"]


class _Product(msgspec.Struct):
    id: str
    name: str | None = None


class _Recurring(msgspec.Struct):
    interval: _Interval
    interval_count: _Times = 1
    usage_type: str | None = None


class _Packages(msgspec.Struct):
    divide_by: _Times
    round: Literal["up", "down"]


class Price(msgspec.Struct):
    """What a unit costs, and how often."""

    id: str
    recurring: _Recurring
    currency: str | None = None
    lookup_key: str | None = None
    nickname: str | None = None
    product: str | _Product | None = None
    billing_scheme: str | None = None
    unit_amount: int | None = None
    unit_amount_decimal: Decimal | None = None
    transform_quantity: _Packages | None = None


class Plan(msgspec.Struct):
    """The same in the words that Stripe had before."""

    id: str
    interval: _Interval
    interval_count: _Times = 1
    usage_type: str | None = None
    currency: str | None = None
    nickname: str | None = None
    product: str | _Product | None = None
    billing_scheme: str | None = None
    amount: int | None = None
    amount_decimal: Decimal | None = None
    transform_usage: _Packages | None = None

    def as_price(self) -> Price:
        """Return it as a price."""
        return Price(
            id=self.id,
            recurring=_Recurring(self.interval, self.interval_count, self.usage_type),
            currency=self.currency,
            nickname=self.nickname,
            product=self.product,
            billing_scheme=self.billing_scheme,
            unit_amount=self.amount,
            unit_amount_decimal=self.amount_decimal,
            transform_quantity=self.transform_usage,
        )


class Item(msgspec.Struct):
    """One line of a subscription."""

    created: int | None = None
    quantity: _Count | None = None
    price: Price | None = None
    plan: Plan | None = None

    @property
    def terms(self) -> Price:
        """Its price, or its plan as one.

        Raises:
            UnreadableError: It has neither.
        """
        if self.price is not None:
            return self.price
        if self.plan is not None:
            return self.plan.as_price()
        raise UnreadableError("An item of the subscription has no price.")

    @property
    def is_metered(self) -> bool:
        """Whether it is charged by use, which nobody knows beforehand."""
        return self.terms.recurring.usage_type == "metered"

    @property
    def count(self) -> int:
        """How many units are bought."""
        return 1 if self.quantity is None else self.quantity

    @property
    def plan_name(self) -> str:
        """What the plan is called: by the price, or by the product."""
        price = self.terms
        product = price.product
        if isinstance(product, _Product):
            product = product.name or product.id
        return price.lookup_key or price.nickname or product or price.id


def monthly(items: Iterable[Item], currency: str | None) -> str:
    """Return what items cost in a month, in whole units of the currency with two decimals.

    What is metered or priced in tiers counts nothing: an item does not say what it will cost.

    Args:
        items: The items of one subscription.
        currency: Its ISO 4217 code, in any case; a price that has one of its own goes by that.

    Raises:
        UnreadableError: A price says no amount, or an absurd one.
    """
    total = sum((_monthly(item, currency) for item in items), Fraction(0))
    cents = math.floor(total * 100 + Fraction(1, 2))
    return f"{cents // 100}.{cents % 100:02}"


def _monthly(item: Item, currency: str | None) -> Fraction:
    price = item.terms
    if item.is_metered or price.billing_scheme == "tiered":
        return Fraction(0)
    units = item.count
    if (packages := price.transform_quantity) is not None:
        rounded = -(-units // packages.divide_by) if packages.round == "up" else None
        units = units // packages.divide_by if rounded is None else rounded
    per_unit = _amount(price) / 10 ** _decimals(price.currency or currency)
    every = price.recurring
    return per_unit * units * _IN_A_MONTH[every.interval] / every.interval_count


def _amount(price: Price) -> Fraction:
    """Return what a unit costs, in the smallest unit of the currency."""
    amount = price.unit_amount_decimal
    if amount is None and price.unit_amount is not None:
        amount = Decimal(price.unit_amount)
    if amount is None:
        raise UnreadableError(f"The price `{price.id}` says no amount.")
    if not amount.is_finite() or amount < 0 or abs(amount.adjusted()) > _LONGEST:
        raise UnreadableError(f"The price `{price.id}` has an amount that is none.")
    return Fraction(amount)


def _decimals(currency: str | None) -> int:
    """Return how many decimals an amount is given in."""
    code = (currency or "").lower()
    if code in _NO_DECIMALS:
        return 0
    return 3 if code in _THREE_DECIMALS else 2
