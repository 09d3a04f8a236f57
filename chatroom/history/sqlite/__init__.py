"""The history in one SQLite file; each module has one thing that it does."""
