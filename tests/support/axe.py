"""What axe-core finds wrong with a page, for people who cannot see or use a mouse."""

from __future__ import annotations

from tests.support import CHECKOUT
from tests.support.browser import Tab

AXE = CHECKOUT / "tests" / "page" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def faults(tab: Tab) -> list[str]:
    """What axe-core has to say."""
    if not tab.page.evaluate("'axe' in window"):
        tab.page.evaluate(AXE.read_text())  # through the debugger: the page's policy stays
    found = tab.page.evaluate(
        """async tags => (await axe.run(document, { runOnly: tags })).violations.flatMap(
            ({ id, nodes }) => nodes.map(({ html, failureSummary }) =>
                `${id}: ${html} ${failureSummary}`))""",
        RULES,
    )
    return list(found)
