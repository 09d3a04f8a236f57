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
    may_be_missing boolean := is_making AND wanted > 1;  -- of one alone, the lock tells for nothing
BEGIN
    LOOP
        IF may_be_missing
            AND (SELECT count(*) FROM rooms WHERE name = ANY (names)) < wanted
        THEN
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
        END IF;
        may_be_missing := true;  -- it is, or was deleted while we waited for it
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

-- Stores the messages, all or none.
--
-- heads: of each room its name, its place among them (from 1), the first and the last seq, the last
-- one's nonce and time, and perhaps a charter. batch: the messages, with their room's place.
-- verdict: 'stored', also if exactly these are stored already; 'cmid', if one's cmid is taken;
-- 'head', if they are not the next ones of a room: then its name, and the seq that it is at.
CREATE FUNCTION append(
    heads json, batch json, until double precision,
    OUT verdict text, OUT room_name text, OUT room_seq bigint
) LANGUAGE plpgsql AS $$
DECLARE
    names text[];
    numbers int[];
    broken text;
BEGIN
    verdict := 'stored';
    SELECT array_agg(name ORDER BY place) INTO names
    FROM json_to_recordset(heads) AS head (place int, name text);
    IF names IS NULL THEN
        RETURN;
    END IF;
    PERFORM lock_rooms(names, true, false, until);
    numbers := ARRAY(
        SELECT number FROM json_to_recordset(heads) AS head (place int, name text)
        JOIN rooms USING (name) ORDER BY place
    );
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

-- Stores what was said in one room, if that is as the caller knows it: nearly always. Two statements;
-- to start one takes longer than to run it.
--
-- its_house, said, until: as of say, and of its rooms. Returns the seq and the sent_at of the first
-- message; NULL if nothing was stored.
CREATE FUNCTION say_next(its_house bigint, said json, until double precision)
RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    drafts json := said -> 'drafts';
    draft json := drafts -> 0;
    count int := json_array_length(drafts);
    stored int;
    its record;
BEGIN
    IF said ->> 'charter' IS NOT NULL THEN
        RETURN NULL;
    END IF;
    -- Before the lock: whoever stores one of them meanwhile is known by the room's seq.
    IF said ->> 'has_cmids' IS NOT NULL AND EXISTS (
        SELECT FROM json_to_recordset(drafts) AS one (user_id text, cmid text)
        WHERE one.cmid <> '' AND EXISTS (
            SELECT FROM messages
            WHERE room = (SELECT number FROM rooms WHERE name = said ->> 'name')
            AND user_id = one.user_id AND cmid = one.cmid AND cmid <> ''
        )
    ) THEN
        RETURN NULL;
    END IF;
    UPDATE rooms SET
        seq = seq + count,
        nonce = drafts -> -1 ->> 'nonce',
        sent_at = greatest(sent_at, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
    WHERE name = said ->> 'name' AND first > 0
        AND seq = (said ->> 'known_seq')::bigint AND nonce = said ->> 'known_nonce'
        AND decided = (said ->> 'known_decided')::bigint
    RETURNING number, seq, sent_at INTO its;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF extract(epoch FROM clock_timestamp()) > until THEN
        RAISE EXCEPTION 'this came too late' USING ERRCODE = 'CH001';
    END IF;
    IF count = 1 THEN
        INSERT INTO messages (
            room, seq, nonce, sent_at, user_name, body, stamp, user_id, cmid, made_by
        )
        SELECT
            its.number, its.seq, draft ->> 'nonce', its.sent_at, draft ->> 'user_name',
            draft ->> 'body', draft ->> 'stamp', draft ->> 'user_id', draft ->> 'cmid',
            draft ->> 'made_by'
        WHERE its_house = coalesce((SELECT decided FROM rooms WHERE name = ''), 0);
    ELSE
        INSERT INTO messages (
            room, seq, nonce, sent_at, user_name, body, stamp, user_id, cmid, made_by
        )
        SELECT
            its.number, its.seq - count + 1 + item, nonce, its.sent_at, user_name,
            body, stamp, user_id, cmid, made_by
        FROM json_to_recordset(drafts) AS one (
            item int, nonce text, user_name text, body text, stamp text,
            user_id text, cmid text, made_by text
        )
        WHERE its_house = coalesce((SELECT decided FROM rooms WHERE name = ''), 0);
    END IF;
    GET DIAGNOSTICS stored = ROW_COUNT;
    IF stored = 0 THEN  -- something was decided for all rooms
        UPDATE rooms SET seq = seq - count, nonce = said ->> 'known_nonce' WHERE number = its.number;
        RETURN NULL;
    END IF;
    RETURN ARRAY[its.seq - count + 1, its.sent_at];
END $$;

-- Stores what was said in some rooms, behind whatever others have said there; in each room all of it,
-- or none.
--
-- its_house: the decided of '' that the caller knows. rooms_said: of each room its name; the place of
-- it in the answer; the seq, nonce and decided that the caller knows; a charter, to be stored with the
-- first message; is_exact, if nothing must have been said there meanwhile; has_cmids, unless no draft
-- has one; and the drafts, in order, of each its item (from 0), its nonce and its texts. If the answer
-- is lost, all of that comes again, perhaps while the first call still waits for a lock: so each call
-- looks for the nonces.
--
-- Answers with rows of a kind:
--   missed    messages behind the known seq, in order; not where there is an again
--   known     a message that has the user and the cmid of the item: this is not stored again
--   again     a message that is the item, stored by an attempt before
--   stored    the others: item, how many; seq and sent_at, of the first and of all
--   outdated  something else was decided meanwhile: nothing is stored
--   behind    the caller has missed too much for one answer: nothing is stored
--   fork      what the caller knows is not there: nothing is stored
CREATE FUNCTION say(its_house bigint, rooms_said json, until double precision)
RETURNS TABLE (
    kind text, place int, item int, seq bigint, nonce text, user_name text, body text, stamp text,
    sent_at bigint, user_id text, cmid text, made_by text, edited_at bigint, rev bigint, removed text
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    names text[];
    its record;
    is_done boolean;
    left_out int[];
    moment bigint;
    next bigint[];
BEGIN
    IF json_array_length(rooms_said) = 1 THEN
        next := say_next(its_house, rooms_said -> 0, until);
        IF next IS NOT NULL THEN
            kind := 'stored';
            place := 0;
            item := json_array_length(rooms_said -> 0 -> 'drafts');
            seq := next[1];
            sent_at := next[2];
            RETURN NEXT;
            RETURN;
        END IF;
        names := ARRAY[rooms_said -> 0 ->> 'name'];  -- without a statement
    ELSE
        names := ARRAY(SELECT name FROM json_to_recordset(rooms_said) AS room (name text));
    END IF;
    PERFORM lock_rooms(names, true, false, until);
    moment := (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
    FOR its IN
        SELECT
            number, first, rooms.seq, rooms.nonce, greatest(rooms.sent_at, moment) AS sent_at, decided,
            coalesce((SELECT decided FROM rooms WHERE name = ''), 0) AS house,
            room.place, known_seq, known_nonce, known_decided, is_exact, has_cmids, charter, drafts
        FROM json_to_recordset(rooms_said) AS room (
            name text, place int, known_seq bigint, known_nonce text, known_decided bigint,
            is_exact boolean, has_cmids boolean, charter text, drafts json
        ) JOIN rooms USING (name) ORDER BY room.place
    LOOP
        place := its.place;
        left_out := '{}';
        is_done := its.seq > its.known_seq AND EXISTS (
            SELECT FROM messages
            JOIN json_to_recordset(its.drafts) AS draft (nonce text) USING (nonce)
            WHERE room = its.number AND seq > its.known_seq
        );
        IF NOT is_done THEN
            IF its.seq < its.known_seq
                OR its.seq = its.known_seq AND its.nonce <> its.known_nonce
                OR its.seq > its.known_seq AND its.known_seq >= its.first AND its.known_seq > 0
                AND NOT EXISTS (
                    SELECT FROM messages
                    WHERE room = its.number AND seq = its.known_seq AND nonce = its.known_nonce
                )
            THEN
                kind := 'fork';
                RETURN NEXT;
                CONTINUE;
            END IF;
            IF its.house <> its_house OR its.decided <> its.known_decided
                OR its.is_exact AND its.seq <> its.known_seq
            THEN
                kind := 'outdated';
                RETURN NEXT;
                CONTINUE;
            END IF;
        END IF;
        IF its.seq > its.known_seq AND NOT is_done THEN
            IF its.known_seq < greatest(its.first, 1) - 1
                OR its.known_seq > 0 AND its.known_seq < its.first
                OR its.known_seq < its.seq - 500
                OR 1000000 < (
                    SELECT sum(octet_length(user_name) + octet_length(body) + octet_length(stamp))
                    FROM messages WHERE room = its.number AND seq > its.known_seq
                )
            THEN
                kind := 'behind';
                RETURN NEXT;
                CONTINUE;
            END IF;
            RETURN QUERY SELECT
                'missed', its.place, 0, seq, nonce, user_name, body, stamp, sent_at,
                user_id, cmid, made_by, edited_at, rev, removed
            FROM messages WHERE room = its.number AND seq > its.known_seq ORDER BY seq;
        END IF;
        IF its.has_cmids THEN
            RETURN QUERY SELECT
                CASE WHEN stored.nonce = draft.nonce THEN 'again' ELSE 'known' END,
                its.place, draft.item, stored.seq, stored.nonce, stored.user_name, stored.body,
                stored.stamp, stored.sent_at, stored.user_id, stored.cmid, stored.made_by,
                stored.edited_at, stored.rev, stored.removed
            FROM json_to_recordset(its.drafts) AS draft (item int, nonce text, user_id text, cmid text)
            CROSS JOIN LATERAL (
                SELECT * FROM messages
                WHERE room = its.number AND user_id = draft.user_id AND cmid = draft.cmid AND cmid <> ''
                LIMIT 1
            ) AS stored;
            IF FOUND AND NOT is_done THEN
                left_out := ARRAY(
                    SELECT draft.item
                    FROM json_to_recordset(its.drafts) AS draft (item int, user_id text, cmid text)
                    WHERE draft.cmid <> '' AND EXISTS (
                        SELECT FROM messages WHERE room = its.number
                        AND user_id = draft.user_id AND cmid = draft.cmid AND cmid <> ''
                    )
                );
            END IF;
        END IF;
        IF is_done THEN
            RETURN QUERY SELECT
                'again', its.place, draft.item, stored.seq, stored.nonce, stored.user_name,
                stored.body, stored.stamp, stored.sent_at, stored.user_id, stored.cmid,
                stored.made_by, stored.edited_at, stored.rev, stored.removed
            FROM messages AS stored
            JOIN json_to_recordset(its.drafts) AS draft (item int, nonce text) USING (nonce)
            WHERE room = its.number AND seq > its.known_seq AND cmid = '';
            CONTINUE;
        END IF;
        INSERT INTO messages (
            room, seq, nonce, sent_at, user_name, body, stamp, user_id, cmid, made_by
        )
        SELECT
            its.number, its.seq + row_number() OVER (ORDER BY item), nonce, its.sent_at,
            user_name, body, stamp, user_id, cmid, made_by
        FROM json_to_recordset(its.drafts) AS draft (
            item int, nonce text, user_name text, body text, stamp text,
            user_id text, cmid text, made_by text
        )
        WHERE item <> ALL (left_out);
        GET DIAGNOSTICS item = ROW_COUNT;
        kind := 'stored';
        seq := its.seq + 1;
        sent_at := its.sent_at;
        IF item > 0 THEN
            UPDATE rooms SET
                first = CASE WHEN first = 0 THEN its.seq + 1 ELSE first END,
                seq = its.seq + item, sent_at = its.sent_at,
                nonce = CASE WHEN left_out = '{}' THEN its.drafts -> -1 ->> 'nonce' ELSE (
                    SELECT draft.nonce
                    FROM json_to_recordset(its.drafts) AS draft (item int, nonce text)
                    WHERE draft.item <> ALL (left_out) ORDER BY draft.item DESC LIMIT 1
                ) END,
                decided = its.decided + (its.charter IS NOT NULL)::int
            WHERE number = its.number;
            IF its.charter IS NOT NULL THEN
                PERFORM keep_charter(its.number, its.charter);
            END IF;
        END IF;
        RETURN NEXT;
    END LOOP;
END $$;
