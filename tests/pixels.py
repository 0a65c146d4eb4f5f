"""Pictures as arrays of pixels, to see that there is ink where it should be."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
Pixels = NDArray[np.uint8]


def pixels(png: bytes) -> Pixels:
    """A PNG of 8-bit RGBA as (height, width, 4). See https://www.w3.org/TR/png-3/#9Filters."""
    chunks = dict(_chunks(png))
    width, height, depth, colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, colour) == (8, 6)
    raw = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, 1 + 4 * width)
    found = np.zeros((height + 1, 4 + 4 * width), np.uint8)  # a margin of nothing above and before
    for at, line in enumerate(raw, 1):
        found[at, 4:] = _unfiltered(int(line[0]), line[1:], found[at - 1])
    return found[1:, 4:].reshape(height, width, 4)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    assert png.startswith(SIGNATURE)
    at, data = len(SIGNATURE), b""
    while at < len(png):
        length, name = struct.unpack(">I4s", png[at : at + 8])
        body = png[at + 8 : at + 8 + length]
        data += body if name == b"IDAT" else b""
        yield name, data if name == b"IDAT" else body
        at += 12 + length


def _unfiltered(kind: int, line: Pixels, above: Pixels) -> Pixels:
    if kind == 0:
        return line
    if kind == 2:
        return line + above[4:]
    shaped, over = line.reshape(-1, 4), above.reshape(-1, 4)
    if kind == 1:
        return np.cumsum(shaped, axis=0, dtype=np.uint8).ravel()
    found = np.zeros_like(over).astype(int)
    for at in range(1, len(over)):
        left, up, corner = found[at - 1], over[at].astype(int), over[at - 1].astype(int)
        found[at] = (shaped[at - 1] + ((left + up) // 2 if kind == 3 else _nearest(left, up, corner))) % 256
    return found[1:].astype(np.uint8).ravel()


def _nearest(left: NDArray[np.int_], up: NDArray[np.int_], corner: NDArray[np.int_]) -> NDArray[np.int_]:
    guess = left + up - corner
    far = abs(guess - left), abs(guess - up), abs(guess - corner)
    return np.where((far[0] <= far[1]) & (far[0] <= far[2]), left, np.where(far[1] <= far[2], up, corner))


def close(picture: Pixels, colour: str, within: int = 40) -> NDArray[np.bool_]:
    """Where the picture has about this colour (`#rrggbb`)."""
    wanted = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)])
    found: NDArray[np.bool_] = (abs(picture[:, :, :3].astype(int) - wanted) <= within).all(axis=2)
    return found
