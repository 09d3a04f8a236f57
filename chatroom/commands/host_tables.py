"""How a room is run, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from chatroom.log import printable
from chatroom.wire.message_json import milliseconds

SAYS = {True: "speaks", False: "reads"}


def look_table(found: dict[str, Any]) -> list[str]:
    """What ``Look`` answers, but for the log."""
    rows = [("speak", rules_in_words(found["rules"]))] if "rules" in found else []
    if "code" in found or found.get("typedCode"):
        rows.append(("code", found.get("code", "one that a host has made up")))
    rows += [("host", f"{_person(one)}  {one['role']}") for one in found["hosts"]]
    rows += [("quiet", f"{_person(one)}  {_until(one)}") for one in found["quiet"]]
    for one in found["barred"]:
        everywhere = ", everywhere" if one.get("everywhere") else ""
        rows.append(("removed", f"{_person(one)}  {_until(one)}{everywhere}"))
    for one in found.get("knocks", []):
        like = f"like {_person(one['like'])}, removed at {_when(one['removedAt'])}"
        rows.append(("knocks", f"{_person(one)}  {like}"))
    for one in found["links"]:
        uses = "1 use" if one["uses"] == 1 else f"{one['uses']} uses"
        guests = ", for guests" if one.get("makes") == "guest" else ""
        rows.append(("link", f"{one['link']}  {_until(one)}, {uses}{guests}"))
    for one in found.get("keys", []):
        rows.append(("key", f"{_person(one | {'userName': one['name']})}  {SAYS[one['say']]}"))
    for one in found.get("held", []):
        rows.append(("held", f"{one['id']}  {one['userName']}: {one['body']}"))
    return list(_table(rows))


def log_table(entries: Sequence[dict[str, Any]]) -> list[str]:
    """The host log."""
    return list(_table([_row(entry) for entry in entries]))


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    whom, what = entry.get("whom"), entry.get("what", "")
    about = ": ".join(filter(None, (whom["userName"] or whom["userId"] if whom else "", what)))
    if entry["act"] in ("bar", "clear") and "message" in what and "in all" not in what:
        about += f"; see restore --at {entry['at']}"
    by = entry["by"]
    return _when(entry["at"]), by["userName"] or by["userId"], entry["act"], about


def rules_in_words(rules: Mapping[str, Any]) -> str:
    """Who may speak, and who may come in."""
    slow = f", {rules['slowSeconds']} s between two" if rules["speak"] == "slow" else ""
    door = "" if rules.get("door", "open") == "open" else f", door: {rules['door']}"
    listed = "" if rules.get("listed", True) else ", not listed"
    needs_host = ", only while a host is here" * rules["needsHost"]
    unchecked = f", unchecked names: {rules['unchecked']}" if "unchecked" in rules else ""
    files = f", files from: {rules['files']}" if "files" in rules else ""
    reactions = "" if rules.get("reactions", True) else ", no reactions"
    return f"{rules['speak']}{slow}{needs_host}{door}{listed}{unchecked}{files}{reactions}"


def _person(fields: dict[str, Any]) -> str:
    name, user_id = str(fields["userName"]), str(fields["userId"])
    return f"{name} ({user_id})" if name else user_id


def _until(fields: dict[str, Any]) -> str:
    return f"until {_when(fields['until'])}" if "until" in fields else "until undone"


def _when(iso: str) -> str:
    """The local time."""
    with suppress(OverflowError):  # in the year 1 or 9999, there is not every local time
        return datetime.fromtimestamp(milliseconds(iso) // 1000).strftime("%Y-%m-%d %H:%M")
    return iso


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """The cells one below the other; the last ones end where they end."""
    printed = [tuple(map(printable, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*printed, strict=True)][:-1]
    for *cells, last in printed:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        yield "  ".join([*padded, last]).rstrip()
