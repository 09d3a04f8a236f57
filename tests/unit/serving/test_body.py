"""Where a request's body ends: as the parser sees it, and never a byte earlier."""

from __future__ import annotations

import pytest
from gunicorn.config import Config
from gunicorn.http import get_parser
from hypothesis import given
from hypothesis import strategies as st

from chatroom.serving.body import CHUNKS, LINE_BYTES, Body

NEXT = b"GET /next HTTP/1.1\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def head(*fields: bytes) -> bytes:
    return b"POST / HTTP/1.1\r\nHost: a\r\n" + b"".join(fields) + b"\r\n"


def length(size: int) -> bytes:
    return b"Content-Length: %d\r\n" % size


def chunks(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def has_ended(request: bytes) -> bool:
    return looked_at(request).has_ended


def looked_at(request: bytes) -> Body:
    body = Body(request[: request.index(b"\r\n\r\n") + 4])
    body.look(bytearray(request))
    return body


@pytest.mark.parametrize(
    "request_",
    [
        head(),
        head(length(5)) + b"hello",
        head(b"content-length:5\r\n") + b"hello",
        head(CHUNKED) + chunks(b"hello", b"\r\n\r\n", b"0\r\n\r\n" * 9),
        head(b"TRANSFER-ENCODING:\tChunked\r\n") + b'5;a="b"\r\nhello\r\n0\r\n\r\n',
        head(CHUNKED) + b"005\r\nhello\r\n0\r\nX-Trailer: 1\r\nX: 2\r\n\r\n",
    ],
)
def test_a_body_ends_where_the_parser_ends_it(request_: bytes):
    parser = get_parser(Config(), iter([request_ + NEXT]), ("192.0.2.1", 1))
    next(parser).body.read()
    assert parser.unreader.take_buffered() == NEXT

    end = next(
        end for end in range(request_.index(b"\r\n\r\n") + 4, 9999) if has_ended(request_[:end])
    )

    assert end == len(request_)


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=9), st.integers(1, 50))
def test_it_does_not_matter_how_a_body_is_split(pieces: list[bytes], step: int):
    begin, sent = head(CHUNKED), chunks(*pieces)
    body = Body(begin)
    arrived = bytearray(begin)
    for at in range(0, len(sent), step):
        assert not body.has_ended
        arrived += sent[at : at + step]
        body.look(arrived)

    assert body.has_ended


@pytest.mark.parametrize(
    "wrong",
    [
        *(head(CHUNKED) + line + b"\r\n" for line in (b"zz", b"-5", b"5_0", b"")),
        head(CHUNKED) + b"1\r\nabc\r\n",
        head(CHUNKED) + b"1" * (LINE_BYTES + 1),
        head(b"Content-Length: -5\r\n"),
        head(b"Content-Length: five\r\n"),
    ],
)
def test_nobody_waits_for_what_is_malformed(wrong: bytes):
    assert has_ended(wrong)


def test_crumbs_are_noticed_however_many_there_are():
    assert looked_at(head(CHUNKED) + b"1\r\na\r\n" * 2 * CHUNKS).is_crumbled
    assert not looked_at(head(CHUNKED) + chunks(*[b"a" * 64] * CHUNKS)).is_crumbled
    assert not looked_at(head(CHUNKED) + chunks(*[b"a" * 1024] * 9 * CHUNKS)).is_crumbled


@pytest.mark.parametrize(
    "begun",
    [
        head(b"Content-Length: " + b"9" * 4000 + b"\r\n"),
        head(b"Content-Length: " + b"0" * 40 + b"5\r\n") + b"hell",
        head(CHUNKED) + b"f" * 99 + b"\r\nhello\r\n0\r\n\r\n",
        head(CHUNKED) + b"0" * 40 + b"5\r\nhell",
    ],
)
def test_a_size_may_have_any_number_of_digits(begun: bytes):
    assert not has_ended(begun)
