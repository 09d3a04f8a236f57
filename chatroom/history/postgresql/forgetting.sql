-- Schema 6: whoever asks for somebody to be forgotten is told if that came too late, as of everything
-- else that is written. Before, nothing was done then, and that counted as done.

-- As in removing.sql. It waits for the room, so that whatever is noted there comes before it or after.
-- Nor do they stay the one who has made the room, which is known as long as anybody is there.
CREATE OR REPLACE FUNCTION forget_in_log(
    its_name text, whose text, stranger text, until double precision
) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    forgotten int;
BEGIN
    IF NOT lock_rooms(ARRAY[its_name], false, false, until) THEN
        RETURN 0;
    END IF;
    UPDATE host_log SET
        by_id = CASE WHEN by_id = whose THEN stranger ELSE by_id END,
        by_name = CASE WHEN by_id = whose THEN '' ELSE by_name END,
        whom_id = CASE WHEN whom_id = whose THEN stranger ELSE whom_id END,
        whom_name = CASE WHEN whom_id = whose THEN '' ELSE whom_name END
    WHERE room = (SELECT number FROM rooms WHERE name = its_name) AND whose IN (by_id, whom_id);
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    UPDATE crowds SET maker = '' WHERE room = its_name AND maker = whose;
    RETURN forgotten;
END $$;

-- What somebody has uploaded to a room and said nothing with is lost, also what is coming; how many
-- files. Uploaded at 0: files.stored.DISOWNED.
CREATE FUNCTION disown_files(its_name text, whose text, until double precision)
RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    disowned int;
BEGIN
    UPDATE files SET uploaded_at = 0
    WHERE room = its_name AND user_id = whose AND seq = 0 AND held = '';
    GET DIAGNOSTICS disowned = ROW_COUNT;
    IF extract(epoch FROM clock_timestamp()) > until THEN  -- also if it has waited for a row
        RAISE EXCEPTION 'this came too late' USING ERRCODE = 'CH001';
    END IF;
    RETURN disowned;
END $$;

-- ANALYZE keeps samples of what is frequent in a column: of these, names of hosts, and whom they were
-- about. It took such samples before: see docs/postgresql.md.
ALTER TABLE charters ALTER charter SET STATISTICS 0;
ALTER TABLE host_log ALTER by_id SET STATISTICS 0, ALTER by_name SET STATISTICS 0,
    ALTER whom_id SET STATISTICS 0, ALTER whom_name SET STATISTICS 0;
