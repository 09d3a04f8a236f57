"""Pictures and files that a page's reader chooses and sends; what becomes of them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from playwright.sync_api import FilePayload

from tests.support.browser import Tab
from tests.support.deadline import wait_for
from tests.support.fellow import Fellow
from tests.support.server_process import Running

EVERYTHING = bytes(range(256)) * 40
"""No picture."""


def ready(tab: Tab) -> Tab:
    """Wait until the rest of the page is there, and the button with it."""
    tab.page.wait_for_selector("#clip")
    return tab


def pick(
    tab: Tab, *files: tuple[str, str, bytes], press: Callable[[], object] | None = None
) -> None:
    """With the button: name, type and bytes of each."""
    picked: list[FilePayload] = [
        {"name": name, "mimeType": kind, "buffer": data} for name, kind, data in files
    ]
    with tab.page.expect_file_chooser() as chooser:
        # Only after a round trip is it sure that the browser asks the test, and nobody else.
        tab.page.evaluate("0")
        if press is None:
            tab.page.click("#clip")
        else:
            press()
    chooser.value.set_files(picked)


def choose(tab: Tab, *files: tuple[str, str, bytes]) -> None:
    """And wait until they are ready to be sent."""
    pick(tab, *files)
    for name, _, _ in files:
        tab.see("#attached .file-name", name)
    prepared(tab)


def prepared(tab: Tab) -> None:
    wait_for(lambda: "One moment" not in "".join(tab.texts("#attached")), "all prepared")


BRING = """([kind, selector, files]) => {
    const dataTransfer = new DataTransfer();
    for (const [name, type, data] of files) {
        const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
        dataTransfer.items.add(new File([bytes], name, { type }));
    }
    const options = { bubbles: true, cancelable: true };
    const event = kind === "paste"
        ? new ClipboardEvent(kind, { clipboardData: dataTransfer, ...options })
        : new DragEvent(kind, { dataTransfer, ...options });
    return !document.querySelector(selector).dispatchEvent(event);
}"""


def offer(tab: Tab, kind: str, *files: tuple[str, str, bytes]) -> None:
    """Paste them into the box, or drop them on the conversation, whatever becomes of that."""
    selector = {"paste": "#body", "drop": "#scroller"}[kind]
    told = [[name, type, base64.b64encode(data).decode()] for name, type, data in files]
    assert tab.page.evaluate(BRING, [kind, selector, told])  # it is not left to the browser


def bring(tab: Tab, kind: str, *files: tuple[str, str, bytes]) -> None:
    """And wait until they are ready to be sent."""
    offer(tab, kind, *files)
    for name, _, _ in files:
        tab.see("#attached .file-name", name)
    prepared(tab)


def send(tab: Tab, text: str = "") -> None:
    tab.page.focus("#body")
    if text:
        tab.page.keyboard.insert_text(text)
    tab.page.keyboard.press("Enter")


def arrives(eve: Fellow) -> dict[str, Any]:
    """The next message, as everybody gets it."""
    return eve.hear_notice("message")


def served(server: Running, message: dict[str, Any]) -> bytes:
    status, _, body = server.get(f"/api/rooms/{message['room']}/files/{message['file']['id']}")
    assert status == 200
    return bytes(body)


def jpeg(tab: Tab, width: int, height: int) -> bytes:
    """A photo, whose left half is red and whose right half is blue."""
    url: str = tab.page.evaluate(
        """([width, height]) => {
            const canvas = Object.assign(document.createElement("canvas"), { width, height });
            const context = canvas.getContext("2d");
            context.fillStyle = "red";
            context.fillRect(0, 0, width / 2, height);
            context.fillStyle = "blue";
            context.fillRect(width / 2, 0, width / 2, height);
            return canvas.toDataURL("image/jpeg", 0.95);
        }""",
        [width, height],
    )
    return base64.b64decode(url.partition(",")[2])


def seen(tab: Tab, data: bytes) -> dict[str, Any]:
    """How large a picture is, and its colours at the top and the bottom."""
    found: dict[str, Any] = tab.page.evaluate(
        """async (data) => {
            const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
            const image = await createImageBitmap(new Blob([bytes]));
            const { width, height } = image;
            const canvas = Object.assign(document.createElement("canvas"), { width, height });
            const context = canvas.getContext("2d", { willReadFrequently: true });
            context.drawImage(image, 0, 0);
            const at = (y) => {
                const [red, , blue] = context.getImageData(width / 2, y, 1, 1).data;
                return red > blue ? "red" : "blue";
            };
            return { size: [width, height], top: at(3), bottom: at(height - 4) };
        }""",
        base64.b64encode(data).decode(),
    )
    return found


def drawn(tab: Tab, count: int = 1) -> None:
    count_them = """() => [...document.querySelectorAll("#list .file img")]
        .filter((image) => image.complete && image.naturalWidth > 0).length"""
    wait_for(lambda: tab.page.evaluate(count_them) == count, f"{count} pictures")


# -- on its way ----------------------------------------------------------------------------------


class Slow:
    """The browser's line, so slow that a test can see what is on it."""

    def __init__(self, tab: Tab) -> None:
        self._debugger = tab.debugger()
        self._debugger.send("Network.enable")
        self.set()

    def set(self, *, offline: bool = False, bytes_a_second: int = 200_000) -> None:
        line = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_a_second}
        self._debugger.send("Network.emulateNetworkConditions", {"offline": offline, **line})


def under_way(tab: Tab) -> None:
    wait_for(
        lambda: tab.page.evaluate("(document.querySelector('progress')?.value ?? 0) > 0.01"),
        "some of it is sent",
    )


def answer_with(tab: Tab, status: int, code: str) -> None:
    problem = json.dumps({"code": code, "detail": "In English.", "status": status})
    tab.page.route(
        "**/api/rooms/*/files/*",
        lambda route: (
            route.fulfill(status=status, body=problem, content_type="application/problem+json")
            if route.request.method == "PUT"
            else route.fallback()
        ),
    )
