"""The page in a real Chromium: as many files at once as the server takes of one person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.browser import Tab
from tests.support.deadline import wait_for
from tests.support.fellow import Fellow
from tests.support.pictures import png
from tests.support.sending_files import bring, choose, offer, ready, send

pytestmark = pytest.mark.takes(seconds=10)

MOST = 20
"""Files of one person in ten minutes."""


def pictures(count: int) -> list[tuple[str, str, bytes]]:
    """Each as wide as its number says."""
    return [(f"{n:02}.png", "image/png", png(100 + n, 50)) for n in range(count)]


def names(count: int) -> list[str]:
    return [f"Picture: {n:02}.jpg" for n in range(count)]


def shown(tab: Tab) -> list[str]:
    found: list[str] = tab.page.evaluate(
        "[...document.querySelectorAll('#list .file img')].map(({ alt }) => alt)"
    )
    return found


@pytest.mark.parametrize("bring_them", [bring, offer])
def test_twenty_pictures_that_are_dropped_at_once_are_all_in_the_room_in_order(
    open_tab: Callable[..., Tab], eve: Fellow, bring_them: Callable[..., None]
) -> None:
    """Also where they are sent before they are made smaller."""
    tab = ready(open_tab())
    bring_them(tab, "drop", *pictures(MOST))
    wait_for(lambda: tab.page.locator("#attached li").count() == MOST, "twenty")

    send(tab, "Our journey")

    got: list[dict[str, Any]] = [eve.hear_notice("message") for _ in range(MOST)]
    assert [one["file"]["name"] for one in got] == [f"{n:02}.jpg" for n in range(MOST)]
    assert [one["body"] for one in got] == ["Our journey", *[""] * (MOST - 1)]
    wait_for(lambda: shown(tab) == names(MOST), "all twenty on the page")
    wait_for(lambda: tab.pending().count() == 0, "nothing on its way")
    assert tab.texts("#notice") == [""]
    assert tab.complaints == []


def test_one_more_at_once_is_left_out_and_that_is_said(open_tab: Callable[..., Tab]) -> None:
    tab = ready(open_tab())
    tab.page.fill("#body", "Our journey")

    offer(tab, "drop", *pictures(MOST + 1))

    tab.see("#notice", "At most 20 at once: the rest was left out.")
    wait_for(lambda: tab.page.locator("#attached img").count() == MOST, "twenty")
    assert tab.texts("#attached .file-name")[-1] == "19.png"
    assert tab.page.input_value("#body") == "Our journey"


def test_a_twenty_first_is_refused_and_nothing_of_it_is_lost(
    open_tab: Callable[..., Tab], eve: Fellow
) -> None:
    tab = ready(open_tab())
    bring(tab, "drop", *pictures(MOST))
    send(tab)
    for _ in range(MOST):
        eve.hear_notice("message")
    choose(tab, ("last.png", "image/png", png(9, 9)))
    tab.page.fill("#attached textarea", "A bridge in the fog")

    send(tab, "And one more")

    tab.see("#pending .reason", "You have sent many files in a short time. Wait some minutes")
    wait_for(lambda: shown(tab) == names(MOST), "all twenty on the page")
    tab.say("Words go on")
    assert eve.hear_notice("message")["body"] == "Words go on"
    tab.page.click("#pending .edit")
    assert tab.page.input_value("#body") == "And one more"
    tab.see("#attached .file-name", "last.png")
    assert tab.page.input_value("#attached textarea") == "A bridge in the fog"
    assert shown(tab) == names(MOST)
