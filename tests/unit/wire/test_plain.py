"""The plain protocol: JSON in, JSON out, and frames as the RFC has them."""

from __future__ import annotations

import json
import re
import struct
from datetime import datetime, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wsproto.frame_protocol import FrameProtocol, Opcode

from chatroom.errors import FrameRefused
from chatroom.message import Draft, Message
from chatroom.wire.fields import MAX_DEPTH, parse
from chatroom.wire.message_json import iso_time, local_time, to_json
from chatroom.wire.plain import Frame, decode
from chatroom.wire.websocket import PING, CloseCode, close_frame, text_frame
from tests.support.effort import is_linear

pytestmark = pytest.mark.takes(seconds=3)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def read(text: str, max_name_length: int = 64) -> Frame:
    return decode(text, max_name_length=max_name_length)


def refusal(text: str, max_name_length: int = 64) -> str:
    """The reason that the sender gets, with code 1007."""
    with pytest.raises(FrameRefused) as caught:
        read(text, max_name_length)
    assert caught.value.code == 1007
    return caught.value.reason


def wire(data: bytes) -> tuple[Opcode, object, bool]:
    """One frame, as the library that clients might use reads it."""
    client = FrameProtocol(client=True, extensions=[])
    client.receive_bytes(data)
    (frame,) = client.received_frames()
    return frame.opcode, frame.payload, frame.message_finished


# -- what clients send -------------------------------------------------------------------------


def test_a_frame_holds_three_texts():
    frame = read('{"userName": "Ann", "body": "hi", "timestamp": "10:42 AM"}')

    assert frame == Frame(Draft("Ann", "hi", "10:42 AM"), silent=False)


def test_unknown_fields_are_ignored_whatever_they_hold():
    assert read('{"body": "hi", "id": 7, "room": {"a": [null]}, "": 1e400}').draft.body == "hi"


def test_a_missing_field_is_empty_and_an_empty_name_anonymous():
    before = local_time()
    draft = read('{"userName": "", "body": ""}').draft

    assert (draft.user_name, draft.body) == ("Anonymous", "")
    assert draft.timestamp in (before, local_time())


@pytest.mark.parametrize(
    ("text", "silent"),
    [('{"userName": "Ann"}', True), ("{}", True), ('{"body": ""}', False), ('{"body":"x"}', False)],
)
def test_only_a_frame_without_a_body_is_silent(text: str, silent: bool):
    assert read(text).silent is silent


def test_the_timestamp_is_the_clients_own_text():
    assert read('{"timestamp": "gestern um f\\u00fcnf"}').draft.timestamp == "gestern um f\u00fcnf"


@given(TEXTS, TEXTS, TEXTS)
def test_every_text_that_json_can_write_comes_in_as_it_is(name: str, body: str, timestamp: str):
    fields = {"userName": name or "x", "body": body, "timestamp": timestamp or "x"}
    for ascii_only in (True, False):
        frame = read(json.dumps(fields, ensure_ascii=ascii_only), max_name_length=1 << 30)
        assert list(frame.draft) == [*fields.values(), ""]


@given(JSON)
def test_any_json_is_read_or_refused(value: object):
    """An object without one of our keys is one of empty fields; everything else is refused."""
    text = json.dumps(value)
    try:
        read(text)
    except FrameRefused as refused:
        assert refused.code == 1007
        assert type(value) is not dict or any(
            key in value for key in ("userName", "body", "timestamp")
        )
    else:
        assert type(value) is dict


@given(st.text())
def test_any_text_at_all_is_read_or_refused(text: str):
    try:
        read(text)
    except FrameRefused as refused:
        assert refused.code == 1007


@pytest.mark.parametrize("text", ["", " ", "hello", "{", '{"body": }', "{}{}", "'{}'", "\ufeff{}"])
def test_what_is_no_json_is_refused(text: str):
    assert "not JSON" in refusal(text)


@pytest.mark.parametrize("text", [' {"body": "hi"}', '{"body": "hi"}\r\n', '\t{"body": "hi"} '])
def test_there_may_be_space_around_an_object(text: str):
    assert read(text).draft.body == "hi"


@pytest.mark.parametrize("text", ["null", "true", "1", '"body"', "[]", '[{"body": "hi"}]'])
def test_what_is_no_object_is_refused(text: str):
    assert refusal(text) == "not a JSON object with userName, body, timestamp"


@pytest.mark.parametrize("key", ["userName", "body", "timestamp"])
@pytest.mark.parametrize("value", ["true", "1", "1.5", "[]", "{}", '["hi"]'])
def test_a_field_that_is_no_text_is_refused_by_name(key: str, value: str):
    assert refusal(f'{{"{key}": {value}}}') == f"{key} is not text"


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_have_are_refused_even_where_nobody_looks(name: str):
    assert refusal(f'{{"body": "hi", "extra": [{name}]}}') == f"{name} is not JSON"


@pytest.mark.parametrize("key", ["userName", "body", "timestamp"])
@pytest.mark.parametrize("half", [r"\ud83d", r"\udc4b", r"\udc4b\ud83d", r"ok \uD800 ok"])
def test_half_a_surrogate_pair_is_refused(key: str, half: str):
    """JSON can write it and no UTF-8 can: nobody could be sent it."""
    assert refusal(f'{{"{key}": "{half}"}}') == f"{key} contains a lone surrogate"


def test_a_whole_surrogate_pair_is_one_character():
    assert read(r'{"body": "\ud83d\udc4b"}').draft.body == "\U0001f44b"


def test_a_huge_number_costs_nothing():
    """Python's own conversion of so many digits takes quadratic time, or refuses."""
    read(f'{{"body": "hi", "number": {"9" * 60_000}, "exponent": 1e{"9" * 5000}}}')

    assert is_linear(lambda size: read(f'{{"body": "hi", "number": {"9" * size}}}'), 7_500)


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("0", 0),
        ("-7", -7),
        ("9" * 15, 10**15 - 1),
        ("1" + "0" * 15, 10**15),
        ("9" * 5000, 10**15),
        ("-" + "9" * 5000, -(10**15)),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_whole_number_is_an_int_and_a_huge_one_no_more_than_large(written: str, number: int):
    found = parse(f'{{"number": {written}}}')["number"]

    assert (found, type(found)) == (number, int)


# -- depth -------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", ["[]", "{}", "][", "[{"])
def test_brackets_inside_a_text_are_text(pair: str):
    body = pair * 50_000

    assert read(json.dumps({"body": body})).draft.body == body


def test_brackets_behind_escaped_quotes_are_text_too():
    body = '"\\"[{' * 1000 + "\\"

    assert read(json.dumps({"body": body})).draft.body == body


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 100_000,
        '{"body": "hi", "extra": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"body": "\\\\", "extra": ' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
    ids=["open", "closed", "objects", "in a field", "behind a backslash"],
)
def test_brackets_nested_too_deep_are_refused_before_the_parser_sees_them(text: str):
    assert refusal(text) == "JSON nested deeper than 32 levels"


def test_as_deep_as_allowed_is_read_and_one_deeper_is_not():
    inside = MAX_DEPTH - 1  # the object itself is a level
    assert read('{"extra": ' + "[" * inside + "]" * inside + ', "body": "hi"}').draft.body == "hi"

    assert "deeper" in refusal('{"extra": ' + "[" * (inside + 1) + "]" * (inside + 1) + "}")


def test_many_brackets_side_by_side_are_not_deep():
    assert read('{"body": "hi", "extra": [' + "[]," * 30_000 + "[]]}").draft.body == "hi"


@pytest.mark.parametrize("text", ['"' * 65_536, '"\\' * 32_768, '{"a":"' + '\\"[' * 20_000])
def test_a_text_made_to_confuse_is_refused_at_once(text: str):
    """Who looks on from each quote for the end of its string takes quadratic time."""
    assert is_linear(lambda size: refusal("[]" * 33 + text[:size]), len(text) // 32)


# -- names -------------------------------------------------------------------------------------


@pytest.mark.parametrize("letter", ["x", "\u00e9", "\U0001f44b"])
def test_a_names_length_counts_characters_not_bytes(letter: str):
    assert read(json.dumps({"userName": letter * 64})).draft.user_name == letter * 64

    reason = refusal(json.dumps({"userName": letter * 65}))
    assert reason == "userName has 65 characters; wanted: 64 at most"


def test_anonymous_fits_whatever_the_limit():
    """The limit is for what clients send."""
    assert read("{}", max_name_length=9).draft.user_name == "Anonymous"


# -- what clients get --------------------------------------------------------------------------

MESSAGE = Message("lobby", 7, "0123456789abcdef", "Ann", "hi", "10:42 AM", 1_700_000_000_123)


def test_the_originals_three_fields_come_first_in_their_order():
    assert to_json(MESSAGE) == (
        '{"userName":"Ann","body":"hi","timestamp":"10:42 AM",'
        '"id":"7-0123456789abcdef","room":"lobby","sentAt":"2023-11-14T22:13:20.123Z"}'
    )


@given(TEXTS, TEXTS, TEXTS)
def test_what_goes_out_is_what_came_in(name: str, body: str, timestamp: str):
    """On one line, and no longer than it came but for what is added."""
    message = Message("lobby", 1, "0" * 16, name, body, timestamp, 0)
    text = to_json(message)
    fields = json.loads(text)

    assert [fields["userName"], fields["body"], fields["timestamp"]] == [name, body, timestamp]
    assert "\n" not in text
    received = json.dumps(
        {"userName": name, "body": body, "timestamp": timestamp},
        ensure_ascii=False,
        separators=(",", ":"),
    )
    assert len(text.encode()) < len(received.encode()) + 200


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
@example(-62_135_596_800_000)
def test_times_are_utc_in_milliseconds(milliseconds: int):
    text = iso_time(milliseconds)

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    back = datetime.fromisoformat(text.replace("Z", "+00:00"))
    epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
    assert round((back - epoch).total_seconds() * 1000) == milliseconds


def test_the_local_time_reads_as_on_the_originals_page():
    assert re.fullmatch(r"([1-9]|1[0-2]):[0-5]\d [AP]M", local_time())


# -- frames ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, b"\x81\x00"),
        (1, b"\x81\x01"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (127, b"\x81\x7e\x00\x7f"),
        (65535, b"\x81\x7e\xff\xff"),
        (65536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_a_text_frame_has_the_shortest_length_there_is(size: int, head: bytes):
    assert text_frame("x" * size) == head + b"x" * size


def test_a_frames_length_counts_bytes():
    assert text_frame("\u00e9" * 63)[:4] == b"\x81\x7e\x00\x7e"


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536, 200_000])
def test_a_text_frame_is_one_whole_frame_to_a_client(size: int):
    assert wire(text_frame("x" * size)) == (Opcode.TEXT, "x" * size, True)


def test_the_ping_is_an_empty_one():
    assert wire(PING) == (Opcode.PING, b"", True)


def test_a_close_frame_gives_code_and_reason():
    assert wire(close_frame(4008, "slow")) == (Opcode.CLOSE, (4008, "slow"), True)
    assert wire(close_frame(CloseCode.GOING_AWAY, "")) == (Opcode.CLOSE, (1001, ""), True)


@given(st.text())
def test_a_close_frame_is_one_that_every_client_can_read(reason: str):
    """Of any reason, a lone surrogate in it too, as much as fits into a control frame."""
    data = close_frame(1007, reason)

    opcode, (code, read), _ = wire(data)
    assert (opcode, code) == (Opcode.CLOSE, 1007)
    assert len(data) <= 2 + 125
    sendable = reason.encode(errors="replace").decode()
    assert sendable.startswith(read)
    assert read == sendable or len(read.encode()) > 119


@pytest.mark.parametrize("character", ["\u00e9", "\u20ac", "\U0001f44b"])
@pytest.mark.parametrize("before", range(5))
def test_a_reason_that_is_too_long_is_cut_between_two_characters(character: str, before: int):
    frame = close_frame(1007, "x" * before + character * 100)

    payload = frame[2:]
    assert struct.unpack("!H", payload[:2]) == (1007,)
    assert 120 <= len(payload[2:]) <= 123
    assert payload[2:].decode() == "x" * before + character * (
        (123 - before) // len(character.encode())
    )


def test_close_codes_say_whether_to_come_back():
    """4000 to 4499: come back; 4500 to 4999: do not; the rest are the RFC's."""
    assert {code.name: int(code) for code in CloseCode if code >= 4000} == {
        "REPLACED": 4001,
        "NAME_TAKEN": 4010,
        "SLOW": 4008,
        "GAP": 4009,
        "REMOVED": 4503,
        "NO_ENTRY": 4504,
    }


# -- as Go reads JSON ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "body"),
    [
        ('{"username":"Ann","BODY":"hi"}', "Ann", "hi"),
        ('{"USERNAME":"Ann","Body":"hi","TimeStamp":"9:05 AM"}', "Ann", "hi"),
        ('{"u\u017ferName":"Ann","body":"hi"}', "Ann", "hi"),
        ('{"userName":"Ann","body":"hi","BODY":"last"}', "Ann", "last"),
        ('{"userName":"Ann","BODY":"hi","body":"last"}', "Ann", "last"),
        ('{"body":"one","BODY":"two","body":"three"}', "Anonymous", "three"),
        ('{"userName":"Ann","body":"hi","timestamp":null}', "Ann", "hi"),
        ('{"userName":null,"body":"hi"}', "Anonymous", "hi"),
        ('{"body":"hi","body":null}', "Anonymous", "hi"),
        ('{"userName":"Ann","body":"hi","text":null,"bodies":5}', "Ann", "hi"),
        ('{"userName":"Ann","body":"hi","time\ufb06amp":5}', "Ann", "hi"),
    ],
)
def test_keys_and_nulls_are_read_as_go_reads_them(text: str, name: str, body: str) -> None:
    """Each line was tried with encoding/json of Go 1.19."""
    frame = decode(text, max_name_length=64)

    assert (frame.draft.user_name, frame.draft.body, frame.silent) == (name, body, False)


@pytest.mark.parametrize("text", ['{"userName":"Ann","body":null}', '{"BODY":null}'])
def test_a_body_that_is_null_is_none(text: str) -> None:
    assert decode(text, max_name_length=64).silent


@pytest.mark.parametrize("text", ['{"BODY":5}', '{"Body":{"a":1}}', '{"BODY":["a"]}'])
def test_another_keys_case_allows_no_other_type(text: str) -> None:
    assert refusal(text) == "body is not text"
