"""What a test starts can be interrupted, wherever the tests themselves were started."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.support import CHECKOUT
from tests.support.deadline import DEADLINE

pytestmark = pytest.mark.takes(seconds=2)

LOOK = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"


def test_what_a_test_starts_can_be_interrupted():
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
    assert subprocess.check_output([sys.executable, "-c", LOOK], text=True) == "True\n"


def test_also_where_the_tests_run_in_the_background_of_a_script():
    """As ``make test &`` does, the inner pytest begins with SIGINT ignored."""
    name = f"{__file__}::{test_what_a_test_starts_can_be_interrupted.__name__}"
    ignoring = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", sys.executable]
    asked = subprocess.run([*ignoring, "-c", LOOK], capture_output=True, text=True)
    done = subprocess.run(
        [*ignoring, "-m", "pytest", "-p", "no:cacheprovider", name],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=5 * DEADLINE,
    )
    assert asked.stdout == "False\n"
    assert done.returncode == 0, done.stdout
