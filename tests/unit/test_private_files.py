"""Everything that the program creates is for its owner alone, whatever the umask."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from chatroom.commands import chatroom
from chatroom.configuration import load_configuration
from chatroom.log import LOGGER, set_up_logging
from tests.support.histories import at, left_behind, said


@pytest.fixture(params=[0o000, 0o022, 0o077])
def generous(request: pytest.FixtureRequest) -> Iterator[None]:
    """A umask that lets others read, or even write."""
    before = os.umask(request.param)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


def test_the_history_and_all_that_goes_with_it_is_private(generous: None, tmp_path: Path) -> None:
    with closing(at(tmp_path / "chat.db")) as history:
        history.open()
        history.append(said("lobby", 1))
        history.search("lobby", "hi", 9, 9)

        assert modes(tmp_path) == dict.fromkeys(
            [
                "chat.db",
                "chat.db-shm",
                "chat.db-wal",
                "chat.db.lock",
                "chat.db.search",
                "chat.db.search-shm",
                "chat.db.search-wal",
            ],
            0o600,
        )


def test_a_history_that_is_there_keeps_its_permissions(generous: None, tmp_path: Path) -> None:
    path = left_behind(tmp_path / "chat.db", 1)
    path.chmod(0o640)

    left_behind(path)

    assert modes(tmp_path)["chat.db"] == 0o640


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    logger = logging.getLogger(LOGGER)
    before = list(logger.handlers)
    yield logger
    for handler in [handler for handler in logger.handlers if handler not in before]:
        logger.removeHandler(handler)
        handler.close()


def test_the_log_is_private_also_after_it_was_moved_away(
    generous: None, tmp_path: Path, logger: logging.Logger
) -> None:
    path = tmp_path / "logs.log"
    config = tmp_path / "config.json"
    config.write_text('{"logfilePath": "logs.log"}')
    set_up_logging(load_configuration({"CHATROOM_CONFIG": str(config)}))
    config.unlink()
    logger.info("one")
    path.rename(tmp_path / "logs.log.1")

    logger.info("two")

    assert modes(tmp_path) == {"logs.log": 0o600, "logs.log.1": 0o600}


def test_an_export_to_a_file_is_private(generous: None, tmp_path: Path) -> None:
    path = left_behind(tmp_path / "chat.db", 1)
    umask = os.umask(0o022)
    os.umask(umask)
    output = tmp_path / "lobby.jsonl"

    arguments = ["export", "lobby", "--history", str(path), "--output", str(output)]
    done = CliRunner().invoke(chatroom, arguments)

    assert done.exit_code == 0, done.stderr
    assert modes(tmp_path)["lobby.jsonl"] == 0o600
    assert os.umask(umask) == umask
