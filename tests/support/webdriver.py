"""Two ways to send a browser the commands of W3C WebDriver, and to get what it returns.

Firefox has WebDriver built in, and speaks it over a socket (Marionette); WebKit's comes as a
program of its own that speaks HTTP. The commands and what they take are the same.

Sources: https://www.w3.org/TR/webdriver2/,
https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html
"""

from __future__ import annotations

import itertools
import json
import socket
import urllib.error
import urllib.request
from typing import Any, Protocol


class BrowserError(Exception):
    """What a browser said to a command that it did not carry out."""


class Remote(Protocol):
    """A browser that takes commands, one at a time."""

    def command(self, name: str, **parameters: Any) -> Any:
        """Have it done, and return the result; the names are those of Marionette.

        Raises:
            BrowserError: it could not be done.
        """


class Marionette:
    """Firefox, which listens on this port of this machine; it has so many seconds for each command.

    Each message is its length in digits, a colon, and a JSON array: ``[0, number, name,
    parameters]`` there, ``[1, number, error, result]`` back.
    """

    def __init__(self, port: int, timeout: float) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout)
        self._reader = self._socket.makefile("rb")
        self._numbers = itertools.count(1)
        self._receive()  # which protocol it is

    def command(self, name: str, **parameters: Any) -> Any:
        prefix = "" if ":" in name else "WebDriver:"
        number = next(self._numbers)
        payload = json.dumps([0, number, prefix + name, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(payload), payload))
        _kind, answered, error, result = self._receive()
        assert answered == number
        if error:
            raise BrowserError(f"{name}: {error['error']}: {error['message']}")
        return result["value"] if isinstance(result, dict) and "value" in result else result

    def _receive(self) -> Any:
        length = b""
        while (byte := self._reader.read(1)) != b":":
            assert byte.isdigit(), "Firefox is gone"
            length += byte
        return json.loads(self._reader.read(int(length)))

    def close(self) -> None:
        self._reader.close()
        self._socket.close()


PATHS = {
    "Navigate": "url",
    "Refresh": "refresh",
    "ExecuteScript": "execute/sync",
    "PerformActions": "actions",
    "SetWindowRect": "window/rect",
}
"""Where WebDriver's commands are found over HTTP."""


class HttpRemote:
    """A session of a driver that listens on this port of this machine, such as WebKitWebDriver.

    It has so many seconds for each command; to begin with, it starts the browser.
    """

    def __init__(self, port: int, timeout: float, **capabilities: Any) -> None:
        self._timeout = timeout
        self._server = f"http://127.0.0.1:{port}"
        wanted = {"capabilities": {"alwaysMatch": capabilities}}
        self._session = f"/session/{self._ask('POST', '/session', wanted)['sessionId']}"

    def command(self, name: str, **parameters: Any) -> Any:
        return self._ask("POST", f"{self._session}/{PATHS[name]}", parameters)

    def close(self) -> None:
        self._ask("DELETE", self._session)

    def _ask(self, method: str, path: str, fields: dict[str, Any] | None = None) -> Any:
        data = None if fields is None else json.dumps(fields).encode()
        request = urllib.request.Request(self._server + path, data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as reply:
                return json.load(reply)["value"]
        except urllib.error.HTTPError as error:
            with error:
                raise BrowserError(f"{path}: {error.read().decode()}") from None
