"""Bodies: decoded right, in bounded memory, or refused by name."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collect.bodies import Body, BodyError

CORPUS = Path(__file__).parents[2] / "shared" / "corpora" / "http_compression"
MB = 1_000_000


def sample(name: str) -> bytes:
    if not CORPUS.exists():
        pytest.skip("the compressed samples (shared/corpora/http_compression) are not on this machine")
    return (CORPUS / name).read_bytes()


def unfold(encoding: str, pieces: Iterable[bytes], *, max_bytes: int = MB, clip: bool = False) -> bytes:
    body = Body(encoding, max_bytes=max_bytes, clip=clip)
    for piece in pieces:
        if not body.add(piece):
            break
    return body.whole()


def reason(encoding: str, *pieces: bytes, max_bytes: int = MB) -> str:
    with pytest.raises(BodyError) as caught:
        unfold(encoding, pieces, max_bytes=max_bytes)
    return caught.value.reason


def deflated(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 7, 65536])
@pytest.mark.parametrize(
    ("name", "encoding"),
    [("html-gzip.bin", "gzip"), ("html-zlibdeflate.bin", "deflate"), ("html-rawdeflate.bin", "deflate")],
)
def test_real_compressed_pages_are_unfolded_however_they_are_cut(name: str, encoding: str, size: int) -> None:
    page = unfold(encoding, cut(sample(name), size))
    assert (page[:15], len(page) in (74837, 74840)) == (b"<!DOCTYPE HTML>", True)


def test_a_real_compressed_feed_is_unfolded_to_the_feed() -> None:
    assert unfold("x-gzip", [sample("feed-sample1.xml.gz")]) == sample("feed-sample1.xml")


@pytest.mark.parametrize(
    ("name", "encoding", "expected"),
    [
        ("bomb-gzip.bin", "gzip", "too_large"),
        ("bomb-deflate.bin", "deflate", "too_large"),
        ("bomb-br.bin", "br", "bad_encoding"),
        ("bomb-zstd.bin", "zstd", "bad_encoding"),
    ],
)
def test_F13_decompression_bomb(name: str, encoding: str, expected: str) -> None:
    data = sample(name)
    tracemalloc.start()
    try:
        found = reason(encoding, *cut(data, 65536), max_bytes=MB)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (found, peak <= MB + 2 * MB) == (expected, True)


@pytest.mark.parametrize("encoding", ["gzip", ""])
def test_F13_a_body_as_large_as_allowed_is_not_held_twice(encoding: str) -> None:
    cap = 10 * 1024 * 1024
    data = b"\0" * cap
    pieces = cut(gzip.compress(data) if encoding else data, 65536)
    del data
    tracemalloc.start()
    try:
        size = len(unfold(encoding, pieces, max_bytes=cap))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (size, peak <= cap + 2 * MB) == (cap, True)


@pytest.mark.parametrize(
    "encoding", ["br", "zstd", "gzip, gzip", "gzip,deflate", "compress", "utf-8", "gzip;q=1", "x" * 10_000]
)
def test_F14_encodings_that_were_not_offered_are_refused(encoding: str) -> None:
    assert reason(encoding, b"anything") == "bad_encoding"


@pytest.mark.parametrize("data", [b"<rss/>", b"\x1f\x8b\x08 and then nonsense that is no gzip", deflated(b"x" * 99)])
def test_F14_gzip_that_is_none_is_refused(data: bytes) -> None:
    assert reason("gzip", data) == "bad_encoding"


def test_F14_a_wrong_checksum_is_refused() -> None:
    data = bytearray(gzip.compress(b"talks" * 99))
    data[-6] ^= 1
    assert reason("gzip", bytes(data)) == "bad_encoding"


@pytest.mark.parametrize("name", ["unexpected-eof.gz", "truncated-crc-error.gz", "truncated-crc-error-short.gz"])
def test_F15_real_truncated_files_are_incomplete(name: str) -> None:
    assert reason("gzip", *cut(sample(name), 1000)) == "incomplete"


@given(
    data=st.binary(min_size=1, max_size=200),
    cut_off=st.integers(1, 40),
    coding=st.sampled_from(["gzip", "zlib", "bare"]),
)
def test_F15_a_compressed_body_is_whole_or_an_error(data: bytes, cut_off: int, coding: str) -> None:
    whole = {"gzip": gzip.compress, "zlib": zlib.compress, "bare": deflated}[coding](data)
    encoding = "gzip" if coding == "gzip" else "deflate"
    assert unfold(encoding, cut(whole, 3)) == data
    if len(whole) > cut_off:
        assert reason(encoding, *cut(whole[:-cut_off], 3)) in ("incomplete", "bad_encoding")


def test_output_that_waits_in_the_decoder_is_not_forgotten() -> None:
    data = b"x" * 65536 * 3
    for extra in range(0, 600, 37):
        assert unfold("gzip", [gzip.compress(data + b"y" * extra)]) == data + b"y" * extra


@pytest.mark.parametrize("size", [1, 2, 3, 65536])
def test_several_gzip_files_are_one_body_and_padding_is_none_of_it(size: int) -> None:
    data = gzip.compress(b"one ") + gzip.compress(b"two") + b"\0" * 70 + b"rubbish"
    assert unfold("gzip", cut(data, size)) == b"one two"


def test_a_million_tiny_gzip_files_are_refused_soon() -> None:
    assert reason("gzip", *cut(gzip.compress(b"") * 40_000, 65536)) == "bad_encoding"


@pytest.mark.parametrize("encoding", ["", "gzip", "deflate", "identity"])
def test_an_empty_body_is_an_empty_body_whatever_its_encoding(encoding: str) -> None:
    assert unfold(encoding, []) == b""


@pytest.mark.parametrize(("size", "fits"), [(100, True), (101, False)])
def test_F12_the_cap_is_exact_on_the_wire(size: int, fits: bool) -> None:
    pieces = cut(b"x" * size, 30)
    assert (len(unfold("", pieces, max_bytes=100)) if fits else reason("", *pieces, max_bytes=100)) in (
        100,
        "too_large",
    )


def test_F12_bytes_on_the_wire_count_even_if_they_unfold_to_nothing() -> None:
    padded = gzip.compress(b"x") + b"\0" * 1000
    assert reason("gzip", *cut(padded, 100), max_bytes=500) == "too_large"


def test_F12_a_body_that_announces_itself_as_too_large_is_not_begun() -> None:
    with pytest.raises(BodyError):
        Body("", max_bytes=100).expect(10_000_000_000)


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_a_clipped_body_is_its_beginning(encoding: str) -> None:
    data = bytes(range(256)) * 100
    pieces = cut(gzip.compress(data) if encoding else data, 50)
    assert unfold(encoding, pieces, max_bytes=1000, clip=True) == data[:1000]
