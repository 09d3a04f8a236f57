-- Schema 4: reactions. Machines that know schema 3 alone go on meanwhile: they show none, and whatever
-- they remove, trim or delete takes its reactions along, since that is done here.

-- Who has which.
CREATE TABLE reactions (
    room int NOT NULL,
    seq bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    user_name text COLLATE "C" NOT NULL,
    PRIMARY KEY (room, seq, kind, user_id)
);

CREATE INDEX reactions_of_person ON reactions (user_id, room, seq, kind);

-- One row for each message that somebody has reacted to, with the mark of its last change.
CREATE TABLE reacted (
    room int NOT NULL,
    seq bigint NOT NULL,
    nonce text COLLATE "C" NOT NULL,
    mark bigint NOT NULL,
    PRIMARY KEY (room, seq)
);

CREATE INDEX reacted_by_mark ON reacted (room, mark);

-- The room's last mark, also if the reactions that had it are gone.
ALTER TABLE rooms ADD COLUMN mark bigint NOT NULL DEFAULT 0;

ALTER TABLE reactions ALTER user_name SET STATISTICS 0;
ALTER TABLE reacted ALTER nonce SET STATISTICS 0;

-- A new mark for a room whose row is locked: so marks are in the order of the commits, the same for
-- all. By the clock, so that none is used again, whatever a standby has lost or a backup brings back.
CREATE FUNCTION next_mark(last_mark bigint) RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT greatest(last_mark + 1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint);
$$;

-- People react to messages, or take that back; of each click, in order, whether its message is there.
-- What is so already stays as it is: so it may come again, if its answer was lost.
--
-- clicks: of each its item (from 0), the room's name, the message's seq and nonce, the kind, who it is,
-- and is_on. One after the other: a join would be planned for tables that were empty then.
CREATE FUNCTION react(clicks json, until double precision) RETURNS boolean[] LANGUAGE plpgsql AS $$
DECLARE
    are_there boolean[] := '{}';
    its record;
    marked_room int := 0;
    marked_seq bigint := 0;
    its_mark bigint;
BEGIN
    PERFORM lock_rooms(
        ARRAY(SELECT DISTINCT name FROM json_to_recordset(clicks) AS click (name text)),
        false, false, until
    );
    FOR its IN
        SELECT one.*, stored.room FROM json_to_recordset(clicks) AS one (
            item int, name text, seq bigint, nonce text, kind text,
            user_id text, user_name text, is_on boolean
        ) LEFT JOIN LATERAL (
            SELECT room FROM messages
            WHERE room = (SELECT number FROM rooms WHERE rooms.name = one.name)
            AND messages.seq = one.seq AND messages.nonce = one.nonce AND removed = '' LIMIT 1
        ) AS stored ON true
        ORDER BY item
    LOOP
        are_there := array_append(are_there, its.room IS NOT NULL);
        CONTINUE WHEN its.room IS NULL;
        IF its.is_on THEN
            INSERT INTO reactions (room, seq, kind, user_id, user_name)
            VALUES (its.room, its.seq, its.kind, its.user_id, its.user_name)
            ON CONFLICT DO NOTHING;
        ELSE
            DELETE FROM reactions
            WHERE room = its.room AND seq = its.seq AND kind = its.kind AND user_id = its.user_id;
        END IF;
        CONTINUE WHEN NOT FOUND;
        IF its.room <> marked_room THEN
            UPDATE rooms SET mark = next_mark(mark) WHERE number = its.room
            RETURNING number, mark INTO marked_room, its_mark;
            marked_seq := 0;
        END IF;
        CONTINUE WHEN its.seq = marked_seq;
        marked_seq := its.seq;
        INSERT INTO reacted (room, seq, nonce, mark)
        VALUES (its.room, its.seq, its.nonce, its_mark)
        ON CONFLICT (room, seq) DO UPDATE SET mark = excluded.mark
        WHERE reacted.mark <> excluded.mark;
    END LOOP;
    RETURN are_there;
END $$;

-- A person has no reactions in the room any more; how many they were.
CREATE FUNCTION forget_reactions(its_name text, its_person text, until double precision)
RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    its_room int;
    its_mark bigint;
    seqs bigint[];
    forgotten int;
BEGIN
    IF NOT lock_rooms(ARRAY[its_name], false, false, until) THEN
        RETURN 0;
    END IF;
    SELECT number, next_mark(mark) INTO its_room, its_mark FROM rooms WHERE name = its_name;
    WITH gone AS (
        DELETE FROM reactions WHERE user_id = its_person AND room = its_room RETURNING seq
    )
    SELECT array_agg(DISTINCT seq), count(*) INTO seqs, forgotten FROM gone;
    IF forgotten > 0 THEN
        UPDATE reacted SET mark = its_mark WHERE room = its_room AND seq = ANY (seqs);
        UPDATE rooms SET mark = its_mark WHERE number = its_room;
    END IF;
    RETURN forgotten;
END $$;

-- Whatever removes a message takes its reactions along; one that is restored comes back without any.
-- Nothing fires where a message is added.
CREATE FUNCTION drop_reactions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM reactions WHERE room = new.room AND seq = new.seq;
    DELETE FROM reacted WHERE room = new.room AND seq = new.seq;
    RETURN NULL;
END $$;

CREATE TRIGGER reactions_of_removed AFTER UPDATE OF removed ON messages
    FOR EACH ROW WHEN (new.removed <> '') EXECUTE FUNCTION drop_reactions();

-- As in clearing.sql, and so is the next one, but for reactions. No trigger does that: it would fire
-- for each of a million messages.
CREATE OR REPLACE FUNCTION trim_room(
    its_name text, last_seq bigint, last_nonce text, until double precision
) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    its rooms;
    deleted int;
    dropped int;
BEGIN
    IF NOT lock_rooms(ARRAY[its_name], false, true, until) THEN
        RETURN 0;
    END IF;
    SELECT * INTO its FROM rooms WHERE name = its_name;
    IF NOT EXISTS (
        SELECT FROM messages WHERE room = its.number AND seq = last_seq AND nonce = last_nonce
    ) THEN
        RETURN 0;
    END IF;
    DELETE FROM messages WHERE room = its.number AND seq <= last_seq;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    DELETE FROM found WHERE room = its.number AND seq <= last_seq;
    DELETE FROM reactions WHERE room = its.number AND seq <= last_seq;
    DELETE FROM reacted WHERE room = its.number AND seq <= last_seq;
    DELETE FROM evidence WHERE room = its.number AND seq <= last_seq;
    GET DIAGNOSTICS dropped = ROW_COUNT;
    UPDATE rooms SET
        first = CASE WHEN last_seq >= its.seq THEN 0 ELSE last_seq + 1 END,
        decided = its.decided + (dropped > 0)::int
    WHERE number = its.number;
    RETURN deleted;
END $$;

CREATE OR REPLACE FUNCTION delete_room(
    its_name text, kept_as text, kept bytea, until double precision
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    its_room int;
    deleted bigint;
BEGIN
    IF NOT lock_rooms(ARRAY[its_name], false, true, until) THEN
        RETURN 0;
    END IF;
    SELECT number INTO its_room FROM rooms WHERE name = its_name;
    DELETE FROM messages WHERE room = its_room;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    DELETE FROM evidence WHERE room = its_room;
    DELETE FROM charters WHERE room = its_room;
    DELETE FROM host_log WHERE room = its_room;
    DELETE FROM held WHERE room = its_room;
    DELETE FROM found WHERE room = its_room;
    DELETE FROM searched WHERE room = its_room;
    DELETE FROM reactions WHERE room = its_room;
    DELETE FROM reacted WHERE room = its_room;
    DELETE FROM addresses WHERE room = its_name;
    DELETE FROM crowds WHERE room = its_name
        AND NOT EXISTS (SELECT FROM people WHERE room = its_name)
        AND NOT EXISTS (SELECT FROM knocks WHERE room = its_name);
    DELETE FROM rooms WHERE number = its_room;
    DELETE FROM people WHERE room = its_name;  -- they were there a moment ago
    DELETE FROM taken WHERE room = its_name;
    DELETE FROM knocks WHERE room = its_name;
    DELETE FROM crowds WHERE room = its_name;
    INSERT INTO secrets (name, value) VALUES (kept_as, kept)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value;
    RETURN deleted;
END $$;
