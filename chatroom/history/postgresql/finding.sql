-- Notes the words of a room's messages, for searches.
--
-- at_seq, at_rev: how far that has come, as the caller knows it; if it is not so, nothing is done,
-- since somebody else goes on with it. to_seq, to_rev: how far it comes with this. noted: of each
-- message its seq, its rev, and its words, separated by spaces. What has changed meanwhile is left
-- out: its next rev will be noted.
CREATE FUNCTION note_words(
    its_room int, at_seq bigint, at_rev bigint, to_seq bigint, to_rev bigint, noted json
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1128808789, its_room);
    -- Nothing is taken away there until this is committed; what is said does not wait.
    PERFORM FROM rooms WHERE number = its_room FOR KEY SHARE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO searched VALUES (its_room, 0, 0) ON CONFLICT DO NOTHING;
    UPDATE searched SET seq = to_seq, rev = to_rev
    WHERE room = its_room AND seq = at_seq AND rev = at_rev;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM found WHERE room = its_room AND seq = ANY (
        ARRAY(SELECT seq FROM json_to_recordset(noted) AS message (seq bigint))
    );
    INSERT INTO found (room, seq, words)
    SELECT its_room, seq, array_to_tsvector(string_to_array(words, ' '))
    FROM json_to_recordset(noted) AS message (seq bigint, rev bigint, words text)
    CROSS JOIN LATERAL (
        SELECT messages.rev AS its_rev FROM messages
        WHERE room = its_room AND messages.seq = message.seq LIMIT 1
    ) AS stored
    WHERE its_rev = message.rev AND words <> '';
    RETURN true;
END $$;
