"""What is looked at before anything is sent: the token, its scopes, properties and stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.connectors.destination import DestinationError, Finding
from groundswell.connectors.http import FORBIDDEN, UNAUTHORIZED
from groundswell.connectors.hubspot.api import COMPANIES, CONTACTS, DEALS, RefusedError
from groundswell.connectors.hubspot.properties import definitions, unfit

if TYPE_CHECKING:
    from collections.abc import Collection

    from groundswell.connectors.destination import Memory
    from groundswell.connectors.hubspot.api import HubSpotApi
    from groundswell.connectors.hubspot.pipelines import Pipelines
    from groundswell.connectors.hubspot.properties import Properties

LEFT_OUT = "deals-left-out"
"""Under which it is remembered how many deals were not read, as nobody knows their account."""


def check_account(
    api: HubSpotApi,
    properties: Properties,
    pipelines: Pipelines,
    kinds: Collection[str],
    memory: Memory,
) -> list[Finding]:
    """Look at all that sending needs, without changing anything.

    Args:
        api: Of the account.
        properties: Of the account.
        pipelines: Of the account.
        kinds: What is written there.
        memory: Of the destination.

    Raises:
        DestinationError: HubSpot cannot be reached.
    """
    status = api.probe("owners")
    if status == UNAUTHORIZED:
        fix = "Set `token` to the access token of a private app that is not revoked."
        return [Finding("credentials", ok=False, said="HubSpot does not know the token", fix=fix)]
    findings = [Finding("credentials", ok=True, said="HubSpot knows the token")]
    findings.append(_scope("crm.objects.owners.read", may=status != FORBIDDEN))
    for kind in sorted(kinds):
        may = api.probe("objects", kind) != FORBIDDEN
        findings.append(_scope(f"crm.objects.{_with(kind)}.read", may=may))
        findings.append(_properties(properties, kind))
    findings += _writing(api.scopes(), kinds)
    if DEALS in kinds:
        findings.append(_stage(pipelines))
    left_out = memory.get(LEFT_OUT)
    if left_out is not None and left_out != "0":
        said = f"{left_out} were left out the last time: no account is known for their company"
        findings.append(Finding("deals read back", ok=True, said=said))
    return findings


def _scope(scope: str, *, may: bool) -> Finding:
    fix = "" if may else f"Give the private app the scope {scope}."
    return Finding(f"scope {scope}", ok=may, said="granted" if may else "missing", fix=fix)


def _writing(granted: Collection[str] | None, kinds: Collection[str]) -> list[Finding]:
    """Return for each scope that writing needs whether the token has it.

    What may be read is tried, which is surer than what scopes are called; writing cannot be tried
    without changing anything.
    """
    if granted is None:
        said = "HubSpot does not tell the scopes of this token; what it may write shows in use"
        return [Finding("scopes to write", ok=True, said=said)]
    named = sorted({_with(kind) for kind in kinds})
    wanted = [f"crm.{area}.{one}.write" for area in ("objects", "schemas") for one in named]
    return [_scope(scope, may=scope in granted) for scope in wanted]


def _with(kind: str) -> str:
    """Return the kind of record whose scopes count: tasks and notes go with contacts."""
    return kind if kind in {COMPANIES, CONTACTS, DEALS} else CONTACTS


def _properties(properties: Properties, kind: str) -> Finding:
    name = f"properties of {kind}"
    try:
        there = properties.named(kind)
    except (RefusedError, DestinationError) as error:
        if isinstance(error, DestinationError) and error.problems[0].code != "destination-refused":
            raise
        fix = f"Give the private app the scope crm.schemas.{_with(kind)}.read."
        return Finding(name, ok=False, said="they may not be read", fix=fix)
    wanted = definitions(kind)
    useless = unfit(there, wanted)
    if useless:
        fix = "Archive it in HubSpot's settings; it is then made anew, as it must be."
        return Finding(name, ok=False, said=f"{useless[0]} is there, and not unique", fix=fix)
    missing = [one["name"] for one in wanted if one["name"] not in there]
    if not missing:
        return Finding(name, ok=True, said=f"all {len(wanted)} are there")
    said = f"{len(missing)} of {len(wanted)} are made when something is sent first"
    return Finding(name, ok=True, said=said)


def _stage(pipelines: Pipelines) -> Finding:
    name = "stage of new deals"
    try:
        stage = pipelines.first
    except DestinationError as error:
        problem = error.problems[0]
        if problem.code not in {"hubspot-deal-stage", "destination-refused"}:
            raise
        return Finding(name, ok=False, said=problem.what, fix=problem.fix)
    if stage.won is not None:
        fix = "Name an open stage as `deal_stage`."
        return Finding(name, ok=False, said=f"{stage.label} is a closed stage", fix=fix)
    return Finding(name, ok=True, said=f"{stage.label} ({stage.id}) of {stage.pipeline}")
