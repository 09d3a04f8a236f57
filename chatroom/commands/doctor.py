"""``chatroom doctor``: what keeps the room from working here, and how to fix it."""

from __future__ import annotations

import os

import click

from chatroom.commands.checks import Finding, Verdict, examine
from chatroom.commands.exit_codes import Code
from chatroom.commands.options import ServerUrl, config_option
from chatroom.commands.output import write
from chatroom.commands.proxy_checks import examine_proxy
from chatroom.log import printable


@click.command()
@config_option
@click.option("--proxy", type=ServerUrl(), metavar="URL", help="The room's URL, through its proxy.")
@click.pass_context
def doctor(ctx: click.Context, config: str | None, proxy: str | None) -> None:
    """Find what keeps the room from working here, and say how to fix it.

    Checks the settings, the port, the log, the history, gunicorn's settings and the machine's
    limits, as they apply to the current user; with --proxy also a running room through its
    proxy. Changes nothing. The exit code is 1 if something is wrong.
    """
    if config is not None:
        os.environ["CHATROOM_CONFIG"] = config
    through = examine_proxy(proxy) if proxy else []
    findings = [*examine(any(finding.verdict is Verdict.OK for finding in through)), *through]
    for finding in findings:
        _show(finding)
    if any(finding.verdict is Verdict.WRONG for finding in findings):
        ctx.exit(Code.FAILED)


def _show(finding: Finding) -> None:
    write(f"{finding.verdict.value:<6} {finding.subject:<9} {printable(finding.text)}")
    if finding.remedy:
        write(f"{'':<16} -> {printable(finding.remedy)}")
