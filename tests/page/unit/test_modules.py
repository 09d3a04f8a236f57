"""The page's modules: their logic without a browser, their size, their strings."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from chatroom.web.assets import Assets
from tests.support import CHECKOUT
from tests.support.page_tools import SCRIPTS, STATIC, TOOLS, run

pytestmark = pytest.mark.takes(seconds=6)

MODULES = {path.relative_to(STATIC).as_posix(): path.read_text() for path in SCRIPTS}
JOINS = [(STATIC / name).read_text() for name in ("chat.css", "late.css")]
STYLES = {path.name: path.read_text() for path in (STATIC / "css").iterdir()}
TEMPLATE = (CHECKOUT / "templates" / "chat.html").read_text()


def test_the_logic_is_right_without_a_browser(tmp_path: Path) -> None:
    """A copy, since Node.js takes a .js for a module where a package.json says so."""
    shutil.copytree(STATIC, tmp_path / "static")
    shutil.copytree(TOOLS / "unit", tmp_path / "page")
    shutil.copy(TOOLS / "package.json", tmp_path)
    assert list((tmp_path / "page").glob("*.test.js"))
    run("node", "--test-reporter=spec", tmp_path / "page" / "together.js", cwd=tmp_path)


def test_nothing_makes_html_or_code_of_text() -> None:
    sinks = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment"
        r"|\beval\(|new Function|setHTMLUnsafe|srcdoc|setAttribute\([\"']on"
    )
    assert {name: found for name, js in MODULES.items() if (found := re.findall(sinks, js))} == {}
    assert not re.search(r"<style|style=|<script(?! (type=\"module\" )?src=)|\son\w+=", TEMPLATE)


def test_a_module_can_be_read_in_one_sitting() -> None:
    assert {name for name, js in MODULES.items() if js.count("\n") > 330} == set()


def test_what_is_left_for_later_is_not_loaded_before() -> None:
    at_first = {"chat.js", *Assets(STATIC).modules("chat.js")}
    for name in (
        "search",
        "editor",
        "changing",
        "mentioning",
        "rooms",
        "hosting",
        "dialogs",
        "settings_panel",
        "attention",
        "viewport",
        "english",
        "german",
    ):
        assert not any(module.endswith(f"/{name}.js") for module in at_first)
        assert any(re.search(rf'import\("[./\w]*/{name}\.js"\)', MODULES[js]) for js in at_first)
    assert at_first & {"base/more_strings.js", "shell/invitation.js"} == set()


def test_every_string_of_the_template_has_its_key() -> None:
    used = set(re.findall(r'data-t(?:-\w+)?="(\w+)"', TEMPLATE))
    assert used
    assert used - keys("english") == set()


def test_no_string_is_left_over() -> None:
    everywhere = TEMPLATE + "".join(js for name, js in MODULES.items() if name != "base/english.js")
    said = set(re.findall(r'\bt\.(\w+)|data-t(?:-\w+)?="(\w+)"', everywhere))
    indirect = {"retry", "edit", "discard", "reasons"}
    assert keys("english") - {one or other for one, other in said} - indirect == set()
    assert keys("more_strings") - set(re.findall(r"\bmore\.(\w+)", everywhere)) == set()
    words = keys("words", "hosting")
    assert words and words - set(re.findall(r"\bwords\.(\w+)", everywhere)) == set()


def keys(module: str, folder: str = "base") -> set[str]:
    """What the strings of a module are called."""
    return set(re.findall(r"^  (\w+):", MODULES[f"{folder}/{module}.js"], re.MULTILINE))


def test_every_colour_stands_in_one_place() -> None:
    """In the variables, and in no rule of a component."""
    rules = "".join(css for name, css in STYLES.items() if name != "colours.css")
    assert "light-dark(" not in rules
    colours = set(re.findall(r"#[0-9a-f]{3,8}\b", rules))
    assert colours <= {"#000", "#fff", "#2a9d6f"}


def test_every_style_is_joined_to_the_one_that_is_loaded() -> None:
    """Once; and without an address that would be relative to another folder there."""
    joined = re.findall(r'^@import "./css/([\w-]+\.css)";$', "\n".join(JOINS), re.MULTILINE)
    assert joined
    assert sorted(joined) == sorted(STYLES)
    assert not any("url(" in css for css in STYLES.values())


def test_every_id_that_a_module_asks_for_is_in_the_template() -> None:
    asked = {id for js in MODULES.values() for id in re.findall(r'byId\("([\w-]+)"', js)}
    assert asked
    assert asked - set(re.findall(r'\bid="([\w-]+)"', TEMPLATE)) == set()
