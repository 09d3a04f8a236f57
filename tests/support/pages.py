"""Huge pages, where this kernel has them."""

from __future__ import annotations

import platform
import re
import sys
from pathlib import Path

import pytest

from chatroom.serving import huge_pages


def _can_collapse() -> bool:
    """Whether this kernel makes huge pages of others when it is asked."""
    enabled = huge_pages.KERNEL / "enabled"
    return (
        sys.platform == "linux"
        and tuple(map(int, re.findall(r"\d+", platform.release())[:2])) >= (6, 1)
        and enabled.exists()
        and "[never]" not in enabled.read_text()
    )


needs_huge_pages = pytest.mark.skipif(
    not _can_collapse(), reason="a kernel that makes no huge pages of others"
)


def in_huge_pages(pid: int) -> int:
    """Bytes of this process that are in huge pages."""
    sizes = Path(f"/proc/{pid}/smaps_rollup").read_text()
    (kibibytes,) = re.findall(r"AnonHugePages: +(\d+)", sizes)
    return int(kibibytes) * 1024
