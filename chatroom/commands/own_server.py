"""The server that the settings here are those of."""

from __future__ import annotations

from pathlib import Path

from chatroom.addresses import EVERYWHERE
from chatroom.configuration import Configuration, load_configuration
from chatroom.errors import ConfigurationError
from chatroom.history import is_address, read_secret


def own_url(configuration: Configuration) -> str:
    """Where the server with these settings can be reached from this machine."""
    host = configuration.host_name
    host = "localhost" if host in EVERYWHERE else f"[{host}]" if ":" in host else host
    return f"http://{host}:{configuration.port}"


def default_url() -> str:
    """The server that ``chatroom serve`` would be here; never another one that answers.

    Raises:
        ConfigurationError: the settings are invalid.
    """
    try:
        return own_url(load_configuration())
    except ConfigurationError as error:
        path, key, value, wanted = error.args
        wanted = f"{wanted} (or name the server with --url)"
        raise ConfigurationError(path, key, value, wanted) from None


def own_secret(configuration: Configuration) -> bytes:
    """The secret with which that server signs; also while it is running.

    Raises:
        HistoryRefused: it cannot be read here.
    """
    return read_secret(configuration.history, configuration.folder)


def own_files(history: str | Path) -> Path | None:
    """The folder that the settings here name for the files of this history; None if they name none,
    or are about another history.

    Args:
        history: as the option ``--history`` has it.
    """
    try:
        configuration, its = load_configuration(), own_history()
    except ConfigurationError:
        return None
    if isinstance(history, str) or isinstance(its, str):
        return configuration.files_path if history == its else None
    is_its = history.resolve() == its.resolve()
    return configuration.files_path if is_its else None


def own_history() -> str | Path:
    """The history of that server, as the option ``--history`` has it.

    Raises:
        ConfigurationError: the settings are invalid.
    """
    configuration = load_configuration()
    url = configuration.history
    if url == "memory:" or is_address(url):
        return url
    return configuration.folder / url.removeprefix("sqlite:")
