"""A window of each of the three engines that the world's browsers are built on, driven alike.

Chromium is the one that all tests of the page know (``browser.py``), through Playwright. Firefox
and WebKit are those of the distribution: Playwright's own builds of them come from elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from tests.support.deadline import DEADLINE, wait_for
from tests.support.ports import Port, idle_port
from tests.support.programs import program
from tests.support.webdriver import HttpRemote, Marionette, Remote

SIZE = (1280, 800)
"""Width and height of a window to begin with, in pixels."""


class Window(ABC):
    """What one does with a window, and what one sees in it."""

    @abstractmethod
    def go(self, url: str) -> None:
        """Load the page, and wait until it has loaded."""

    @abstractmethod
    def reload(self) -> None: ...

    @abstractmethod
    def ask(self, script: str, *arguments: Any) -> Any:
        """What a function of JavaScript returns; this is its body."""

    @abstractmethod
    def press(self, key: str) -> None:
        """Press a key such as ``Enter``, or several at once: ``Shift+Enter``."""

    @abstractmethod
    def write(self, text: str) -> None:
        """Type it, key by key."""

    @abstractmethod
    def click_at(self, x: float, y: float) -> None: ...

    @abstractmethod
    def resize(self, width: int, height: int) -> None: ...

    def click(self, selector: str) -> None:
        """Click in the middle of the first that is there, as soon as it is in sight."""
        middle = """
            const node = document.querySelector(arguments[0]);
            const { x, y, width, height } = node ? node.getBoundingClientRect() : { width: 0 };
            return width && [x + width / 2, y + height / 2];
        """
        self.click_at(*wait_for(lambda: self.ask(middle, selector), f"{selector} in sight"))


Open = Callable[..., AbstractContextManager[Window]]
"""Opens a window that has been nowhere yet; ``dark=True``: on a system with dark colours."""


# -- Chromium ----------------------------------------------------------------------------------


class ChromiumWindow(Window):
    def __init__(self, browser: Browser, dark: bool) -> None:
        self._context = browser.new_context(color_scheme="dark" if dark else "light")
        self._page = self._context.new_page()
        self.resize(*SIZE)

    def go(self, url: str) -> None:
        self._page.goto(url)

    def reload(self) -> None:
        self._page.reload()

    def ask(self, script: str, *arguments: Any) -> Any:
        wrapped = f"given => (function () {{ {script} }}).apply(null, given)"
        return self._page.evaluate(wrapped, list(arguments))

    def press(self, key: str) -> None:
        self._page.keyboard.press(key)

    def write(self, text: str) -> None:
        self._page.keyboard.type(text)

    def click_at(self, x: float, y: float) -> None:
        self._page.mouse.click(x, y)

    def resize(self, width: int, height: int) -> None:
        self._page.set_viewport_size({"width": width, "height": height})

    def close(self) -> None:
        self._context.close()


@contextmanager
def chromium_windows(browser: Browser) -> Iterator[Open]:
    def open_window(dark: bool = False) -> AbstractContextManager[Window]:
        return contextlib.closing(ChromiumWindow(browser, dark))

    yield open_window


# -- Firefox and WebKit ------------------------------------------------------------------------

KEYS = {"Enter": "\ue007", "Shift": "\ue008", "Control": "\ue009", "Escape": "\ue00c"}
"""Source: https://www.w3.org/TR/webdriver2/#keyboard-actions"""


class RemoteWindow(Window):
    """One that understands WebDriver's commands."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self.resize(*SIZE)

    def go(self, url: str) -> None:
        self._remote.command("Navigate", url=url)

    def reload(self) -> None:
        self._remote.command("Refresh")

    def ask(self, script: str, *arguments: Any) -> Any:
        return self._remote.command("ExecuteScript", script=script, args=list(arguments))

    def press(self, key: str) -> None:
        keys = [KEYS.get(name, name) for name in key.split("+")]
        down = [{"type": "keyDown", "value": value} for value in keys]
        up = [{"type": "keyUp", "value": value} for value in reversed(keys)]
        self._act("key", "keyboard", [*down, *up])

    def write(self, text: str) -> None:
        strokes = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        self._act("key", "keyboard", strokes)

    def click_at(self, x: float, y: float) -> None:
        there = {"type": "pointerMove", "x": round(x), "y": round(y), "origin": "viewport"}
        button = [{"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp")]
        self._act("pointer", "mouse", [there, *button])

    def _act(self, kind: str, device: str, actions: list[dict[str, Any]]) -> None:
        self._remote.command(
            "PerformActions", actions=[{"type": kind, "id": device, "actions": actions}]
        )

    def resize(self, width: int, height: int) -> None:
        self._remote.command("SetWindowRect", width=width, height=height)


STARTING = 60.0
"""Seconds in which a browser must be there; it may take ten times as long as on an idle machine."""

# What it would load from its maker goes to a port where nobody listens. Without its own pages and
# spare processes, it is there a fifth sooner.
FIREFOX_PREFERENCES = """
user_pref("marionette.port", 0);
user_pref("browser.startup.page", 0);
user_pref("browser.newtabpage.enabled", false);
user_pref("browser.newtab.preload", false);
user_pref("dom.ipc.processPrelaunch.enabled", false);
user_pref("network.proxy.type", 1);
user_pref("network.proxy.http", "127.0.0.1");
user_pref("network.proxy.http_port", {idle});
user_pref("network.proxy.ssl", "127.0.0.1");
user_pref("network.proxy.ssl_port", {idle});
"""


@contextmanager
def firefox_windows() -> Iterator[Open]:
    firefox = program("firefox-esr", "firefox")
    with ExitStack() as last:
        profile = _folder(last)
        (profile / "user.js").write_text(FIREFOX_PREFERENCES.format(idle=idle_port().number))
        # The last option: its own preferences may be changed, such as whether it is dark.
        own = ("--headless", "--no-remote", "--marionette", "--remote-allow-system-access")
        _run(last, [firefox, *own, "--profile", str(profile)], profile, {})
        chosen = profile / "MarionetteActivePort"
        port = wait_for(lambda: chosen.exists() and chosen.read_text(), "Firefox", STARTING)
        remote = last.enter_context(contextlib.closing(Marionette(int(port), STARTING)))
        remote.command("NewSession")
        first = remote.command("GetWindowHandle")

        @contextmanager
        def open_window(dark: bool = False) -> Iterator[Window]:
            scheme = "layout.css.prefers-color-scheme.content-override"
            remote.command("Marionette:SetContext", value="chrome")
            set_scheme = f"Services.prefs.setIntPref('{scheme}', {0 if dark else 1})"
            remote.command("ExecuteScript", script=set_scheme, args=[])
            remote.command("Marionette:SetContext", value="content")
            # What a private window has stored is gone with it.
            handle = remote.command("NewWindow", type="window", private=True)["handle"]
            remote.command("SwitchToWindow", handle=handle)
            yield RemoteWindow(remote)
            remote.command("CloseWindow")
            remote.command("SwitchToWindow", handle=first)

        yield open_window


@contextmanager
def webkit_windows() -> Iterator[Open]:
    driver, screen = program("WebKitWebDriver"), program("Xvfb")
    browser = program(
        "/usr/lib/*/webkit2gtk-*/MiniBrowser", "/usr/libexec/webkit2gtk-*/MiniBrowser"
    )
    with ExitStack() as last:
        home = _folder(last)
        port = Port()
        environ = {"DISPLAY": _display(last, screen, home), "HOME": str(home)}
        arguments = [driver, "--host=127.0.0.1", f"--port={port.number}"]
        _run(last, arguments, home, environ)
        wait_for(lambda: _listens(port), "WebKitWebDriver", STARTING)

        @contextmanager
        def open_window(dark: bool = False) -> Iterator[Window]:
            options = {"binary": browser, "args": ["--automation", *["--dark-mode"] * dark]}
            session = HttpRemote(port.number, STARTING, **{"webkitgtk:browserOptions": options})
            with contextlib.closing(session):
                yield RemoteWindow(session)

        yield open_window


def _display(last: ExitStack, screen: str, folder: Path) -> str:
    """A screen that nobody looks at, and its name; WebKit's browser cannot do without."""
    ours, its = os.pipe()
    with open(ours, "rb") as number:
        arguments = ["-screen", "0", "1600x1200x24", "-nolisten", "tcp", "-displayfd", str(its)]
        _run(last, [screen, *arguments], folder, {}, pass_fds=[its])
        os.close(its)
        return f":{number.readline().decode().strip()}"


def _listens(port: Port) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port.number)):
        return True
    return False


def _folder(last: ExitStack) -> Path:
    return Path(last.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))


def _run(
    last: ExitStack, arguments: list[str], folder: Path, environ: dict[str, str], **options: Any
) -> None:
    """Run a program until ``last`` ends; its output is discarded."""
    process = subprocess.Popen(
        arguments,
        cwd=folder,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **options,
    )
    last.callback(process.wait, DEADLINE)
    last.callback(process.terminate)
