"""The tests: README.md says what lies where."""
