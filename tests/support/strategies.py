"""What hypothesis draws for tests of more than one file."""

from __future__ import annotations

from hypothesis import strategies as st

from chatroom.files.magic import ANY, INLINE
from chatroom.files.stored import StoredFile
from chatroom.message import Message

TEXTS = st.text(st.characters(codec="utf-8"))

FILES = st.builds(
    StoredFile,
    id=st.text("0123456789abcdef", min_size=32, max_size=32),
    room=st.just(""),
    name=TEXTS,
    type=st.sampled_from([ANY, *INLINE]),
    size=st.integers(1, 2**30),
    width=st.integers(0, 30_000),
    height=st.integers(0, 30_000),
    user_id=st.just(""),
    uploaded_at=st.just(0),
).map(StoredFile.to_json)
"""What a message carries."""

MESSAGES = st.builds(
    Message,
    room=TEXTS,
    seq=st.integers(1, 10**12 - 1),
    nonce=st.text("0123456789abcdef", min_size=16, max_size=16),
    user_name=TEXTS,
    body=TEXTS,
    timestamp=TEXTS,
    sent_at=st.integers(0, 4_000_000_000_000),
    user_id=TEXTS,
    cmid=TEXTS,
    by=st.sampled_from(["", "host", "script"]),
    reply_to=st.sampled_from(["", f"7-{'f' * 16}"]),
    edited_at=st.just(0) | st.integers(1, 4_000_000_000_000),
    rev=st.just(0),
    removed=st.just(""),
    file=st.just("") | FILES,
).map(lambda message: message if message.user_id else message._replace(by=""))
"""Only who has a user id speaks as somebody."""
