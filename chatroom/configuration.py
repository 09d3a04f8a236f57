"""The settings: read from one JSON file, checked once at the start, frozen from then on.

An invalid file is refused with one line that names the file, the key, the value and what was
wanted; nothing is guessed and nothing is ignored.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from chatroom.addresses import is_everywhere
from chatroom.errors import ConfigurationError
from chatroom.history import FROM_ENVIRONMENT, SHARED_FORM, can_be_shared, is_address, masked
from chatroom.settings import SETTINGS, Setting, Unfit

DEFAULT_FILE = "config.json"
"""In the current folder; without it, every setting has its default."""

STANDARD_ERROR = "-"
ALL_INTERFACES = "0.0.0.0"
KEYS = [setting.name for setting in SETTINGS]

FRAME_OVERHEAD = 2048
"""Bytes by which an outgoing frame may exceed the incoming one; its id, room and time take about
half of that."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """Every setting, checked; ``SETTINGS`` says what each one means, and in which unit."""

    path: Path
    """The file that they came from, absolute."""
    port: int
    host_name: str
    logfile_path: str
    history: str
    history_sync: str
    messages_per_second: int
    edit_minutes: int
    removed_keep_days: int
    room_makers: str
    password: str
    replay_limit: int
    workers: int
    max_users: int
    max_users_per_address: int
    first_frame_seconds: int
    max_message_bytes: int
    max_file_bytes: int
    files_bytes: int
    files_folder: str
    max_name_length: int
    user_queue_bytes: int
    host_names: tuple[str, ...]
    """As a browser sends them: lower case, other alphabets as ``xn--``."""
    allowed_origins: tuple[str, ...]
    """As a browser writes them: lower case, without the scheme's default port."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    ping_interval: int
    max_rooms: int
    leave_grace: int
    presence_limit: int
    keep_messages: int
    keep_days: int
    metrics_from: tuple[IPv4Network | IPv6Network, ...]
    metrics_key: str

    @property
    def folder(self) -> Path:
        """Where the settings' relative paths start: the folder of the file."""
        return self.path.parent

    @property
    def files_path(self) -> Path | None:
        """The folder of pictures and files; None for where the history says."""
        return self.folder / self.files_folder if self.files_folder else None

    @property
    def has_files(self) -> bool:
        """Whether there are pictures and files: a database says nowhere where they would be."""
        has_folder = bool(self.files_folder) or not can_be_shared(self.history)
        return has_folder and self.files_bytes > 0

    @property
    def logfile(self) -> Path | None:
        """The log file; None for standard error."""
        if self.logfile_path == STANDARD_ERROR:
            return None
        return self.folder / self.logfile_path


def load_configuration(environ: Mapping[str, str] = os.environ) -> Configuration:
    """Read, check and freeze the settings.

    The file is the one that ``CHATROOM_CONFIG`` names, else ``config.json`` in the current folder,
    if there is one. ``PORT`` overrides the file's port and means all interfaces: a platform that
    sets it expects both. ``DATABASE_URL`` says where the history is if the file leaves that to it.

    Raises:
        ConfigurationError: the file or a setting is wrong; ``str()`` of it is one line.
    """
    name = environ.get("CHATROOM_CONFIG", DEFAULT_FILE)
    if not name:
        raise ConfigurationError("environment", "CHATROOM_CONFIG", name, "the path of a JSON file")
    path = Path(name).absolute()  # not resolve(): relative paths start where a symlink stands
    is_optional = "CHATROOM_CONFIG" not in environ
    raw = {} if is_optional and not os.path.lexists(path) else _read(path)
    values = {setting.field: _check(path, setting, raw) for setting in SETTINGS}
    _check_queue(path, values["user_queue_bytes"], values["max_message_bytes"])
    if values["history"] == FROM_ENVIRONMENT:
        values["history"] = _database(path, environ)
    check_workers(path, "workers", values["workers"], values["history"])
    if "PORT" in environ:
        values["port"] = _port(environ["PORT"])
        if not is_everywhere(values["host_name"]):  # "::" is of both families
            values["host_name"] = ALL_INTERFACES
    return Configuration(path=path, **values)


def _read(path: Path) -> dict[str, Any]:
    """The object in the file, with known keys only."""
    raw = _parse(path)
    if type(raw) is not dict:
        raise _unusable(path, f"not an object but {reprlib.repr(raw)}")
    for key, value in raw.items():
        if key not in KEYS:
            raise ConfigurationError(path, _shown(key), _readable(key, value), _known_key(key))
    return raw


def _parse(path: Path) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:  # json alone would silently keep the last one
                value = _readable(key, value)
                raise ConfigurationError(path, _shown(key), value, "this key only once")
            found[key] = value
        return found

    try:
        # -sig: some editors add a byte order mark, which is not the user's mistake
        return json.loads(path.read_bytes().decode("utf-8-sig"), object_pairs_hook=once)
    except FileNotFoundError:
        raise _unusable(path, "missing", "a JSON file; CHATROOM_CONFIG names another") from None
    except OSError as error:
        raise _unusable(path, f"unreadable ({error.strerror})", "a readable file") from None
    except UnicodeDecodeError as error:
        raise _unusable(path, f"not UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise _unusable(path, f"not JSON ({where}: {error.msg})") from None
    except (ValueError, RecursionError) as error:  # a number of 5000 digits, 100000 brackets
        raise _unusable(path, f"too much for a setting ({error})") from None


def _unusable(
    path: Path, cause: str, wanted: str = "a JSON object with settings"
) -> ConfigurationError:
    return ConfigurationError(path, "the file", _Words(cause), wanted)


def _check(path: Path, setting: Setting, raw: dict[str, Any]) -> Any:
    try:
        return setting.check(raw.get(setting.name, setting.default))
    except Unfit as unfit:
        where, part, wanted = unfit.args
        raise ConfigurationError(path, setting.name + where, _short(part), wanted) from None


def _check_queue(path: Path, queue_bytes: int, message_bytes: int) -> None:
    """Refuse a queue that would overflow for a user who keeps up: it must hold two frames.

    One is the frame that the socket has partly accepted, the other is the next one.
    """
    least = 2 * (message_bytes + FRAME_OVERHEAD)
    if queue_bytes < least:
        wanted = f"at least {least}, enough for two messages of maxMessageBytes ({message_bytes})"
        raise ConfigurationError(path, "userQueueBytes", queue_bytes, wanted)


def check_workers(source: Path | str, key: str, workers: int, history: str) -> None:
    """Refuse several processes whose history has to be one's own.

    Args:
        source: what says how many, for the error, like ``key``.

    Raises:
        ConfigurationError: they could not share it.
    """
    if workers > 1 and not can_be_shared(history):
        wanted = f"1, or in config.json a history that processes can share: {SHARED_FORM}"
        raise ConfigurationError(source, key, workers, wanted)


def _database(path: Path, environ: Mapping[str, str]) -> str:
    """The address in ``DATABASE_URL``, as a platform sets it that has databases."""
    where = f"the database's address, as {path} has {FROM_ENVIRONMENT!r} for history: {SHARED_FORM}"
    url = environ.get("DATABASE_URL", "")
    if not url:
        raise ConfigurationError("environment", "DATABASE_URL", _Words("missing"), where)
    if not is_address(url):
        raise ConfigurationError("environment", "DATABASE_URL", _short(masked(url)), where)
    return url


def _port(value: str) -> int:
    # not int() alone: it takes " 80", "8_0" and other alphabets' digits as well
    if re.fullmatch("[0-9]{1,5}", value) and 1 <= int(value) <= 65535:
        return int(value)
    raise ConfigurationError("environment", "PORT", _short(value), "a number from 1 to 65535")


def _known_key(key: str) -> str:
    """What was wanted in place of an unknown key: the nearest known one, else any of them."""
    by_letters = {name.lower(): name for name in KEYS}
    nearest = difflib.get_close_matches(key.lower().replace("_", ""), by_letters, n=1)
    if nearest:
        return f"a known key; the nearest is {by_letters[nearest[0]]}"
    return f"one of the keys {', '.join(KEYS)}"


class _Words(str):
    """Words in place of a value: shown without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _shown(key: str) -> str:
    """A key that stays short and on its line: repr() escapes what isn't printable."""
    return reprlib.repr(key)[1:-1]


def _readable(key: str, value: Any) -> Any:
    """The value of a key that is wrong, abridged; but nobody reads a password off the error."""
    is_secret = "pass" in key.lower() or difflib.get_close_matches(key.lower(), ["password"])
    return "..." if is_secret else _short(value)


def _short(value: Any) -> Any:
    """The value, abridged if it would fill the screen, and without a database's password."""
    if isinstance(value, str) and value.startswith("postgres"):
        value = masked(value)  # also where it stands under another key
    return value if len(repr(value)) <= 200 else _Words(reprlib.repr(value))
