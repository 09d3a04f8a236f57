"""What a machine carries: which limit decides, and how the machine's own are found."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chatroom.serving import costs, machine
from chatroom.serving.costs import Limit
from chatroom.serving.machine import (
    NO_LIMIT,
    Carried,
    affordable_users,
    machine_limits,
    raise_descriptor_limit,
)

Machine = Callable[[dict[str, str]], Path]
INFINITY = resource.RLIM_INFINITY


def limit(
    amount: int,
    *,
    taken: int = 0,
    headroom: int = 0,
    per_user: int = 1,
    per_spare: int = 0,
    is_shared: bool = False,
) -> Limit:
    cause = f"there are {amount}"
    return Limit("things", amount, cause, taken, headroom, per_user, per_spare, is_shared)


# -- how many fit ------------------------------------------------------------------------------


def test_without_any_limit_all_are_carried():
    assert affordable_users(10_000, 32, []) == Carried(10_000, "")


def test_a_limit_that_is_just_enough_says_nothing():
    assert affordable_users(10_000, 0, [limit(10_000)]) == Carried(10_000, "")


def test_a_limit_that_is_too_low_is_the_reason():
    assert affordable_users(10_000, 0, [limit(9_999)]) == (9_999, "things: there are 9999")


def test_the_tightest_limit_is_the_reason():
    found = affordable_users(10_000, 0, [limit(9_000), limit(8_000), limit(7_000, per_user=2)])

    assert found == (3_500, "things: there are 7000")


def test_what_others_have_and_the_reserve_are_not_for_users():
    found = affordable_users(100, 10, [limit(100, taken=30, per_user=2, per_spare=3)])

    assert found.users == 20


def test_a_limit_that_holds_not_even_the_reserve_carries_nobody():
    assert affordable_users(100, 10, [limit(5, per_spare=1)]).users == 0


def test_what_all_workers_take_from_is_divided_among_them():
    """Each needs headroom and reserve of its own, and others have what they have only once."""
    shared = limit(1000, taken=100, headroom=50, per_user=2, per_spare=3, is_shared=True)

    found = affordable_users(1000, 10, [shared], workers=3)

    assert found == ((900 // 3 - 50 - 30) // 2, "things: there are 1000, for 3 workers")
    assert affordable_users(1000, 10, [shared]).reason == "things: there are 1000"


def test_what_each_worker_has_by_itself_is_not_divided():
    assert affordable_users(1000, 0, [limit(900)], workers=3) == (900, "things: there are 900")


def test_threads_and_memory_are_the_machines_the_rest_is_each_workers():
    everything = (costs.descriptors, costs.threads, costs.maps, costs.memory, costs.addresses)
    shared = [make for make in everything if make(10_000_000, "").is_shared]

    assert shared == [costs.threads, costs.memory]


def test_a_user_is_one_descriptor_two_threads_and_six_maps():
    assert costs.descriptors(4096, "").users(0) == 4096 - 64 - 64
    assert costs.threads(20_064, "").users(0) == 10_000
    assert costs.maps(65_530, "").users(0) - costs.maps(65_530, "", taken=600).users(0) == 100


@pytest.mark.parametrize("cores", [1, 2, 64])
def test_ten_thousand_users_fit_under_linux_own_maximum_of_maps(monkeypatch, cores):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)

    assert costs.maps(65_530, "", taken=300).users(64) >= 10_000


# -- the limit of descriptors ------------------------------------------------------------------


class Descriptors:
    """The kernel's side of RLIMIT_NOFILE: it grants at most ``most``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, most: int) -> None:
        self.soft, self.hard, self.most = soft, hard, most
        monkeypatch.setattr(resource, "getrlimit", lambda _: (self.soft, self.hard))
        monkeypatch.setattr(resource, "setrlimit", self.set)

    def set(self, _: int, amounts: tuple[int, int]) -> None:
        soft, hard = amounts
        assert hard == self.hard
        if number(soft) > number(self.most):
            raise ValueError("current limit exceeds maximum limit")
        self.soft = soft


def number(amount: int) -> int:
    """RLIM_INFINITY is -1 on Linux: as a number that compares."""
    return sys.maxsize if amount == INFINITY else amount


def test_the_soft_limit_is_raised_to_the_hard_one(monkeypatch):
    kernel = Descriptors(monkeypatch, soft=1024, hard=524_288, most=524_288)

    assert raise_descriptor_limit() == 524_288
    assert kernel.soft == 524_288


def test_a_soft_limit_at_the_hard_one_is_left_alone(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (4096, 4096))
    monkeypatch.setattr(resource, "setrlimit", None)

    assert raise_descriptor_limit() == 4096


def test_a_machine_that_refuses_what_it_promised_gives_what_it_can(monkeypatch):
    """macOS: the hard limit is "unlimited", and more than 10240 is refused."""
    kernel = Descriptors(monkeypatch, soft=256, hard=INFINITY, most=10_240)

    assert raise_descriptor_limit() == 10_240
    assert kernel.soft == 10_240


def test_a_soft_limit_is_never_lowered(monkeypatch):
    kernel = Descriptors(monkeypatch, soft=20_000, hard=INFINITY, most=20_000)

    assert raise_descriptor_limit() == 20_000
    assert kernel.soft == 20_000


def test_a_process_that_may_not_raise_it_keeps_what_it_has(monkeypatch):
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", refuse)

    assert raise_descriptor_limit() == 1024


def test_no_limit_at_all_is_no_limit(monkeypatch):
    Descriptors(monkeypatch, soft=1024, hard=INFINITY, most=INFINITY)

    assert raise_descriptor_limit() == NO_LIMIT


def test_this_machine_takes_it():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        raised = raise_descriptor_limit()
        assert raised >= (soft if soft != INFINITY else NO_LIMIT)
        assert raise_descriptor_limit() == raised
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# -- the machine's limits ----------------------------------------------------------------------


@pytest.fixture
def rlimits(monkeypatch: pytest.MonkeyPatch) -> dict[int, tuple[int, int]]:
    """The soft and hard limits of this process: none but those that a test puts in."""
    machine: dict[int, tuple[int, int]] = {}
    monkeypatch.setattr(
        resource, "getrlimit", lambda which: machine.get(which, (INFINITY, INFINITY))
    )
    return machine


@pytest.fixture
def linux(tmp_path: Path, rlimits: object, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A Linux machine that has only the files it is given; its user isn't root."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "getuid", lambda: 1000)

    def make(files: dict[str, str]) -> Path:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return tmp_path

    return make


def found(root: Path) -> dict[str, int]:
    """Each limit's cause, and what others have of it."""
    return {
        limit.cause: limit.taken for limit in machine_limits(root) if limit.resource == "threads"
    }


def test_a_machine_without_these_files_has_no_limits(linux):
    assert machine_limits(linux({})) == []


def test_a_hard_limit_of_descriptors_is_named_as_such(linux, rlimits):
    rlimits[resource.RLIMIT_NOFILE] = (4096, 4096)

    carried = affordable_users(10_000, 32, machine_limits(linux({})))

    assert carried == (3840, "descriptors: the hard limit is 4096 (ulimit -n)")


def test_a_soft_limit_of_descriptors_is_not_called_hard(linux, rlimits):
    rlimits[resource.RLIMIT_NOFILE] = (1024, 4096)

    reason = affordable_users(10_000, 32, machine_limits(linux({}))).reason

    assert reason == "descriptors: the limit is 1024 (ulimit -n)"


def test_a_user_of_the_machine_has_a_limit_of_threads(linux, rlimits):
    rlimits[resource.RLIMIT_NPROC] = (4096, 8192)

    assert found(linux({})) == {"this user's limit is 4096 (ulimit -u)": 0}


def test_the_threads_of_a_user_are_those_of_all_its_processes(linux):
    root = linux(
        {f"proc/{path}": "" for path in ("1/task/1/stat", "1/task/2/stat", "7/task/7/stat")}
    )
    owner = (root / "proc/1/task").stat().st_uid

    assert machine.threads_of_user(root, owner) == 3
    assert machine.threads_of_user(root, owner + 1) == 0


def test_root_has_no_limit_of_threads(linux, rlimits, monkeypatch):
    rlimits[resource.RLIMIT_NPROC] = (4096, 4096)
    monkeypatch.setattr(os, "getuid", lambda: 0)

    assert found(linux({})) == {}


def test_where_the_limit_counts_processes_it_is_none_of_threads(linux, rlimits, monkeypatch):
    rlimits[resource.RLIMIT_NPROC] = (2784, 4176)
    monkeypatch.setattr(sys, "platform", "darwin")

    assert found(linux({})) == {}


def test_the_kernel_limits_the_threads_of_all(linux):
    root = linux(
        {
            "proc/sys/kernel/threads-max": "96365\n",
            "proc/sys/kernel/pid_max": "32768\n",
            "proc/loadavg": "0.33 33.73 42.07 1/84 11664\n",
        }
    )

    assert found(root) == {
        "kernel.threads-max is 96365 (sysctl)": 84,
        "kernel.pid_max is 32768 (sysctl)": 84,
    }


def test_the_kernel_limits_the_maps_of_a_process(linux):
    root = linux({"proc/sys/vm/max_map_count": "65530\n", "proc/self/maps": "a map\n" * 38})

    (maps,) = machine_limits(root)

    assert maps == costs.maps(65_530, "vm.max_map_count is 65530 (sysctl)", taken=38)


def cgroup(amount: int) -> str:
    return f"the cgroup's limit is {amount} (pids.max, systemd's TasksMax)"


def test_a_cgroup_and_those_above_it_limit_threads(linux):
    root = linux(
        {
            "proc/self/cgroup": "0::/system.slice/chat.service\n",
            "sys/fs/cgroup/system.slice/chat.service/pids.max": "4915\n",
            "sys/fs/cgroup/system.slice/chat.service/pids.current": "3\n",
            "sys/fs/cgroup/system.slice/pids.max": "9000\n",
            "sys/fs/cgroup/pids.max": "max\n",
            "sys/fs/cgroup/user.slice/pids.max": "1\n",
            "sys/fs/pids.max": "2\n",
        }
    )

    assert found(root) == {cgroup(4915): 3, cgroup(9000): 0}


def test_a_container_sees_its_cgroup_as_the_root(linux):
    root = linux(
        {
            "proc/self/cgroup": "0::/\n",
            "sys/fs/cgroup/pids.max": "512\n",
            "sys/fs/cgroup/pids.current": "12\n",
        }
    )

    assert found(root) == {cgroup(512): 12}


@pytest.mark.parametrize("path", ["/docker/1f2e", "/"])
def test_cgroups_of_version_1_have_a_tree_for_pids(linux, path):
    """In a container, proc/self/cgroup may have the host's path, and the mount only the own."""
    root = linux(
        {
            "proc/self/cgroup": f"9:name=systemd:/a:b\n8:cpu,pids:{path}\n7:cpu:/\n0::/\n",
            "sys/fs/cgroup/pids/pids.max": "512\n",
            "sys/fs/cgroup/cpu/pids.max": "1\n",
        }
    )

    assert found(root) == {cgroup(512): 0}


@pytest.mark.parametrize(
    "files",
    [
        {"proc/self/cgroup": "0::/a.slice/b\n", "sys/fs/cgroup/a.slice/memory.max": "536870912\n"},
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "536870912\n"},
        {
            "proc/self/cgroup": "4:cpu,memory:/docker/1f2e\n0::/\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "536870912\n",
        },
    ],
)
def test_a_cgroup_of_either_version_limits_memory(linux, files: dict[str, str]):
    """Half a gigabyte, where the default of 10,000 users would be killed half-way."""
    carried, reason = affordable_users(10_000, 32, machine_limits(linux(files)))

    assert 3_000 < carried < 4_500
    assert reason.startswith("memory: the cgroup's limit is 512 MiB (memory.")


def test_a_cgroup_without_a_limit_of_memory_is_none(linux):
    """Neither as version 2 writes it, nor as version 1 does."""
    root = linux(
        {
            "proc/self/cgroup": "4:memory:/\n0::/\n",
            "sys/fs/cgroup/memory.max": "max\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        }
    )

    assert machine_limits(root) == []


def test_the_address_space_of_a_process_may_be_limited(linux, rlimits, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    rlimits[resource.RLIMIT_AS] = (4 << 30, 4 << 30)

    carried, reason = affordable_users(10_000, 32, machine_limits(linux({})))

    assert 5_000 < carried < 6_000
    assert reason == "address space: the limit is 4096 MiB (ulimit -v)"


def test_this_machine_can_be_asked():
    carried = affordable_users(1, 0)

    assert carried == Carried(1, "")
