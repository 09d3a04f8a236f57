"""Who may import whom: packages downwards only, no circle, and each library in its place."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.support import CHECKOUT

PACKAGE = CHECKOUT / "chatroom"

LAYERS = [
    {
        "",
        "addresses",
        "dependencies",
        "errors",
        "matching",
        "message",
        "private_files",
        "tally",
    },  # "": __init__.py
    {"channel", "files", "names", "reactions"},
    {"history", "wire"},
    {"settings", "sockets"},
    {"client", "configuration"},
    {"log"},
    {"users"},
    {"rooms"},
    {"shared"},
    {"engine"},
    {"web"},
    {"application"},
    {"serving"},
    {"commands"},
    {"__main__"},
]
"""From the bottom up. What stands in one layer does not know each other."""

LAZY = ("", "application")
"""An import inside a function: ``from chatroom import create_app`` loads Flask when asked."""

ON_REQUEST = {
    ("history", "history.postgresql.history"),
    ("history", "history.postgresql.moving"),
    ("history", "history.postgresql.survey"),
    ("engine", "shared.sharing"),
}
"""They load psycopg, which few have."""

IN_WORKER = {
    ("serving.gunicorn", "serving.worker_hooks"),
    ("serving.gunicorn", "web.invitation"),
}
"""The last: what a worker alone needs, or a terminal, and gunicorn's master does without."""

HOMES = {
    "click": {"commands"},
    "flask": {"application", "web"},
    "flask_sock": {"web.chat_socket"},
    "gunicorn": {"serving.body_input", "serving.incoming", "serving.launch", "serving.worker"},
    "itsdangerous": {"users.tokens"},
    "prometheus_client": {"web.exposition"},
    "prompt_toolkit": {"commands.chat"},
    "psycopg": {"history.postgresql"},
    "segno": {"web.invitation"},
    "signal": {"serving.rolling", "serving.worker_hooks"},
    "simple_websocket": {
        "client.connection",
        "client.session",
        "sockets.adapter",
        "sockets.connection",
        "users.user",
        "web.chat_socket",
    },
    "socket": {
        "addresses",
        "client.connection",
        "commands.checks",
        "commands.proxy_checks",
        "history.postgresql.links",
        "serving.body_input",
        "serving.gunicorn",
        "serving.incoming",
        "serving.outgoing",
        "serving.start",
        "serving.worker_hooks",
        "sockets",
        "web.api.listener",
        "web.siblings",
    },
    "sqlite3": {"history.sqlite"},
    "werkzeug": {"web"},
    "wsproto": {"client.connection", "client.session"},
}
"""Where each library is imported: in a module, or anywhere in a package."""

ANNOTATIONS_ONLY = {
    ("sockets.connection", "simple_websocket"),
    ("users.user", "simple_websocket"),
    ("web.chat_socket", "simple_websocket"),
}


def name_of(path: Path) -> str:
    """``rooms.room``; ``rooms`` for a package itself, and nothing for ``chatroom``."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


SOURCES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def trees() -> dict[str, ast.Module]:
    """Of each module; parsed where they are wanted, not by each process that collects tests."""
    return {name: ast.parse(path.read_text()) for name, path in SOURCES.items()}


def imports(tree: ast.AST) -> Iterator[str]:
    """The modules that it imports, wherever the import stands, each by its full name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"line {node.lineno}: relative import"
            module = node.module or ""
            for alias in node.names:
                full = f"{module}.{alias.name}"
                yield full if full.removeprefix("chatroom.") in SOURCES else module


@cache
def all_imports() -> dict[str, set[str]]:
    return {name: set(imports(tree)) for name, tree in trees().items()}


def own_imports(name: str) -> set[str]:
    """The modules of the package that it imports, without ``chatroom.``."""
    own = {module for module in all_imports()[name] if module.partition(".")[0] == "chatroom"}
    return {module.removeprefix("chatroom").removeprefix(".") for module in own}


def layer(name: str) -> int:
    top = name.partition(".")[0]
    return next(number for number, members in enumerate(LAYERS) if top in members)


def test_every_package_has_its_layer():
    assert {name.partition(".")[0] for name in SOURCES} == set().union(*LAYERS)
    assert sum(map(len, LAYERS)) == len(set().union(*LAYERS))


def test_imports_point_down():
    upwards = [
        f"{name or 'chatroom'} imports {imported}"
        for name in SOURCES
        for imported in own_imports(name)
        if (name, imported) != LAZY and imported.partition(".")[0] != name.partition(".")[0]
        if layer(imported) >= layer(name)
    ]

    assert not upwards


def test_no_modules_import_each_other_in_a_circle():
    graph = {name: own_imports(name) for name in SOURCES}
    graph[LAZY[0]] = graph[LAZY[0]] - {LAZY[1]}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_no_import_hides_in_a_function():
    hidden = {
        (name, found.removeprefix("chatroom."))
        for name, tree in trees().items()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for found in imports(function)
        if found.startswith("chatroom")
    }

    assert hidden == {LAZY, *ON_REQUEST, *IN_WORKER}


@pytest.mark.parametrize("library", HOMES)
def test_a_library_is_known_where_it_belongs_and_nowhere_else(library: str):
    users = {
        name
        for name, found in all_imports().items()
        if library in {module.partition(".")[0] for module in found}
    }

    homes = {home: {u for u in users if f"{u}.".startswith(f"{home}.")} for home in HOMES[library]}

    assert all(homes.values()), homes
    assert users == set().union(*homes.values())


@pytest.mark.parametrize(("name", "library"), sorted(ANNOTATIONS_ONLY))
def test_a_library_named_in_annotations_is_not_used_otherwise(name: str, library: str):
    tree = trees()[name]
    annotations = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, (ast.arg, ast.AnnAssign)) and node.annotation
        for inner in ast.walk(node.annotation)
    }
    uses = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == library]

    assert uses
    assert all(id(node) in annotations for node in uses)


def test_nothing_needs_a_library_that_has_no_home():
    for name, found in all_imports().items():
        for module in found:
            top = module.partition(".")[0]
            assert top in HOMES or top == "chatroom" or top in sys.stdlib_module_names, name


def loaded_by(statement: str) -> set[str]:
    """The modules that are there once a new interpreter has run the statement."""
    program = f"{statement}\nimport sys\nprint(*sys.modules)"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_client_loads_neither_flask_nor_the_server():
    loaded = loaded_by("from chatroom.client import ChatClient")

    theirs = {"users", "rooms", "engine", "web", "application", "serving", "settings", "history"}
    assert not loaded & {f"chatroom.{name}" for name in theirs}
    assert not loaded & {"flask", "werkzeug", "gunicorn", "itsdangerous", "sqlite3", "click"}


def test_nothing_loads_psycopg_but_a_history_in_postgresql():
    loaded = loaded_by("import chatroom.commands, chatroom.serving.gunicorn, chatroom.application")

    assert "chatroom.history.sqlite" in loaded
    assert not {name for name in loaded if name.startswith(("psycopg", "chatroom.shared"))}


def test_gunicorns_master_does_without_the_application():
    """Its worker would copy most of it."""
    loaded = loaded_by("import chatroom.serving.gunicorn")

    assert "chatroom.serving.worker" in loaded
    assert not loaded & {"flask", "jinja2", "chatroom.rooms", "chatroom.users", "chatroom.web"}


def test_the_server_does_not_load_the_client():
    loaded = loaded_by("from chatroom import create_app; import chatroom.serving.worker_hooks")

    assert "chatroom.web" in loaded
    assert not {name for name in loaded if name.startswith(("chatroom.client", "chatroom.comm"))}
