-- Schema 2: what is said may answer another message: reply_to is that one's id, or ''. Nothing else
-- changes, and machines that know schema 1 alone go on meanwhile: what they call is here, and takes
-- what they say for no answer.

ALTER TABLE messages ADD COLUMN reply_to text COLLATE "C" NOT NULL DEFAULT '';

ALTER TABLE held ADD COLUMN reply_to text COLLATE "C" NOT NULL DEFAULT '';

ALTER TABLE messages ALTER reply_to SET STATISTICS 0;
ALTER TABLE held ALTER reply_to SET STATISTICS 0;

-- As in saying.sql, and so are all others here, but for reply_to.
CREATE OR REPLACE FUNCTION insert_messages(numbers int[], batch json)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO messages (
        room, seq, nonce, sent_at, edited_at,
        user_name, body, stamp, user_id, cmid, made_by, reply_to
    )
    SELECT
        numbers[place], seq, nonce, sent_at, coalesce(edited_at, 0),
        user_name, body, stamp, coalesce(user_id, ''), coalesce(cmid, ''), coalesce(made_by, ''),
        coalesce(reply_to, '')
    FROM json_to_recordset(batch) AS said (
        place int, seq bigint, nonce text, sent_at bigint, edited_at bigint,
        user_name text, body text, stamp text, user_id text, cmid text, made_by text, reply_to text
    );
END $$;

CREATE OR REPLACE FUNCTION say_next(its_house bigint, said json, until double precision)
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
            room, seq, nonce, sent_at, user_name, body, stamp, user_id, cmid, made_by, reply_to
        )
        SELECT
            its.number, its.seq, draft ->> 'nonce', its.sent_at, draft ->> 'user_name',
            draft ->> 'body', draft ->> 'stamp', draft ->> 'user_id', draft ->> 'cmid',
            draft ->> 'made_by', coalesce(draft ->> 'reply_to', '')
        WHERE its_house = coalesce((SELECT decided FROM rooms WHERE name = ''), 0);
    ELSE
        INSERT INTO messages (
            room, seq, nonce, sent_at, user_name, body, stamp, user_id, cmid, made_by, reply_to
        )
        SELECT
            its.number, its.seq - count + 1 + item, nonce, its.sent_at, user_name,
            body, stamp, user_id, cmid, made_by, coalesce(reply_to, '')
        FROM json_to_recordset(drafts) AS one (
            item int, nonce text, user_name text, body text, stamp text,
            user_id text, cmid text, made_by text, reply_to text
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

-- As say was, which does the same for those who cannot read a reply_to in the answer.
CREATE FUNCTION speak(its_house bigint, rooms_said json, until double precision)
RETURNS TABLE (
    kind text, place int, item int, seq bigint, nonce text, user_name text, body text, stamp text,
    sent_at bigint, user_id text, cmid text, made_by text, reply_to text, edited_at bigint, rev bigint,
    removed text
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
                user_id, cmid, made_by, reply_to, edited_at, rev, removed
            FROM messages WHERE room = its.number AND seq > its.known_seq ORDER BY seq;
        END IF;
        IF its.has_cmids THEN
            RETURN QUERY SELECT
                CASE WHEN stored.nonce = draft.nonce THEN 'again' ELSE 'known' END,
                its.place, draft.item, stored.seq, stored.nonce, stored.user_name, stored.body,
                stored.stamp, stored.sent_at, stored.user_id, stored.cmid, stored.made_by,
                stored.reply_to, stored.edited_at, stored.rev, stored.removed
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
                stored.made_by, stored.reply_to, stored.edited_at, stored.rev, stored.removed
            FROM messages AS stored
            JOIN json_to_recordset(its.drafts) AS draft (item int, nonce text) USING (nonce)
            WHERE room = its.number AND seq > its.known_seq AND cmid = '';
            CONTINUE;
        END IF;
        INSERT INTO messages (
            room, seq, nonce, sent_at, user_name, body, stamp, user_id, cmid, made_by, reply_to
        )
        SELECT
            its.number, its.seq + row_number() OVER (ORDER BY item), nonce, its.sent_at,
            user_name, body, stamp, user_id, cmid, made_by, coalesce(reply_to, '')
        FROM json_to_recordset(its.drafts) AS draft (
            item int, nonce text, user_name text, body text, stamp text,
            user_id text, cmid text, made_by text, reply_to text
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

CREATE OR REPLACE FUNCTION say(its_house bigint, rooms_said json, until double precision)
RETURNS TABLE (
    kind text, place int, item int, seq bigint, nonce text, user_name text, body text, stamp text,
    sent_at bigint, user_id text, cmid text, made_by text, edited_at bigint, rev bigint, removed text
) LANGUAGE sql AS $$
    SELECT
        kind, place, item, seq, nonce, user_name, body, stamp,
        sent_at, user_id, cmid, made_by, edited_at, rev, removed
    FROM speak(its_house, rooms_said, until);
$$;

CREATE OR REPLACE FUNCTION hold(
    its_name text, waiting json, INOUT known bigint[], until double precision, OUT verdict text
) LANGUAGE plpgsql AS $$
DECLARE
    its_room int;
    its record;
BEGIN
    PERFORM lock_rooms(ARRAY[its_name], true, false, until);
    SELECT number INTO its_room FROM rooms WHERE name = its_name;
    SELECT * INTO its FROM json_to_record(waiting) AS waits (
        id text, held_at bigint, user_name text, body text, stamp text, user_id text, cmid text,
        reply_to text
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
    INSERT INTO held (room, id, held_at, user_name, body, stamp, user_id, cmid, reply_to)
    VALUES (
        its_room, its.id, its.held_at, its.user_name, its.body, its.stamp, its.user_id, its.cmid,
        coalesce(its.reply_to, '')
    );
    UPDATE rooms SET decided = decided + 1 WHERE number = its_room;
    known := known_of(its_name);
END $$;
