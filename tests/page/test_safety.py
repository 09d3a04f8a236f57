"""What the browser itself refuses for the page, and what leaves it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Error

ATTEMPTS = (
    "document.body.innerHTML = '<b>bold</b>'",
    "document.body.insertAdjacentHTML('beforeend', '<img src=x>')",
    "document.createElement('script').text = 'alert(1)'",
    "document.createElement('script').src = '/static/chat.js'",
    "document.createElement('iframe').srcdoc = '<p>'",
    "trustedTypes.createPolicy('mine', {})",
)


def test_no_text_becomes_markup_or_code_in_the_browser(open_tab) -> None:
    tab = open_tab()
    for attempt in ATTEMPTS:
        with pytest.raises(Error, match=r"TrustedHTML|TrustedScript|TrustedScriptURL|Policy"):
            tab.page.evaluate(f"() => {{ {attempt} }}")
    assert tab.page.get_attribute("body", "data-state") == "connected"


def test_nothing_is_tracked_and_nothing_leaves(open_tab) -> None:
    tab = open_tab(fresh=True)
    asked: set[str] = set()
    tab.page.on("request", lambda request: asked.add(request.url))
    tab.page.on("websocket", lambda socket: asked.add(socket.url))
    tab.page.reload()
    tab.wait_for_state("connected")
    tab.say("look at https://example.com/picture.png")
    tab.hear("look at https://example.com/picture.png")

    own = (f"http://127.0.0.1:{tab.server.port}/", f"ws://127.0.0.1:{tab.server.port}/")
    assert asked
    assert [url for url in asked if not url.startswith(own)] == []
    assert tab.context.cookies() == []
    assert tab.complaints == []
