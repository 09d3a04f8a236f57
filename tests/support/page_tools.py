"""The page's scripts, and the tools from npm that look at them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support import CHECKOUT

STATIC = CHECKOUT / "static"
TOOLS = CHECKOUT / "tests" / "page"
SCRIPTS = sorted(STATIC.rglob("*.js"))


def run(*command: str | Path, cwd: Path) -> None:
    """Run what ``tests/install_page_tools.sh`` has installed; fail with what it says."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
