"""What gunicorn's worker does before its loop and after it."""

from __future__ import annotations

import errno
import logging
import os
import signal
import socket
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chatroom.serving import gunicorn, worker_hooks
from chatroom.serving.outgoing import TOO_SLOW
from chatroom.users.tokens import Tokens


def test_a_link_is_offered_at_the_first_address_for_browsers(
    listen: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    tokens = Tokens(b"s" * 32)
    inside, outside = listen(str(tmp_path / "chat.sock")), listen("0.0.0.0")
    worker_hooks._offer_link(SimpleNamespace(tokens=tokens), [inside.sock, outside.sock])

    offer, _, link = capsys.readouterr().out.rstrip("\n").partition(": ")
    assert offer == "To be in charge, open this within 10 minutes"
    url, _, secret = link.partition("#host=")
    assert url == f"http://localhost:{outside.port}/"
    assert tokens.read_operator_link(secret)

    worker_hooks._offer_link(SimpleNamespace(tokens=tokens), [inside.sock])
    assert capsys.readouterr().out == ""


def test_a_page_that_nobody_reads_is_given_up_by_tcp(listen: Any):
    listener = listen("127.0.0.1").sock
    worker_hooks._limit_stalls([listener])

    if hasattr(socket, "TCP_USER_TIMEOUT"):
        timeout = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        assert timeout == worker_hooks.STALL_TIMEOUT * 1000


def record(error: BaseException) -> logging.LogRecord:
    try:
        raise error
    except BaseException:
        info = sys.exc_info()
    return logging.LogRecord("gunicorn.error", logging.ERROR, "", 1, "Error %s", ("x",), info)


def test_a_client_that_took_nothing_is_one_line_in_the_log():
    stalled = record(TimeoutError(errno.ETIMEDOUT, "Connection timed out"))

    assert worker_hooks.shorten_stall(stalled)
    assert stalled.levelname == "WARNING"
    assert stalled.exc_info is None
    assert stalled.getMessage() == "a client took nothing for 10 s: cut off"


def test_a_client_that_took_too_little_is_one_line_as_well():
    slow = record(TimeoutError(errno.ETIMEDOUT, TOO_SLOW))

    assert worker_hooks.shorten_stall(slow)
    assert slow.exc_info is None
    assert slow.getMessage() == "a client took less than 10000 bytes in 20 s: cut off"


def test_every_other_error_keeps_its_traceback():
    other = record(ValueError("x"))

    assert worker_hooks.shorten_stall(other)
    assert (other.levelname, other.getMessage()) == ("ERROR", "Error x")
    assert other.exc_info


def exiting(**state: Any) -> list[str]:
    """The causes with which a worker in this state stops its engine as it goes."""
    causes: list[str] = []
    wsgi = SimpleNamespace(extensions={"chatroom": SimpleNamespace(stop=causes.append)})
    gunicorn.worker_exit(None, SimpleNamespace(wsgi=wsgi, **state))
    return causes


def test_a_worker_that_has_not_started_its_engine_does_not_stop_it():
    assert exiting(booted=False) == []


@pytest.mark.parametrize(
    ("state", "cause"),
    [
        ({"told": signal.SIGTERM}, "SIGTERM"),
        ({"ppid": 0}, "the master is gone"),
        ({}, "gunicorn ends the worker"),
    ],
)
def test_a_worker_stops_its_engine_as_it_goes_and_says_why(state: dict[str, int], cause: str):
    """The thread that waits for the signal may not have woken up yet."""
    assert exiting(booted=True, **{"ppid": os.getppid(), **state}) == [cause]
