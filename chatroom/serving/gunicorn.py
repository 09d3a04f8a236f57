"""gunicorn's settings, derived from ours, and its hooks in the master.

``gunicorn.conf.py`` uses them, so that ``gunicorn app:app``, ``python app.py`` and
``chatroom serve`` behave alike. Source of the hooks' order: docs.gunicorn.org, "Server Hooks".
"""

from __future__ import annotations

import gc
import logging
import os
import re
import secrets
import shlex
import socket
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from chatroom.addresses import EVERYWHERE, lan_address, url_here, url_of
from chatroom.configuration import Configuration, load_configuration
from chatroom.dependencies import needed
from chatroom.errors import ChatError, HistoryAway
from chatroom.history import can_be_shared, demand_notifications, make_history
from chatroom.serving import huge_pages
from chatroom.serving.demands import (
    RESERVE,
    unmet,
    worker_asked_for,
    workers_asked_for,
    wrong_worker,
)
from chatroom.serving.machine import waiting_places
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
from chatroom.serving.worker import Worker
from chatroom.settings import MOST_WORKERS

log = logging.getLogger(__name__)

GRACE = 6
"""Seconds that gunicorn's master waits for the worker; the engine needs four at most."""

WORKER = "chatroom.serving.worker.Worker"

KEEPALIVE = 75
"""Seconds that a connection is kept between two requests: longer than proxies keep one by default,
so that they close it, and never send a request into a connection that is being closed here."""

MEMORY_FOLDER = "/dev/shm"
"""For the file by which the worker shows that it lives: in memory, a slow disk cannot make it look
dead; and it is writable in containers whose root is read-only."""

APPLICATION_BYTES = 12 << 20
"""What the application takes for small objects, with a handful of users."""

rolling = Rolling()

FAMILY = secrets.token_hex(8)
"""Made by the master: its workers know each other by it."""


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
        "post_fork": post_fork,
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
    if not re.fullmatch(r"(/[\w.~-]+)*", prefix, re.ASCII):
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
        print(f"The chat room is open: {url_here(host, port)} (Ctrl-C stops it)")
        lan = lan_address() if host in EVERYWHERE else None
        if lan:
            print(f"For others on the network: {url_of(lan, port)}")
            if sys.stdout.isatty():
                from chatroom.web.invitation import print_code

                print(print_code(url_of(lan, port), sys.stdout.encoding), end="")
    sys.stdout.flush()


def pre_fork(arbiter: Any, worker: Any) -> None:
    """In the master, before each worker: let it share what is there.

    A garbage collection in the worker writes to every object that it looks at, and so copies the
    memory that holds it: ten megabytes. Source: docs.python.org/3/library/gc.html, ``freeze``.
    Whatever it uses it copies as well, as references are counted: so a single worker loads the
    application itself, and the master does without. Several share more than they copy.
    """
    rolling.pre_fork(arbiter, worker)
    if arbiter.num_workers > 1:
        with needed():
            import_module("chatroom.application")
    gc.freeze()


def post_fork(_arbiter: Any, _worker: Any) -> None:
    """In the worker, before the application comes, unless it is there: see ``pre_fork``."""
    if "chatroom.application" not in sys.modules:
        huge_pages.reserve(APPLICATION_BYTES)


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
    """In the worker, before its loop."""
    from chatroom.serving.worker_hooks import open_room

    # After SIGHUP, the previous worker still has the history open for a while.
    open_room(worker, FAMILY, patience=2 * GRACE if worker.age > 1 else 0)


def worker_exit(_arbiter: Any, worker: Any) -> None:
    """In the worker, after its loop."""
    if worker.booted:
        from chatroom.serving.worker_hooks import close_room

        close_room(worker)
