"""A history in one SQLite file.

In reading order:

- ``history.py``: ``SqliteHistory``, which connects the parts
- ``schema.py``: tables and columns, and the upgrades from older versions
- ``database.py``: the file and the connections to it
- ``lock.py``: one process at a time
- ``check.py``: whose the file is, and whether it is sound, before anything writes to it
- ``write.py``: transactions and rows, on the writing connection
- ``readers.py``: the few connections that all threads read through
- ``reads.py``: the queries
- ``trim.py``: deleting the oldest messages, and giving pages back to the disk
- ``delete.py``: deleting a room, without a trace
- ``search.py``: searching; ``index.py``, the file of its index

How a search finds: what a person types is split at spaces and each word quoted, so none of it is
ever FTS5's query language. All words must occur, whatever their case and accents; the last one may
be the beginning of a word; ``well-known`` means its two parts in a row. In scripts that are written
without spaces, only the beginning of a run of characters is found. An SQLite without FTS5 finds the
words anywhere in a body, by reading back through the room: there accents count, and so does case
beyond A to Z. An index that is broken, missing, mostly of trimmed messages or of another history
(it keeps the last message's nonce) is rebuilt.
"""
