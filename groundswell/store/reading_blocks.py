"""Bytes of a file, decompressed, as blocks of UTF-8."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa

from groundswell.errors import LoadError, Place, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from numpy.typing import NDArray

_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
_BOM = codecs.BOM_UTF8


def plain_suffix(path: Path) -> str:
    """Return the suffix that tells the format: `.csv` of `events.csv.gz`."""
    inner = Path(path.stem) if path.suffix.lower() in _COMPRESSIONS else path
    return inner.suffix.lower()


class Blocks:
    """A file as a run of blocks, each beginning where the last was used up.

    The reader of a block says how much of it was whole records; the rest comes again at the
    start of the next. A byte order mark at the beginning is taken off.
    """

    def __init__(self, path: Path, *, encoding: str = "utf-8", size: int) -> None:
        """Open `path` and hand out blocks of about `size` bytes."""
        self.path = path
        self._size = size
        self._decoder = None if encoding == "utf-8" else codecs.getincrementaldecoder(encoding)()
        self._file = pa.OSFile(str(path), "rb")
        compression = _COMPRESSIONS.get(path.suffix.lower())
        self._stream = (
            pa.CompressedInputStream(self._file, compression) if compression else self._file
        )
        self._rest = b""
        self._used = 0
        self._block: NDArray[np.uint8] = np.empty(0, dtype=np.uint8)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._stream is not self._file:
            self._stream.close()
        self._file.close()

    @property
    def bytes_done(self) -> int:
        """Bytes of the file, as it lies on disk, that were read so far."""
        return int(self._file.tell())

    def use(self, count: int) -> None:
        """Say that `count` bytes of the last block are done with."""
        self._used = count

    def __iter__(self) -> Iterator[tuple[NDArray[np.uint8], bool]]:
        """Yield (block, whether it is the last); grow the block when nothing of one was used."""
        want = self._size
        first = True
        final = False
        while not final:
            raw = self._read(want)
            final = len(raw) < want
            text = self._decode(raw, final=final)
            if first:
                text = text.removeprefix(_BOM)
                first = False
            data = self._rest + text
            self._used = 0
            block = np.frombuffer(data, dtype=np.uint8)
            yield block, final
            self._rest = data[self._used :]
            want = self._size if self._used else want * 2

    def _read(self, want: int) -> bytes:
        """Return `want` bytes, fewer only at the end: a stream may give less than asked."""
        parts: list[bytes] = []
        left = want
        try:
            while left > 0 and (part := self._stream.read(left)):
                parts.append(part)
                left -= len(part)
        except (OSError, pa.ArrowInvalid) as error:
            raise _damaged(self.path, str(error)) from None
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _decode(self, raw: bytes, *, final: bool) -> bytes:
        if self._decoder is None:
            return raw
        try:
            return self._decoder.decode(raw, final=final).encode()
        except UnicodeError as error:
            raise LoadError(
                Problem(
                    code="file-encoding",
                    what=f"The file is not written in the encoding it is said to be in: {error}.",
                    fix="Name the right one under the source: `csv: {encoding: utf-8}`.",
                    where=Place(str(self.path)),
                )
            ) from None


def _damaged(path: Path, detail: str) -> LoadError:
    return LoadError(
        Problem(
            code="file-damaged",
            what=f"The file cannot be read to its end: {detail.strip().rstrip('.')}.",
            fix="Get the file again: it is cut short, or not compressed as its name says.",
            where=Place(str(path)),
        )
    )
