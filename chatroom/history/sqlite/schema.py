"""The schema of the database, and the statements from each version to the next."""

from __future__ import annotations

APPLICATION_ID = 0x43484154  # "CHAT"; identifies the file to file(1) and other programs

SEQ_BITS = 40
"""A message's key is its room's number, then its seq in so many bits."""

FIRST_COLUMNS = "key, nonce, user_name, body, timestamp, sent_at"
APPENDED = f"{FIRST_COLUMNS}, user_id, cmid, made_by, reply_to, edited_at"
"""The columns of a new message."""
COLUMNS = f"{APPENDED}, rev, removed, file"

FIRST_SCHEMA = (
    "CREATE TABLE rooms (number INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL)",
    # One B-tree, clustered by room: a commit touches one page, a room is read in one sweep.
    # room and seq are for people with the sqlite3 shell: never stored, measured to cost nothing.
    f"""CREATE TABLE messages (
        key INTEGER PRIMARY KEY, nonce TEXT NOT NULL, user_name TEXT NOT NULL,
        body TEXT NOT NULL, timestamp TEXT NOT NULL, sent_at INTEGER NOT NULL,
        room INTEGER GENERATED ALWAYS AS (key >> {SEQ_BITS}) VIRTUAL,
        seq INTEGER GENERATED ALWAYS AS (key & {(1 << SEQ_BITS) - 1}) VIRTUAL)""",
    f"PRAGMA application_id = {APPLICATION_ID}",
    "PRAGMA user_version = 1",
)

# From schema 1, which knew plain users only. New columns are written with new rows: existing
# rows are not touched.
SECOND_SCHEMA = (
    "ALTER TABLE messages ADD COLUMN user_id TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE messages ADD COLUMN cmid TEXT NOT NULL DEFAULT ''",
    # Partial: a message of a plain user has no cmid, and costs no extra page.
    "CREATE UNIQUE INDEX cmids ON messages (room, user_id, cmid) WHERE cmid <> ''",
    "CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL)",
    "PRAGMA user_version = 2",
)

# Of a room whose messages are all deleted: its last one's seq, so that seq goes on, and what
# clients know of it. Written only when that one is deleted.
THIRD_SCHEMA = (
    "ALTER TABLE rooms ADD COLUMN last_seq INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE rooms ADD COLUMN last_nonce TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE rooms ADD COLUMN last_sent_at INTEGER NOT NULL DEFAULT 0",
    "PRAGMA user_version = 3",
)

# Messages change and are removed. evidence has what a removed one was; chores, what is left to do
# for it to be gone from the files, also after a kill.
FOURTH_SCHEMA = (
    "ALTER TABLE messages ADD COLUMN made_by TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE messages ADD COLUMN edited_at INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE messages ADD COLUMN rev INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE messages ADD COLUMN removed TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE rooms ADD COLUMN rev INTEGER NOT NULL DEFAULT 0",
    # Partial, as cmids is: a message that nobody changes costs no extra page.
    "CREATE UNIQUE INDEX revs ON messages (room, rev) WHERE rev > 0",
    """CREATE TABLE evidence (
        key INTEGER PRIMARY KEY, user_name TEXT NOT NULL, body TEXT NOT NULL,
        timestamp TEXT NOT NULL, edited_at INTEGER NOT NULL, removed_at INTEGER NOT NULL)""",
    # By name: a room may decide something before it has a message. "" is the whole server.
    "CREATE TABLE charters (room TEXT PRIMARY KEY, charter TEXT NOT NULL)",
    """CREATE TABLE host_log (
        room TEXT NOT NULL, at INTEGER NOT NULL, act TEXT NOT NULL, by_id TEXT NOT NULL,
        by_name TEXT NOT NULL, whom_id TEXT NOT NULL, whom_name TEXT NOT NULL,
        what TEXT NOT NULL)""",
    "CREATE INDEX host_log_of_room ON host_log (room, at)",
    "CREATE TABLE chores (name TEXT PRIMARY KEY)",
    "PRAGMA user_version = 4",
)

# What waits for a host's approval: it has no seq yet.
FIFTH_SCHEMA = (
    """CREATE TABLE held (
        id TEXT NOT NULL, room TEXT NOT NULL, user_name TEXT NOT NULL, body TEXT NOT NULL,
        timestamp TEXT NOT NULL, held_at INTEGER NOT NULL, user_id TEXT NOT NULL,
        cmid TEXT NOT NULL)""",
    "CREATE INDEX held_in_room ON held (room)",
    "CREATE UNIQUE INDEX held_cmids ON held (room, user_id, cmid) WHERE cmid <> ''",
    "PRAGMA user_version = 5",
)

# What one act has removed, and what was removed long ago, is found without a look at all the rest.
SIXTH_SCHEMA = (
    "CREATE INDEX evidence_by_age ON evidence (removed_at)",
    "PRAGMA user_version = 6",
)

# The id of what a message answers, as text.
SEVENTH_SCHEMA = (
    "ALTER TABLE messages ADD COLUMN reply_to TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE held ADD COLUMN reply_to TEXT NOT NULL DEFAULT ''",
    "PRAGMA user_version = 7",
)

# Files: what a message carries is told with it, as one text, so that nothing has to be looked up.
# The table knows whose each file is, and what has it: key is the message's, 0 for none.
EIGHTH_SCHEMA = (
    "ALTER TABLE messages ADD COLUMN file TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE evidence ADD COLUMN file TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE held ADD COLUMN file TEXT NOT NULL DEFAULT ''",
    """CREATE TABLE files (
        id TEXT PRIMARY KEY, room TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL,
        size INTEGER NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,
        user_id TEXT NOT NULL, uploaded_at INTEGER NOT NULL, is_whole INTEGER NOT NULL,
        held TEXT NOT NULL DEFAULT '', key INTEGER NOT NULL DEFAULT 0,
        nonce TEXT NOT NULL DEFAULT '') WITHOUT ROWID""",
    "PRAGMA user_version = 8",
)

# Reactions: who has which, and when those of a message changed last. Marks are never used again.
# They go with their message by triggers: so no way to remove one can be forgotten.
NINTH_SCHEMA = (
    """CREATE TABLE reactions (
        key INTEGER NOT NULL, kind TEXT NOT NULL, user_id TEXT NOT NULL, user_name TEXT NOT NULL,
        PRIMARY KEY (key, kind, user_id)) WITHOUT ROWID""",
    """CREATE TABLE reacted (
        mark INTEGER PRIMARY KEY AUTOINCREMENT, key INTEGER UNIQUE NOT NULL,
        nonce TEXT NOT NULL)""",
    """CREATE TRIGGER reactions_of_deleted AFTER DELETE ON messages BEGIN
        DELETE FROM reactions WHERE key = old.key;
        DELETE FROM reacted WHERE key = old.key; END""",
    """CREATE TRIGGER reactions_of_removed AFTER UPDATE OF removed ON messages
        WHEN new.removed <> '' BEGIN
        DELETE FROM reactions WHERE key = old.key;
        DELETE FROM reacted WHERE key = old.key; END""",
    "PRAGMA user_version = 9",
)

UPGRADES = (
    *(FIRST_SCHEMA, SECOND_SCHEMA, THIRD_SCHEMA, FOURTH_SCHEMA, FIFTH_SCHEMA),
    *(SIXTH_SCHEMA, SEVENTH_SCHEMA, EIGHTH_SCHEMA, NINTH_SCHEMA),
)
"""The statements from each schema version to the next; the first from an empty file."""

SCHEMA_VERSION = len(UPGRADES)
