"""The page's modules as TypeScript's compiler sees them: as written, and as served."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatroom.web.assets import Assets
from tests.support.page_tools import SCRIPTS, STATIC, TOOLS, run

pytestmark = pytest.mark.takes(seconds=10)


def test_the_types_in_the_comments_hold() -> None:
    modules = TOOLS / "node_modules"
    known = ("--incremental", "--tsBuildInfoFile", modules / ".tsbuildinfo")  # since the last time
    run(modules / ".bin" / "tsc", "-p", "jsconfig.json", *known, cwd=TOOLS)


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
    run("node", "-e", script, *SCRIPTS, cwd=TOOLS)


def test_what_is_served_is_the_same_program_without_its_comments(tmp_path: Path) -> None:
    """The server takes the comments away, and goes by looks where a compiler knows."""
    assets = Assets(STATIC)
    names = [path.relative_to(STATIC).as_posix() for path in SCRIPTS]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(assets[name].body)
    script = """
        const ts = require("typescript"), fs = require("fs");
        const [folder, served, ...names] = process.argv.slice(1);
        const compilerOptions = { target: "esnext", module: "esnext", removeComments: true };
        const program = (file) => {
            const text = fs.readFileSync(file, "utf8");
            return ts.transpileModule(text, { compilerOptions }).outputText;
        };
        for (const name of names) {
            if (program(folder + "/" + name) !== program(served + "/" + name)) throw name;
        }"""
    assert names
    run("node", "-e", script, STATIC, tmp_path, *names, cwd=TOOLS)
