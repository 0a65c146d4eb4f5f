"""Read EUC-JP and ISO-2022-JP as they are written on Windows, with the vendor characters (①, 髙) that Python's codecs
refuse.

Both carry JIS row and cell numbers; Shift_JIS is the same numbers folded, and Python's cp932 knows the vendor rows
(https://encoding.spec.whatwg.org/#legacy-multi-byte-japanese-encodings). So the numbers are folded and read as
cp932.
"""

from __future__ import annotations

import re

ESCAPE = re.compile(rb"\x1b(\$[@B]|\([BJI]|\$\(D)")
DOUBLE = (b"$@", b"$B")
HALF_KANA = b"(I"
EUC_UNIT = re.compile(rb"[\x00-\x80]+|\x8e[\xa1-\xdf]|[\xa1-\xfe][\xa1-\xfe]|\x8f[\xa1-\xfe]{2}|.", re.DOTALL)


def decode_euc_jp(body: bytes, *, errors: str = "strict") -> str:
    """The text of EUC-JP bytes. Raises UnicodeDecodeError when `errors` is "strict" and a unit is no character."""
    try:
        return body.decode("euc_jp")
    except UnicodeDecodeError:
        return "".join(_euc_unit(match.group(), errors) for match in EUC_UNIT.finditer(body))


def decode_iso_2022_jp(body: bytes, *, errors: str = "strict") -> str:
    """The text of ISO-2022-JP bytes, including half-width kana (ESC ( I). Errors as for `decode_euc_jp`."""
    first, *rest = ESCAPE.split(body)
    texts = [first.decode("ascii", errors)]
    for mode, run in zip(rest[::2], rest[1::2], strict=True):
        texts.append(_iso_run(mode, run, errors))
    return "".join(texts)


def _euc_unit(unit: bytes, errors: str) -> str:
    if unit[0] < 0x80:
        return unit.decode("ascii", errors)
    if len(unit) == 2 and unit[0] >= 0xA1:
        return _fold(unit[0] - 0x80, unit[1] - 0x80).decode("cp932", errors)
    return unit.decode("euc_jp", errors)


def _iso_run(mode: bytes, run: bytes, errors: str) -> str:
    if mode in DOUBLE:
        line_ends = re.split(rb"([\r\n]+)", run)  # a line end resets to ASCII, whatever the sender forgot
        return "".join(_double(part, errors) for part in line_ends)
    if mode == HALF_KANA:
        return bytes(byte | 0x80 if 0x21 <= byte <= 0x5F else byte for byte in run).decode("cp932", errors)
    if mode == b"$(D":
        return (b"\x1b$(D" + run + b"\x1b(B").decode("iso2022_jp_2", errors)
    return run.decode("ascii", errors)


def _double(run: bytes, errors: str) -> str:
    if run[:1] in (b"\r", b"\n"):
        return run.decode("ascii")
    even = len(run) // 2 * 2
    folded = b"".join(_fold(run[i], run[i + 1]) for i in range(0, even, 2))
    return folded.decode("cp932", errors) + run[even:].decode("ascii", errors)


def _fold(row: int, cell: int) -> bytes:
    """Shift_JIS bytes of a JIS row and cell, both 0x21-0x7E; a lone 0xFF, which is no character, for anything else."""
    if not (0x21 <= row <= 0x7E and 0x21 <= cell <= 0x7E):
        return b"\xff"
    lead = (row - 0x21) // 2 + 0x81
    trail = cell + 0x7E if row % 2 == 0 else cell + 0x1F + (cell >= 0x60)
    return bytes((lead + 0x40 if lead > 0x9F else lead, trail))
