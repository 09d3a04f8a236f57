"""Several workers of a machine: whichever is asked for its numbers has those of all."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from chatroom.web import siblings
from chatroom.web.exposition import write
from chatroom.web.siblings import Siblings
from tests.support.flask_client import started


@pytest.fixture
def app(tmp_path) -> Iterator[Flask]:
    with started(tmp_path, history="memory:") as app:
        yield app


@pytest.fixture
def family() -> str:
    return secrets.token_hex(8)


@pytest.fixture
def open_sibling(app: Flask, family: str) -> Iterator[Callable[..., Siblings]]:
    opened: list[Siblings] = []

    def sibling(of: str = family) -> Siblings:
        opened.append(Siblings(app.extensions["chatroom"]))
        opened[-1].open(of)
        return opened[-1]

    yield sibling
    for one in opened:
        one.close()


def values(app: Flask, one: Siblings, name: str) -> dict[str, float]:
    """By what stands in braces."""
    text = write(app.extensions["chatroom"], one, "")[0].decode()
    lines = [line for line in text.splitlines() if line.startswith((f"{name}{{", f"{name} "))]
    found = (line.removeprefix(name).rpartition(" ") for line in lines)
    return {labels.strip("{}"): float(value) for labels, _, value in found}


def test_whichever_is_asked_has_the_numbers_of_all(
    app: Flask, open_sibling: Callable[..., Siblings]
) -> None:
    for one in [open_sibling() for _ in range(3)]:
        assert values(app, one, "chatroom_up") == {f'worker="{n}"': 1.0 for n in (1, 2, 3)}
        users = values(app, one, "chatroom_users")
        assert list(users)[:2] == [
            'protocol="plain",worker="1"',
            'protocol="typed",worker="1"',
        ]
        buckets = values(app, one, "chatroom_commit_seconds_bucket")
        assert buckets['le="+Inf",worker="3"'] == 0


def test_one_that_has_no_others_has_no_label(
    app: Flask, open_sibling: Callable[..., Siblings]
) -> None:
    open_sibling()
    alone = app.extensions["siblings"]

    assert values(app, alone, "chatroom_up") == {"": 1.0}


def test_those_of_another_master_are_no_siblings(open_sibling: Callable[..., Siblings]) -> None:
    open_sibling()
    other = open_sibling(secrets.token_hex(8))

    assert list(other.numbers()) == [1]


def test_one_that_hangs_is_not_up(
    app: Flask, open_sibling: Callable[..., Siblings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes connections, and answers nothing."""
    monkeypatch.setattr(siblings, "ANSWER_SECONDS", 0.2)
    one = open_sibling()
    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.bind(one._name(2))
        hanging.listen()

        assert values(app, one, "chatroom_up") == {'worker="1"': 1.0, 'worker="2"': 0.0}


def test_a_stranger_is_told_nothing_and_not_believed(
    app: Flask, open_sibling: Callable[..., Siblings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody on the machine can see the name."""
    one, other = open_sibling(), open_sibling()
    assert list(one.numbers()) == [1, 2]
    me = os.getuid()
    monkeypatch.setattr("os.getuid", lambda: me + 1)

    assert list(one.numbers()) == [1]
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(other._name(2))
        assert stranger.recv(1) == b""
