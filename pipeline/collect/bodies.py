"""Bodies: from the pieces that came off the wire to the bytes that were meant, in bounded memory.

`Body` takes a piece at a time and never holds more than its cap and a fraction, whatever the pieces unfold to. It does
not know what the bytes mean.
"""

from __future__ import annotations

import zlib
from io import BytesIO

from pipeline.errors import TreatywatchError

ACCEPT_ENCODING = "gzip, deflate"
CODINGS = {"": "", "identity": "", "gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}
PIECE = 65536  # bytes unfolded at a time
MAX_MEMBERS = (
    1000  # a gzip body may hold several files; each costs a new decoder, and a hostile one could hold millions
)
GZIP_MAGIC = b"\x1f\x8b"
EITHER = 32 + zlib.MAX_WBITS  # zlib's or gzip's header, as the data says
BARE = -zlib.MAX_WBITS  # deflated data without a header


class BodyError(TreatywatchError):
    """The body can't be used: reasons `too_large bad_encoding incomplete`."""


class Body:
    """A body on its way in: `add` the pieces, then take the `whole`.

    `encoding`: the Content-Encoding header or ''. `max_bytes` bounds the bytes on the wire and those unfolded. A larger
    body is an error, or with `clip` is cut off there. Raises BodyError.
    """

    def __init__(self, encoding: str, *, max_bytes: int, clip: bool = False) -> None:
        self._coding = _coding(encoding)
        self._max_bytes = max_bytes
        self._clip = clip
        self._on_wire = 0
        self._unfolder = _Unfolder(self._coding) if self._coding else None
        # BytesIO gives its buffer away without a copy, which would double the memory of a large body.
        self._unfolded = BytesIO()
        self._full = False

    def expect(self, length: int) -> None:
        """Refuse a body that announces itself as too large. `length` in bytes on the wire."""
        if length > self._max_bytes and not self._clip:
            self._overflow()

    def add(self, piece: bytes) -> bool:
        """Take a piece off the wire; False as soon as no more is wanted."""
        if self._full:
            return False
        room = self._max_bytes - self._on_wire
        self._on_wire += len(piece)
        self._take(piece[:room])
        if len(piece) > room:
            self._overflow()
        return not self._full

    def whole(self) -> bytes:
        """The body. Raises BodyError (`incomplete`) if compressed data stops before its end."""
        if self._unfolder is not None and not self._unfolder.at_end and self._on_wire and not self._full:
            raise BodyError("the compressed body ends too early; it may be whole at the next try", reason="incomplete")
        return self._unfolded.getvalue()

    def _take(self, piece: bytes) -> None:
        if self._unfolder is None:
            self._keep(piece)
            return
        self._unfolder.add(piece)
        while not self._full and (data := self._unfolder.next()):
            self._keep(data)

    def _keep(self, data: bytes) -> None:
        room = self._max_bytes - self._unfolded.tell()
        self._unfolded.write(data[:room])
        if len(data) > room:
            self._overflow()

    def _overflow(self) -> None:
        if not self._clip:
            message = f"the body is larger than {self._max_bytes} bytes; raise fetch.max_bytes if that is expected"
            raise BodyError(message, reason="too_large")
        self._full = True


class _Unfolder:
    """Decompresses at most PIECE bytes at a time. `at_end`: whether the compressed data is complete so far."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._waiting = b""
        self._decoder: zlib._Decompress | None = None
        self._members = 0

    @property
    def at_end(self) -> bool:
        """Between two members there may be padding, of which nothing is expected."""
        return self._members > 0 and self._decoder is None

    def add(self, piece: bytes) -> None:
        self._waiting += piece

    def next(self) -> bytes:
        """The next bytes; b'' when all that was added is used up."""
        while self._decoder is not None or self._begin():
            data = self._some()
            if data or self._decoder is not None:
                return data
        return b""

    def _begin(self) -> bool:
        """Choose the next member's decoder by its first bytes: whether there is one."""
        head = self._waiting
        if len(head) < len(GZIP_MAGIC):
            return False
        if self._members and not head.startswith(GZIP_MAGIC):
            self._waiting = b""  # padding or rubbish after the end, which browsers ignore too
            return False
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise BodyError(f"the body is made of more than {MAX_MEMBERS} gzip files", reason="bad_encoding")
        # Servers send "deflate" with and without the header that the standard asks for.
        bare = self._coding == "deflate" and not _has_header(head)
        self._decoder = zlib.decompressobj(BARE if bare else EITHER)
        return True

    def _some(self) -> bytes:
        assert self._decoder is not None  # noqa: S101 - `next` saw to it
        try:
            data = self._decoder.decompress(self._waiting, PIECE)
        except zlib.error as error:
            message = f"the body is not the {self._coding} data that it is said to be ({error})"
            raise BodyError(message, reason="bad_encoding") from None
        if self._decoder.eof:
            self._waiting, self._decoder = self._decoder.unused_data, None
        else:
            self._waiting = self._decoder.unconsumed_tail
        return data


def _coding(header: str) -> str:
    try:
        return CODINGS[header.strip().lower()]
    except KeyError:
        message = f"the body is encoded as {header[:50]!r}, though only {ACCEPT_ENCODING} were offered"
        raise BodyError(message, reason="bad_encoding") from None


def _has_header(head: bytes) -> bool:
    """Whether data begins like zlib's (RFC 1950, 2.2) or gzip's."""
    return head.startswith(GZIP_MAGIC) or (head[0] & 15 == zlib.DEFLATED and int.from_bytes(head[:2]) % 31 == 0)
