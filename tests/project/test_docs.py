"""The docs say what the program does: each setting, route, status, close code and name."""

from __future__ import annotations

import ast
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest

from benchmarks import publish
from chatroom import client, create_app
from chatroom.configuration import load_configuration
from chatroom.errors import Refusal
from chatroom.history.sqlite.schema import COLUMNS, UPGRADES
from chatroom.serving import gunicorn
from chatroom.settings import SETTINGS
from chatroom.web.api.event_stream import PING_INTERVAL
from chatroom.web.api.paging import MAX_MATCHES, MAX_PAGE_LENGTH, PAGE_LENGTH
from chatroom.web.api.parameters import MAX_QUERY_LENGTH
from chatroom.web.api.problems import KINDS
from chatroom.wire import typed
from chatroom.wire.acts import ASKED
from chatroom.wire.fields import MAX_DEPTH
from chatroom.wire.websocket import CloseCode
from tests.support import CHECKOUT

DOCS = {
    str(path.relative_to(CHECKOUT)): path.read_text()
    for pattern in ("*.md", "docs/**/*.md", "benchmarks/*.md")
    for path in sorted(CHECKOUT.glob(pattern))
}
README = DOCS["README.md"]
SETTINGS_PAGE = DOCS["docs/settings.md"]
ARCHITECTURE = DOCS["docs/architecture.md"]
DEPLOYMENT = DOCS["docs/deployment.md"]
PROTOCOL = DOCS["docs/protocol.md"]
API = DOCS["docs/api.md"]
PACKAGE = CHECKOUT / "chatroom"
SOURCES = sorted(PACKAGE.rglob("*.py"))

DEFAULTS = {setting.name: setting.default for setting in SETTINGS}
UNITS = {"": 1, "s": 1, "MiB": 2**20}


def rows(markdown: str) -> Iterator[list[str]]:
    """The cells of each table's rows."""
    for line in markdown.splitlines():
        if line.startswith("| "):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def first_cells(markdown: str) -> set[str]:
    return {cells[0].strip("`") for cells in rows(markdown)}


# -- settings --------------------------------------------------------------------------------


def test_the_page_lists_every_setting_in_order_with_its_default_and_no_other() -> None:
    table = SETTINGS_PAGE[SETTINGS_PAGE.index("| Key | Default | Meaning |") :].partition("\n\n")[0]
    documented = {
        key.strip("`"): json.loads(default.strip("`"))
        for key, default, meaning in list(rows(table))[1:]
        if meaning
    }
    assert documented == DEFAULTS
    assert list(documented) == list(DEFAULTS)


def test_config_json_spells_out_the_defaults() -> None:
    assert json.loads((CHECKOUT / "config.json").read_text()) == DEFAULTS


@pytest.mark.parametrize("name", DOCS)
def test_defaults_in_the_text_are_the_programs(name: str) -> None:
    """Such as "`replayLimit` (500)" or "`userQueueBytes` (1 MiB)"."""
    told = re.findall(r"`(\w+)`\s+\(([\d,]+) ?(MiB|s|)\)", DOCS[name])
    for key, number, unit in told:
        if key in DEFAULTS:
            assert int(number.replace(",", "")) * UNITS[unit] == DEFAULTS[key], key


def test_deployment_lists_what_gunicorn_is_told() -> None:
    settings = gunicorn.settings(load_configuration({}))
    told = {key for key, value in settings.items() if not callable(value)}
    assert told <= first_cells(DEPLOYMENT)


@pytest.mark.parametrize(
    "block", re.findall(r"```json\n(\{.*?)```", SETTINGS_PAGE + DEPLOYMENT, re.DOTALL)
)
def test_a_config_json_in_the_docs_is_accepted(block: str, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(block)
    load_configuration({"CHATROOM_CONFIG": str(file), "DATABASE_URL": "postgresql://db/chat"})


# -- the protocol ----------------------------------------------------------------------------


def test_protocol_and_api_have_every_route() -> None:
    configuration = replace(load_configuration({}), history="memory:")
    rules = [str(rule) for rule in create_app(configuration).url_map.iter_rules()]
    assert "/chat" in rules
    parts = "<(file|id|kind|room)>"
    written = [re.sub(parts, lambda found: found[1].upper(), rule) for rule in rules]
    pages = PROTOCOL + API
    assert [rule for rule in written if not re.search(rf"[ `]{re.escape(rule)}`", pages)] == []


def test_protocol_has_every_frame_and_error_in_a_table() -> None:
    """That they have examples: see test_typed_protocol.py."""
    tables = PROTOCOL[PROTOCOL.index("### From the client") : PROTOCOL.index("\n## HTTP")]
    code = "".join(source.read_text() for source in SOURCES)
    with pytest.raises(Refusal) as unknown:
        typed.decode('{"type":"?"}', max_name_length=1)
    from_clients = re.findall("[a-z]+", unknown.value.detail.partition("; use ")[2])
    to_clients = re.findall(r'frame\(\s*"([a-z]+)"|"type":"([a-z]+)"', code)
    errors = re.findall(r'(?:Refusal|super\(\).__init__)\(\s*"([a-z]+-?[a-z-]*)", ?', code)

    known = {*from_clients, *chain(*to_clients), *errors} - {"", "or"}
    assert {"withdraw", "held", "knock", "bad-act", "read-only"} <= known
    assert known - first_cells(tables) == set()


def test_protocol_has_every_act_in_one_table() -> None:
    table = PROTOCOL[PROTOCOL.index("| Act | Fields | What it does |") :].partition("\n\n")[0]
    acts = [re.sub('"act":"(.*)"', r"\1", cell) for cell in first_cells(table)]
    assert {*acts} - {"Act", "---"} == set(ASKED)


def test_protocol_has_every_close_code() -> None:
    codes = {str(int(code)) for code in CloseCode}
    assert codes <= first_cells(PROTOCOL)


def test_protocol_has_every_status_that_the_program_refuses_with() -> None:
    refusals = {
        status
        for source in SOURCES
        for status in re.findall(r"HandshakeRefused\((\d{3})\b", source.read_text())
    }
    assert refusals
    assert refusals <= first_cells(PROTOCOL)


def test_api_has_every_problem_with_its_status() -> None:
    documented = {cells[1].strip("`"): int(cells[0]) for cells in rows(API) if cells[0].isdigit()}
    assert {code: kind.status for code, kind in KINDS.items()}.items() <= documented.items()


def test_api_tells_the_limits_that_there_are() -> None:
    page = " ".join(API.split())  # wherever its lines end
    assert f"| `limit` | {PAGE_LENGTH} | messages at most: 1 to {MAX_PAGE_LENGTH:,} |" in page
    assert f"newest matches, {MAX_MATCHES} at most" in page
    assert f"`q` may have {MAX_QUERY_LENGTH} characters" in page
    assert f"come after {PING_INTERVAL:.0f} seconds of silence" in page
    assert f"{MAX_DEPTH} levels at most" in page


# -- the client ------------------------------------------------------------------------------


def test_commands_document_every_name_that_the_client_exports() -> None:
    commands = DOCS["docs/commands.md"]
    table = commands[commands.index("| Name | What it is |") :].partition("\n\n")[0]
    assert first_cells(table) - {"Name", "---"} == set(client.__all__)


# -- the architecture ------------------------------------------------------------------------

PATH_LINES = 2100
"""What somebody reads in an hour."""


def test_architecture_begins_with_a_path_that_is_read_in_an_hour() -> None:
    first = ARCHITECTURE[ARCHITECTURE.index("\n## ") :].split("\n## ")[1]
    assert first.startswith("Read it in an hour\n")
    steps = re.findall(r"^(\d+)\. \[`(.+?)`\]\(\.\./chatroom/(.+?)\): ", first, re.MULTILINE)
    assert [int(number) for number, _, _ in steps] == list(range(1, len(steps) + 1))
    assert all(shown == linked for _, shown, linked in steps)
    parts = {shown for _, shown, _ in steps}
    assert {"channel.py", "message.py", "rooms/server.py", "history/interface.py"} <= parts
    lines = sum((PACKAGE / part).read_text().count("\n") for part in parts)
    assert lines < PATH_LINES
    assert f"under {PATH_LINES:,} lines" in " ".join(first.split())


class Names(ast.NodeVisitor):
    """What the package defines: ``Class.attribute``, ``module.NAME`` and ``CONSTANT``."""

    def __init__(self, path: Path) -> None:
        self.found = {path.name}
        self._owners = [path.stem]
        self.visit(ast.parse(path.read_text()))

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._define(node.name)
        self._owners.append(node.name)
        self.generic_visit(node)
        self._owners.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._define(node.name)
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self._define(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.ctx, ast.Store):
            self._define(node.attr)
        self.generic_visit(node)

    def _define(self, name: str) -> None:
        self.found |= {name, f"{self._owners[-1]}.{name}"}


def is_ours(name: str, owners: set[str]) -> bool:
    """Whether the text means something of the package by it: a class, too, or a constant."""
    owner, _, rest = name.partition(".")
    if rest and owner in owners:
        return True
    return re.fullmatch(r"[A-Z]+_[A-Z_]+|[A-Z]\w*[a-z]\w*(\.\w+)*", name) is not None


def test_architecture_uses_names_that_are_in_the_code() -> None:
    foreign = {"MSG_DONTWAIT", "SHUT_RDWR", "SO_RCVTIMEO"}
    foreign |= {"chat.db", "chat.db.lock", "chat.db.search"}
    text = re.sub(r"^```(?!mermaid)\w+\n.*?^```$", "", ARCHITECTURE, flags=re.DOTALL | re.MULTILINE)
    used = set(re.findall(r"(?<=`)_?[A-Za-z]\w*(?:\.\w+)*(?=`)", text))
    used |= set(re.findall(r"\b[A-Z][a-z]+\.[a-z_]+\b", text))
    defined = set().union(*(Names(source).found for source in SOURCES))
    owners = {name.partition(".")[0] for name in defined if "." in name and ".py" not in name}
    ours = {name for name in used if is_ours(name, owners)}
    assert len(ours) > 25
    assert not ours - defined - foreign


def test_architecture_draws_every_module() -> None:
    """Each module stands in the drawing or in its package's docstring, and no other does."""
    house = ARCHITECTURE[ARCHITECTURE.index("chatroom/\n") :].partition("```")[0]
    drawn = set(re.findall(r"[\w/]+\.py|[\w/]+(?=/[ ,\n])", house))
    for init in PACKAGE.rglob("__init__.py"):
        folder = init.parent
        named = set(
            re.findall(r"``(\w+\.py)``", ast.get_docstring(ast.parse(init.read_text())) or "")
        )
        modules = {path.name for path in folder.glob("*.py")} - {init.name}
        if folder == PACKAGE:
            named = drawn
            assert init.name in drawn
        else:
            assert named <= modules, folder
            assert str(folder.relative_to(PACKAGE)) in drawn or folder.name in drawn
        assert modules <= named, folder


def test_files_named_on_the_page_are_in_the_package() -> None:
    """Such as ``rooms/entrance.py``: a name alone may be that of several."""
    named = set(
        re.findall(r"(?:\b(?:[a-z]+/)+)\w+\.py\b", ARCHITECTURE.replace("../chatroom/", ""))
    )
    assert "rooms/entrance.py" in named
    assert {name for name in named if not (PACKAGE / name).is_file()} == set()


def test_architecture_shows_the_schema_of_the_database() -> None:
    (told,) = re.findall(r"```sql\n(.*?)```", ARCHITECTURE, re.DOTALL)
    assert made_by(told) == made_by(";".join(chain(*UPGRADES)))


def made_by(script: str) -> list[tuple[object, ...]]:
    """What SQLite makes of the tables: names, types, constraints, indexes, one row's content."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(script)
        values = f"{(3 << 40) + 7}, '', '', '', '', 0, '', '', '', '', 0, 0, '', ''"
        database.execute(f"INSERT INTO messages ({COLUMNS}) VALUES ({values})")
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        made = [
            (table, *column)
            for (table,) in tables
            for column in database.execute("SELECT * FROM pragma_table_xinfo(?)", (table,))
        ]
        made += database.execute("SELECT * FROM pragma_index_list('messages')").fetchall()
        return made + database.execute("SELECT room, seq FROM messages").fetchall()


# -- the performance -------------------------------------------------------------------------


def test_performance_shows_the_newest_results() -> None:
    page = DOCS["docs/performance.md"]
    assert publish.published(page) == page, "python -m benchmarks.publish puts them there"
    for name in publish.RUNS:
        assert publish.newest_file(name).name in page


# -- links and commands ----------------------------------------------------------------------


def without_code(markdown: str) -> str:
    return re.sub(r"```.*?```", "", markdown, flags=re.DOTALL)


def anchors(markdown: str) -> set[str]:
    """What GitHub makes of the headings."""
    titles = re.findall(r"^#+ (.+)$", without_code(markdown), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", DOCS)
def test_links_and_images_lead_somewhere(name: str) -> None:
    text = without_code(DOCS[name])
    links = re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"\s]+)\"", text)
    for target in (markdown or html for markdown, html in links):
        if re.match("https?:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (CHECKOUT / name).parent / path if path else CHECKOUT / name
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file.read_text()), target


def test_make_commands_are_in_the_makefile() -> None:
    makefile = (CHECKOUT / "Makefile").read_text()
    targets = set(re.findall(r"^(\w+):", makefile, re.MULTILINE))
    commands = set(re.findall(r"^make (\w+)", README, re.MULTILINE))
    assert {"run", "test"} <= commands <= targets
