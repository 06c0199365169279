"""A block of the configuration, read, checked as `groundswell check` does, and written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.config.editing import (
    WrittenBlock,
    changed_since,
    check_block,
    find_block,
    write_block,
)
from groundswell.config.webhooks import resolve_webhooks
from groundswell.engine.destination_blocks import check_destinations
from groundswell.engine.signals.answers import BlockChange, BlockText
from groundswell.errors import ConfigError, Problem, UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from groundswell.config.loading import LoadedConfig

BLOCKS: dict[str, str] = {
    "events": "What your events mean",
    "features": "What is counted beside the built-ins",
    "score": "What makes an account's score, and what it has to pass",
    "triggers": "What is a reason to act now",
    "guardrails": "What holds a person back",
    "motions": "How an account is sold to, and who works it",
    "plays": "What to do and say",
    "teams": "Who is on each team, and who gets the next account",
}
"""The blocks that are edited here, and what each says."""


def find_known(root: Path, block: str) -> WrittenBlock:
    """Find where one of `BLOCKS` is written.

    Raises:
        ConfigError: The file cannot be read.
        UsageError: It is none of these, or has no lines of its own.
    """
    if block not in BLOCKS:
        raise UsageError(
            Problem(
                "edit-unknown",
                f"`{block[:40]}` is no block that is edited here.",
                did_you_mean(block, BLOCKS, noun="Blocks"),
            )
        )
    return find_block(root, block)


def read_block(root: Path, block: str, *, may_write: bool) -> BlockText:
    """Return a block as it is written; see `find_known` for what it raises."""
    found = find_known(root, block)
    return BlockText(block, found.name, begin_of(found), found.text, found.digest, may_write)


def begin_of(written: WrittenBlock) -> int:
    """Return the line of the file that a block begins on, or would."""
    is_new = written.first == written.last and written.lines
    return written.first + (2 if is_new else 1)  # an empty line stands before a new block


def load_changed(written: WrittenBlock, text: str, environ: Mapping[str, str]) -> LoadedConfig:
    """Return the configuration as it would be, checked as `groundswell check` does.

    Raises:
        ConfigError: With every mistake, each at its place.
    """
    loaded = check_block(written, text)
    resolve_webhooks(loaded, environ)
    check_destinations(loaded)
    return loaded


def change_of(
    root: Path, block: str, text: str, digest: str | None, environ: Mapping[str, str]
) -> BlockChange:
    """Say what is wrong with another text of a block, and how the file would change.

    Raises:
        ConfigError: The file cannot be read as it is.
        UsageError: It is no block that is edited here, or the file was changed since.
    """
    written = find_known(root, block)
    refuse_stale(written, digest)
    problems: tuple[Problem, ...] = ()
    try:
        load_changed(written, text, environ)
    except ConfigError as error:
        problems = error.problems
    return BlockChange(
        block, written.name, begin_of(written), written.digest, problems, written.diff(text)
    )


def write_changed(
    root: Path, block: str, text: str, digest: str, environ: Mapping[str, str]
) -> BlockText:
    """Write another text in place of a block's, where nothing is wrong with it.

    Raises:
        ConfigError: With every mistake; the file stays as it was.
        UsageError: The file was changed since, or cannot be written; it stays as it was.
    """
    written = find_known(root, block)
    refuse_stale(written, digest)
    load_changed(written, text, environ)
    write_block(written, text)
    return read_block(root, block, may_write=True)


def refuse_stale(written: WrittenBlock, digest: str | None) -> None:
    """Refuse a change that was made of a file as it was before.

    Raises:
        UsageError: The file is another one now.
    """
    if digest is not None and written.digest != digest:
        raise changed_since(written)
