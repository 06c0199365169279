"""Words in roles, environments and topics: which are senior, which production, which pre-sales.

Free text is matched by whole words, never by substrings: a `director` is senior, a
`directory admin` is not, and `assistant to the VP` assists.
"""

from __future__ import annotations

import re
from fnmatch import translate
from functools import lru_cache

_WORD = re.compile(r"[a-z0-9]+")


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CHIEFS = _set(
    "ceo cto cfo coo cio cmo cro cpo ciso cso cdo cco chro chief president founder cofounder "
    "owner partner principal chairman chairwoman chair"
)
_LEADS = _set("vp svp evp avp director head")
_NOT_SENIOR = _set("assistant associate intern trainee junior deputy secretary")
_NOT_PEOPLE = _set("product scrum process project content service task")
_ADMINS = _set("admin administrator owner superadmin superuser")
_PRODUCTION = _set("production prod live")
_PRESALES = _set(
    "pricing price prices plan plans upgrade upgrades quote quotes purchase purchasing buying "
    "billing invoice contract contracts procurement legal msa security compliance soc2 iso27001 "
    "gdpr dpa enterprise demo trial discount sales presales sso saml scim residency"
)


def words(text: str) -> list[str]:
    """Return the lower-case words of a text.

    >>> words("VP, R&D (EMEA)")
    ['vp', 'r', 'd', 'emea']
    """
    return _WORD.findall(text.lower())


def is_senior(role: str | None) -> bool:
    """Tell whether a role or title is director or above.

    >>> [is_senior(r) for r in ("Director of IT", "C.T.O.", "Product Owner", "Head of Growth")]
    [True, True, False, True]
    >>> is_senior("Executive Assistant to the VP")
    False
    """
    if not role:
        return False
    said = words(role.replace(".", ""))
    found = set(said)
    if found & _NOT_SENIOR:
        return "vp" in found and "associate" in found and "assistant" not in found
    if "vice" in found and "president" in found:
        return True
    if found & _LEADS:
        return True
    chiefs = found & _CHIEFS
    if chiefs <= {"owner", "partner", "principal"}:
        return _owns(chiefs, said)
    return True


def _owns(chiefs: set[str], said: list[str]) -> bool:
    """`Owner` or `Managing Partner` lead a company; a `Product Owner` owns a backlog."""
    if not chiefs or set(said) & _NOT_PEOPLE:
        return False
    if chiefs == {"principal"}:
        return said == ["principal"]
    if chiefs == {"partner"}:
        return said == ["partner"] or "managing" in said or "general" in said
    return True


def is_admin(role: str | None) -> bool:
    """Tell whether a role in the product, or a title, is that of an administrator.

    >>> is_admin("Workspace Admin"), is_admin("Administrative Assistant"), is_admin("owner")
    (True, False, True)
    """
    if not role:
        return False
    found = set(words(role))
    return bool(found & _ADMINS) and not found & (_NOT_SENIOR | _NOT_PEOPLE)


def is_production(environment: str | None) -> bool:
    """Tell whether an environment is production.

    >>> is_production("Production"), is_production("non-production"), is_production("test")
    (True, False, False)
    """
    if not environment:
        return False
    found = set(words(environment))
    return bool(found & _PRODUCTION) and not found & {"non", "pre", "not", "test", "staging"}


def is_presales(topic: str | None) -> bool:
    """Tell whether a topic is about buying rather than using.

    >>> is_presales("Pricing question"), is_presales("cannot log in")
    (True, False)
    """
    return bool(topic) and bool(set(words(topic or "")) & _PRESALES)


@lru_cache(maxsize=4096)
def like(pattern: str) -> re.Pattern[str]:
    """Compile a glob over event names: `*` any text, `?` one character; case counts.

    >>> bool(like("Automation *").match("Automation Run")), bool(like("Auto").match("Automation"))
    (True, False)
    """
    escaped = pattern.replace("[", "[[]")
    return re.compile(translate(escaped))


@lru_cache(maxsize=4096)
def page_pattern(glob: str) -> str:
    """Return a regular expression that a page's path, or its whole address, matches fully.

    `*` stops at a query or a fragment; scheme, host, query and fragment are let pass. Written so
    that every engine's dialect of regular expressions reads it the same way.

    >>> bool(re.fullmatch(page_pattern("/pricing*"), "https://acme.example/pricing/team?a=1"))
    True
    >>> bool(re.fullmatch(page_pattern("/pricing*"), "/docs/pricing"))
    False
    """
    body = "".join(
        "[^?#]*" if char == "*" else "[^?#]" if char == "?" else _literal(char) for char in glob
    )
    return f"^([A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)?{body}([?#].*)?$"


def _literal(char: str) -> str:
    return f"[{char}]" if char in ".+()|{}$" else re.escape(char) if char in "^[]\\" else char


PAGE_EVENTS = frozenset(
    {"page", "$pageview", "pageview", "page view", "page viewed", "viewed page", "loaded a page"}
)


def is_page_event(event: str) -> bool:
    """Tell whether an event is a page view, by its name alone.

    >>> is_page_event("Page"), is_page_event("$pageview"), is_page_event("Page Exported")
    (True, True, False)
    """
    return event.lower().replace("_", " ") in PAGE_EVENTS
