"""How a new product is best sold: by itself, by people, or by both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundswell.overlay.words import said, tell

if TYPE_CHECKING:
    from groundswell.config.overlay_schema import NewProduct, NewProductTerms


@dataclass(frozen=True, slots=True)
class ProductMotion:
    """How a new product is best sold.

    Attributes:
        product: Which.
        motion: `plg`, `sales_led`, `both` (by itself into mid-market, by people to enterprises), or
            `unknown`.
        say: The same in words.
        because: What speaks for it.
        missing: What nobody has said, by name.
    """

    product: str
    motion: str
    say: str
    because: tuple[str, ...]
    missing: tuple[str, ...]


def choose_motion(product: NewProduct, terms: NewProductTerms) -> ProductMotion:
    """Return how a new product is best sold."""
    minutes = product.minutes_to_value
    alone = {
        "minutes_to_value": None if minutes is None else minutes < terms.minutes_to_value,
        "individuals_first": product.individuals_first,
        "can_be_instrumented": product.can_be_instrumented,
    }
    people = {
        "needs_services": product.needs_services,
        "buyer_uses_it": None if product.buyer_uses_it is None else not product.buyer_uses_it,
        "configured_first": product.configured_first,
    }
    for_alone = [name for name, holds in alone.items() if holds]
    for_people = [name for name, holds in people.items() if holds]
    motion = {
        (True, True): "both",
        (True, False): "plg",
        (False, True): "sales_led",
        (False, False): "unknown",
    }[bool(for_alone), bool(for_people)]
    because = [tell("products", name) for name in (*for_alone, *for_people)]
    missing = [
        f"overlay.new_products: `{name}` of {product.name}"
        for name, holds in {**alone, **people}.items()
        if holds is None
    ]
    return ProductMotion(
        product.name, motion, said("product_motions", motion), tuple(because), tuple(missing)
    )
