-- Schema 5: what becomes of the reactions to what is removed, and comes back.

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
