"""A room as its host sees it, over HTTP: for the acts of ``chatroom host``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any, NamedTuple
from urllib.parse import quote

import click

from chatroom.addresses import authorization, http_url
from chatroom.commands.exit_codes import Failed
from chatroom.commands.http import PAGE, Api
from chatroom.commands.options import chosen_room, key_option, url_option
from chatroom.commands.own_server import default_url, own_secret, own_url
from chatroom.configuration import load_configuration
from chatroom.errors import HistoryRefused
from chatroom.log import printable
from chatroom.names import folded
from chatroom.users.tokens import Tokens

SECONDS = 60
"""For which the proof is good that these commands come with: they use it at once."""

LISTS = ("hosts", "quiet", "barred", "links", "log")
"""What ``look`` has."""

SHOWN = 20
"""People whom an error names."""

WHO = (
    "say who you are with --key or CHATROOM_KEY: a token of somebody who is a host there, or a "
    "link that `chatroom host` prints on the server's own machine"
)


class Person(NamedTuple):
    """Somebody whom the room knows."""

    user_id: str
    name: str
    what: str = ""
    """Here, a host, quiet, removed; or what else the room knows of them."""

    def __str__(self) -> str:
        if not self.name:
            return self.user_id
        return f"{self.name} ({', '.join(filter(None, (self.user_id, self.what)))})"


class Console:
    """One room, and one who is in charge of it.

    Every call raises ServerUnreachable, or ServerRefused if the server does not allow it.
    """

    def __init__(self, url: str, room: str, key: str) -> None:
        self.url = http_url(url)
        self.room = room
        self._api = Api(url, key=key)
        self._path = f"/api/rooms/{quote(room, safe='')}"

    def look(self) -> dict[str, Any]:
        """Who is in charge, who is quiet or removed, which links there are, and the host log."""
        return self._api.ask("GET", f"{self._path}/host", needs=LISTS)

    def act(self, word: str, person: Person | None = None, **fields: object) -> dict[str, Any]:
        """Act as a host; returns what only the host is told.

        Args:
            person: whom it is about.
            fields: of the act; None leaves one out.
        """
        if person:
            fields |= {"userId": person.user_id, "userName": person.name or None}
        given = {name: value for name, value in fields.items() if value is not None}
        return self._api.ask("POST", f"{self._path}/host", {"act": word, **given})

    def remove(self, id: str) -> None:
        """Remove a message."""
        self._api.ask("DELETE", f"{self._path}/messages/{id}")

    def restore(self, id: str) -> None:
        """Bring back what a host removed."""
        self._api.ask("POST", f"{self._path}/messages/{id}/restore")

    # -- people ------------------------------------------------------------------------------------

    def person(self, wanted: str, first: str = "") -> Person:
        """Whom somebody means: by user id, or by name.

        Args:
            first: the list of ``look`` in which they probably are; otherwise, they are here.

        Raises:
            Failed: nobody is called so, or several people are.
        """
        if wanted.startswith("id:"):
            return Person(wanted[3:], "")
        look = self.look()
        here = self._api.ask("GET", f"{self._path}/users", needs=["users"])["users"]
        lists = {
            "here": list(_people(here, "here")),
            "hosts": list(_people(look["hosts"], "host")),
            "quiet": list(_people(look["quiet"], "quiet")),
            "barred": list(_people(look["barred"], "removed")),
            "knocks": list(_people(look.get("knocks", []), "knocks")),
        }
        listed = [person for people in lists.values() for person in people]
        logged = list(_people(_mentioned(look["log"]), "in the log"))
        if known := [one for one in (*listed, *logged) if one.user_id == wanted]:
            return known[0]
        for people in (lists[first or "here"], listed, logged):
            if found := _called(wanted, people):
                return _only(found, wanted)
        if found := _called(wanted, self._authors()):
            return _only(found, wanted)
        raise Failed(_unknown(wanted, self.room, listed))

    def _authors(self) -> list[Person]:
        """Who has said the newest messages, but for those whom nobody knows."""
        page = self._api.ask("GET", f"{self._path}/messages?limit={PAGE}", needs=["messages"])
        return list(_people((one for one in page["messages"] if "userId" in one), "wrote here"))


def _people(found: Iterable[dict[str, Any]], what: str) -> Iterator[Person]:
    for fields in found:
        yield Person(str(fields["userId"]), str(fields["userName"]), what)


def _mentioned(log: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Whom the log mentions, each once, with a user id."""
    people = (one for entry in log for one in (entry.get("whom"), entry["by"]) if one)
    return list({one["userId"]: one for one in people if one["userId"]}.values())


def _called(name: str, people: list[Person]) -> list[Person]:
    """Those with exactly this name; if there are none, with one that looks the same, such as with
    other capitals, or with letters that are made of several characters."""
    exactly = [one for one in people if one.name == name]
    return exactly or [one for one in people if folded(one.name) == folded(name)]


def _only(found: list[Person], wanted: str) -> Person:
    others = _each_once(found)
    if len(others) == 1:
        return others[0]
    who = "; ".join(map(str, others[:SHOWN]))
    raise Failed(f"{len(others)} people are called {wanted!r}: {who}; name one by the id")


def _each_once(found: list[Person]) -> list[Person]:
    """With all that is known of each."""
    people: dict[str, Person] = {}
    for one in found:
        known = people.get(one.user_id)
        people[one.user_id] = one._replace(what=f"{known.what}, {one.what}") if known else one
    return list(people.values())


def _unknown(wanted: str, room: str, known: list[Person]) -> str:
    people = _each_once(known)
    more = f"; and {len(people) - SHOWN} more" if len(people) > SHOWN else ""
    who = "; ".join(map(str, people[:SHOWN])) or "nobody"
    way_out = "a user id that it does not know any more is written id:…"
    return f"the room {room} knows nobody called {wanted!r}; it knows: {who}{more}; {way_out}"


# -- whose it is -----------------------------------------------------------------------------------


def acting(act: Callable[..., None]) -> Callable[..., None]:
    """A command that acts in the room that the group was given: its first argument is a Console."""

    @url_option
    @key_option
    @wraps(act)
    def run(url: str | None, key: str | None, **options: Any) -> None:
        act(console_at(click.get_current_context().obj, url, key), **options)

    return run


def console_at(room: str | None, url: str | None, key: str | None) -> Console:
    """The room that somebody names, and what proves that they may act there."""
    url = url or default_url()
    return Console(url, chosen_room(room, url), _proof(url, key))


def _proof(url: str, key: str | None) -> str:
    """What proves to the server at this URL that somebody may act: the key or, for the server that
    the settings here are those of, its own secret. No other server gets anything of that."""
    if key:
        return _checked(url, key.rpartition("#host=")[2])
    configuration = load_configuration()
    if http_url(url) != http_url(own_url(configuration)):
        raise click.UsageError(f"{http_url(url)} is not the server of the settings here: {WHO}")
    try:
        return Tokens(own_secret(configuration)).write_operator_link(SECONDS)
    except HistoryRefused as error:
        name, cause, way_out = error.args
        raise HistoryRefused(name, cause, f"{way_out}; or {WHO}") from error


def _checked(url: str, key: str) -> str:
    if authorization(url):
        raise click.UsageError(
            "the URL has a name and password for a proxy, which take the place of the key: "
            "use the server's own address"
        )
    if not re.fullmatch("[!-~]+", key):
        raise click.UsageError(f"--key: {printable(key)!r} is not a token")
    return key
