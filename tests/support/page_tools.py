"""The page's scripts, and the tools from npm that look at them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.support import CHECKOUT

STATIC = CHECKOUT / "static"
TOOLS = CHECKOUT / "tests" / "page"
SCRIPTS = sorted(STATIC.rglob("*.js"))

PATH = os.pathsep.join([str(TOOLS / "node_modules" / ".bin"), os.environ.get("PATH", os.defpath)])
"""A newer Node.js than the machine's may be among them."""


def run(*command: str | Path, cwd: Path) -> None:
    """Run what ``tests/install_page_tools.sh`` has installed; fail with what it says."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "PATH": PATH},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
