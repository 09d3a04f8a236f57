"""The page's modules: their types, their logic without a browser, their size, their strings."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import CHECKOUT

pytestmark = pytest.mark.takes(seconds=8)

STATIC = CHECKOUT / "static"
TOOLS = CHECKOUT / "tests" / "page"
MODULES = {path.name: path.read_text() for path in STATIC.glob("*.js")}
TEMPLATE = (CHECKOUT / "templates" / "chat.html").read_text()


def run(*command: str | Path, cwd: Path) -> None:
    """Run what ``tests/install_page_tools.sh`` has installed; fail with what it says."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_types_in_the_comments_hold() -> None:
    run(TOOLS / "node_modules" / ".bin" / "tsc", "-p", "jsconfig.json", cwd=TOOLS)


def test_the_logic_is_right_without_a_browser(tmp_path: Path) -> None:
    """A copy, since Node.js takes a .js for a module where a package.json says so."""
    shutil.copytree(STATIC, tmp_path / "static")
    shutil.copytree(TOOLS / "unit", tmp_path / "page")
    shutil.copy(TOOLS / "package.json", tmp_path)
    files = sorted((tmp_path / "page").glob("*.test.js"))
    assert files
    run("node", "--test", *files, cwd=tmp_path)


def test_nothing_makes_html_or_code_of_text() -> None:
    sinks = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment"
        r"|\beval\(|new Function|setHTMLUnsafe|srcdoc|setAttribute\([\"']on"
    )
    assert {name: found for name, js in MODULES.items() if (found := re.findall(sinks, js))} == {}
    assert not re.search(r"<style|style=|<script(?! (type=\"module\" )?src=)|\son\w+=", TEMPLATE)


def test_no_text_of_a_module_goes_over_the_end_of_a_line() -> None:
    """The server takes the indentation away: see assets.py."""
    script = """
        const ts = require("typescript"), fs = require("fs");
        for (const file of process.argv.slice(1)) {
            const text = fs.readFileSync(file, "utf8");
            const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
            const look = (node) => {
                const isText = ts.isTemplateLiteral(node) || ts.isStringLiteral(node);
                if (isText && node.getText().includes("\\n")) throw file + ": " + node.getText();
                node.forEachChild(look);
            };
            look(source);
        }"""
    run("node", "-e", script, *sorted(STATIC.glob("*.js")), cwd=TOOLS)


def test_a_module_can_be_read_in_one_sitting() -> None:
    long = {name: js.count("\n") for name, js in MODULES.items() if js.count("\n") > 330}
    assert set(long) <= {"chat.js", "conversation.js", "timeline.js"}, long


def test_what_is_left_for_later_is_not_loaded_before() -> None:
    for name in ("search.js", "sheets.js", "caller.js", "viewport.js", "german.js"):
        assert not any(re.search(rf'^import .*"./{name}"', js, re.M) for js in MODULES.values())
        assert any(f'import("./{name}")' in js for js in MODULES.values())


def test_every_string_of_the_template_has_its_key() -> None:
    keys = set(re.findall(r"^  (\w+):", MODULES["strings.js"], re.MULTILINE))
    used = set(re.findall(r'data-t(?:-\w+)?="(\w+)"', TEMPLATE))
    assert used
    assert used - keys == set()


def test_no_string_is_left_over() -> None:
    keys = set(re.findall(r"^  (\w+):", MODULES["strings.js"], re.MULTILINE))
    everywhere = TEMPLATE + "".join(js for name, js in MODULES.items() if name != "strings.js")
    said = set(re.findall(r'\bt\.(\w+)|data-t(?:-\w+)?="(\w+)"', everywhere))
    indirect = {"retry", "edit", "discard", "reasons"}
    assert keys - {one or other for one, other in said} - indirect == set()


def test_every_colour_stands_in_one_place() -> None:
    """In the variables on top, and in no rule below."""
    rules = (STATIC / "chat.css").read_text().partition("\n*,\n")[2]
    colours = set(re.findall(r"#[0-9a-f]{3,8}\b", re.sub(r"light-dark\([^)]*\)", "", rules)))
    assert colours <= {"#000", "#fff", "#2a9d6f"}


def test_every_id_that_a_module_asks_for_is_in_the_template() -> None:
    asked = {id for js in MODULES.values() for id in re.findall(r'byId\("([\w-]+)"', js)}
    assert asked
    assert asked - set(re.findall(r'\bid="([\w-]+)"', TEMPLATE)) == set()
