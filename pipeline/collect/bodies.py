"""Bodies of responses, decoded piece by piece under a cap, so that no bomb unfolds in memory."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator

ACCEPTED = "gzip, deflate"
ANY_HEADER = 47  # zlib: 15 bits of window, and 32 to tell gzip from zlib by the header
RAW = -15


class BodyError(Exception):
    """The body can't be used: `reason` is `too_large`, `bad_encoding` or `incomplete`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


async def read(pieces: AsyncIterator[bytes], encoding: str, cap: int) -> bytes:
    """The decoded body of at most `cap` bytes, as sent and as decoded. Raises BodyError."""
    decoder = decoder_of(encoding, cap)
    received = 0
    async for piece in pieces:
        received += len(piece)
        if received > cap:
            raise BodyError("too_large", f"more than {cap} bytes were sent")
        decoder.feed(piece)
    return decoder.finish()


class Plain:
    """Takes bytes as they are."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._body = bytearray()

    def feed(self, piece: bytes) -> None:
        """Take one piece."""
        self.add(piece)

    def add(self, decoded: bytes) -> None:
        """Keep decoded bytes, up to the cap."""
        if len(self._body) + len(decoded) > self._cap:
            raise BodyError("too_large", f"the body is larger than {self._cap} bytes")
        self._body += decoded

    def room(self) -> int:
        """How many bytes may still come, and one more that proves them too many."""
        return self._cap - len(self._body) + 1

    def finish(self) -> bytes:
        """The whole body."""
        return bytes(self._body)


class Inflated(Plain):
    """Unpacks gzip (one or more members), zlib and raw deflate."""

    def __init__(self, cap: int, *, raw_allowed: bool) -> None:
        super().__init__(cap)
        self._raw_allowed = raw_allowed
        self._stream: zlib._Decompress | None = zlib.decompressobj(ANY_HEADER)
        self._started = False

    def feed(self, piece: bytes) -> None:
        """Unpack one piece, never more at once than there is room for."""
        while piece:
            if self._stream is None:
                self._stream = zlib.decompressobj(ANY_HEADER)
            self.add(self._inflate(piece))
            self._started = True
            piece = self._stream.unconsumed_tail
            if self._stream.eof:
                piece, self._stream = self._stream.unused_data, None

    def _inflate(self, piece: bytes) -> bytes:
        assert self._stream is not None  # noqa: S101 - set by feed
        try:
            return self._stream.decompress(piece, self.room())
        except zlib.error as error:
            if self._started or not self._raw_allowed:
                raise BodyError("bad_encoding", f"the body is not compressed as its header says: {error}") from None
        self._stream, self._started = zlib.decompressobj(RAW), True
        return self._inflate(piece)

    def finish(self) -> bytes:
        """The whole body; a stream that breaks off is an error, even if what came reads well."""
        if self._stream is not None and self._started:
            raise BodyError("incomplete", "the compressed body breaks off")
        return super().finish()


def decoder_of(encoding: str, cap: int) -> Plain:
    """The decoder for a Content-Encoding header. Raises BodyError for what we did not ask for."""
    match encoding.strip().lower():
        case "" | "identity":
            return Plain(cap)
        case "gzip" | "x-gzip":
            return Inflated(cap, raw_allowed=False)
        case "deflate":  # zlib by the standard, raw from some servers
            return Inflated(cap, raw_allowed=True)
    raise BodyError("bad_encoding", f"Content-Encoding {encoding[:60]!r} was not asked for")
