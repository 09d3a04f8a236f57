"""gunicorn's threaded worker, for a room that strangers can reach.

The main thread itself collects a request; only a complete one takes a thread of the pool. So a
connection that sends nothing, or half a request, costs a descriptor and no thread; and whatever
the machine runs out of, the worker lives on. Source of what is overridden:
gunicorn/workers/gthread.py, version 27.
"""

from __future__ import annotations

import errno
import logging
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from chatroom.serving.body_input import BodyTimeout, Input
from chatroom.serving.demands import LEAST_WAITING
from chatroom.serving.doorway import Doorway
from chatroom.serving.incoming import BODY_BYTES, HEAD_BYTES, Incoming, Line
from chatroom.serving.interpreter import Interpreter
from chatroom.serving.outgoing import Outgoing
from chatroom.serving.pool import Pool
from chatroom.serving.waiting import LINGER_SECONDS, MOST_BYTES, WaitingRoom

log = logging.getLogger(__name__)

RELIEF = 16
"""Waiting connections that are closed when the machine has run out of something."""

PAUSE = 0.5
"""Seconds without accepting, when the machine has run out of something and nobody waits."""

LOOK = 0.02
"""Seconds between two looks whether the room has let in those who have asked, if others wait."""

QUIET_SECONDS = 10.0
"""Between two lines about that in the log."""

_HARMLESS = {errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED}


class Worker(ThreadWorker):  # type: ignore[misc]
    """On the main thread, except for ``_serve`` and what it calls."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        places = max(LEAST_WAITING, self.cfg.worker_connections - self.cfg.threads)
        self.worker_connections = self.cfg.threads + places
        self._waiting = WaitingRoom(places, self.cfg.keepalive)
        self._doorway = Doorway()
        self._interpreter = Interpreter()
        # What is encrypted, or in HTTP/2, only a thread of the pool can read.
        self._reads_heads = not self.cfg.is_ssl and "h2" not in self.cfg.http_protocols
        self._body_bytes = BODY_BYTES
        self._resume_at = self._quiet_until = 0.0
        self._dropped = 0

    def get_thread_pool(self) -> Pool:
        return Pool(self.cfg.threads)

    def expect_messages(self, max_message_bytes: int) -> None:
        """Wait on the main thread for whatever the application may read, however it is chunked."""
        self._body_bytes = max(BODY_BYTES, 2 * max_message_bytes)

    def heed(self, asking: Callable[[], int]) -> None:
        """Let nobody begin to come in while too many wait for the room.

        Args:
            asking: how many do.
        """
        self._doorway.asking = asking

    # -- the loop ------------------------------------------------------------------------------

    def set_accept_enabled(self, enabled: bool) -> None:
        super().set_accept_enabled(enabled and time.monotonic() >= self._resume_at)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        self._interpreter.share(self.nr_conns)
        is_hurried = self._resume_at > time.monotonic() or not self.alive
        timeout = LOOK if self._doorway else min(timeout, 0.1) if is_hurried else timeout
        for key, _ in self.poller.select(timeout):
            try:
                key.data(key.fileobj)
            except (OSError, RuntimeError, MemoryError) as error:
                self._relieve(error)
        self._let_in()

    def murder_keepalived(self, force: bool = False) -> None:
        """Close what has waited for too long. Called in each turn."""
        patience = -1.0 if force else math.inf if self.alive else LINGER_SECONDS
        for conn in self._waiting.expired(patience):
            if not force and self._goes_on(conn):
                continue
            if conn.arrived:
                conn.answer("408 Request Timeout")
            self._close(conn)

    def _goes_on(self, conn: Incoming) -> bool:
        """Whether what it waits for has come, while this thread was busy with others."""
        if not self._reads_heads:
            return False
        line, since = conn.line, conn.since
        assert line is not None
        with self._surviving(conn):
            self._read(conn, line)
        return conn.line is not line or conn.since != since

    # -- a connection's way --------------------------------------------------------------------

    def accept(self, listener: Any) -> None:
        try:
            sock, address = listener.accept()
        except OSError as error:
            if error.errno not in _HARMLESS:
                self._relieve(error)
            return
        conn = Incoming(self.cfg, Outgoing.of(sock), address, listener.getsockname())
        self.nr_conns += 1
        with self._surviving(conn):
            if self._reads_heads:
                self._read(conn, self._waiting.heads)
            else:
                self._wait(conn, self._waiting.heads)

    def _on_readable(self, conn: Incoming, _sock: object) -> None:
        if conn.line is None:  # closed since the poller said so
            return
        with self._surviving(conn):
            if self._reads_heads or conn.line is self._waiting.ending:
                self._read(conn, conn.line)
            else:
                self.enqueue_req(conn)

    @contextmanager
    def _surviving(self, conn: Incoming) -> Iterator[None]:
        """Whatever the machine runs out of, at most this connection is lost."""
        try:
            yield
        except (OSError, MemoryError) as error:
            self._close(conn)
            self._relieve(error)

    def _read(self, conn: Incoming, line: Line) -> None:
        """Read what there is; if that completes no request, it waits in ``line``."""
        try:
            data = conn.sock.recv(HEAD_BYTES)
        except BlockingIOError:
            if conn.line is None:
                self._wait(conn, line)
            return
        except OSError:
            self._close(conn)
            return
        if not data and conn.body:  # it sends no more, and may still want to hear what is wrong
            conn.is_partial = True
            self.enqueue_req(conn)
        elif not data:
            self._close(conn)
        elif line is not self._waiting.ending:
            self._add(conn, data)
        elif conn.line is None:
            self._wait(conn, line)

    def _add(self, conn: Incoming, data: bytes) -> None:
        if conn.add(data, self._body_bytes):
            self.enqueue_req(conn)
            return
        if not conn.body and len(conn.arrived) > HEAD_BYTES:
            conn.answer("431 Request Header Fields Too Large")
            self._end(conn)
            return
        if conn.body and conn.body.is_crumbled:
            conn.answer("400 Bad Request")
            self._end(conn)
            return
        conn.encourage()
        line = self._waiting.bodies if conn.body else self._waiting.heads
        if conn.line is not line or conn.has_progressed():
            self._wait(conn, line)
        self._waiting.count(conn)
        while self._waiting.held > MOST_BYTES and self._drop():
            self._report("too many incomplete requests")

    def enqueue_req(self, conn: Incoming) -> None:
        self._waiting.take(conn, self.poller)
        conn.data_ready = True
        if conn.wants_socket:
            self._doorway.add(conn)
            self._let_in()
        else:
            self._submit(conn)

    def _let_in(self) -> None:
        """Those who want a socket, and whose turn it is."""
        while conn := self._doorway.next():
            if conn.has_gone():  # it has lost patience
                conn.shakes_hands = False
                self._close(conn)
            else:
                conn.sock.settle = partial(self._settle, conn)
                self._submit(conn)

    def _settle(self, conn: Incoming) -> None:
        """It has its socket. On its own thread."""
        conn.shakes_hands, conn.sock.settle = False, None
        if self._doorway:
            self.method_queue.defer(self._let_in)

    def _submit(self, conn: Incoming) -> None:
        try:
            self.tpool.submit(partial(self._serve, conn))
        except (RuntimeError, MemoryError) as error:  # can't start new thread
            conn.shakes_hands = False
            conn.answer("503 Service Unavailable")
            self._end(conn)
            self._report(str(error))

    def _serve(self, conn: Incoming) -> None:
        """On a thread of the pool: a request, from its head to its response."""
        if conn.wants_socket:  # as a crowd does that comes back, and all of them wait
            keep = self._answer(conn)
        else:
            with self._interpreter.beside_request():
                keep = self._answer(conn)
        if reader := getattr(conn.sock, "reader", None):
            self._leave(conn, reader)
        else:
            self.method_queue.defer(self.finish_request, conn, keep)

    def _answer(self, conn: Incoming) -> bool:
        """Whether another request may follow."""
        try:
            return bool(self.handle(conn))
        except BodyTimeout:
            conn.answer("408 Request Timeout")
        except BaseException:
            log.exception("error: a request was given up")
        return False

    def _leave(self, conn: Incoming, reader: Callable[[], None]) -> None:
        """Let a socket go on without its request: neither the objects that gunicorn, Flask and the
        handshake have needed are kept as long as somebody is here, nor their pages of a stack."""
        conn.parser = conn.sock.reader = None

        def read() -> None:
            """The reader thread's whole life. No partial: each takes half a kilobyte of a stack."""
            try:
                reader()
            except BaseException:
                log.exception("error: a socket was given up")
            self.method_queue.defer(self.finish_request, conn, False)

        try:
            self.tpool.run_apart(read)
        except (RuntimeError, MemoryError):  # this thread is all there is
            read()

    def handle_request(self, req: Any, conn: Incoming) -> Any:
        """Serve also a path from which the proxy has already removed its prefix."""
        prefix = os.environ.get("SCRIPT_NAME", "")
        for name, value in req.headers:
            if name == "SCRIPT_NAME":
                prefix = value
        if prefix and not f"{req.path}/".startswith(f"{prefix}/"):
            req.path = prefix + req.path
        if conn.is_partial:
            req.force_close()  # where the next request begins is not known
        req.body = Input(req.body.reader)
        if self._reads_heads:
            req._expected_100_continue = False  # see Incoming.encourage
        return super().handle_request(req, conn)

    def finish_request(self, conn: Incoming, keep: bool) -> None:
        """After a request: wait for the next one, or for the client to close."""
        conn.shakes_hands, conn.sock.settle = False, None
        if not keep:
            self._end(conn)
            return
        with self._surviving(conn):
            conn.sock.setblocking(False)
            if data := conn.parser.unreader.take_buffered():
                self._add(conn, data)
            else:
                self._wait(conn, self._waiting.idle)

    def _end(self, conn: Incoming) -> None:
        """Close the connection once the client has, who may still be sending."""
        self._waiting.take(conn, self.poller)
        try:
            conn.say_goodbye()
        except OSError:
            self._close(conn)
        else:
            self._read(conn, self._waiting.ending)

    def _wait(self, conn: Incoming, line: Line) -> None:
        try:
            self._waiting.put(conn, line, self.poller, partial(self._on_readable, conn))
        except OSError as error:
            self._close(conn)
            self._relieve(error)
        if len(self._waiting) > self._waiting.places:
            if len(self._waiting.heads) > len(self._waiting.idle):  # else it is everyday life
                self._report("more connections without a request than places")
            self._drop()

    def _close(self, conn: Incoming) -> None:
        self._waiting.take(conn, self.poller)
        self.nr_conns -= 1
        conn.close()

    # -- shortage ------------------------------------------------------------------------------

    def _relieve(self, error: Exception) -> None:
        """The machine has run out of something: close what waits, or else accept no more for a
        moment."""
        self._report(str(error))
        if not self._drop(RELIEF):
            self._resume_at = time.monotonic() + PAUSE
            self.set_accept_enabled(False)

    def _drop(self, count: int = 1) -> int:
        """Close those that have waited longest; return how many."""
        for done in range(count):
            conn = self._waiting.longest()
            if conn is None:
                return done
            self._close(conn)
            self._dropped += 1
        return count

    def _report(self, cause: str) -> None:
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + QUIET_SECONDS
            log.warning(
                "short of places: %s; closed so far, as they waited longest: %d",
                cause,
                self._dropped,
            )
