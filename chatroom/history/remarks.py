"""What a look at a database has found, for ``chatroom doctor``."""

from __future__ import annotations

from typing import NamedTuple


class Remark(NamedTuple):
    """One thing."""

    text: str
    remedy: str = ""
    """Empty if all is well."""
    is_wrong: bool = False
    """It keeps the rooms from working, or soon will; otherwise, it may be meant."""
