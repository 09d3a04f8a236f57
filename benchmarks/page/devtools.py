"""A Chromium of our own, spoken to by its DevTools protocol, by no more of it than is needed.

Why not Playwright, which the tests use: it has the browser tell it of every frame of a WebSocket.
With 500 past messages and a phone's processor, that alone took the page half a second.
"""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

from benchmarks import places, proc
from benchmarks.server import StartError

NAMES = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    "chromium-headless-shell",
)
"""What tests/install_browser.sh may find or install; here people's browser goes first."""

OPTIONS = (
    *("--headless", "--no-sandbox", "--no-first-run", "--disable-background-networking"),
    "--remote-debugging-port=0",
)
START_SECONDS = 20.0
ANSWER_SECONDS = 60.0

Told = dict[str, Any]


class DevToolsError(Exception):
    """The browser refuses what it was asked, or a script in the page has failed."""


class DevTools:
    """A line to the browser, or to one page of it. One thread at a time."""

    def __init__(self, url: str) -> None:
        self._socket = connect(url, max_size=None, compression=None)
        self._ids = itertools.count(1)

    def ask(self, method: str, **parameters: Any) -> Told:
        """Have something done, and wait until it is."""
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            told: Told = json.loads(self._socket.recv(timeout=ANSWER_SECONDS))
            if told.get("id") == number:  # else it is an event
                break
        if "error" in told:
            raise DevToolsError(f"{method}: {told['error']['message']}")
        return dict(told["result"])

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


class Chromium:
    """A context: a process with a profile of its own."""

    def __init__(self) -> None:
        executable = next((path for path in map(shutil.which, NAMES) if path), None)
        if not executable:
            raise StartError("there is no Chromium: sh tests/install_browser.sh")
        places.BUILD.mkdir(exist_ok=True)
        self._profile = tempfile.TemporaryDirectory(
            prefix="profile-", dir=places.BUILD, ignore_cleanup_errors=True
        )
        self._process = subprocess.Popen(
            [executable, *OPTIONS, f"--user-data-dir={self._profile.name}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=proc.die_with_parent,
        )

    def __enter__(self) -> Chromium:
        try:
            self._port, path = self._address()
            self.devtools = DevTools(f"ws://127.0.0.1:{self._port}{path}")
            product = self.devtools.ask("Browser.getVersion")["product"]
        except BaseException:
            self.__exit__()
            raise
        self.version = str(product).rpartition("/")[2]
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._profile.cleanup()

    def line_to(self, target: str) -> DevTools:
        """To a page."""
        return DevTools(f"ws://127.0.0.1:{self._port}/devtools/page/{target}")

    def _address(self) -> list[str]:
        """Port and path, which it writes down when it listens."""
        file = Path(self._profile.name) / "DevToolsActivePort"
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            words = file.read_text().split() if file.exists() else []
            if len(words) == 2:
                return words
            time.sleep(0.05)
        raise StartError("Chromium does not start")
