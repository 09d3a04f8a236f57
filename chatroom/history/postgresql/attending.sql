-- Who is here, over all processes, and who bears which name. As everywhere: first the crowds' rows are
-- locked, always in one order; then a new statement looks; then it is written; and all in one call.
--
-- A crash of the server empties these tables, and so does a promotion: a crowd's epoch is another one
-- then, and each process says anew who it has.

-- A process is somebody while it says so in time; from then on it is nobody, whatever it says.
CREATE UNLOGGED TABLE processes (
    id bigint PRIMARY KEY,                       -- random, another one each time that it begins anew
    name text COLLATE "C" NOT NULL,              -- for whoever looks
    beat_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- version counts what has happened to the people of a room: who comes, goes, is renamed or replaced.
CREATE UNLOGGED TABLE crowds (
    room text COLLATE "C" PRIMARY KEY,
    epoch bigint NOT NULL,                       -- random
    version bigint NOT NULL DEFAULT 0,
    maker text COLLATE "C" NOT NULL DEFAULT '',  -- who was the first in a room of which nothing is stored
    empty_since timestamptz DEFAULT clock_timestamp()
) WITH (fillfactor = 50);

CREATE INDEX crowds_empty ON crowds (empty_since) WHERE empty_since IS NOT NULL;

-- away_until: NULL for whoever has a socket anywhere.
CREATE UNLOGGED TABLE people (
    number bigint GENERATED ALWAYS AS IDENTITY,  -- in the order in which they came
    room text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    absences int NOT NULL DEFAULT 0,
    away_until timestamptz,
    reason text COLLATE "C" NOT NULL DEFAULT '', -- why they have gone, if they have
    PRIMARY KEY (room, user_id)
) WITH (fillfactor = 70);

CREATE INDEX people_away ON people (away_until) WHERE away_until IS NOT NULL;

-- Each name as it looks: this index decides whose it is.
CREATE UNLOGGED TABLE taken (
    room text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (room, key)
);

CREATE INDEX taken_by ON taken (room, user_id);

CREATE UNLOGGED TABLE sockets (
    process bigint NOT NULL,
    socket bigint NOT NULL,
    room text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    tab text COLLATE "C" NOT NULL,
    address text COLLATE "C" NOT NULL,           -- a keyed hash; '' for one that says nothing
    PRIMARY KEY (process, socket)
);

CREATE INDEX sockets_of ON sockets (room, user_id);

-- Where the last socket of somebody came from, as above, for an hour after it has ended.
CREATE UNLOGGED TABLE addresses (
    room text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    address text COLLATE "C" NOT NULL,
    left_at timestamptz NOT NULL,
    PRIMARY KEY (room, user_id)
);

CREATE INDEX addresses_by_age ON addresses (left_at);

-- Who waits at a room's door. outcome: '', until a host has answered; whoever has the sockets does what
-- it says, and takes them away.
CREATE UNLOGGED TABLE knocks (
    room text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    what text COLLATE "C" NOT NULL,              -- what hosts have to know, as JSON
    outcome text COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (room, user_id)
);

CREATE UNLOGGED TABLE knockers (
    process bigint NOT NULL,
    socket bigint NOT NULL,
    room text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (process, socket)
);

CREATE INDEX knockers_of ON knockers (room, user_id);

CREATE FUNCTION is_alive(beat_at timestamptz) RETURNS boolean LANGUAGE sql AS $$
    SELECT beat_at > clock_timestamp() - interval '15 seconds'
$$;

-- -- one after the other ---------------------------------------------------------------------------

-- Locks the crowds until the end of the transaction; makes those that are missing. names: each once.
-- until: as of lock_rooms.
CREATE FUNCTION lock_crowds(names text[], until double precision) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    there int;
BEGIN
    LOOP
        -- First, and in order, so that whoever waits here holds nothing that others wait for.
        INSERT INTO crowds (room, epoch)
        SELECT missing, 1 + floor(random() * 9e15)::bigint FROM unnest(names) AS missing
        WHERE NOT EXISTS (SELECT FROM crowds WHERE room = missing)
        ORDER BY missing COLLATE "C"
        ON CONFLICT DO NOTHING;
        PERFORM FROM crowds WHERE room = ANY (names) ORDER BY room FOR NO KEY UPDATE;
        GET DIAGNOSTICS there = ROW_COUNT;
        IF extract(epoch FROM clock_timestamp()) > until THEN
            RAISE EXCEPTION 'this came too late' USING ERRCODE = 'CH001';
        END IF;
        EXIT WHEN there = cardinality(names);  -- else one was deleted while we waited for it
        IF there > 0 THEN  -- whoever makes it anew may wait for one that is locked here by now
            RAISE EXCEPTION 'a crowd was deleted meanwhile' USING ERRCODE = 'CH001';
        END IF;
    END LOOP;
END $$;

-- Notes that this has happened to a crowd, and whether anybody is left.
CREATE FUNCTION note_crowds(names text[], versions bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE crowds SET
        version = now.version,
        maker = CASE WHEN now.is_empty THEN '' ELSE maker END,
        empty_since = CASE WHEN now.is_empty THEN coalesce(empty_since, clock_timestamp()) END
    FROM (
        SELECT room, one.version, NOT EXISTS (SELECT FROM people WHERE people.room = one.room) AS is_empty
        FROM unnest(names, versions) AS one (room, version)
    ) AS now
    WHERE crowds.room = ANY (names) AND crowds.room = now.room AND crowds.version <> now.version;
END $$;

-- One more socket of somebody. stays: under the name that they have, if they are here. known: as
-- decided_in, what whoever asks has judged them by; NULL for what is not judged. makes: they have made
-- the room, if nobody is there, or nobody has, and nothing is stored of it.
-- verdict: 'done', also if it is in already; 'taken', if the name is somebody else's; 'outdated', if
-- something else was decided meanwhile: they may not be allowed to come in.
CREATE FUNCTION come_in(
    its_process bigint, its_socket bigint, its_room text, its_user text, its_tab text,
    its_address text, its_name text, its_keys text[], comes_back boolean, stays boolean,
    makes boolean, known bigint[], OUT verdict text, OUT events json[], OUT decided bigint[]
) LANGUAGE plpgsql AS $$
DECLARE
    old_name text;
BEGIN
    verdict := 'done';
    events := '{}';
    IF EXISTS (SELECT FROM sockets WHERE process = its_process AND socket = its_socket) THEN
        RETURN;
    END IF;
    IF known IS NOT NULL THEN
        decided := decided_in(its_room);
        IF known[1] < decided[1] OR known[2] < decided[2] THEN
            verdict := 'outdated';
            RETURN;
        END IF;
    END IF;
    SELECT name INTO old_name FROM people WHERE room = its_room AND user_id = its_user;
    IF stays AND old_name IS NOT NULL THEN
        its_name := old_name;
    ELSIF EXISTS (
        SELECT FROM taken WHERE room = its_room AND key = ANY (its_keys) AND user_id <> its_user
    ) THEN
        verdict := 'taken';
        RETURN;
    END IF;
    IF old_name IS NULL THEN
        makes := makes AND CASE
            WHEN stays THEN (SELECT maker = '' FROM crowds WHERE room = its_room)
            ELSE NOT EXISTS (SELECT FROM people WHERE room = its_room)
        END AND NOT EXISTS (
            SELECT FROM rooms WHERE name = its_room AND (seq > 0 OR rooms.decided > 0)
        );
        INSERT INTO people (room, user_id, name) VALUES (its_room, its_user, its_name);
        INSERT INTO taken SELECT its_room, its_key, its_user FROM unnest(its_keys) AS its_key;
        events := array_append(events, json_build_array('joined', its_user, its_name));
        IF makes THEN
            UPDATE crowds SET maker = its_user WHERE room = its_room;
            events := array_append(events, json_build_array('made', its_user, its_name));
        END IF;
    ELSE
        IF comes_back THEN
            DELETE FROM sockets WHERE room = its_room AND user_id = its_user AND tab = its_tab;
            IF FOUND THEN
                events := array_append(events, json_build_array('replaced', its_user, its_tab));
            END IF;
        END IF;
        IF old_name <> its_name THEN
            PERFORM take_name(its_room, its_user, its_name, its_keys);
            events := array_append(events, json_build_array('renamed', its_user, its_name));
        END IF;
        UPDATE people SET away_until = NULL
        WHERE room = its_room AND user_id = its_user AND away_until IS NOT NULL;
    END IF;
    INSERT INTO sockets
    VALUES (its_process, its_socket, its_room, its_user, its_tab, coalesce(its_address, ''));
END $$;

CREATE FUNCTION take_name(its_room text, its_user text, its_name text, its_keys text[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM taken WHERE room = its_room AND user_id = its_user;
    INSERT INTO taken SELECT its_room, its_key, its_user FROM unnest(its_keys) AS its_key;
    UPDATE people SET name = its_name WHERE room = its_room AND user_id = its_user;
END $$;

-- verdict: 'done'; 'taken'; 'unknown', if they are not here.
CREATE FUNCTION be_renamed(
    its_room text, its_user text, its_name text, its_keys text[],
    OUT verdict text, OUT events json[]
) LANGUAGE plpgsql AS $$
BEGIN
    events := '{}';
    IF NOT EXISTS (SELECT FROM people WHERE room = its_room AND user_id = its_user) THEN
        verdict := 'unknown';
    ELSIF EXISTS (
        SELECT FROM taken WHERE room = its_room AND key = ANY (its_keys) AND user_id <> its_user
    ) THEN
        verdict := 'taken';
    ELSE
        PERFORM take_name(its_room, its_user, its_name, its_keys);
        verdict := 'done';
        events := ARRAY[json_build_array('renamed', its_user, its_name)];
    END IF;
END $$;

-- A socket has ended. verdict: 'done'; 'away', if it was the person's last: then how often they have
-- been away, so that whoever asks can say when this absence is over. Somebody else sees to it 5 seconds
-- later.
CREATE FUNCTION go_out(
    its_process bigint, its_socket bigint, its_room text, its_user text,
    its_grace double precision, its_reason text,
    OUT verdict text, OUT absence int
) LANGUAGE plpgsql AS $$
BEGIN
    verdict := 'done';
    absence := 0;
    WITH ended AS (
        DELETE FROM sockets WHERE process = its_process AND socket = its_socket
        RETURNING room, user_id, address
    )
    INSERT INTO addresses
    SELECT room, user_id, address, clock_timestamp() FROM ended WHERE address <> ''
    ON CONFLICT (room, user_id)
    DO UPDATE SET address = excluded.address, left_at = excluded.left_at;
    IF EXISTS (SELECT FROM sockets WHERE room = its_room AND user_id = its_user) THEN
        RETURN;
    END IF;
    UPDATE people SET
        absences = absences + 1, reason = its_reason,
        away_until = clock_timestamp() + make_interval(secs => its_grace + 5)
    WHERE room = its_room AND user_id = its_user AND away_until IS NULL;
    SELECT absences INTO absence FROM people WHERE room = its_room AND user_id = its_user;
    IF FOUND THEN
        verdict := 'away';
    ELSE
        absence := 0;
    END IF;
END $$;

-- An absence is over, unless it was over before.
CREATE FUNCTION be_gone(
    its_room text, its_user text, its_absence int, its_reason text, OUT events json[]
) LANGUAGE plpgsql AS $$
DECLARE
    its_name text;
BEGIN
    events := '{}';
    DELETE FROM people WHERE room = its_room AND user_id = its_user
        AND away_until IS NOT NULL AND absences = its_absence
    RETURNING name INTO its_name;
    IF FOUND THEN
        DELETE FROM taken WHERE room = its_room AND user_id = its_user;
        events := ARRAY[json_build_array('left', its_user, its_name, its_reason)];
    END IF;
END $$;

-- Somebody waits at the door, waits there no longer, or gets an answer. All that others have to know
-- is that they have to look.
CREATE FUNCTION be_at_the_door(
    its_process bigint, its_act text, its_socket bigint, its_room text, its_user text, its_what text,
    OUT events json[]
) LANGUAGE plpgsql AS $$
BEGIN
    IF its_act = 'knock' THEN
        INSERT INTO knocks (room, user_id, what) VALUES (its_room, its_user, its_what)
        ON CONFLICT (room, user_id) DO UPDATE SET outcome = '' WHERE knocks.outcome <> '';
    ELSIF its_act = 'answer' THEN
        UPDATE knocks SET outcome = its_what
        WHERE room = its_room AND user_id = its_user AND outcome = '';
    ELSE
        DELETE FROM knockers WHERE process = its_process AND socket = its_socket;
        DELETE FROM knocks WHERE room = its_room AND user_id = its_user AND NOT EXISTS (
            SELECT FROM knockers WHERE room = its_room AND user_id = its_user
        );
    END IF;
    events := CASE WHEN FOUND THEN ARRAY[json_build_array('door')] ELSE '{}'::json[] END;
    IF its_act = 'knock' THEN
        INSERT INTO knockers VALUES (its_process, its_socket, its_room, its_user)
        ON CONFLICT DO NOTHING;
    END IF;
END $$;

-- Does what a process asks for, in this order: acts 'enter', 'rename', 'leave' and 'gone'; 'knock',
-- 'unknock' and 'answer'.
--
-- A row for each: its verdict, its absence, the crowd's epoch and version after it, the events that
-- have made this version, the last one its own number, and what is decided, if that was not known. One
-- row, 'nobody', if the process is not known (any more): nothing is done.
CREATE FUNCTION attend(its_process bigint, acts json, until double precision)
RETURNS TABLE (
    verdict text, absence int, its_epoch bigint, its_version bigint, its_events json,
    its_decided bigint[]
) LANGUAGE plpgsql AS $$
DECLARE
    names text[] := ARRAY(
        SELECT DISTINCT one.room FROM json_to_recordset(acts) AS one (room text)
    );
    epochs bigint[];
    versions bigint[];
    events json[];
    place int;
    its record;
BEGIN
    PERFORM lock_crowds(names, until);
    PERFORM FROM processes WHERE id = its_process AND is_alive(beat_at) FOR KEY SHARE;
    IF NOT FOUND THEN
        verdict := 'nobody';
        RETURN NEXT;
        RETURN;
    END IF;
    SELECT array_agg(room ORDER BY room), array_agg(epoch ORDER BY room),
        array_agg(version ORDER BY room)
    INTO names, epochs, versions FROM crowds WHERE room = ANY (names);
    FOR its IN SELECT * FROM json_to_recordset(acts) AS one (
        act text, room text, user_id text, socket bigint, tab text, address text, name text,
        keys text[], comes_back boolean, stays boolean, makes boolean, known bigint[], absence int,
        grace double precision, reason text, what text
    ) LOOP
        absence := 0;
        events := '{}';
        its_decided := NULL;
        CASE its.act
            WHEN 'enter' THEN
                SELECT * INTO verdict, events, its_decided FROM come_in(
                    its_process, its.socket, its.room, its.user_id, its.tab, its.address,
                    its.name, its.keys, its.comes_back, its.stays, its.makes, its.known
                );
            WHEN 'rename' THEN
                SELECT * INTO verdict, events
                FROM be_renamed(its.room, its.user_id, its.name, its.keys);
            WHEN 'leave' THEN
                SELECT * INTO verdict, absence FROM go_out(
                    its_process, its.socket, its.room, its.user_id, its.grace, its.reason
                );
            WHEN 'gone' THEN
                verdict := 'done';
                events := be_gone(its.room, its.user_id, its.absence, its.reason);
            WHEN 'knock', 'unknock', 'answer' THEN
                verdict := 'done';
                events := be_at_the_door(
                    its_process, its.act, its.socket, its.room, its.user_id, its.what
                );
        END CASE;
        place := array_position(names, its.room);
        versions[place] := versions[place] + cardinality(events);
        its_epoch := epochs[place];
        its_version := versions[place];
        its_events := array_to_json(events);
        RETURN NEXT;
    END LOOP;
    PERFORM note_crowds(names, versions);
END $$;

-- -- processes -------------------------------------------------------------------------------------

CREATE FUNCTION appear(its_process bigint, its_name text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO processes VALUES (its_process, its_name, clock_timestamp())
    ON CONFLICT (id) DO NOTHING
$$;

-- Whether the process is still somebody; then it is for another 15 seconds.
CREATE FUNCTION beat(its_process bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE processes SET beat_at = clock_timestamp() WHERE id = its_process AND is_alive(beat_at);
    RETURN FOUND;
END $$;

-- A process is nobody from now on: its sockets go, in so many rooms at a time, and whoever has no other
-- is away. Returns whether that was all.
CREATE FUNCTION depart(
    its_process bigint, its_grace double precision, its_reason text, most int, until double precision
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    names text[];
BEGIN
    UPDATE processes SET beat_at = '-infinity' WHERE id = its_process AND is_alive(beat_at);
    names := ARRAY(
        SELECT room FROM sockets WHERE process = its_process
        UNION SELECT room FROM knockers WHERE process = its_process LIMIT most
    );
    PERFORM lock_crowds(names, until);
    -- Waits for what it may still be doing elsewhere, on a connection that it has given up.
    PERFORM FROM processes WHERE id = its_process FOR UPDATE;
    WITH ended AS (
        DELETE FROM sockets WHERE process = its_process AND room = ANY (names)
        RETURNING room, user_id, address, socket
    )
    INSERT INTO addresses
    SELECT DISTINCT ON (room, user_id) room, user_id, address, clock_timestamp() FROM ended
    WHERE address <> '' ORDER BY room, user_id, socket DESC
    ON CONFLICT (room, user_id)
    DO UPDATE SET address = excluded.address, left_at = excluded.left_at;
    UPDATE people SET
        absences = absences + 1, reason = its_reason,
        away_until = clock_timestamp() + make_interval(secs => its_grace)
    WHERE room = ANY (names) AND away_until IS NULL AND NOT EXISTS (
        SELECT FROM sockets WHERE sockets.room = people.room AND sockets.user_id = people.user_id
    );
    DELETE FROM knockers WHERE process = its_process AND room = ANY (names);
    WITH ended AS (
        DELETE FROM knocks WHERE room = ANY (names) AND NOT EXISTS (
            SELECT FROM knockers
            WHERE knockers.room = knocks.room AND knockers.user_id = knocks.user_id
        )
        RETURNING room
    )
    UPDATE crowds SET version = version + 1 WHERE room IN (SELECT room FROM ended);
    IF EXISTS (SELECT FROM sockets WHERE process = its_process)
        OR EXISTS (SELECT FROM knockers WHERE process = its_process)
    THEN
        RETURN false;
    END IF;
    DELETE FROM processes WHERE id = its_process;
    RETURN true;
END $$;

-- Sees to one process that has said nothing for too long, and to those whose absence is over without
-- anybody having said so; one caller at a time.
--
-- A row for each crowd in which somebody was gone, as of attend; 'more', if there may be more to do.
CREATE FUNCTION reap(its_grace double precision, most int, until double precision)
RETURNS TABLE (verdict text, its_room text, its_epoch bigint, its_version bigint, its_events json)
LANGUAGE plpgsql AS $$
DECLARE
    dead bigint;
    names text[];
    right_now timestamptz := clock_timestamp();  -- an index can be used with this alone
BEGIN
    IF NOT pg_try_advisory_xact_lock(1128808788, 5) THEN
        RETURN;
    END IF;
    verdict := 'done';
    SELECT id INTO dead FROM processes WHERE NOT is_alive(beat_at) ORDER BY beat_at LIMIT 1;
    IF FOUND THEN
        PERFORM depart(dead, its_grace, 'lost', most, until);
        verdict := 'more';
        RETURN NEXT;
        RETURN;
    END IF;
    DELETE FROM addresses WHERE (room, user_id) IN (
        SELECT room, user_id FROM addresses WHERE left_at < greatest(
            right_now - interval '1 hour',
            (SELECT left_at FROM addresses ORDER BY left_at DESC OFFSET 100000 LIMIT 1)
        ) ORDER BY left_at LIMIT 1000 FOR UPDATE SKIP LOCKED
    );
    names := ARRAY(
        SELECT room FROM people WHERE away_until < right_now ORDER BY away_until LIMIT most
    );
    IF cardinality(names) = most THEN
        verdict := 'more';
    END IF;
    PERFORM lock_crowds(ARRAY(SELECT DISTINCT room FROM unnest(names) AS room), until);
    FOR its_room, its_events IN
        WITH ended AS (
            DELETE FROM people WHERE room = ANY (names) AND away_until < right_now
            RETURNING number, room, user_id, name, reason
        ), freed AS (
            DELETE FROM taken USING ended
            WHERE taken.room = ended.room AND taken.user_id = ended.user_id
        )
        SELECT room, json_agg(json_build_array('left', user_id, name, reason) ORDER BY number)
        FROM ended GROUP BY room
    LOOP
        SELECT epoch, version + json_array_length(its_events) INTO its_epoch, its_version
        FROM crowds WHERE room = its_room;
        PERFORM note_crowds(ARRAY[its_room], ARRAY[its_version]);
        RETURN NEXT;
    END LOOP;
    -- Locked first, so that the next statement sees whoever has come meanwhile. A process that has the
    -- room open knows from the next one's epoch that it is another crowd.
    names := ARRAY(
        SELECT room FROM crowds WHERE empty_since < right_now - interval '10 minutes'
        ORDER BY empty_since LIMIT most FOR UPDATE SKIP LOCKED
    );
    DELETE FROM crowds WHERE room = ANY (names) AND empty_since IS NOT NULL
        AND NOT EXISTS (SELECT FROM people WHERE people.room = crowds.room)
        AND NOT EXISTS (SELECT FROM knocks WHERE knocks.room = crowds.room);
END $$;

-- -- looking ---------------------------------------------------------------------------------------

-- A room's people, in the order in which they came; which of these sockets of a process are not in the
-- room any more, which is for a process that is somebody to know; who waits at the door; and who has
-- made it.
CREATE FUNCTION crowd(
    its_room text, its_process bigint, its_sockets bigint[],
    OUT its_epoch bigint, OUT its_version bigint, OUT its_people json, OUT missing bigint[],
    OUT its_knocks json, OUT its_maker text
) LANGUAGE sql STABLE AS $$
    SELECT
        coalesce((SELECT epoch FROM crowds WHERE room = its_room), 0),
        coalesce((SELECT version FROM crowds WHERE room = its_room), 0),
        (
            SELECT coalesce(json_agg(json_build_array(user_id, name) ORDER BY number), '[]')
            FROM people WHERE room = its_room
        ),
        ARRAY(
            SELECT socket FROM unnest(its_sockets) AS socket
            WHERE EXISTS (SELECT FROM processes WHERE id = its_process AND is_alive(beat_at))
            AND NOT EXISTS (
                SELECT FROM sockets WHERE process = its_process AND sockets.socket = socket.socket
            )
        ),
        (
            SELECT coalesce(json_agg(json_build_array(user_id, what, outcome)), '[]')
            FROM knocks WHERE room = its_room
        ),
        coalesce((SELECT maker FROM crowds WHERE room = its_room), '')
$$;

-- Where somebody in a room came from within an hour, and how many others are there now who have one of
-- the addresses that they have now: NULL if they have none.
CREATE FUNCTION whereabouts(
    its_room text, its_user text, OUT its_addresses text[], OUT others bigint
) LANGUAGE sql STABLE AS $$
    WITH now_at AS (
        SELECT DISTINCT address FROM sockets
        WHERE room = its_room AND user_id = its_user AND address <> ''
    )
    SELECT
        ARRAY(
            SELECT address FROM now_at UNION SELECT address FROM addresses
            WHERE room = its_room AND user_id = its_user
            AND left_at > clock_timestamp() - interval '1 hour'
        ),
        CASE WHEN EXISTS (SELECT FROM now_at) THEN (
            SELECT count(DISTINCT user_id) FROM sockets
            WHERE room = its_room AND user_id <> its_user
            AND address IN (SELECT address FROM now_at)
        ) END
$$;

-- How many processes there are, how many rooms in which people are, and how many people.
CREATE FUNCTION attended(OUT its_processes bigint, OUT its_rooms bigint, OUT its_people bigint)
LANGUAGE sql STABLE AS $$
    SELECT
        (SELECT count(*) FROM processes WHERE is_alive(beat_at)),
        (SELECT count(DISTINCT room) FROM people), (SELECT count(*) FROM people)
$$;

-- The crowds of these rooms that are other ones than is known.
CREATE FUNCTION crowds_changed(its_rooms text[], its_epochs bigint[], its_versions bigint[])
RETURNS TABLE (its_room text, its_epoch bigint, its_version bigint) LANGUAGE sql STABLE AS $$
    SELECT known.room, coalesce(crowds.epoch, 0), coalesce(crowds.version, 0)
    FROM unnest(its_rooms, its_epochs, its_versions) AS known (room, epoch, version)
    LEFT JOIN crowds USING (room)
    WHERE (coalesce(crowds.epoch, 0), coalesce(crowds.version, 0)) <> (known.epoch, known.version)
$$;

ALTER TABLE people ALTER name SET STATISTICS 0;
ALTER TABLE taken ALTER key SET STATISTICS 0;
