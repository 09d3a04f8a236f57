"""gunicorn's hooks in the worker: open the room before its loop, and close it at its end.

Loaded in the worker alone, since the application comes with it: see ``gunicorn.pre_fork``.
"""

from __future__ import annotations

import errno
import gc
import logging
import os
import queue
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import Any

from chatroom.addresses import url_here
from chatroom.engine import Engine
from chatroom.errors import ChatError
from chatroom.history import can_be_shared
from chatroom.names import DEFAULT_ROOM
from chatroom.serving import arenas, futexes, huge_pages
from chatroom.serving.outgoing import TOO_SLOW
from chatroom.serving.start import app_settings
from chatroom.serving.starter import Starter
from chatroom.sockets.sending import STALL_TIMEOUT
from chatroom.users.tokens import LINK_SECONDS, host_link

log = logging.getLogger(__name__)

LEFTOVER = 0.5
"""Seconds that pending HTTP responses have once the engine has stopped. A download that nobody
reads would keep the process alive until the master kills it."""

STACK_BYTES = 256 * 1024
"""Per thread. Nothing recurses deeply: nested JSON is refused before it is parsed."""

GC_THRESHOLDS = (700, 10, 500)
"""Garbage collection thresholds of the three generations; the last is 10 by default.

A full garbage collection with 10,000 users pauses the room for half a second; with the default,
2,500 joins trigger one, with 500 some 30,000. It would find nothing: all cycles here die young,
or are broken (``adapter.cut_cycles``).
"""


def open_room(worker: Any, family: str, patience: float) -> None:
    """Start the engine, and have it stopped on a signal.

    Args:
        family: by which the workers of one master know each other.
        patience: seconds for a previous worker to let go of the history.
    """
    arenas.share()
    engine: Engine = worker.wsgi.extensions["chatroom"]
    threading.stack_size(STACK_BYTES)
    gc.set_threshold(*GC_THRESHOLDS)
    gc.freeze()  # the code stays, and need not be looked through
    futexes.spread(app_settings().max_users)
    _limit_stalls(worker.sockets)
    worker.expect_messages(app_settings().max_message_bytes)
    worker.heed(engine.server.add.qsize)
    logging.getLogger("gunicorn.error").addFilter(shorten_stall)

    def offer_link() -> None:
        if engine.history.is_new and sys.stdout.isatty():
            _offer_link(engine, worker.sockets)

    if can_be_shared(app_settings().history):
        worker.wsgi.extensions["siblings"].open(family)
        Starter(engine, offer_link).start()
    else:
        _start(engine, worker, patience)
        offer_link()
    _stop_on_signal(engine, worker)
    huge_pages.keep_gathering()


def _start(engine: Engine, worker: Any, patience: float) -> None:
    """Or end all of gunicorn: what is wrong with a file here would be wrong in a minute, too."""
    try:
        engine.start(patience=patience)
    except ChatError as error:
        log.error("refused: %s", error)
        print(f"chatroom: {error}", file=sys.stderr, flush=True)
        sys.exit(worker.WORKER_BOOT_ERROR)


def _offer_link(engine: Engine, listeners: list[Any]) -> None:
    """To whoever has just set the room up, and sits in front of it: they are in charge."""
    for listener in listeners:
        if listener.family != socket.AF_UNIX:  # which has no address for a browser
            secret = engine.tokens.write_operator_link()
            link = host_link(url_here(*listener.getsockname()[:2]), DEFAULT_ROOM, secret)
            print(f"To be in charge, open this within {LINK_SECONDS // 60} minutes: {link}")
            sys.stdout.flush()
            return


def shorten_stall(record: logging.LogRecord) -> bool:
    """One line instead of a traceback if a client read a page too slowly, or not at all."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, OSError) and error.errno == errno.ETIMEDOUT:
        record.exc_info = None
        stalled = f"a client took nothing for {STALL_TIMEOUT:.0f} s"  # said by TCP, in its words
        record.msg = "%s: cut off"
        record.args = (TOO_SLOW if error.strerror == TOO_SLOW else stalled,)
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


def _limit_stalls(listeners: list[Any]) -> None:
    """A client that stops reading a page or history must not hold a thread indefinitely."""
    for listener in listeners:
        if listener.family != socket.AF_UNIX and hasattr(socket, "TCP_USER_TIMEOUT"):
            milliseconds = int(STALL_TIMEOUT * 1000)
            # Linux: accepted sockets inherit it
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)


def _stop_on_signal(engine: Engine, worker: Any) -> None:
    """Stop the engine on SIGTERM, SIGINT and SIGQUIT, and when the master dies.

    gunicorn's own handlers leave every socket open until the grace period ends (SIGTERM) and then
    cut it, or cut it at once (the others).
    """
    told: queue.SimpleQueue[int] = queue.SimpleQueue()  # its put is reentrant, for signal handlers

    def wait_and_stop() -> None:
        while os.getppid() == worker.ppid:
            with suppress(queue.Empty):
                told.get(timeout=1.0)
                break
        engine.stop(_cause(worker))
        time.sleep(LEFTOVER)
        os._exit(0)  # whatever the pool's threads are still at

    def on_signal(signum: int, frame: FrameType | None) -> None:
        worker.told = signum  # for close_room, which may run before the stopper wakes up
        told.put(signum)
        worker.handle_exit(signum, frame)  # no more connections; leave when all have gone

    threading.Thread(target=wait_and_stop, name="stopper", daemon=True).start()
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(signum, on_signal)
        signal.siginterrupt(signum, False)


def close_room(worker: Any) -> None:
    """Do not exit before everything is stored."""
    worker.wsgi.extensions["chatroom"].stop(_cause(worker))


def _cause(worker: Any) -> str:
    """Why the worker stops."""
    if signum := getattr(worker, "told", 0):
        return signal.Signals(signum).name
    return "the master is gone" if os.getppid() != worker.ppid else "gunicorn ends the worker"
