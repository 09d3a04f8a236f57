-- Schema 3: pictures and files. A message may carry one: file is what StoredFile.to_json says of it, or
-- ''. Machines that know schema 2 alone go on meanwhile: they say nothing with a file, and show none.
-- But whatever they remove, restore, approve or refuse takes its file along: that is decided here, by
-- what is stored, and not by what they say.

-- One row for each file, from its first byte on. A message's file names its room's number, its seq and
-- its nonce; what waits for approval, the id of that. Which files nothing has any more is never noted:
-- whoever wants to know looks at what there is.
CREATE TABLE files (
    id text COLLATE "C" PRIMARY KEY,
    room text COLLATE "C" NOT NULL,          -- its name: it may have nothing else yet
    name text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    size bigint NOT NULL,                    -- until it is whole, what is kept free for it
    width int NOT NULL,
    height int NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    uploaded_at bigint NOT NULL,
    is_whole boolean NOT NULL DEFAULT false,
    act text COLLATE "C" NOT NULL DEFAULT '', -- the id of what made it whole, if that comes again
    held text COLLATE "C" NOT NULL DEFAULT '',
    number int NOT NULL DEFAULT 0,
    seq bigint NOT NULL DEFAULT 0,
    nonce text COLLATE "C" NOT NULL DEFAULT ''
);

ALTER TABLE messages ADD COLUMN file text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE evidence ADD COLUMN file text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE held ADD COLUMN file text COLLATE "C" NOT NULL DEFAULT '';

ALTER TABLE messages ALTER file SET STATISTICS 0;
ALTER TABLE evidence ALTER file SET STATISTICS 0;
ALTER TABLE held ALTER file SET STATISTICS 0;
ALTER TABLE files ALTER name SET STATISTICS 0;

-- Notes that a file is coming, unless all files together would then take more than most bytes. What
-- is noted already stays as it is. One at a time: or two would both find room for one.
CREATE FUNCTION add_file(coming json, most bigint, until double precision)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1128808788, 5);
    IF extract(epoch FROM clock_timestamp()) > until THEN
        RAISE EXCEPTION 'this came too late' USING ERRCODE = 'CH001';
    END IF;
    INSERT INTO files (id, room, name, type, size, width, height, user_id, uploaded_at)
    SELECT id, room, name, type, size, width, height, user_id, uploaded_at
    FROM json_populate_record(NULL::files, coming) AS file
    WHERE size + (SELECT coalesce(sum(size), 0) FROM files) <= most
    ON CONFLICT (id) DO NOTHING;
    RETURN EXISTS (SELECT FROM files WHERE id = coming ->> 'id');
END $$;

-- Notes that a file is whole; whether it was coming. its_act: if this comes again.
CREATE FUNCTION complete_file(its_act text, whole json, until double precision)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    its files := json_populate_record(NULL::files, whole);
BEGIN
    IF extract(epoch FROM clock_timestamp()) > until THEN
        RAISE EXCEPTION 'this came too late' USING ERRCODE = 'CH001';
    END IF;
    UPDATE files SET
        type = its.type, size = its.size, uploaded_at = its.uploaded_at, is_whole = true,
        act = its_act
    WHERE id = its.id AND uploaded_at <> 0 AND (NOT is_whole OR act = its_act);
    RETURN FOUND;
END $$;

-- Forgets files; how many bytes they had.
CREATE FUNCTION drop_files(ids text[], until double precision)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    dropped bigint;
BEGIN
    WITH gone AS (DELETE FROM files WHERE id = ANY (ids) RETURNING size)
    SELECT coalesce(sum(size), 0) INTO dropped FROM gone;
    RETURN dropped;
END $$;

-- Notes the mark of the folder of files, unless there is one, or this is ''; which it is then.
CREATE FUNCTION mark_files(mark text, until double precision) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF mark <> '' AND extract(epoch FROM clock_timestamp()) < until THEN
        INSERT INTO secrets VALUES ('files', convert_to(mark, 'UTF8')) ON CONFLICT DO NOTHING;
    END IF;
    RETURN coalesce((SELECT convert_from(value, 'UTF8') FROM secrets WHERE name = 'files'), '');
END $$;

-- As append, for messages of which some carry a file: each has its own from then on.
--
-- known: of '' and of the room, if there is one alone; NULL: whatever was decided. verdict: as of
-- append; 'outdated'; 'file', if a message cannot have its file. Nothing is stored then.
CREATE FUNCTION bring(
    heads json, batch json, known bigint[], until double precision,
    OUT verdict text, OUT room_name text, OUT room_seq bigint
) LANGUAGE plpgsql AS $$
DECLARE
    names text[] := ARRAY(SELECT name FROM json_to_recordset(heads) AS head (name text));
    is_again boolean;
    wanted int;
    free int;
BEGIN
    PERFORM lock_rooms(names, true, false, until);
    is_again := EXISTS (
        SELECT FROM json_to_recordset(heads) AS head (name text, last bigint, nonce text)
        JOIN rooms USING (name)
        WHERE EXISTS (
            SELECT FROM messages
            WHERE room = number AND messages.seq = head.last AND messages.nonce = head.nonce
        )
    );
    IF NOT is_again AND known <> decided_in(names[1]) THEN
        verdict := 'outdated';
        RETURN;
    END IF;
    IF NOT is_again THEN
        SELECT count(*) INTO wanted FROM json_to_recordset(batch) AS said (file text)
        WHERE said.file <> '';
        SELECT count(DISTINCT id) INTO free FROM (
            SELECT id FROM files
            JOIN json_to_recordset(batch) AS said (file text, user_id text, place int)
                ON files.id = said.file::json ->> 'id' AND files.user_id = said.user_id
            JOIN json_to_recordset(heads) AS head (place int, name text)
                ON head.place = said.place AND head.name = files.room
            WHERE is_whole AND files.seq = 0
            FOR UPDATE OF files
        ) AS found;
        IF free < wanted THEN
            verdict := 'file';
            RETURN;
        END IF;
    END IF;
    SELECT * INTO verdict, room_name, room_seq FROM append(heads, batch, until);
    IF verdict = 'stored' AND NOT is_again THEN
        UPDATE files SET held = '', number = rooms.number, seq = said.seq, nonce = said.nonce
        FROM json_to_recordset(batch) AS said (file text, seq bigint, nonce text), rooms
        WHERE said.file <> '' AND files.id = said.file::json ->> 'id' AND rooms.name = files.room;
    END IF;
END $$;

-- As in answering.sql, but for file.
CREATE OR REPLACE FUNCTION insert_messages(numbers int[], batch json)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO messages (
        room, seq, nonce, sent_at, edited_at,
        user_name, body, stamp, user_id, cmid, made_by, reply_to, file
    )
    SELECT
        numbers[place], seq, nonce, sent_at, coalesce(edited_at, 0),
        user_name, body, stamp, coalesce(user_id, ''), coalesce(cmid, ''), coalesce(made_by, ''),
        coalesce(reply_to, ''), coalesce(file, '')
    FROM json_to_recordset(batch) AS said (
        place int, seq bigint, nonce text, sent_at bigint, edited_at bigint,
        user_name text, body text, stamp text, user_id text, cmid text, made_by text, reply_to text,
        file text
    );
END $$;

-- As speak was, which does the same for those who cannot read a file in the answer. Whatever is said
-- here carries none: see bring.
CREATE FUNCTION relate(its_house bigint, rooms_said json, until double precision)
RETURNS TABLE (
    kind text, place int, item int, seq bigint, nonce text, user_name text, body text, stamp text,
    sent_at bigint, user_id text, cmid text, made_by text, reply_to text, edited_at bigint, rev bigint,
    removed text, file text
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
                user_id, cmid, made_by, reply_to, edited_at, rev, removed, file
            FROM messages WHERE room = its.number AND seq > its.known_seq ORDER BY seq;
        END IF;
        IF its.has_cmids THEN
            RETURN QUERY SELECT
                CASE WHEN stored.nonce = draft.nonce THEN 'again' ELSE 'known' END,
                its.place, draft.item, stored.seq, stored.nonce, stored.user_name, stored.body,
                stored.stamp, stored.sent_at, stored.user_id, stored.cmid, stored.made_by,
                stored.reply_to, stored.edited_at, stored.rev, stored.removed,
                stored.file
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
                stored.made_by, stored.reply_to, stored.edited_at, stored.rev, stored.removed,
                stored.file
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

CREATE OR REPLACE FUNCTION speak(its_house bigint, rooms_said json, until double precision)
RETURNS TABLE (
    kind text, place int, item int, seq bigint, nonce text, user_name text, body text, stamp text,
    sent_at bigint, user_id text, cmid text, made_by text, reply_to text, edited_at bigint, rev bigint,
    removed text
) LANGUAGE sql AS $$
    SELECT
        kind, place, item, seq, nonce, user_name, body, stamp,
        sent_at, user_id, cmid, made_by, reply_to, edited_at, rev, removed
    FROM relate(its_house, rooms_said, until);
$$;

-- As in answering.sql, but for file. verdict: also 'file', if this cannot have its file.
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
        reply_to text, file text
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
    IF its.file <> '' THEN
        UPDATE files SET held = its.id
        WHERE id = its.file::json ->> 'id' AND room = its_name AND user_id = its.user_id
            AND is_whole AND seq = 0 AND held = '';
        IF NOT FOUND THEN
            verdict := 'file';
            known := NULL;
            RETURN;
        END IF;
    END IF;
    INSERT INTO held (room, id, held_at, user_name, body, stamp, user_id, cmid, reply_to, file)
    VALUES (
        its_room, its.id, its.held_at, its.user_name, its.body, its.stamp, its.user_id, its.cmid,
        coalesce(its.reply_to, ''), coalesce(its.file, '')
    );
    UPDATE rooms SET decided = decided + 1 WHERE number = its_room;
    known := known_of(its_name);
END $$;

-- As in acting.sql; but what becomes a message takes its file along.
CREATE OR REPLACE FUNCTION settle(
    its_act text, its_name text, its_id text, batch json, entry json, INOUT known bigint[],
    until double precision, OUT verdict text, OUT room_seq bigint
) LANGUAGE plpgsql AS $$
DECLARE
    its rooms;
    said record;
    its_file text;
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
    SELECT file INTO its_file FROM held WHERE room = its.number AND id = its_id;
    IF NOT FOUND THEN
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
        IF its_file <> '' THEN
            UPDATE messages SET file = its_file WHERE room = its.number AND seq = said.seq;
            UPDATE files SET held = '', number = its.number, seq = said.seq, nonce = said.nonce
            WHERE id = its_file::json ->> 'id' AND held = its_id;
        END IF;
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

-- Likewise: what is removed has no file, evidence of it keeps that, and what is restored has it again.
CREATE OR REPLACE FUNCTION enact(
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
    their_files json;
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
        SELECT json_object_agg(messages.seq, messages.file) INTO their_files FROM messages
        WHERE room = its.number AND messages.seq = ANY (seqs) AND file <> '';
        UPDATE messages SET
            user_name = change.user_name, body = change.body, stamp = change.stamp,
            edited_at = change.edited_at, rev = change.rev, removed = change.removed,
            file = CASE
                WHEN change.removed <> '' THEN ''
                WHEN file <> '' THEN file
                ELSE coalesce((
                    SELECT was.file FROM evidence AS was
                    WHERE was.room = its.number AND was.seq = change.seq
                ), '') END
        FROM json_to_recordset(changes) AS change (
            seq bigint, user_name text, body text, stamp text,
            edited_at bigint, rev bigint, removed text
        )
        WHERE messages.room = its.number AND messages.seq = ANY (seqs)
            AND messages.seq = change.seq;
        DELETE FROM found WHERE room = its.number AND seq = ANY (seqs);
        DELETE FROM evidence WHERE room = its.number AND seq = ANY (seqs);
        GET DIAGNOSTICS dropped = ROW_COUNT;
        INSERT INTO evidence (room, seq, edited_at, removed_at, user_name, body, stamp, file)
        SELECT its.number, seq, was_edited_at, removed_at, was_user_name, was_body, was_stamp,
            coalesce(their_files ->> seq::text, '')
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
