"""A history in one SQLite file.

In reading order:

- ``history.py``: ``SqliteHistory``, which connects the parts
- ``schema.py``: tables and columns, and the upgrades from older versions
- ``database.py``: the file and the connections to it
- ``lock.py``: one process at a time
- ``watch.py``: whether the files are still those that were opened
- ``read_only.py``: a history that this user cannot write
- ``backup.py``: a copy of it, while a server goes on writing
- ``check.py``: whose the file is, and whether it is sound, before anything writes to it
- ``write.py``: transactions and rows, on the writing connection
- ``readers.py``: the few connections that all threads read through
- ``reads.py``: the queries
- ``trim.py``: deleting the oldest messages, and giving pages back to the disk
- ``delete.py``: deleting a room, without a trace
- ``rewrite.py``: messages that change or are removed, and that nothing of them is left
- ``renewal.py``: when the whole file is written anew for that
- ``charters.py``: what rooms have decided, and what hosts have done
- ``held.py``: what waits for a host's approval
- ``files.py``: which files there are, and what has them
- ``reactions.py``: who has reacted to what
- ``search.py``: searching; ``index.py``, the file of its index

How a search finds: what a person types is split at spaces and each word folded (``words.tokens``)
and quoted, so none of it is ever FTS5's query language. The index only names candidates: messages
that have all the terms. Each is read and compared as ``memory/`` does it, so every history finds
the same. An SQLite without FTS5 reads back through the room instead. An index that is broken,
missing, of an older version, mostly of trimmed messages or of another history (it keeps the last
message's nonce) is rebuilt.
"""
