"""A history in a PostgreSQL database, which may be on another machine.

In reading order:

- ``history.py``: ``PostgresHistory``, which connects the parts
- ``address.py``: where the database is; its password is never shown
- ``library.py``: whether psycopg is there
- ``exact.py``: any text as PostgreSQL can store it, and back
- ``links.py``: one connection: options, deadlines, errors
- ``statements.py``: its prepared statements, through libpq
- ``lasting.py``: one that is made anew when it has broken
- ``failures.py``: PostgreSQL's errors as ours, with a way out
- ``writer.py``: the connection that writes: reconnects, and tries again
- ``readers.py``: the few connections that all threads read through
- ``schema.py``: tables, functions and the secret: made, and upgraded
- ``check.py``: whether the server can keep what the room promises
- ``survey.py``: what else there is to say about it, for ``chatroom doctor``
- ``rows.py``: messages and acts as the functions take them
- ``reads.py``: the queries
- ``versions.py``: what somebody has missed of a room, and all that one is opened with
- ``moving.py``: a history that moves in from elsewhere
- ``search.py``: searching, and the words that it notes for that
- ``files.py``: which files there are, and what has them
- ``reactions.py``: who has reacted to what
- ``attendance.py``: who is here, over all processes

The functions that write are in ``saying.sql``, ``acting.sql``, ``clearing.sql`` and
``finding.sql``, their tables in ``tables.sql``; those about people are in ``attending.sql``, with
tables of their own. ``answering.sql`` and ``arriving.sql`` are the step to schema 2,
``carrying.sql`` is the one to schema 3, ``reacting.sql`` the one to schema 4, ``removing.sql`` the
one to schema 5, ``forgetting.sql`` the one to schema 6. Whatever writes is one call of one of them,
in autocommit, which first locks the rows of the rooms that it is about: so no lock outlives a
client that is stopped or killed in the middle, and any number of processes can write.

psycopg is imported here alone, and only when the setting asks for PostgreSQL.
"""
