"""Two PostgreSQL servers of the tests' own: one follows the other, and takes over from it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.deadline import wait_for
from tests.support.postgresql import IN_URL, ROLE, PostgresServer


class Replica(PostgresServer):
    """One of the two.

    Args:
        primary: whose standby it is; None for the first one, which nobody was before.
    """

    def __init__(self, primary: Replica | None = None) -> None:
        self._primary = primary
        super().__init__(wal_level="replica", max_wal_senders="4")

    def _make(self) -> None:
        if not self._primary:
            super()._make()
            return
        source = f"--dbname=host=127.0.0.1 port={self._primary.port} user={ROLE}"
        options = ("--write-recovery-conf", "--checkpoint=fast", "--no-sync")
        self.run("pg_basebackup", source, *options)

    def follow(self, primary: Replica) -> None:
        """Forget everything, and begin as the standby of this one."""
        self.kill()
        shutil.rmtree(self.data)
        self._primary = primary
        self._make()
        self.start()

    def change(self, setting: str, value: str) -> None:
        """While it runs."""
        self.query(f"ALTER SYSTEM SET {setting} = '{value}'")
        self.query("SELECT pg_reload_conf()")


class Replicas:
    """A primary and its standby, in whichever order: each failover swaps them.

    Attributes:
        primary: can be written to.
        standby: follows it, unless the pair has failed over: then until ``restore`` it is as it was
            left when it was the primary.
    """

    def __init__(self) -> None:
        self.primary = Replica()
        try:
            self.standby = Replica(self.primary)
        except BaseException:
            self.primary.close()
            raise
        self._is_whole = True
        self._ports = f"127.0.0.1:{self.primary.port},127.0.0.1:{self.standby.port}"

    def make_database(self) -> str:
        """Its URL, with both servers in it."""
        name = self.primary.make_database().rpartition("/")[2]
        return f"postgresql://{ROLE}:{IN_URL}@{self._ports}/{name}"

    def wait_until_level(self) -> None:
        """Until the standby has all that the primary has by now."""
        ((written,),) = self.primary.query("SELECT pg_current_wal_lsn()")
        is_there = f"SELECT pg_last_wal_replay_lsn() >= '{written}'"
        wait_for(lambda: self.standby.query(is_there) == [(True,)], "a standby that is level")

    def cut_off(self) -> None:
        """The standby hears nothing more of what is written."""
        self.standby.change("primary_conninfo", "")
        follows = "SELECT count(*) FROM pg_stat_wal_receiver"
        wait_for(lambda: self.standby.query(follows) == [(0,)], "a standby that is cut off")

    @contextmanager
    def commits_that_wait(self) -> Iterator[None]:
        """Within the block, what is committed waits for the standby."""
        self.primary.change("synchronous_standby_names", "*")
        state = "SELECT sync_state FROM pg_stat_replication"
        wait_for(lambda: self.primary.query(state) == [("sync",)], "a synchronous standby")
        try:
            yield
        finally:
            self.primary.change("synchronous_standby_names", "")

    def fail_over(self) -> None:
        """The standby takes over; the other one should not be heard of any more."""
        self.standby.run("pg_ctl", "promote", "--wait")
        self.primary, self.standby = self.standby, self.primary
        self._is_whole = False

    def restore(self) -> None:
        """Have a standby again that is level."""
        if not self._is_whole:
            self.standby.follow(self.primary)
            self._is_whole = True
        self.wait_until_level()

    def close(self) -> None:
        """End both, and leave nothing."""
        self.standby.close()
        self.primary.close()
