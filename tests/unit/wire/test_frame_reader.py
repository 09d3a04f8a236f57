"""The short way of ordinary frames says what the library would have said."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.wire.frame_reader import (
    LEAST_FRAGMENT,
    LIBRARY_BYTES,
    TEXTS_AT_ONCE,
    FrameCounter,
    FrameReader,
)

MAX_BYTES = 70_000


def frame(payload: bytes, first: int = 0x81, mask: bytes = b"\x01\x02\xfe\x00") -> bytes:
    size = len(payload)
    if size < 126:
        header = bytes((first, 0x80 | size))
    elif size < 65536:
        header = struct.pack("!BBH", first, 0x80 | 126, size)
    else:
        header = struct.pack("!BBQ", first, 0x80 | 127, size)
    return header + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def read_all(reader: FrameReader, data: bytes, size: int) -> list[str | bytes]:
    """What comes out when the bytes arrive ``size`` at a time."""
    out: list[str | bytes] = []
    for start in range(0, len(data), size):
        piece = data[start : start + size]
        while True:
            texts, theirs = reader.read(piece)
            out += texts
            if not theirs:
                break
            out.append(theirs)
            piece = b""
    return out


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
@pytest.mark.parametrize("chunk", [1000, 100_000])
def test_a_text_comes_out_whole_whatever_its_length(size: int, chunk: int) -> None:
    text = ("aé€😀" * size).encode()[:size].decode(errors="ignore")
    text += "x" * (size - len(text.encode()))

    assert read_all(FrameReader(MAX_BYTES), frame(text.encode()), chunk) == [text]


TEXTS = st.text(max_size=200).map(lambda text: text.encode("utf-8", "ignore"))
PINGS = st.binary(max_size=125)
FRAMES = st.lists(
    st.tuples(st.just(0x81), TEXTS) | st.tuples(st.sampled_from([0x89, 0x8A]), PINGS), max_size=8
)


@given(FRAMES, st.integers(1, 300), st.binary(min_size=4, max_size=4))
def test_any_splitting_gives_the_same_frames_in_the_same_order(
    frames: list[tuple[int, bytes]], size: int, mask: bytes
) -> None:
    sent = b"".join(frame(payload, first, mask) for first, payload in frames)

    out = read_all(FrameReader(MAX_BYTES), sent, size)

    assert out == [
        payload.decode() if first == 0x81 else frame(payload, first, mask)
        for first, payload in frames
    ]


@pytest.mark.parametrize(
    "odd",
    [
        frame(b"{}", 0x01),
        frame(b"{}", 0x82),
        frame(b"{}", 0x80),
        frame(b"{}", 0xC1),
        frame(b"{}", 0x83),
        frame(b"", 0x09),
        b"\x81\x02{}",
        b"\x81\x7e\x00\x7f" + b"x" * 127,
        b"\x81\xfe\x00\x02" + b"\0" * 4 + b"{}",
        b"\x81\xff" + (126).to_bytes(8, "big") + b"\0" * 4 + b"x" * 126,
        frame(b"\xff\xfe"),
        frame(b"x" * 70_001),
        b"\x89\xfe\x00\x7e\x00\x00\x00\x00" + b"x" * 126,
    ],
    ids=[
        *("fragment", "binary", "continuation", "reserved bit", "reserved opcode"),
        *(
            "fragmented ping",
            "unmasked",
            "unmasked long",
            "long 2",
            "long 126",
            "not UTF-8",
            "too long",
            "long ping",
        ),
    ],
)
def test_what_is_not_ordinary_is_the_librarys_and_so_is_all_behind_it(odd: bytes) -> None:
    reader = FrameReader(MAX_BYTES)

    first, *theirs = read_all(reader, frame(b"first") + odd + frame(b"last"), 100_000)

    assert first == "first"
    assert b"".join(map(bytes, theirs)) == odd + frame(b"last")
    assert reader.gave_up
    assert reader.read(b"more") == ([], b"more")


def test_the_librarys_bytes_come_a_little_at_a_time() -> None:
    """It would work on 64 KiB of empty fragments for a tenth of a second, and let nobody else."""
    begun, fragments = frame(b"{", 0x01), frame(b"", 0x00) * 10_000

    pieces = read_all(FrameReader(MAX_BYTES), begun + fragments, 65_536)

    assert max(map(len, pieces)) == LIBRARY_BYTES
    assert b"".join(map(bytes, pieces)) == begun + fragments


def test_texts_come_a_few_at_a_time() -> None:
    reader = FrameReader(MAX_BYTES)

    texts, theirs = reader.read(frame(b"{}") * (TEXTS_AT_ONCE + 1))

    assert (texts, theirs) == (["{}"] * TEXTS_AT_ONCE, b"")
    assert reader.read(b"") == (["{}"], b"")


# -- frames that say nothing -----------------------------------------------------------------

SHORT, LONG = b"x" * (LEAST_FRAGMENT - 1), b"x" * LEAST_FRAGMENT
IDLE = [
    *(frame(b"", 0x89), frame(b"ping", 0x89), frame(b"", 0x8A)),
    *(frame(b"", 0x00), frame(SHORT, 0x00), frame(b"", 0x80), frame(b"", 0x01)),
]
BUSY = [
    *(frame(b"{}"), frame(b""), frame(LONG, 0x00), frame(LONG, 0x80), frame(LONG, 0x01)),
    *(frame(b"x" * 200, 0x00), frame(b"x" * 70_000, 0x82)),
]


@given(st.lists(st.sampled_from(IDLE + BUSY), max_size=20), st.integers(1, 100_000))
def test_frames_are_counted_however_they_are_split(frames: list[bytes], size: int) -> None:
    sent = b"".join(frames)
    size = max(size, len(sent) // 200)
    counter = FrameCounter()

    counts = [counter.count(sent[at : at + size]) for at in range(0, len(sent), size)]

    assert sum(every for every, _ in counts) == len(frames)
    assert sum(idle for _, idle in counts) == sum(one in IDLE for one in frames)


def test_what_is_not_complete_takes_no_more_memory_than_a_frame_may() -> None:
    """A frame that announces too much is the library's at once, not when it has come."""
    reader = FrameReader(MAX_BYTES)

    assert reader.read(struct.pack("!BBQ", 0x81, 0xFF, 1 << 40) + b"mask")[1]
    assert reader.gave_up
