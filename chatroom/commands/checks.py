"""What ``chatroom doctor`` checks on this machine."""

from __future__ import annotations

import errno
import os
import re
import shlex
import shutil
import socket
import subprocess
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from chatroom import private_files
from chatroom.addresses import EVERYWHERE, is_loopback
from chatroom.commands.health import Health, ask
from chatroom.commands.own_server import own_url
from chatroom.configuration import DEFAULT_FILE, Configuration, load_configuration
from chatroom.errors import ConfigurationError, HistoryRefused
from chatroom.files.interface import KEPT_FREE
from chatroom.history import can_be_shared, has_password, is_address, make_history, survey
from chatroom.serving.demands import RESERVE, unmet, workers_asked_for
from chatroom.serving.machine import affordable_users, raise_descriptor_limit
from chatroom.serving.start import CHECKOUT, gunicorn_command, is_checkout

LEAST_FREE = 100 * 2**20
"""Free bytes on the history's disk below which it is time to act."""

SUFFIXES = ("", "-wal", "-shm", ".lock", ".search", ".search-wal", ".search-shm")
"""Of the history's files."""

GUNICORN_TIMEOUT = 60.0
"""Seconds that gunicorn has to print its settings."""


class Verdict(Enum):
    OK = "ok"
    NOTE = "note"
    WRONG = "wrong"


class Finding(NamedTuple):
    """The result of one check."""

    verdict: Verdict
    subject: str
    text: str
    remedy: str = ""
    """What to do about it."""


def ok(subject: str, text: str) -> Finding:
    return Finding(Verdict.OK, subject, text)


def wrong(subject: str, text: str, remedy: str) -> Finding:
    return Finding(Verdict.WRONG, subject, text, remedy)


def examine(is_reached: bool = False) -> list[Finding]:
    """Run all checks. Without valid settings there is nothing else to check.

    Args:
        is_reached: whether a room answers through its proxy, and so perhaps on a Unix socket.
    """
    if is_checkout():  # there, app.py and gunicorn.conf.py insist on the file
        os.environ.setdefault("CHATROOM_CONFIG", str(CHECKOUT / DEFAULT_FILE))
    try:
        configuration = load_configuration()
    except ConfigurationError as error:
        return [wrong("settings", str(error), "fix the file, or name another with --config")]
    health = ask(own_url(configuration))
    return [
        check_settings(configuration),
        check_port(configuration, health),
        *check_log(configuration),
        *check_history(configuration, health, is_reached),
        *check_files(configuration),
        *check_privacy(configuration),
        check_gunicorn(configuration),
        check_limits(configuration, health),
        *check_addresses(configuration),
        *check_wire(configuration),
    ]


def check_settings(configuration: Configuration) -> Finding:
    """Where the settings come from: a file, or the defaults."""
    if configuration.path.exists():
        return ok("settings", str(configuration.path))
    return ok("settings", f"the defaults: {configuration.path} does not exist")


def check_port(configuration: Configuration, health: Health) -> Finding:
    """Whether the room can listen on its address, or already does."""
    host, port = configuration.host_name, configuration.port
    where = f"{host}:{port}"
    if health.is_chatroom:
        if health.is_well:
            return ok("port", f"a chat room is open at {where}: {health.text}")
        return wrong("port", f"the chat room at {where} is failing: {health.text}", "see its log")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        return wrong("port", f"cannot listen on {where}: {error.strerror or error}", _way(error))
    return ok("port", f"{where} is free")


def _way(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "stop what uses it (ss -ltnp shows it), or set another port"
    if error.errno == errno.EACCES:
        return "set a port above 1023, and put a proxy in front"
    return "set hostName to an address of this machine, or to 0.0.0.0 for all of them"


def check_log(configuration: Configuration) -> list[Finding]:
    """Whether the log can be written; no finding if it goes to standard error."""
    path = configuration.logfile
    if path is None:
        return []
    if os.access(path if path.exists() else path.parent, os.W_OK) and not path.is_dir():
        return [ok("log", str(path))]
    remedy = "make it writable for this user, or set another logfilePath"
    return [wrong("log", f"{path} cannot be written", remedy)]


def check_history(
    configuration: Configuration, health: Health, is_reached: bool = False
) -> list[Finding]:
    """Whether the history can be used, and has room to grow."""
    if configuration.history == "memory:":
        return [Finding(Verdict.NOTE, "history", "memory: forgets everything on exit")]
    if is_address(configuration.history):
        use = _check_use(configuration, health, is_reached)
        return [use] if use.verdict is Verdict.WRONG else [use, *_check_database(configuration)]
    path = configuration.folder / configuration.history.removeprefix("sqlite:")
    findings = [_check_use(configuration, health, is_reached, path)]
    if path.parent.is_dir():
        free = shutil.disk_usage(path.parent).free
        if free < LEAST_FREE:
            text = f"{free // 2**20} MiB are free on the disk of {path.parent}"
            findings.append(wrong("disk", text, "free some space: a full disk stores no messages"))
    return findings


def _check_database(configuration: Configuration) -> list[Finding]:
    """What its administrator has to know."""
    return [
        Finding(
            Verdict.WRONG if remark.is_wrong else Verdict.NOTE if remark.remedy else Verdict.OK,
            "database",
            remark.text,
            remark.remedy,
        )
        for remark in survey(configuration.history, workers_of(configuration))
    ]


def workers_of(configuration: Configuration) -> int:
    """How many there are to be: gunicorn's options in the environment override the settings."""
    given = workers_asked_for(shlex.split(os.environ.get("GUNICORN_CMD_ARGS", "")))
    return configuration.workers if given is None else max(1, given)


def _check_use(
    configuration: Configuration, health: Health, is_reached: bool, path: Path | None = None
) -> Finding:
    """Whether the history can be used.

    Args:
        path: of its file; None for a database.
    """
    try:
        history = make_history(
            configuration.history, configuration.folder, configuration.history_sync
        )
        history.check()
    except HistoryRefused as error:
        name, cause, way_out = error.args
        if "is in use by" in cause and health.is_chatroom:
            return ok("history", f"{path or name}, in use by the running room")
        if "is in use by" in cause and is_reached:
            text = f"{cause}: probably the room behind the proxy"
            return Finding(Verdict.NOTE, "history", text)
        if "is in use by" in cause:
            remedy = f"{way_out}; if it is the room, on a Unix socket, check it with --proxy"
            return wrong("history", cause, remedy)
        return wrong("history", cause if path else f"{name}: {cause}", way_out)
    if path is None:
        return ok("history", f"{history.name} can be used")
    state = "sound" if path.exists() else "missing: the first start creates it"
    return ok("history", f"{path} is {state}")


def check_files(configuration: Configuration) -> list[Finding]:
    """Whether there is a place for pictures and files; no finding if none are wanted, or they are
    next to the history."""
    folder = configuration.files_path
    if not configuration.files_bytes or configuration.history == "memory:":
        return []
    if folder is None:
        if configuration.has_files:
            return []
        text = "there are none: a database does not say where pictures and files are to be"
        remedy = "set filesFolder to a folder; several machines need one that all of them share"
        return [Finding(Verdict.NOTE, "files", text, remedy)]
    quoted = shlex.quote(str(folder))
    if not folder.is_dir():
        remedy = f"mkdir -m 700 {quoted}; or mount it, if it is another machine's"
        return [wrong("files", f"{folder} is not a folder", remedy)]
    if not os.access(folder, os.W_OK | os.X_OK):
        remedy = f"chown it to this user, or set another filesFolder: ls -ld {quoted}"
        return [wrong("files", f"{folder} cannot be written", remedy)]
    free = shutil.disk_usage(folder).free
    if free < KEPT_FREE:
        text = f"{free // 2**20} MiB are free on the disk of {folder}: no file can be stored"
        return [wrong("files", text, "free some space, or set another filesFolder")]
    return [ok("files", str(folder))]


def check_privacy(configuration: Configuration) -> list[Finding]:
    """Whether others may read what was said; no finding if nobody else may."""
    files = [configuration.logfile] if configuration.logfile else []
    if configuration.history.startswith("sqlite:"):
        stored = configuration.folder / configuration.history.removeprefix("sqlite:")
        files += [stored.with_name(stored.name + suffix) for suffix in SUFFIXES]
    secrets = configuration.password, configuration.metrics_key
    # It may be in the environment instead.
    is_written = configuration.history != os.environ.get("DATABASE_URL")
    has_secret = any(secrets) or (is_written and has_password(configuration.history))
    files += [configuration.path] if has_secret else []
    wide = {path: found for path in files if (found := private_files.permissions(path))}
    if not wide:
        return []
    is_open = any(found & private_files.OTHERS for found in wide.values())
    whose = "everybody on this machine" if is_open else "their group"
    text = f"{whose} may open {', '.join(map(str, wide))}"
    remedy = f"chmod {private_files.MODE:o} {' '.join(shlex.quote(str(path)) for path in wide)}"
    # The history also has the key with which tokens are signed. A group may be meant.
    return [Finding(Verdict.WRONG if is_open else Verdict.NOTE, "privacy", text, remedy)]


def check_gunicorn(configuration: Configuration) -> Finding:
    """Whether gunicorn would serve as the room needs it, given the environment's options."""
    command = gunicorn_command("--print-config")
    try:
        told = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=GUNICORN_TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        remedy = f"try: {' '.join(gunicorn_command())}"
        return wrong("gunicorn", f"it does not print its settings: {error}", remedy)
    found = dict(re.findall(r"^(\w+) += (.*)$", told.stdout, re.MULTILINE))
    if told.returncode or "workers" not in found:
        said = (told.stderr or told.stdout).strip().splitlines()
        cause = said[-1] if said else f"exit code {told.returncode}"
        return wrong("gunicorn", f"it does not start: {cause}", "fix that first")
    raise_descriptor_limit()
    workers, is_shared = workers_of(configuration), can_be_shared(configuration.history)
    users = affordable_users(configuration.max_users, RESERVE, workers=workers).users
    if users < configuration.max_users:  # gunicorn has found out how many by itself, a moment ago
        users = users * 9 // 10
    if flaws := list(unmet(found, users, workers, is_shared=is_shared)):
        where = " and ".join(
            name for name in ("GUNICORN_CMD_ARGS", "WEB_CONCURRENCY") if name in os.environ
        )
        remedy = (
            f"remove it from {where or 'gunicorn.conf.py'}; what may be changed is in config.json"
        )
        return wrong("gunicorn", "; ".join(flaws), remedy)
    where = "one worker" if workers == 1 else f"each of {workers} workers"
    return ok("gunicorn", f"{found['threads']} threads in {where}")


def check_limits(configuration: Configuration, health: Health) -> Finding:
    """Whether the room admits as many users as the settings say: the running one, or one that is
    started from here, whose limits may be others."""
    wanted = configuration.max_users
    if health.max_users:
        return _admitted(wanted, health.max_users)
    raise_descriptor_limit()
    workers = workers_of(configuration)
    carried, reason = affordable_users(wanted, RESERVE, workers=workers)
    what = "a room" if workers == 1 else f"each of {workers} workers"
    if carried >= wanted:
        return ok("limits", f"{what} started from this shell can carry {wanted} users")
    text = f"{what} started from this shell can carry {carried} users, but maxUsers is {wanted}"
    remedy = f"raise that limit, or set maxUsers to {carried}" if carried else "raise that limit"
    return wrong("limits", f"{text}; {reason}", remedy)


def _admitted(wanted: int, admitted: int) -> Finding:
    if admitted >= wanted:
        return ok("limits", f"the running room admits {admitted} users")
    text = f"the running room admits {admitted} users, but maxUsers is {wanted}"
    remedy = "restart it; if it admits no more then, its log names the limit to raise"
    return wrong("limits", text, remedy)


def check_addresses(configuration: Configuration) -> list[Finding]:
    """Whether one client could take all places; no finding if only this machine can connect."""
    if configuration.max_users_per_address or _is_private(configuration):
        return []
    text = f"one address may take all {configuration.max_users} places"
    remedy = "if strangers can connect, set maxUsersPerAddress (a school has one address)"
    return [Finding(Verdict.NOTE, "addresses", text, remedy)]


def check_wire(configuration: Configuration) -> list[Finding]:
    """Whether tokens travel unencrypted; no finding if only this machine can connect."""
    if _is_private(configuration):
        return []
    text = "other machines reach the room over http: on a network that others share, these can "
    text += "read what is said, and take the token of a host, and be that host"
    remedy = "there, put a proxy with a certificate in front, and set hostName to localhost"
    return [Finding(Verdict.NOTE, "secrecy", text, remedy)]


def _is_private(configuration: Configuration) -> bool:
    host = configuration.host_name
    return is_loopback(host) and host not in EVERYWHERE
