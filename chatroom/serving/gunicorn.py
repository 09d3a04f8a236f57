"""gunicorn's settings, derived from ours, and its hooks.

``gunicorn.conf.py`` uses them, so that ``gunicorn app:app``, ``python app.py`` and
``chatroom serve`` behave alike. Source of the hooks' order: docs.gunicorn.org, "Server Hooks".
"""

from __future__ import annotations

import errno
import gc
import logging
import os
import queue
import re
import secrets
import shlex
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from chatroom.addresses import EVERYWHERE, lan_address
from chatroom.configuration import Configuration, load_configuration
from chatroom.engine import Engine
from chatroom.errors import ChatError, HistoryAway
from chatroom.history import can_be_shared, demand_notifications, make_history
from chatroom.names import DEFAULT_ROOM
from chatroom.serving import futexes
from chatroom.serving.demands import (
    RESERVE,
    unmet,
    worker_asked_for,
    workers_asked_for,
    wrong_worker,
)
from chatroom.serving.machine import waiting_places
from chatroom.serving.outgoing import TOO_SLOW
from chatroom.serving.rolling import Rolling
from chatroom.serving.start import (
    AWAY,
    app_settings,
    await_address,
    carry,
    check_temporary_folder,
    configure,
    refuse,
)
from chatroom.serving.starter import Starter
from chatroom.serving.worker import Worker
from chatroom.settings import MOST_WORKERS
from chatroom.sockets.sending import STALL_TIMEOUT
from chatroom.users.tokens import LINK_SECONDS, host_link
from chatroom.web.invitation import print_code

log = logging.getLogger(__name__)

GRACE = 6
"""Seconds that gunicorn's master waits for the worker; the engine needs four at most."""

LEFTOVER = 0.5
"""Seconds that pending HTTP responses have once the engine has stopped. A download that nobody
reads would keep the process alive until the master kills it."""

WORKER = "chatroom.serving.worker.Worker"

KEEPALIVE = 75
"""Seconds that a connection is kept between two requests: longer than proxies keep one by default,
so that they close it, and never send a request into a connection that is being closed here."""

MEMORY_FOLDER = "/dev/shm"
"""For the file by which the worker shows that it lives: in memory, a slow disk cannot make it look
dead; and it is writable in containers whose root is read-only."""

STACK_BYTES = 256 * 1024
"""Per thread. Nothing recurses deeply: nested JSON is refused before it is parsed."""

SWITCH_INTERVAL = 0.5
"""Seconds after which a thread that waits for the GIL requests it, repeatedly.

Threads here release it at every read, write and commit, within milliseconds. With Python's
default of 5 ms, 10,000 users leaving at once cause two million useless wake-ups per second:
as measured, the process did nothing else for minutes; with 0.5 s it was done in 7 seconds.
A reader that never runs out of input pauses by itself (``sockets.pace``).
"""

rolling = Rolling()

FAMILY = secrets.token_hex(8)
"""Made by the master: its workers know each other by it."""

GC_THRESHOLDS = (700, 10, 500)
"""Garbage collection thresholds of the three generations; the last is 10 by default.

A full garbage collection with 10,000 users pauses the room for half a second; with the default,
2,500 joins trigger one, with 500 some 30,000. It would find nothing: all cycles here die young,
or are broken (``adapter.cut_cycles``).
"""


def load(folder: Path | None = None) -> dict[str, Any]:
    """Everything that a ``gunicorn.conf.py`` has to set: ``globals().update(load())``.

    gunicorn calls this at the start and after SIGHUP, before it looks at its command line.

    Args:
        folder: see ``start.configure``.
    """
    given = _arguments()
    asked = worker_asked_for(given)
    if asked not in ("", "sync", "gthread", WORKER):  # it may not even be installed
        refuse(wrong_worker(asked))
    return settings(configure(folder, workers_asked_for(given)))


def _arguments() -> list[str]:
    """gunicorn's, in the order in which a later one overrides an earlier one."""
    return [*shlex.split(os.environ.get("GUNICORN_CMD_ARGS", "")), *sys.argv[1:]]


def settings(configuration: Configuration) -> dict[str, Any]:
    """gunicorn's settings, named as in a ``gunicorn.conf.py``."""
    host = configuration.host_name
    threads = configuration.max_users + RESERVE
    return {
        "bind": f"[{host}]:{configuration.port}" if ":" in host else f"{host}:{configuration.port}",
        "worker_class": WORKER,
        "workers": configuration.workers,
        "threads": threads,
        "worker_connections": threads + waiting_places(configuration.max_users, RESERVE),
        "keepalive": KEEPALIVE,
        "backlog": 4096,
        "worker_tmp_dir": MEMORY_FOLDER if os.access(MEMORY_FOLDER, os.W_OK | os.X_OK) else None,
        "graceful_timeout": GRACE,
        "timeout": 120,
        "loglevel": "warning",
        "forwarded_allow_ips": ",".join(map(str, configuration.trusted_proxies)),
        "control_socket_disable": True,  # an additional way in that nothing here needs
        "on_starting": on_starting,
        "on_reload": on_reload,
        "when_ready": when_ready,
        "pre_fork": pre_fork,
        "nworkers_changed": nworkers_changed,
        "pre_exec": pre_exec,
        "post_worker_init": post_worker_init,
        "worker_exit": worker_exit,
    }


# -- hooks, in the order in which gunicorn calls them ---------------------------------------


def on_starting(arbiter: Any) -> None:
    """In the master, before it listens: refuse settings that cannot work."""
    bring_worker(arbiter)
    configuration = load_configuration()
    workers = workers_asked_for(_arguments())
    workers = configuration.workers if workers is None else workers
    carried = carry(configuration.max_users, workers)
    options = {name: setting.get() for name, setting in arbiter.cfg.settings.items()}
    options["worker_class"] = arbiter.cfg.worker_class_str  # "sync" with threads is gthread
    is_shared = can_be_shared(configuration.history)
    for flaw in unmet(options, carried.users, workers, is_shared=is_shared):
        refuse(flaw)
    prefix = os.environ.get("SCRIPT_NAME", "")
    if not re.fullmatch("(/[^/]+)*", prefix):
        refuse(f"environment: SCRIPT_NAME is {prefix!r}; wanted: a path such as /talk")
    if not arbiter.cfg.worker_tmp_dir:
        check_temporary_folder()
    if not {"LISTEN_FDS", "GUNICORN_FD"} & os.environ.keys():  # inherited sockets are already bound
        for address in arbiter.cfg.address:
            if not isinstance(address, str):  # a unix socket's path is a str
                await_address(*address)
    if not configuration.path.exists():
        name, folder = configuration.path.name, configuration.folder
        print(f"chatroom: no {name} in {folder}: all settings are defaults", file=sys.stderr)
    if not carried.users:
        refuse(f"this machine cannot carry a single user; {carried.reason}; raise that limit")
    if carried.users < configuration.max_users:
        lowered = f"maxUsers lowered from {configuration.max_users} to {carried.users}"
        note = f"{lowered}: {carried.reason}"
        log.warning(note)
        print(f"chatroom: {note}", file=sys.stderr)
    try:
        make_history(
            configuration.history, configuration.folder, configuration.history_sync
        ).check()
        if is_shared:
            demand_notifications(configuration.history)
    except HistoryAway as error:
        refuse(error, AWAY)
    except ChatError as error:
        refuse(error)


def bring_worker(arbiter: Any) -> None:
    """In the master, at the start and after SIGHUP: the room's own worker in place of gthread."""
    arbiter.worker_class = Worker


def on_reload(arbiter: Any) -> None:
    """In the master, after SIGHUP, before it starts new workers."""
    bring_worker(arbiter)
    rolling.begin(arbiter)


def when_ready(arbiter: Any) -> None:
    """In the master, once it listens: print its address, and the one for others."""
    for listener in arbiter.LISTENERS:
        address = listener.sock.getsockname()
        if listener.sock.family == socket.AF_UNIX:
            print(f"The chat room is listening on {address}")
            continue
        host, port = address[:2]
        print(f"The chat room is open: {_here(host, port)} (Ctrl-C stops it)")
        lan = lan_address() if host in EVERYWHERE else None
        if lan:
            print(f"For others on the network: {_url(lan, port)}")
            if sys.stdout.isatty():
                print(print_code(_url(lan, port), sys.stdout.encoding), end="")
    sys.stdout.flush()


def _here(host: str, port: int) -> str:
    """The server's address for this machine."""
    return _url("localhost" if host in (*EVERYWHERE, "127.0.0.1") else host, port)


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def pre_fork(arbiter: Any, worker: Any) -> None:
    """In the master, before each worker: let it share all that is there.

    A garbage collection in the worker writes to every object that it looks at, and so copies the
    memory that holds it: ten megabytes. Source: docs.python.org/3/library/gc.html, ``freeze``.
    """
    rolling.pre_fork(arbiter, worker)
    gc.freeze()


def nworkers_changed(arbiter: Any, new: int, old: int | None) -> None:
    """In the master, after SIGTTIN and SIGTTOU: a second worker may find the history locked."""
    if old is None or new <= 1:
        return
    if not can_be_shared(app_settings().history):
        log.warning("refused: a second worker; the room lives in one process")
        arbiter.num_workers = 1
    elif new > MOST_WORKERS:
        log.warning("refused: more than %d workers", MOST_WORKERS)
        arbiter.num_workers = old


def pre_exec(arbiter: Any) -> None:
    """In a copy of the master, after SIGUSR2: a second master may find the history locked."""
    if not can_be_shared(app_settings().history):
        way_out = "to start new code, stop and start the room"
        log.warning("refused: a second master, for SIGUSR2; %s", way_out)
        os._exit(0)  # without what the real master does at its exit
    arguments = arbiter.START_CTX["args"]
    if Path(arguments[1]).name == "__main__.py":
        # By its path, modules next to it would be found before Python's own, such as http.
        arguments[1:2] = ["-m", "gunicorn"]


def post_worker_init(worker: Any) -> None:
    """In the worker, before its loop: start the engine, and stop it on a signal."""
    engine: Engine = worker.wsgi.extensions["chatroom"]
    threading.stack_size(STACK_BYTES)
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.set_threshold(*GC_THRESHOLDS)
    futexes.spread(app_settings().max_users)
    _limit_stalls(worker.sockets)
    worker.expect_messages(app_settings().max_message_bytes)
    worker.heed(engine.server.add.qsize)
    logging.getLogger("gunicorn.error").addFilter(shorten_stall)

    def offer_link() -> None:
        if engine.history.is_new and sys.stdout.isatty():
            _offer_link(engine, worker.sockets)

    if can_be_shared(app_settings().history):
        worker.wsgi.extensions["siblings"].open(FAMILY)
        Starter(engine, offer_link).start()
    else:
        _start(engine, worker)
        offer_link()
    _stop_on_signal(engine, worker)


def _start(engine: Engine, worker: Any) -> None:
    """Or end all of gunicorn: what is wrong with a file here would be wrong in a minute, too."""
    try:
        # After SIGHUP, the previous worker still has the history open for a while.
        engine.start(patience=2 * GRACE if worker.age > 1 else 0)
    except ChatError as error:
        log.error("refused: %s", error)
        print(f"chatroom: {error}", file=sys.stderr, flush=True)
        sys.exit(worker.WORKER_BOOT_ERROR)


def _offer_link(engine: Engine, listeners: list[Any]) -> None:
    """To whoever has just set the room up, and sits in front of it: they are in charge."""
    for listener in listeners:
        if listener.family != socket.AF_UNIX:  # which has no address for a browser
            secret = engine.tokens.write_operator_link()
            link = host_link(_here(*listener.getsockname()[:2]), DEFAULT_ROOM, secret)
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
        worker.told = signum  # for worker_exit, which may run before the stopper wakes up
        told.put(signum)
        worker.handle_exit(signum, frame)  # no more connections; leave when all have gone

    threading.Thread(target=wait_and_stop, name="stopper", daemon=True).start()
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(signum, on_signal)
        signal.siginterrupt(signum, False)


def worker_exit(_arbiter: Any, worker: Any) -> None:
    """In the worker, after its loop: do not exit before everything is stored."""
    if worker.booted:
        worker.wsgi.extensions["chatroom"].stop(_cause(worker))


def _cause(worker: Any) -> str:
    """Why the worker stops."""
    if signum := getattr(worker, "told", 0):
        return signal.Signals(signum).name
    return "the master is gone" if os.getppid() != worker.ppid else "gunicorn ends the worker"
