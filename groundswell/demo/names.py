"""Invented companies and people: every name made up, every address under a reserved domain.

Domains end in `.example` (RFC 2606), so no address here can ever belong to anybody; what stands
before it is the registrable domain, exactly as with a real top-level domain.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundswell.demo.arrays import Floats, Ints

FREE_MAIL = ("postbox.example", "freemail.example", "quickmail.example")

_HEADS = (
    "Amber", "Birch", "Blue", "Bright", "Cedar", "Clear", "Copper", "Crest", "Dawn", "Deep",
    "Drift", "East", "Elder", "Fern", "Flint", "Frost", "Glen", "Gold", "Grey", "Harbor",
    "Hazel", "High", "Iron", "Juniper", "Lark", "Laurel", "Maple", "Marsh", "Moon", "North",
    "Oak", "Pine", "Quill", "Raven", "Red", "River", "Silver", "Stone", "Tide", "Winter",
)  # fmt: skip
_TAILS = (
    "beck", "bridge", "brook", "bury", "cliff", "combe", "cove", "crown", "dale", "field",
    "ford", "forge", "gate", "grove", "haven", "heath", "hill", "holm", "keep", "lake",
    "land", "leaf", "line", "loft", "mark", "mere", "mill", "moor", "peak", "point",
    "port", "reach", "ridge", "rock", "shore", "spire", "stead", "vale", "wick", "wood",
)  # fmt: skip

INDUSTRIES: dict[str, tuple[str, ...]] = {
    "software": ("Software", "Labs", "Cloud", "Systems", "Apps", "Data", "Digital", "Code"),
    "fintech": ("Pay", "Ledger", "Lending", "Capital Tech", "Invoicing", "Treasury", "Cards", "Fx"),
    "ecommerce": ("Market", "Outfitters", "Store", "Goods", "Supply", "Home", "Living", "Shop"),
    "media": ("Media", "Studios", "Press", "Pictures", "Audio", "Games", "Publishing", "News"),
    "consulting": ("Consulting", "Advisory", "Partners", "Strategy", "Works", "Group", "Co", "HQ"),
    "manufacturing": (
        "Robotics", "Motors", "Tools", "Plastics", "Metals", "Machines", "Parts", "Optics",
    ),
    "healthcare": ("Health", "Clinics", "Care", "Medical", "Bio", "Dental", "Therapeutics", "Rx"),
    "education": ("Academy", "Learning", "College", "School", "Tutors", "Campus", "Courses", "Ed"),
    "logistics": (
        "Logistics", "Freight", "Couriers", "Shipping", "Fleet", "Cargo", "Lines", "Depots",
    ),
    "banking": ("Bank", "Savings", "Trust", "Credit Union", "Wealth", "Mutual", "Assets", "Fund"),
    "insurance": (
        "Insurance", "Cover", "Assurance", "Underwriting", "Claims", "Re", "Shield", "Risk",
    ),
    "nonprofit": (
        "Foundation", "Relief", "Society", "Alliance", "Commons", "Fund for All", "Aid", "Project",
    ),
}  # fmt: skip
INDUSTRY_NAMES = tuple(INDUSTRIES)

FIRST = (
    "Ada", "Alva", "Amara", "Anders", "Anya", "Asha", "Bela", "Bram", "Carlo", "Celia",
    "Chidi", "Clara", "Dana", "Dario", "Ebba", "Edda", "Eli", "Emre", "Esme", "Farah",
    "Finn", "Gita", "Greta", "Hana", "Hugo", "Ida", "Ines", "Ivo", "Jana", "Joao",
    "Jonas", "Kaito", "Kamil", "Kofi", "Lars", "Leila", "Lena", "Luca", "Mael", "Maia",
    "Marek", "Mei", "Mira", "Nadia", "Nils", "Noor", "Olga", "Omar", "Otto", "Pia",
    "Priya", "Rafa", "Rana", "Remy", "Rosa", "Sami", "Selma", "Sven", "Tariq", "Tess",
    "Uma", "Viggo", "Wren", "Yara", "Yusuf", "Zara", "Zoe",
)  # fmt: skip
LAST = (
    "Abara", "Adler", "Almeida", "Arslan", "Bakker", "Banerji", "Basso", "Bauer", "Berg",
    "Bianchi", "Bloom", "Brandt", "Castro", "Chen", "Costa", "Dahl", "Demir", "Dubois",
    "Ekman", "Endo", "Farkas", "Ferro", "Fischer", "Fonseca", "Galli", "Haas", "Hansen",
    "Haruki", "Hassan", "Holt", "Horvat", "Ibsen", "Ishii", "Jansen", "Joshi", "Kaplan",
    "Keller", "Khan", "Kovac", "Kruger", "Lang", "Larsen", "Lindt", "Lopes", "Maier",
    "Mbeki", "Meyer", "Moreau", "Mori", "Nair", "Novak", "Okafor", "Olsen", "Ortega",
    "Osei", "Park", "Patel", "Petit", "Popov", "Quist", "Rahman", "Ramos", "Reyes", "Rossi",
    "Sato", "Schmid", "Silva", "Singh", "Sorensen", "Soto", "Tanaka", "Thorn", "Toth",
    "Vance", "Vega", "Vogel", "Weiss", "Wirth", "Yilmaz", "Zeman", "Ziegler",
)  # fmt: skip

_STRIDE = 1621  # prime, and coprime to len(FIRST) * len(LAST): walks all the pairs

TITLES: dict[str, tuple[str, ...]] = {
    "Engineering": ("Software Engineer", "Engineering Manager", "Director of Engineering"),
    "Product": ("Product Manager", "Product Designer", "Head of Product"),
    "Operations": ("Operations Analyst", "Operations Manager", "Director of Operations"),
    "Marketing": ("Content Marketer", "Marketing Manager", "VP Marketing"),
    "Sales": ("Account Manager", "Sales Manager", "VP Sales"),
    "Finance": ("Financial Analyst", "Finance Manager", "CFO"),
    "IT": ("Systems Administrator", "IT Manager", "Head of IT"),
}
DEPARTMENTS = tuple(TITLES)


def slug(name: str) -> str:
    """Return a name as it stands in a domain.

    >>> slug("Oakmere Credit Union")
    'oakmere-credit-union'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def company_names(rng: np.random.Generator, *, industry: Ints) -> list[str]:
    """Return one unique company name per entry of `industry` (indexes into INDUSTRY_NAMES)."""
    stems = [head + tail for head in _HEADS for tail in _TAILS]
    names: list[str] = [""] * len(industry)
    for number, suffixes in enumerate(INDUSTRIES.values()):
        members = np.flatnonzero(industry == number)
        order = rng.permutation(len(stems))
        start = int(rng.integers(len(suffixes)))
        for rank, member in enumerate(members.tolist()):
            # Within a lap the stem alone is unique in its industry; later laps carry a number.
            lap, stem = divmod(rank, len(stems))
            suffix = suffixes[(rank + start) % len(suffixes)]
            names[member] = f"{stems[int(order[stem])]} {suffix}" + (f" {lap + 1}" if lap else "")
    return names


def person_names(*, base: Ints, rank: Ints) -> list[tuple[str, str]]:
    """Return (first, last) per person; unique within an account of up to 5,000 people.

    Args:
        base: A random number per account, repeated for its people.
        rank: The person's number within the account, from 0.
    """
    pairs = len(FIRST) * len(LAST)
    picks = (base.astype(np.int64) + rank.astype(np.int64) * _STRIDE) % pairs
    return [(FIRST[pick % len(FIRST)], LAST[pick // len(FIRST)]) for pick in picks.tolist()]


def titles(rng: np.random.Generator, department: Ints, *, seniority: Floats) -> Sequence[str]:
    """Return a job title per person: the more senior, the larger `seniority` (0..1)."""
    level = np.digitize(seniority + rng.normal(0, 0.05, len(seniority)), [0.72, 0.92])
    table = [TITLES[name] for name in DEPARTMENTS]
    return [
        table[team][rung] for team, rung in zip(department.tolist(), level.tolist(), strict=True)
    ]
