-- Schema 5: what becomes of the reactions to what is removed, and comes back; and nothing stays of the
-- id of somebody who is erased. Machines of schema 4 go on meanwhile: where one erases, it stays.

-- Whatever removes a message takes its reactions along. That it had any is kept, with a new mark: if it
-- is restored, whoever has known of them hears that they are gone. Nothing fires where a message is
-- added.
CREATE OR REPLACE FUNCTION drop_reactions() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    its_mark bigint;
BEGIN
    DELETE FROM reactions WHERE room = new.room AND seq = new.seq;
    IF EXISTS (SELECT FROM reacted WHERE room = new.room AND seq = new.seq) THEN
        UPDATE rooms SET mark = next_mark(mark) WHERE number = new.room RETURNING mark INTO its_mark;
        UPDATE reacted SET mark = its_mark WHERE room = new.room AND seq = new.seq;
    END IF;
    RETURN NULL;
END $$;

-- The same as the function without disowned. That has the seqs of removed messages that are nobody's
-- from now on.
CREATE FUNCTION enact(
    its_act text, its_name text, its_charter text, its_house text,
    changes json, erased json, disowned json, refused text[], entry json, INOUT known bigint[],
    until double precision, OUT verdict text
) LANGUAGE plpgsql AS $$
BEGIN
    SELECT done.known, done.verdict INTO known, verdict FROM enact(
        its_act, its_name, its_charter, its_house, changes, erased, refused, entry, known, until
    ) AS done;
    IF verdict = 'done' AND json_array_length(disowned) > 0 THEN
        UPDATE messages SET user_id = '', cmid = ''
        WHERE room = (SELECT number FROM rooms WHERE name = its_name) AND removed <> ''
            AND seq = ANY (ARRAY(SELECT value::bigint FROM json_array_elements_text(disowned)));
    END IF;
END $$;

-- Somebody is gone from a room's host log: a stranger, of no name, has done what they did there. Like
-- the others, it begins only as long as there is time.
CREATE FUNCTION forget_in_log(
    its_name text, whose text, stranger text, until double precision
) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    forgotten int;
BEGIN
    UPDATE host_log SET
        by_id = CASE WHEN by_id = whose THEN stranger ELSE by_id END,
        by_name = CASE WHEN by_id = whose THEN '' ELSE by_name END,
        whom_id = CASE WHEN whom_id = whose THEN stranger ELSE whom_id END,
        whom_name = CASE WHEN whom_id = whose THEN '' ELSE whom_name END
    WHERE room = (SELECT number FROM rooms WHERE name = its_name) AND whose IN (by_id, whom_id)
        AND extract(epoch FROM clock_timestamp()) < until;
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    RETURN forgotten;
END $$;
