"""The Containerfile against the project: it copies what there is, and its settings are valid."""

from __future__ import annotations

import re
from pathlib import Path

from chatroom.configuration import load_configuration
from tests.support import CHECKOUT

LINES = (CHECKOUT / "Containerfile").read_text()


def test_it_copies_all_that_the_package_is_built_from():
    copied = set()
    for names in re.findall(r"^COPY (?!--from)(.+) \S+$", LINES, re.MULTILINE):
        copied |= set(names.split())

    assert {name for name in copied if not (CHECKOUT / name).exists()} == set()
    assert {"chatroom", "static", "templates", "setup.py", "setup.cfg"} <= copied


def test_its_settings_are_valid_and_keep_the_history_in_the_volume(tmp_path: Path):
    (written,) = re.findall(r"printf '(.+?)\\n' > /etc/chatroom.json", LINES)
    path = tmp_path / "chatroom.json"
    path.write_text(written)
    configuration = load_configuration({"CHATROOM_CONFIG": str(path), "PORT": "9999"})

    assert configuration.history == "sqlite:/data/chat.db"
    assert configuration.logfile is None
    assert "VOLUME /data" in LINES


def test_it_does_not_run_as_root():
    """By number: Kubernetes cannot tell whether a name is root's."""
    (user,) = re.findall(r"^USER (\d+):(\d+)$", LINES, re.MULTILINE)

    assert "0" not in user
