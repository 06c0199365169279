"""Bodies as they come over the network, decompressed within bounds.

What a body is compressed with is told by its Content-Encoding and by its first bytes; clients are
known to send compressed bodies that do not say so, and never by the Content-Type.
"""

from __future__ import annotations

import zlib

import pyarrow as pa

from groundswell.connectors.wires.wire import UnreadableError

MAX_BODY = 32 << 20
"""Bytes that a body may have, decompressed."""

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class TooLargeError(Exception):
    """A body of more bytes than are taken."""


def decompress(body: bytes, encoding: str, *, limit: int = MAX_BODY) -> bytes:
    """Return a body as it was before it was compressed.

    Args:
        body: As it came.
        encoding: The Content-Encoding, or nothing.
        limit: Bytes that may come out.

    Raises:
        TooLargeError: More would come out.
        UnreadableError: It is not what it says.
    """
    if body[:2] == _GZIP:
        return _inflate(body, 16 + zlib.MAX_WBITS, limit)
    if body[:4] == _ZSTD:
        return _unzstd(body, limit)
    if encoding.strip().lower() == "deflate" and body and body[:1] not in (b"{", b"["):
        wrapped = body[0] & 0x0F == zlib.DEFLATED  # some send the bare stream, without its header
        return _inflate(body, zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS, limit)
    if len(body) > limit:
        raise TooLargeError
    return body


def _inflate(body: bytes, bits: int, limit: int) -> bytes:
    inflater = zlib.decompressobj(bits)
    try:
        whole = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        raise UnreadableError(f"The body cannot be decompressed: {error}.") from None
    if len(whole) > limit:
        raise TooLargeError
    if not inflater.eof:
        raise UnreadableError("The compressed body ends too soon.")
    return whole


def _unzstd(body: bytes, limit: int) -> bytes:
    try:
        with pa.CompressedInputStream(pa.BufferReader(body), "zstd") as stream:
            whole = stream.read(limit + 1)
    except (OSError, pa.ArrowInvalid) as error:
        raise UnreadableError(f"The body cannot be decompressed: {error}.") from None
    if len(whole) > limit:
        raise TooLargeError
    return whole
