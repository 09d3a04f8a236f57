"""Calls of the database that are carried out, and whose answers are lost."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import postgresql


class LostAnswers:
    """Of calls that are carried out, the next ones' answers are lost, with the connections."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from chatroom.history.postgresql.links import DatabaseLink, LinkLost

        self.left = 0
        call = DatabaseLink.call

        def call_and_lose(link: Any, query: str, *rest: Any, **options: Any) -> Any:
            found = call(link, query, *rest, **options)
            if self.left and "(%s" in query and query.startswith("SELECT") and "set_" not in query:
                self.left -= 1
                link.close()
                raise LinkLost(postgresql.psycopg().OperationalError("lost"))
            return found

        monkeypatch.setattr(DatabaseLink, "call", call_and_lose)
