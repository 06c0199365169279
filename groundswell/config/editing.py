"""A block of a configuration, changed where it stands: every other line stays as it is.

A change is checked as the whole file with it would be, and nothing is written before that. A
text that says more than its block is refused, so that whoever may change triggers changes those.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from groundswell.config.document import parse_document, read_document
from groundswell.config.loading import CONFIG_FILE, LoadedConfig, load_config
from groundswell.errors import ConfigError, Place, Problem, UsageError

if TYPE_CHECKING:
    from pathlib import Path

_BOM = b"\xef\xbb\xbf"
_DIGEST_LENGTH = 16
_writing = threading.Lock()


@dataclass(frozen=True, slots=True)
class WrittenBlock:
    """A block as it stands in a file.

    Attributes:
        block: Its key.
        root: The project's folder.
        name: Of the file, as messages call it.
        lines: Of the file, each with its end.
        first, last: The first of its lines, and the one after its last; the same where it is not
            written.
        content: The bytes of the file.
    """

    block: str
    root: Path
    name: str
    lines: tuple[str, ...]
    first: int
    last: int
    content: bytes = field(repr=False)

    @property
    def file(self) -> Path:
        """Where the file is."""
        return (self.root / self.name).resolve()

    @property
    def text(self) -> str:
        """The block as it is written, its key too; nothing where it is not."""
        return "".join(self.lines[self.first : self.last])

    @property
    def digest(self) -> str:
        """A text that is another one once the file is."""
        return hashlib.sha256(self.content).hexdigest()[:_DIGEST_LENGTH]

    def changed(self, text: str) -> str:
        """Return the file with another text in place of the block's."""
        before, after = list(self.lines[: self.first]), self.lines[self.last :]
        if text and self.first == self.last and before:
            before[-1] = before[-1].rstrip("\n") + "\n"
            before.append("\n")
        return "".join([*before, text, *after])

    def diff(self, text: str) -> str:
        """Return how the file changes with another text, as `diff -u` tells it."""
        lines = difflib.unified_diff(
            "".join(self.lines).splitlines(),
            self.changed(tidy(text)).splitlines(),
            self.name,
            self.name,
            lineterm="",
        )
        return "\n".join(lines)


def tidy(text: str) -> str:
    r"""Return a text as it is written into a file: ends of lines as here, the last one too.

    >>> tidy("triggers:\r\n  big: null")
    'triggers:\n  big: null\n'
    """
    told = text.replace("\r\n", "\n").strip("\n")
    return f"{told}\n" if told.strip() else ""


def find_block(root: Path, block: str) -> WrittenBlock:
    """Find where a block of a project is written, in groundswell.yaml or what that includes.

    Raises:
        ConfigError: The file cannot be read.
        UsageError: It is written so that its blocks have no lines of their own.
    """
    whole = read_document(root / CONFIG_FILE, root=root)
    spot = whole.spots.get((block,))
    name = spot.key.file if spot is not None else CONFIG_FILE
    try:
        content = (root / name).read_bytes()
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError):
        whole.findings().raise_any()
        raise
    document = parse_document(text, name)
    document.findings().raise_any()
    lines = tuple(text.splitlines(keepends=True))
    keys = sorted(
        (at.key.line or 0, at.key.column or 0, str(key[0]))
        for key, at in document.spots.items()
        if len(key) == 1
    )
    if any(column != 1 for _, column, _ in keys):
        raise UsageError(
            Problem(
                "edit-form",
                f"The blocks of `{name}` do not begin at the beginning of a line.",
                "Change it in an editor, and run `groundswell check`.",
                where=Place(name),
            )
        )
    begins = {key: line - 1 for line, _, key in keys}
    if block not in begins:
        return WrittenBlock(block, root, name, lines, len(lines), len(lines), content)
    first = begins[block]
    last = min((line for line in begins.values() if line > first), default=len(lines))
    while last > first + 1 and (not lines[last - 1].strip() or lines[last - 1].startswith("#")):
        last -= 1  # what stands before the next block belongs to that
    return WrittenBlock(block, root, name, lines, first, last, content)


def check_block(written: WrittenBlock, text: str) -> LoadedConfig:
    """Check a configuration with another text in place of a block's, as a whole.

    Raises:
        ConfigError: With every mistake, each at its place in the file as it would be.
    """
    after = written.changed(tidy(text))
    document = parse_document(after, written.name)
    document.findings().raise_any()
    before = parse_document("".join(written.lines), written.name)
    others = {**before.data, **document.data}.keys() - {written.block}
    strange = sorted(key for key in others if before.data.get(key) != document.data.get(key))
    if strange:
        named = ", ".join(f"`{key}`" for key in strange)
        spot = document.spots.get((strange[0],))
        raise ConfigError(
            Problem(
                "edit-block",
                f"The text changes {named}, beside `{written.block}`.",
                f"Write `{written.block}:` and what belongs under it, and nothing else.",
                where=spot.key if spot is not None else Place(written.name),
            )
        )
    return load_config(written.root / CONFIG_FILE, texts={written.file: after})


def write_block(written: WrittenBlock, text: str) -> None:
    """Write another text in place of a block's; whoever reads the file sees all of it or nothing.

    Args:
        written: The block as it was when the change was made of it.
        text: What `check_block` took.

    Raises:
        UsageError: The file was changed since, or cannot be written.
    """
    after = written.changed(tidy(text))
    if b"\r\n" in written.content:
        after = after.replace("\n", "\r\n")
    content = after.encode()
    if written.content.startswith(_BOM):
        content = _BOM + content
    file = written.file
    fresh = file.with_name(f".{file.name}.new")
    try:
        with _writing:
            if file.read_bytes() != written.content:
                raise changed_since(written)
            with fresh.open("wb") as opened:
                opened.write(content)
                opened.flush()
                os.fsync(opened.fileno())
            fresh.chmod(file.stat().st_mode & 0o777)
            fresh.replace(file)
    except OSError as error:
        raise UsageError(
            Problem(
                "edit-unwritable",
                f"`{written.name}` cannot be written: {error.strerror or error}.",
                "Copy the change and make it where the file comes from.",
                where=Place(written.name),
            )
        ) from None


def changed_since(written: WrittenBlock) -> UsageError:
    """Return what is said where a file was changed after a change was made of it."""
    return UsageError(
        Problem(
            "edit-stale",
            f"`{written.name}` was changed since this page was made.",
            "Load the page again, and make the change once more.",
            where=Place(written.name),
        )
    )
