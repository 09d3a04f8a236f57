-- What people and hosts do to messages and rooms. An act has an id of its own: if it comes again,
-- since its answer was lost, it is done already.
--
-- Whoever has decided it says by known what it knew: of each room, its decided. Where it is another
-- one, what was decided may be wrong: the verdict is 'outdated', and nothing is done. Without known,
-- it is done whatever others have decided. Where it is done, known says what it is by then.

-- Notes an act in the room's log, with what the log is to keep: everywhere, since a time; of the
-- room, so many that are frequent, and as many others.
CREATE FUNCTION note(its_room int, entry json)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    its record;
BEGIN
    IF json_typeof(entry) IS DISTINCT FROM 'object' THEN
        RETURN;
    END IF;
    SELECT * INTO its FROM json_to_record(entry) AS entry_fields (
        at bigint, act text, by_id text, by_name text, whom_id text, whom_name text, what text,
        keep_since bigint, most int, frequent text[]
    );
    DELETE FROM host_log WHERE number IN (
        SELECT number FROM host_log WHERE at < its.keep_since
        ORDER BY at LIMIT 100 FOR UPDATE SKIP LOCKED
    );
    INSERT INTO host_log (room, at, act, by_id, by_name, whom_id, whom_name, what)
    VALUES (
        its_room, its.at, its.act, its.by_id, its.by_name, its.whom_id, its.whom_name, its.what
    );
    DELETE FROM host_log WHERE number IN (
        SELECT number FROM host_log WHERE room = its_room
        AND (act = ANY (its.frequent)) = (its.act = ANY (its.frequent))
        ORDER BY at DESC, number DESC OFFSET its.most
    );
END $$;

-- How often something was decided in the whole server, and in a room.
CREATE FUNCTION decided_in(its_name text) RETURNS bigint[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY[
        coalesce((SELECT decided FROM rooms WHERE name = ''), 0),
        coalesce((SELECT decided FROM rooms WHERE name = its_name), 0)
    ];
$$;

-- The number of a room's last entry in the host log.
CREATE FUNCTION logged_in(its_name text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(max(number), 0) FROM (
        SELECT number FROM host_log
        WHERE room = (SELECT number FROM rooms WHERE name = its_name) OFFSET 0
    ) AS its_log;
$$;

-- What known is by now: of the whole server, and of the room, its decided, and the last entry's number.
CREATE FUNCTION known_of(its_name text) RETURNS bigint[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY[decided[1], logged_in(''), decided[2], logged_in(its_name)]
    FROM decided_in(its_name) AS decided;
$$;

-- Gives messages their next states, and does what else belongs to the act, all or nothing.
--
-- its_charter, its_house: what the room and the whole server have decided; NULL: as before.
-- changes: of each message its seq and nonce, its new state with the room's next revs, and, with a
-- removed_at, what it was. erased: the seqs of evidence to drop. refused: the ids of what waits no
-- longer. known: of '' and of the room.
-- verdict: 'done'; 'rev', if the room is at another rev; 'gone', if a message is not stored; 'held',
-- if something does not wait; 'outdated'.
CREATE FUNCTION enact(
    its_act text, its_name text, its_charter text, its_house text,
    changes json, erased json, refused text[], entry json, INOUT known bigint[],
    until double precision, OUT verdict text
) LANGUAGE plpgsql AS $$
DECLARE
    its rooms;
    names text[] := ARRAY[its_name];
    count int := json_array_length(changes);
    seqs bigint[] := ARRAY(
        SELECT seq FROM json_to_recordset(changes) AS change (seq bigint)
    );
    dropped int := 0;
    touched int;
BEGIN
    IF its_house IS NOT NULL AND its_name <> '' THEN
        names := ARRAY['', its_name];
    END IF;
    IF NOT lock_rooms(names, its_charter IS NOT NULL, true, until) THEN
        verdict := 'gone';
        RETURN;
    END IF;
    SELECT * INTO its FROM rooms WHERE name = its_name;
    verdict := 'done';
    IF its.act = its_act THEN
        known := known_of(its_name);
        RETURN;
    END IF;
    IF known <> decided_in(its_name) THEN
        verdict := 'outdated';
        RETURN;
    END IF;
    IF cardinality(refused) > (
        SELECT count(*) FROM held WHERE room = its.number AND id = ANY (refused)
    ) THEN
        verdict := 'held';
        RETURN;
    END IF;
    IF count > 0 THEN
        SELECT min(rev) INTO touched FROM json_to_recordset(changes) AS change (rev bigint);
        IF touched <> its.rev + 1 THEN
            verdict := 'rev';
            RETURN;
        END IF;
        IF count > (
            SELECT count(*) FROM json_to_recordset(changes) AS change (seq bigint, nonce text)
            CROSS JOIN LATERAL (
                SELECT messages.nonce AS its_nonce FROM messages
                WHERE room = its.number AND messages.seq = change.seq LIMIT 1
            ) AS stored
            WHERE its_nonce = change.nonce
        ) THEN
            verdict := 'gone';
            RETURN;
        END IF;
        UPDATE messages SET
            user_name = change.user_name, body = change.body, stamp = change.stamp,
            edited_at = change.edited_at, rev = change.rev, removed = change.removed
        FROM json_to_recordset(changes) AS change (
            seq bigint, user_name text, body text, stamp text,
            edited_at bigint, rev bigint, removed text
        )
        WHERE messages.room = its.number AND messages.seq = ANY (seqs)
            AND messages.seq = change.seq;
        DELETE FROM found WHERE room = its.number AND seq = ANY (seqs);
        DELETE FROM evidence WHERE room = its.number AND seq = ANY (seqs);
        GET DIAGNOSTICS dropped = ROW_COUNT;
        INSERT INTO evidence (room, seq, edited_at, removed_at, user_name, body, stamp)
        SELECT its.number, seq, was_edited_at, removed_at, was_user_name, was_body, was_stamp
        FROM json_to_recordset(changes) AS change (
            seq bigint, was_edited_at bigint, removed_at bigint,
            was_user_name text, was_body text, was_stamp text
        )
        WHERE removed_at IS NOT NULL;
        GET DIAGNOSTICS touched = ROW_COUNT;
        dropped := dropped + touched;
    END IF;
    DELETE FROM evidence WHERE room = its.number AND seq = ANY (
        ARRAY(SELECT value::bigint FROM json_array_elements_text(erased))
    );
    GET DIAGNOSTICS touched = ROW_COUNT;
    dropped := dropped + touched;
    DELETE FROM held WHERE room = its.number AND id = ANY (refused);
    GET DIAGNOSTICS touched = ROW_COUNT;
    dropped := dropped + touched;
    IF its_charter IS NOT NULL THEN
        PERFORM keep_charter(its.number, its_charter);
    END IF;
    IF its_house IS NOT NULL AND its_name <> '' THEN
        PERFORM keep_charter(number, its_house) FROM rooms WHERE name = '';
        UPDATE rooms SET decided = decided + 1 WHERE name = '';
    END IF;
    PERFORM note(its.number, entry);
    UPDATE rooms SET
        rev = its.rev + count, act = its_act,
        decided = its.decided + (its_charter IS NOT NULL OR dropped > 0)::int
    WHERE number = its.number;
    known := known_of(its_name);
END $$;

-- Keeps what waits for approval. verdict: 'done', also if exactly this waits already; 'cmid', if
-- something else does with its cmid; 'outdated', also if such a message is stored.
CREATE FUNCTION hold(
    its_name text, waiting json, INOUT known bigint[], until double precision, OUT verdict text
) LANGUAGE plpgsql AS $$
DECLARE
    its_room int;
    its record;
BEGIN
    PERFORM lock_rooms(ARRAY[its_name], true, false, until);
    SELECT number INTO its_room FROM rooms WHERE name = its_name;
    SELECT * INTO its FROM json_to_record(waiting) AS waits (
        id text, held_at bigint, user_name text, body text, stamp text, user_id text, cmid text
    );
    verdict := 'done';
    IF EXISTS (SELECT FROM held WHERE room = its_room AND id = its.id) THEN
        known := known_of(its_name);
        RETURN;
    END IF;
    IF known <> decided_in(its_name) OR known IS NOT NULL AND EXISTS (
        SELECT FROM messages
        WHERE room = its_room AND user_id = its.user_id AND cmid = its.cmid AND cmid <> ''
    ) THEN
        verdict := 'outdated';
        RETURN;
    END IF;
    IF its.cmid <> '' AND EXISTS (
        SELECT FROM held
        WHERE room = its_room AND user_id = its.user_id AND cmid = its.cmid AND cmid <> ''
    ) THEN
        verdict := 'cmid';
        RETURN;
    END IF;
    INSERT INTO held (room, id, held_at, user_name, body, stamp, user_id, cmid)
    VALUES (
        its_room, its.id, its.held_at, its.user_name, its.body, its.stamp, its.user_id, its.cmid
    );
    UPDATE rooms SET decided = decided + 1 WHERE number = its_room;
    known := known_of(its_name);
END $$;

-- Ends the waiting of one: it becomes the message in the batch, or nothing if that is empty.
--
-- verdict: 'done'; 'held', if it does not wait; 'head', if the message is not the room's next one;
-- 'cmid', if its cmid is taken; 'outdated'.
CREATE FUNCTION settle(
    its_act text, its_name text, its_id text, batch json, entry json, INOUT known bigint[],
    until double precision, OUT verdict text, OUT room_seq bigint
) LANGUAGE plpgsql AS $$
DECLARE
    its rooms;
    said record;
BEGIN
    verdict := 'held';
    IF NOT lock_rooms(ARRAY[its_name], false, true, until) THEN
        RETURN;
    END IF;
    SELECT * INTO its FROM rooms WHERE name = its_name;
    room_seq := its.seq;
    IF its.act = its_act THEN
        verdict := 'done';
        known := known_of(its_name);
        RETURN;
    END IF;
    IF known <> decided_in(its_name) THEN
        verdict := 'outdated';
        RETURN;
    END IF;
    IF NOT EXISTS (SELECT FROM held WHERE room = its.number AND id = its_id) THEN
        RETURN;
    END IF;
    SELECT * INTO said FROM json_to_recordset(batch) AS said_fields (
        seq bigint, nonce text, sent_at bigint, user_id text, cmid text
    );
    IF FOUND THEN
        IF said.seq <> its.seq + 1 THEN
            verdict := 'head';
            RETURN;
        END IF;
        IF said.cmid <> '' AND EXISTS (
            SELECT FROM messages WHERE room = its.number
            AND user_id = coalesce(said.user_id, '') AND cmid = said.cmid AND cmid <> ''
        ) THEN
            verdict := 'cmid';
            RETURN;
        END IF;
        PERFORM insert_messages(ARRAY[its.number], batch);
        UPDATE rooms SET
            first = CASE WHEN first = 0 THEN said.seq ELSE first END,
            seq = said.seq, nonce = said.nonce, sent_at = said.sent_at
        WHERE number = its.number;
    END IF;
    DELETE FROM held WHERE room = its.number AND id = its_id;
    PERFORM note(its.number, entry);
    UPDATE rooms SET decided = decided + 1, act = its_act WHERE number = its.number;
    verdict := 'done';
    known := known_of(its_name);
END $$;
