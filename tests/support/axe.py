"""What axe-core finds wrong with a page, for people who cannot see or use a mouse."""

from __future__ import annotations

from tests.support import CHECKOUT
from tests.support.browser import Tab

AXE = CHECKOUT / "tests" / "page" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

OF_COLOURS = ["color-contrast", "link-in-text-block"]
"""Those among them that say something else where the page has other colours."""


def faults(tab: Tab, rules: list[str] = RULES) -> list[str]:
    """What axe-core has to say, once whatever fades in has done so."""
    if not tab.page.evaluate("'axe' in window"):
        tab.page.evaluate(AXE.read_text())  # through the debugger: the page's policy stays
    found = tab.page.evaluate(
        """async rules => {
            const moving = document.getAnimations().filter(
                ({ effect }) => effect.getComputedTiming().endTime < Infinity);
            await Promise.allSettled(moving.map(({ finished }) => finished));
            return (await axe.run(document, { runOnly: rules })).violations.flatMap(
                ({ id, nodes }) => nodes.map(({ html, failureSummary }) =>
                    `${id}: ${html} ${failureSummary}`));
        }""",
        rules,
    )
    return list(found)


def faults_by_day_and_night(tab: Tab) -> list[str]:
    """In light and in dark colours, and nothing else changes from one to the other."""
    found = []
    for scheme, rules in (("dark", OF_COLOURS), ("light", RULES)):
        tab.page.emulate_media(color_scheme=scheme)
        found += faults(tab, rules)
    return found
