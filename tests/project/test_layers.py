"""Who may import whom: downwards only, and each library in one place."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import CHECKOUT

PACKAGE = CHECKOUT / "chatroom"

LAYERS = [
    {"assets", "errors", "message", "timers"},
    {"channel", "frames", "heard", "identity", "names", "outbox", "protocol", "limits", "history"},
    {"inbox", "settings", "trimmer", "typed"},
    {"configuration", "handshake", "line"},
    {"invitation", "library", "log", "sending", "session"},
    {"client"},
    {"connection"},
    {"user", "gate"},
    {"member", "past", "poster"},
    {"presence"},
    {"room"},
    {"activity", "rooms"},
    {"host"},
    {"broadcaster"},
    {"server"},
    {"engine"},
    {"problems"},
    {"answers", "asked", "listener"},
    {"events", "reading"},
    {"messages", "openapi"},
    {"api", "pages"},
    {"web", "serving"},
    {""},  # chatroom/__init__.py
    {"commands"},
    {"__main__"},
]
"""From the bottom up. Modules of one layer do not know each other."""

HISTORY_LAYERS = [
    {""},  # the interface
    {"arrivals", "lock", "page", "retention", "sqlite_file", "words"},
    {"readers", "sqlite_check", "sqlite_index"},
    {"sqlite_reads"},
    {"sqlite_search", "sqlite_trim", "sqlite_write"},
    {"memory", "sqlite"},
]
"""The same within ``chatroom.history``."""

COMMAND_LAYERS = [
    {"common", "formats", "health"},
    {"checks", "files", "http", "joining"},
    {"exporting", "importing", "proxy", "say", "serve", "tail"},
    {"doctor", "talk"},
    {""},  # the group of all commands
]
"""The same within ``chatroom.commands``."""

PACKAGES = {"history": HISTORY_LAYERS, "commands": COMMAND_LAYERS}

HOMES = {
    "flask": {"answers", "api", "messages", "pages", "web", ""},
    "flask_sock": {"web"},
    "simple_websocket": {"connection", "library", "line", "session", "user", "web"},
    "wsproto": {"line", "session"},
    "sqlite3": {
        "history.readers",
        "history.sqlite",
        "history.sqlite_check",
        "history.sqlite_file",
        "history.sqlite_index",
        "history.sqlite_search",
        "history.sqlite_trim",
        "history.sqlite_write",
    },
    "socket": {
        "commands.checks",
        "commands.proxy",
        "connection",
        "invitation",
        "line",
        "listener",
        "sending",
        "serving",
    },
    "signal": {"serving"},
    "gunicorn": set(),
    "itsdangerous": {"identity"},
    "prompt_toolkit": {"commands.talk"},
    "segno": {"invitation"},
}
"""Where each library may be imported. ``user`` and ``web`` name simple_websocket's Server in
annotations only, and ``chatroom`` makes the Flask object; ``serving`` prints addresses, and
``invitation`` asks for this machine's."""

CLIENT = {"line", "session"}
"""Of the modules for programs that talk to a server, those that know its libraries."""

ANNOTATIONS_ONLY = {
    ("connection", "simple_websocket"),
    ("user", "simple_websocket"),
    ("web", "simple_websocket"),
}


def name_of(path: Path) -> str:
    """``user``, ``history.page``; ``history`` and nothing for the packages themselves."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


SOURCES = {name_of(path): path for path in PACKAGE.rglob("*.py")}


def imports(path: Path, *, at_run_time: bool = True) -> Iterator[str]:
    """The modules that it imports, each by its full name.

    Args:
        at_run_time: leave out those under ``if TYPE_CHECKING:``, and those inside functions,
            which run when all modules are there.
    """
    nodes: list[ast.AST] = [ast.parse(path.read_text())]
    while nodes:
        node = nodes.pop()
        if at_run_time and isinstance(node, ast.FunctionDef):
            continue
        if at_run_time and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        nodes += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            module = node.module or ""
            own = {f"{module}.{alias.name}" for alias in node.names} if module else set()
            names = {name for name in own if name.removeprefix("chatroom.") in SOURCES}
            yield from names
            if len(names) < len(node.names):
                yield module


def own_imports(name: str) -> set[str]:
    """The modules of this package that the module imports, without ``chatroom.``."""
    return {
        found.removeprefix("chatroom").removeprefix(".")
        for found in imports(SOURCES[name])
        if found.split(".")[0] == "chatroom"
    }


def within(package: str, name: str) -> str:
    return name.removeprefix(package).removeprefix(".")


def layer(layers: list[set[str]], name: str) -> int:
    return next(number for number, members in enumerate(layers) if name in members)


def test_every_module_has_its_place():
    assert {name.split(".")[0] for name in SOURCES} == set().union(*LAYERS)
    for package, layers in PACKAGES.items():
        modules = {name for name in SOURCES if name.split(".")[0] == package}
        assert {within(package, name) for name in modules} == set().union(*layers)


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_modules_import_downwards_only(name: str):
    top = name.split(".")[0]
    for imported in own_imports(name):
        if top in PACKAGES and imported.split(".")[0] == top:
            ours, theirs = within(top, name), within(top, imported)
            assert layer(PACKAGES[top], theirs) < layer(PACKAGES[top], ours), imported
        else:
            assert layer(LAYERS, imported.split(".")[0]) < layer(LAYERS, top), imported


@pytest.mark.parametrize("library", HOMES)
def test_a_library_is_known_where_it_belongs_and_nowhere_else(library: str):
    users = {
        name
        for name, path in SOURCES.items()
        if any(found.split(".")[0] == library for found in imports(path, at_run_time=False))
    }

    assert users == HOMES[library]


@pytest.mark.parametrize(("name", "library"), sorted(ANNOTATIONS_ONLY))
def test_a_library_named_in_annotations_is_not_used_otherwise(name: str, library: str):
    tree = ast.parse(SOURCES[name].read_text())
    annotations = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, (ast.arg, ast.AnnAssign)) and node.annotation
        for inner in ast.walk(node.annotation)
    }
    uses = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == library]

    assert uses
    assert all(id(node) in annotations for node in uses)


def test_nothing_on_the_way_of_a_message_needs_a_package_but_the_five_and_what_they_bring():
    allowed = {"flask", "flask_sock", "simple_websocket", "segno", "chatroom"}
    allowed |= {"werkzeug", "itsdangerous"}
    for name, path in SOURCES.items():
        if name in CLIENT or name.split(".")[0] == "commands":
            continue
        for found in imports(path, at_run_time=False):
            top = found.split(".")[0]
            assert top in allowed or top in sys.stdlib_module_names, f"{name} imports {top}"


def test_only_commands_know_click():
    users = {
        name
        for name, path in SOURCES.items()
        if any(found.split(".")[0] == "click" for found in imports(path, at_run_time=False))
    }

    assert "commands.common" in users
    assert {name.split(".")[0] for name in users} == {"commands"}


def test_the_server_does_not_know_the_client():
    theirs = {"heard", "outbox", "inbox", "line", "session", "client", "commands", "__main__"}
    for name in SOURCES:
        if name.split(".")[0] not in theirs:
            assert not {found.split(".")[0] for found in own_imports(name)} & theirs, name
