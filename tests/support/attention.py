"""What calls for the reader of a page, taken down in place of a desktop and of ears."""

from __future__ import annotations

from tests.support.browser import Tab
from tests.support.deadline import wait_for


def notified(*tabs: Tab) -> list[list[str]]:
    """The notifications, titles and texts, that these tabs have shown since ``attend``."""
    return [shown for tab in tabs for shown in tab.page.evaluate("shown")]


def attend(*tabs: Tab) -> None:
    """Take down what calls for the reader from now on: ``shown``, ``tones``."""
    for tab in tabs:
        tab.page.evaluate(
            """() => {
                window.shown = [];
                window.Notification = class {
                    constructor(title, { body }) { shown.push([title, body]) }
                };
                Object.defineProperty(Notification, "permission", { get: () => "granted" });
                Notification.requestPermission = async () => "granted";
                window.tones = 0;
                window.OscillatorNode = class extends OscillatorNode {
                    start(when) { tones += 1; super.start(when); }
                };
            }"""
        )


def want_notifications(tab: Tab, which: str) -> None:
    tab.page.click("#open-settings")
    tab.page.select_option("#notify", which)
    wait_for(
        lambda: which in tab.page.evaluate("localStorage['chat:settings'] ?? ''"), "the choice"
    )
    tab.page.keyboard.press("Escape")
