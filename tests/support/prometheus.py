"""A real Prometheus that watches a server, set up as docs/deployment.md says; and its promtool."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.support.deadline import DEADLINE, wait_for
from tests.support.ports import Port
from tests.support.programs import program

INTERVAL = "1s"
"""Between two scrapes, and between two looks at the rules: of a Prometheus that has little time."""

HEAD = f"""
global:
  scrape_interval: {INTERVAL}
  scrape_timeout: {INTERVAL}
  evaluation_interval: {INTERVAL}
rule_files: [rules.yml]
"""

NOBODY = 65534


class Prometheus:
    """One that runs.

    Args:
        port: where it answers.
    """

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def is_ready(self) -> bool:
        with contextlib.suppress(OSError), self._open("/-/ready") as reply:
            return bool(reply.status == 200)
        return False

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """The labels and the value of each series; fails if it is no expression."""
        found = self._ask("query", query=expression)["result"]
        return [(series["metric"], float(series["value"][1])) for series in found]

    def value(self, expression: str) -> float | None:
        """The value of the only series; None if there is none yet."""
        found = self.query(expression)
        assert len(found) <= 1, found
        return found[0][1] if found else None

    def rules(self) -> dict[str, dict[str, Any]]:
        """What it thinks of each alarm."""
        groups = self._ask("rules")["groups"]
        return {rule["name"]: rule for group in groups for rule in group["rules"]}

    def _ask(self, what: str, **parameters: str) -> Any:
        try:
            with self._open(f"/api/v1/{what}?{urlencode(parameters)}") as reply:
                return json.load(reply)["data"]
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{parameters}: {error.read().decode()}") from None

    def _open(self, path: str) -> Any:
        return urllib.request.urlopen(f"{self._url}{path}", timeout=DEADLINE)


@contextmanager
def watching(
    scrapes: str, rules: str, files: Mapping[str, str], **environ: str
) -> Iterator[Prometheus]:
    """A Prometheus for the length of a block; in a folder that is its own, and never as root.

    Args:
        scrapes: its ``scrape_configs``, as YAML.
        rules: the content of a rules file.
        files: what else is in its folder.
    """
    port = Port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in {"own.yml": HEAD + scrapes, "rules.yml": rules, **files}.items():
            (folder / file).write_text(text)
        is_root = os.geteuid() == 0
        if is_root:
            os.chown(folder, NOBODY, NOBODY)
        said = folder / "output.txt"
        with said.open("w") as output:
            process = subprocess.Popen(
                [
                    program("prometheus"),
                    "--config.file=own.yml",
                    "--storage.tsdb.path=data",
                    f"--web.listen-address=127.0.0.1:{port.number}",
                    "--log.level=warn",
                ],
                cwd=folder,
                env={**os.environ, **environ},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=NOBODY if is_root else None,
                group=NOBODY if is_root else None,
                extra_groups=[] if is_root else None,
            )
        try:
            running = Prometheus(port.number)

            def is_ready() -> bool:
                assert process.poll() is None, said.read_text()
                return running.is_ready()

            wait_for(is_ready, "Prometheus")
            yield running
        finally:
            process.terminate()
            process.wait(DEADLINE)


def promtool(*arguments: str, given: str = "") -> str:
    """What it complains about; nothing if nothing is wrong, and in the end it says so."""
    done = subprocess.run(
        [program("promtool"), *arguments],
        input=given,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr
