"""Which packages there are: what setup.cfg cannot say, since two of them are folders of data."""

from setuptools import find_packages, setup

# The page's files stay at the top of the checkout, and go into the package.
DATA = {"chatroom.static": "static", "chatroom.templates": "templates"}

setup(packages=[*find_packages(include=["chatroom*"]), *DATA], package_dir=DATA)
