"""Certificates that sign themselves, for tests over TLS."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.deadline import DEADLINE
from tests.support.programs import program


class Certificate:
    """A certificate for this machine, ``localhost`` or 127.0.0.1, and its key."""

    def __init__(self, folder: Path) -> None:
        self.file, self.key = folder / "certificate.pem", folder / "key.pem"
        # On a curve, it is made in no time.
        options = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
        name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        files = ["-keyout", str(self.key), "-out", str(self.file)]
        subprocess.run(
            [program("openssl"), *options.split(), *name, *files],
            check=True,
            capture_output=True,
            timeout=DEADLINE,
        )
