"""What an event most likely means, from its name alone; somebody confirms it before it counts."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, cast

from groundswell.config.document import parse_document
from groundswell.config.vocabulary import NAMED_MEANINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 _./-]*")
_RULES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("hand_raised", ("contact sales", "talk sales", "demo request", "request demo", "book demo")),
    ("security_asked", ("security questionnaire", "security review", "security request")),
    ("procurement_asked", ("contract request", "procurement", "request dpa", "request msa")),
    ("invoice_requested", ("invoice request", "request invoice")),
    (
        "upgrade_completed",
        (
            "plan upgrad",
            "checkout complet",
            "upgrade complet",
            "subscription start",
            "subscription creat",
            "purchase complet",
        ),
    ),
    ("upgrade_started", ("checkout start", "checkout open", "upgrade start", "upgrade click")),
    ("pricing_viewed", ("pricing view", "view pricing", "pricing page")),
    ("paywall_seen", ("paywall",)),
    ("limit_hit", ("limit reach", "limit hit", "limit exceed", "quota reach", "quota exceed")),
    ("trial_started", ("trial start", "start trial")),
    ("trial_ended", ("trial end", "trial expir")),
    ("invite_accepted", ("invit accept", "accept invit")),
    ("invited", ("invit",)),
    ("user_removed", ("removed user", "user remov", "member remov", "seat remov")),
    ("user_added", ("added user", "user add", "member add", "seat add")),
    ("signed_up", ("sign up", "signup", "register", "user creat")),
    ("signed_in", ("sign in", "log in", "login", "logged in", "signin")),
    ("account_created", ("account creat", "workspace creat", "organization creat", "team creat")),
    ("api_key_created", ("api key", "api token")),
    ("api_called", ("api request", "api call")),
    ("integration_connected", ("integration", "connect")),
    ("enterprise_feature_viewed", ("audit log view", "sso view")),
    ("enterprise_feature_used", ("sso configur", "sso enabl", "scim")),
    ("admin_action", ("role chang", "roles chang", "settings chang", "permission")),
    ("support_ticket", ("ticket", "support request")),
    ("feature_requested", ("feature request", "request feature")),
    ("shared", ("share", "sharing")),
)
"""Meanings with beginnings of words that follow each other in a name; the first match wins."""

_VERBS = re.compile(
    r"^(view|open|creat|updat|edit|delet|remov|add|mov|finish|complet|start|sav|run|ran|us|click"
    r"|load|send|sent|sync|export|import|download|upload|publish|enabl|search|select)\w*$"
)


def words_of(event: str) -> list[str]:
    """Return the words of an event's name, in lower case.

    >>> words_of("invite_sent"), words_of("inviteSent"), words_of("API Key Created")
    (['invite', 'sent'], ['invite', 'sent'], ['api', 'key', 'created'])
    """
    return [word.lower() for word in _WORD.findall(event)]


def suggest_meaning(event: str) -> str | None:
    """Return what an event most likely means; None where its name does not say.

    >>> suggest_meaning("Signed Up"), suggest_meaning("demo_requested"), suggest_meaning("$click")
    ('signed_up', 'hand_raised', None)
    >>> suggest_meaning("Report Viewed"), suggest_meaning("Invite Accepted")
    ('used_feature', 'invite_accepted')
    """
    if event.startswith(("$", "[")):
        return None
    words = words_of(event)
    plain = ["sign" if word == "signed" else word for word in words]
    for meaning, phrases in _RULES:
        if any(_begins_somewhere(plain, phrase.split()) for phrase in phrases):
            return meaning
    return "used_feature" if any(_VERBS.match(word) for word in words[1:]) else None


def suggest_kind(event: str) -> str:
    """Return what kind of a meaning that comes in kinds an event is: what it is done to.

    >>> suggest_kind("Report Viewed"), suggest_kind("Export Finished"), suggest_kind("Viewed")
    ('report', 'export', 'viewed')
    """
    words = words_of(event)
    things = [word for word in words if not _VERBS.match(word)]
    return "_".join(things or words[:1]) or "other"


def write_events(chosen: Mapping[str, Iterable[str]]) -> str:
    """Return the block `events:` that gives events their meanings.

    Args:
        chosen: By meaning the names of events, in the order in which they are written.

    >>> print(write_events({"signed_up": ["Signed Up"], "used_feature": ["Report Viewed"]}), end="")
    events:
      signed_up: Signed Up
      used_feature:
        report: Report Viewed
    """
    lines = ["events:"]
    for meaning, events in chosen.items():
        names = list(events)
        if not names:
            continue
        if meaning not in NAMED_MEANINGS:
            lines.append(f"  {meaning}: {_listed(names)}")
            continue
        kinds: dict[str, list[str]] = {}
        for name in names:
            kinds.setdefault(suggest_kind(name), []).append(name)
        lines.append(f"  {meaning}:")
        lines += [f"    {kind}: {_listed(found)}" for kind, found in kinds.items()]
    return "\n".join(lines) + "\n" if len(lines) > 1 else "events: {}\n"


def read_events(text: str) -> dict[str, list[str]] | None:
    r"""Return what a block `events:` says where it is one of ours; None where somebody edited it.

    >>> read_events(write_events({"signed_up": ["Signed Up"], "used_feature": ["Report Viewed"]}))
    {'signed_up': ['Signed Up'], 'used_feature': ['Report Viewed']}
    >>> read_events("events:\\n  signed_up: Signed Up  # ours\\n") is None
    True
    """
    told = parse_document(text, "groundswell.yaml").data.get("events")
    if not isinstance(told, dict):
        return None
    found: dict[str, list[str]] = {}
    for meaning, value in cast("dict[str, Any]", told).items():
        kinds = cast("dict[str, Any]", value).values() if isinstance(value, dict) else [value]
        for item in kinds:
            names = cast("list[Any]", item) if isinstance(item, list) else [item]
            found.setdefault(meaning, []).extend(str(name) for name in names)
    return found if write_events(found) == text else None


def _begins_somewhere(words: list[str], phrase: list[str]) -> bool:
    return any(
        all(word.startswith(start) for word, start in zip(words[at:], phrase, strict=False))
        for at in range(len(words) - len(phrase) + 1)
    )


def _listed(names: list[str]) -> str:
    texts = [_text(name) for name in names]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def _text(name: str) -> str:
    """Return a name as YAML writes a text; a sign that stands for any text is taken as it is."""
    plain = _PLAIN.fullmatch(name) and name.strip() == name
    reserved = {"true", "false", "null", "yes", "no", "on", "off"}
    if plain and name.lower() not in reserved:
        return name
    return json.dumps(name, ensure_ascii=False)
