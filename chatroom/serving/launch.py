"""gunicorn, started so that it finds no modules in the current folder before the installed ones.

``python -m gunicorn`` looks there first: a ``queue.py`` among somebody's exercises would be run
in place of Python's own.
"""

import os
import sys

# This script's folder goes, too: the gunicorn.py in it is not gunicorn.
aside = {"", os.getcwd(), os.path.dirname(os.path.abspath(__file__))}
sys.path[:] = [folder for folder in sys.path if folder not in aside]

from gunicorn.app.wsgiapp import run  # noqa: E402
from gunicorn.util import getcwd  # noqa: E402

if __name__ == "__main__":
    sys.path.append(getcwd())  # else gunicorn puts it first
    run()
