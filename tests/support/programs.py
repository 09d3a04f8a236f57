"""Other people's programs that a test runs: browsers, proxies."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
"""nginx is where an ordinary user's shell does not look."""


def program(*names: str) -> str:
    """The path of the first one that is there, by name or by pattern of a path.

    Without any, the test is skipped; on CI it fails. ``tests/install_programs.sh`` installs them.
    """
    for name in names:
        if name.startswith("/"):
            found = [str(path) for path in sorted(Path("/").glob(name[1:]), reverse=True)]
        else:
            found = [path for path in [shutil.which(name, path=PATH)] if path]
        if found:
            return found[0]
    missing = f"{names[0]} is not installed: see tests/install_programs.sh"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)
