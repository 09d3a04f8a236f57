"""nginx and Caddy in front of a server, with the configuration that docs/deployment.md has."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import CHECKOUT
from tests.support.certificates import Certificate
from tests.support.deadline import DEADLINE, wait_for
from tests.support.ports import Port
from tests.support.programs import program

DEPLOYMENT = (CHECKOUT / "docs" / "deployment.md").read_text()


def blocks(language: str) -> list[str]:
    """What the page has between ``` and ```, in its order."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", DEPLOYMENT, re.MULTILINE | re.DOTALL)
    assert found, language
    return found


def changed(text: str, **changes: str) -> str:
    """The text with each key, which must be in it once, replaced by its value."""
    for old, new in changes.items():
        assert text.count(old) == 1, f"{old} in:\n{text}"
        text = text.replace(old, new)
    return text


# -- nginx -------------------------------------------------------------------------------------

NGINX = """
daemon off;
{user}
pid nginx.pid;
error_log stderr;
{limits}
http {{
    access_log off;
    {folders}
    {site}
}}
"""


Ports = tuple[int, int]
"""Of two machines, here both this one."""

MACHINES = ("10.0.0.5:9999", "10.0.0.6:9999")


@contextmanager
def nginx(
    folder: Path, upstream: Path | int | Ports, certificate: Certificate, under: str = ""
) -> Iterator[str]:
    """The proxy for the length of a block, in front of a port, a socket or two machines; returns
    its URL."""
    site, limits, unix, below, machines, to_machines = blocks("nginx")
    port = Port()
    pass_to = "proxy_pass http://127.0.0.1:9999;"
    to_socket = changed(unix.strip(), **{"/run/chatroom/chat.sock": str(upstream)})
    to_port = changed(pass_to, **{"9999": str(upstream)})
    changes = {
        "listen 443 ssl;": f"listen 127.0.0.1:{port.number} ssl;",
        "chat.example.com;": "localhost;",
        "/etc/ssl/chat.example.com.pem": str(certificate.file),
        "/etc/ssl/chat.example.com.key": str(certificate.key),
        pass_to: to_port if isinstance(upstream, int) else to_socket,
    }
    if isinstance(upstream, tuple):
        changes[pass_to] = to_machines.strip()
        site = changed(machines, **_on_this_machine(upstream)) + site
    if under:
        changes["location / {"] = "location /talk/ {\n" + changed(below, **{"/talk": under})
    # As root it would become somebody who may not read the folder.
    user = f"user {pwd.getpwuid(0).pw_name};" if os.geteuid() == 0 else ""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = "\n".join(f"{kind}_temp_path {kind};" for kind in kinds)
    text = NGINX.format(user=user, limits=limits, folders=folders, site=changed(site, **changes))
    (folder / "nginx.conf").write_text(text)
    command = [program("nginx"), "-p", str(folder), "-c", "nginx.conf", "-e", "stderr"]
    with _running(command, folder, port):
        yield f"https://localhost:{port.number}{under}"


# -- Caddy -------------------------------------------------------------------------------------

CADDY = """
{{
    admin off
    auto_https disable_redirects
}}
{site}
"""


@contextmanager
def caddy(
    folder: Path, upstream: int | Ports, certificate: Certificate, under: str = ""
) -> Iterator[str]:
    """The proxy for the length of a block, in front of a port or two machines; returns its URL."""
    plain, below, machines = blocks("caddyfile")
    port = Port()
    own = f"bind 127.0.0.1\n    tls {certificate.file} {certificate.key}"
    changes = {"chat.example.com {": f"https://localhost:{port.number} {{\n    {own}"}
    if isinstance(upstream, tuple):
        site = machines
        changes |= _on_this_machine(upstream)
    else:
        site = below if under else plain
        changes["127.0.0.1:9999"] = f"127.0.0.1:{upstream}"
    (folder / "Caddyfile").write_text(CADDY.format(site=changed(site, **changes)))
    command = [program("caddy"), "run", "--config", "Caddyfile", "--adapter", "caddyfile"]
    with _running(command, folder, port):
        yield f"https://localhost:{port.number}{under}"


# -- either ------------------------------------------------------------------------------------


def _on_this_machine(ports: Ports) -> dict[str, str]:
    return {there: f"127.0.0.1:{port}" for there, port in zip(MACHINES, ports, strict=True)}


@contextmanager
def _running(command: list[str], folder: Path, port: Port) -> Iterator[None]:
    """Until the end of the block; what it keeps, it keeps in the folder."""
    kept = {name: str(folder) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    said = folder / "output.txt"
    with said.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **kept},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:

        def listens() -> bool:
            assert process.poll() is None, said.read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port.number)):
                return True
            return False

        wait_for(listens, command[0])
        yield
    finally:
        process.terminate()
        process.wait(DEADLINE)
