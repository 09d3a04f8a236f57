-- What is said. As everywhere: first the rooms' rows are locked, always in one order; then a new
-- statement looks, and so sees all that was committed there before; then it is written. The whole
-- is one call, and so one transaction: no lock outlives a client.
--
-- Where a batch is looked up in a table, LATERAL and LIMIT, or = ANY, make it one look in the index
-- for each row, whatever the planner believes of a table that was empty when it planned.

-- Locks the rooms' rows, so that nobody else writes there until the end of the transaction.
--
-- is_making: makes rooms that are missing. is_taking_away: also waits for searches that are about
-- to note words of theirs. until: of this server's clock: a call that was held up for longer was
-- given up, and is not carried out behind the back of whoever was told so. Returns whether all the
-- rooms are there.
CREATE FUNCTION lock_rooms(
    names text[], is_making boolean, is_taking_away boolean, until double precision
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    wanted int := cardinality(names);
    there int;
BEGIN
    LOOP
        IF is_making AND (SELECT count(*) FROM rooms WHERE name = ANY (names)) < wanted THEN
            -- One after the other, and before any other lock: or two would wait for each other.
            PERFORM pg_advisory_xact_lock(1128808788, 3);
            INSERT INTO rooms (name)
            SELECT missing FROM unnest(names) AS missing
            WHERE NOT EXISTS (SELECT FROM rooms WHERE name = missing)
            ORDER BY missing COLLATE "C";
        END IF;
        IF is_taking_away THEN
            PERFORM FROM rooms WHERE name = ANY (names) ORDER BY name FOR UPDATE;
        ELSE
            PERFORM FROM rooms WHERE name = ANY (names) ORDER BY name FOR NO KEY UPDATE;
        END IF;
        GET DIAGNOSTICS there = ROW_COUNT;
        IF extract(epoch FROM clock_timestamp()) > until THEN
            RAISE EXCEPTION 'this came too late' USING ERRCODE = 'CH001';
        END IF;
        IF there = wanted OR NOT is_making THEN
            RETURN there = wanted;
        END IF;  -- else one was deleted while we waited for it
    END LOOP;
END $$;

CREATE FUNCTION keep_charter(its_room int, its_charter text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF its_charter = '' THEN
        DELETE FROM charters WHERE room = its_room;
    ELSE
        INSERT INTO charters VALUES (its_room, its_charter)
        ON CONFLICT (room) DO UPDATE SET charter = excluded.charter;
    END IF;
END $$;

CREATE FUNCTION insert_messages(numbers int[], batch json)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO messages (
        room, seq, nonce, sent_at, edited_at,
        user_name, body, stamp, user_id, cmid, made_by
    )
    SELECT
        numbers[place], seq, nonce, sent_at, coalesce(edited_at, 0),
        user_name, body, stamp, coalesce(user_id, ''), coalesce(cmid, ''), coalesce(made_by, '')
    FROM json_to_recordset(batch) AS said (
        place int, seq bigint, nonce text, sent_at bigint, edited_at bigint,
        user_name text, body text, stamp text, user_id text, cmid text, made_by text
    );
END $$;

-- Takes back messages of the locked room that count as not stored: all from a seq on.
CREATE FUNCTION withdraw(its_room int, from_seq bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM messages WHERE room = its_room AND seq >= from_seq;
    DELETE FROM found WHERE room = its_room AND seq >= from_seq;
    UPDATE searched SET seq = least(seq, from_seq - 1) WHERE room = its_room;
    UPDATE rooms SET seq = from_seq - 1 WHERE number = its_room;
END $$;

-- Stores the messages, all or none.
--
-- heads: of each room its name, its place among them (from 1), the first and the last seq, the last
-- one's nonce and time, and perhaps a charter, and doubts: the nonces of last messages of which the
-- caller was never told that they were stored; if one was, that batch is withdrawn, since it counts as
-- not stored. batch: the messages, with their room's place.
-- verdict: 'stored', also if exactly these are stored already; 'cmid', if one's cmid is taken;
-- 'head', if they are not the next ones of a room: then its name, and the seq that it is at.
CREATE FUNCTION append(
    heads json, batch json, until double precision,
    OUT verdict text, OUT room_name text, OUT room_seq bigint
) LANGUAGE plpgsql AS $$
DECLARE
    names text[];
    numbers int[];
    has_doubts boolean;
    broken text;
BEGIN
    verdict := 'stored';
    SELECT array_agg(name ORDER BY place), bool_or(doubts IS NOT NULL) INTO names, has_doubts
    FROM json_to_recordset(heads) AS head (place int, name text, doubts text[]);
    IF names IS NULL THEN
        RETURN;
    END IF;
    PERFORM lock_rooms(names, true, has_doubts, until);
    numbers := ARRAY(
        SELECT number FROM json_to_recordset(heads) AS head (place int, name text)
        JOIN rooms USING (name) ORDER BY place
    );
    IF has_doubts THEN
        PERFORM withdraw(number, head.first)
        FROM json_to_recordset(heads) AS head (name text, first bigint, doubts text[])
        JOIN rooms USING (name)
        WHERE head.first <= rooms.seq AND nonce = ANY (doubts);
    END IF;
    SELECT name, seq INTO room_name, room_seq
    FROM json_to_recordset(heads) AS head (place int, name text, first bigint)
    JOIN rooms USING (name) WHERE rooms.seq + 1 <> head.first ORDER BY place LIMIT 1;
    IF FOUND THEN
        IF json_array_length(batch) > (
            SELECT count(*) FROM json_to_recordset(batch) AS said (place int, seq bigint, nonce text)
            CROSS JOIN LATERAL (
                SELECT messages.nonce AS its_nonce FROM messages
                WHERE room = numbers[place] AND messages.seq = said.seq LIMIT 1
            ) AS stored
            WHERE its_nonce = said.nonce
        ) THEN
            verdict := 'head';
        END IF;
        RETURN;
    END IF;
    BEGIN
        PERFORM insert_messages(numbers, batch);
    EXCEPTION WHEN unique_violation THEN
        GET STACKED DIAGNOSTICS broken = CONSTRAINT_NAME;
        IF broken <> 'cmids' THEN
            RAISE;
        END IF;
        verdict := 'cmid';
        RETURN;
    END;
    UPDATE rooms SET
        first = CASE WHEN rooms.first = 0 THEN head.first ELSE rooms.first END,
        seq = head.last, nonce = head.nonce, sent_at = head.sent_at,
        decided = rooms.decided + (head.charter IS NOT NULL)::int
    FROM json_to_recordset(heads) AS head (
        place int, first bigint, last bigint, nonce text, sent_at bigint, charter text
    )
    WHERE number = numbers[head.place];
    PERFORM keep_charter(numbers[place], charter)
    FROM json_to_recordset(heads) AS head (place int, charter text) WHERE charter IS NOT NULL;
END $$;
