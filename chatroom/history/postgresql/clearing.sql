-- What goes: the oldest messages, a room, evidence.

-- Deletes the room's messages up to one, if it is there; how many.
CREATE FUNCTION trim_room(
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
    DELETE FROM evidence WHERE room = its.number AND seq <= last_seq;
    GET DIAGNOSTICS dropped = ROW_COUNT;
    UPDATE rooms SET
        first = CASE WHEN last_seq >= its.seq THEN 0 ELSE last_seq + 1 END,
        decided = its.decided + (dropped > 0)::int
    WHERE number = its.number;
    RETURN deleted;
END $$;

-- Deletes the room with all that is its own; how many messages it had. kept_as, kept: a name and a
-- value for the secrets, which say that there was one.
CREATE FUNCTION delete_room(its_name text, kept_as text, kept bytea, until double precision)
RETURNS bigint LANGUAGE plpgsql AS $$
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

-- Drops evidence of what was removed before a time, and of the host logs what was noted before
-- another, the oldest first; how many pieces.
CREATE FUNCTION erase(before bigint, step int, noted_before bigint, until double precision)
RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    names text[] := ARRAY(
        SELECT DISTINCT name FROM (
            SELECT room FROM evidence WHERE removed_at < before ORDER BY removed_at LIMIT step
        ) AS old JOIN rooms ON number = room
    );
    dropped int;
    forgotten int;
BEGIN
    DELETE FROM host_log WHERE number IN (
        SELECT number FROM host_log WHERE at < noted_before
        ORDER BY at LIMIT step FOR UPDATE SKIP LOCKED
    );
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    IF cardinality(names) = 0 OR forgotten = step THEN
        RETURN forgotten;
    END IF;
    PERFORM lock_rooms(names, false, true, until);
    WITH old AS (
        SELECT room, evidence.seq FROM evidence JOIN rooms ON number = room
        WHERE removed_at < before AND name = ANY (names) 
        ORDER BY removed_at LIMIT step - forgotten
    ), gone AS (
        DELETE FROM evidence USING old
        WHERE evidence.room = old.room AND evidence.seq = old.seq RETURNING evidence.room
    ), raised AS (
        UPDATE rooms SET decided = decided + 1 WHERE number IN (SELECT room FROM gone)
    )
    SELECT count(*) INTO dropped FROM gone;
    RETURN dropped + forgotten;
END $$;

-- Proves that messages can be stored: changes a row, and looks at their table.
CREATE FUNCTION probe(until double precision) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM room, seq, nonce, body, cmid, rev FROM messages LIMIT 1;
    UPDATE probes SET number = number + 1;
END $$;

-- Whether whoever is connected here keeps the history in order: one does, until its connection ends.
CREATE FUNCTION keep_in_order(until double precision) RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT pg_try_advisory_lock(1128808788, 4);
$$;
