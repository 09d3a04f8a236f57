-- Schema 1. All texts are as exact.py writes them. Functions change these tables, nothing else does.

-- One row. is_moving: a history is on its way into these tables, and not all of it is there.
CREATE TABLE version (version int NOT NULL, is_moving boolean NOT NULL DEFAULT false);

CREATE TABLE secrets (name text PRIMARY KEY, value bytea NOT NULL);

-- Room for the next version of each row in its page: every commit makes one.
CREATE TABLE rooms (
    number int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,       -- '': what the whole server has decided
    first bigint NOT NULL DEFAULT 0,             -- the oldest message that is stored; 0: none is
    seq bigint NOT NULL DEFAULT 0,               -- the newest that ever was, as the next two are its
    nonce text COLLATE "C" NOT NULL DEFAULT '0',
    sent_at bigint NOT NULL DEFAULT 0,
    rev bigint NOT NULL DEFAULT 0,
    decided bigint NOT NULL DEFAULT 0,           -- counts changes of charter, evidence and held
    act text COLLATE "C" NOT NULL DEFAULT ''     -- the id of the last one, if it comes again
) WITH (fillfactor = 50);

CREATE TABLE messages (
    room int NOT NULL,
    seq bigint NOT NULL,
    nonce text COLLATE "C" NOT NULL,
    sent_at bigint NOT NULL,
    edited_at bigint NOT NULL DEFAULT 0,
    rev bigint NOT NULL DEFAULT 0,
    user_name text COLLATE "C" NOT NULL,
    body text COLLATE "C" NOT NULL,
    stamp text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL DEFAULT '',
    cmid text COLLATE "C" NOT NULL DEFAULT '',
    made_by text COLLATE "C" NOT NULL DEFAULT '',
    removed text COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (room, seq)
);

CREATE UNIQUE INDEX cmids ON messages (room, user_id, cmid) WHERE cmid <> '';

CREATE UNIQUE INDEX revs ON messages (room, rev) WHERE rev > 0;

CREATE TABLE evidence (
    room int NOT NULL,
    seq bigint NOT NULL,
    edited_at bigint NOT NULL,
    removed_at bigint NOT NULL,
    user_name text COLLATE "C" NOT NULL,
    body text COLLATE "C" NOT NULL,
    stamp text COLLATE "C" NOT NULL,
    PRIMARY KEY (room, seq)
);

CREATE INDEX evidence_by_age ON evidence (removed_at);

CREATE INDEX evidence_of_act ON evidence (room, removed_at, seq);

CREATE TABLE charters (room int PRIMARY KEY, charter text COLLATE "C" NOT NULL);

CREATE TABLE host_log (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    room int NOT NULL,
    at bigint NOT NULL,
    act text COLLATE "C" NOT NULL,
    by_id text COLLATE "C" NOT NULL,
    by_name text COLLATE "C" NOT NULL,
    whom_id text COLLATE "C" NOT NULL,
    whom_name text COLLATE "C" NOT NULL,
    what text COLLATE "C" NOT NULL
);

CREATE INDEX host_log_of_room ON host_log (room, at, number);

CREATE INDEX host_log_by_age ON host_log (at);

CREATE TABLE held (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    room int NOT NULL,
    id text COLLATE "C" NOT NULL,
    held_at bigint NOT NULL,
    user_name text COLLATE "C" NOT NULL,
    body text COLLATE "C" NOT NULL,
    stamp text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    cmid text COLLATE "C" NOT NULL,
    UNIQUE (room, id)
);

CREATE UNIQUE INDEX held_cmids ON held (room, user_id, cmid) WHERE cmid <> '';

-- For searches, which fill it: the words of each message, as '<room>/<word>'.
CREATE TABLE found (
    room int NOT NULL, seq bigint NOT NULL, words tsvector NOT NULL, PRIMARY KEY (room, seq)
);

-- What is not sorted in yet is read by every search: so it is kept short, in kilobytes.
CREATE INDEX found_words ON found USING gin (words) WITH (gin_pending_list_limit = 256);

-- How far searches have filled it: up to a seq, and with all changes up to a rev.
CREATE TABLE searched (room int PRIMARY KEY, seq bigint NOT NULL, rev bigint NOT NULL);

CREATE TABLE probes (number bigint NOT NULL) WITH (fillfactor = 10);

INSERT INTO probes VALUES (0);

-- ANALYZE keeps samples of what is frequent in a column: none of what people say, or are called.
ALTER TABLE messages ALTER user_name SET STATISTICS 0, ALTER body SET STATISTICS 0,
    ALTER stamp SET STATISTICS 0, ALTER nonce SET STATISTICS 0;
ALTER TABLE evidence ALTER user_name SET STATISTICS 0, ALTER body SET STATISTICS 0,
    ALTER stamp SET STATISTICS 0;
ALTER TABLE held ALTER user_name SET STATISTICS 0, ALTER body SET STATISTICS 0,
    ALTER stamp SET STATISTICS 0;
