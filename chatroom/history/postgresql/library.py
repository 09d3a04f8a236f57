"""psycopg, which nobody needs whose history is elsewhere: looked for when a setting asks for it."""

from __future__ import annotations

import re
import sys

from chatroom.errors import HistoryRefused
from chatroom.history.postgresql.address import masked

OLDEST_PSYCOPG = (3, 2, 4)


def demand_psycopg(url: str) -> None:
    """Make sure that it is there.

    Raises:
        HistoryRefused: there is not, and how to install it.
    """
    wanted = ".".join(map(str, OLDEST_PSYCOPG))
    try:
        import psycopg
    except ImportError as error:
        cause = f"needs psycopg, which cannot be loaded: {error}"
    else:
        if tuple(map(int, re.findall(r"\d+", psycopg.__version__)[:3])) >= OLDEST_PSYCOPG:
            return
        cause = f"needs psycopg {wanted} or later; this one is {psycopg.__version__}"
    way_out = f"install it: {sys.executable} -m pip install 'psycopg[binary]>={wanted}'"
    raise HistoryRefused(masked(url), " ".join(cause.split()), way_out)
