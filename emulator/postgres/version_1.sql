CREATE TABLE emulator_workspaces (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    number bigint NOT NULL DEFAULT 0,
    snapshot bigint NOT NULL DEFAULT 0,
    log_bytes bigint NOT NULL DEFAULT 0,
    snapshot_bytes bigint NOT NULL DEFAULT 0,
    made timestamptz NOT NULL DEFAULT now(),
    used timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE emulator_lines (
    workspace bigint NOT NULL REFERENCES emulator_workspaces (id) ON DELETE CASCADE,
    number bigint NOT NULL,
    turn text NOT NULL,
    replaced boolean NOT NULL,
    changes text,
    effects bytea NOT NULL,
    PRIMARY KEY (workspace, number)
);
CREATE TABLE emulator_snapshots (
    workspace bigint NOT NULL REFERENCES emulator_workspaces (id) ON DELETE CASCADE,
    number bigint NOT NULL,
    section text NOT NULL,
    part integer NOT NULL,
    changes text,
    effects bytea,
    PRIMARY KEY (workspace, number, section, part)
);
CREATE TABLE emulator_files (id text PRIMARY KEY, seen timestamptz NOT NULL DEFAULT now());
CREATE TABLE emulator_file_parts (
    file text NOT NULL REFERENCES emulator_files (id) ON DELETE CASCADE,
    part integer NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (file, part)
);
CREATE TABLE emulator_uploads (
    file text PRIMARY KEY REFERENCES emulator_files (id) ON DELETE CASCADE,
    workspace bigint NOT NULL REFERENCES emulator_workspaces (id) ON DELETE CASCADE,
    name text NOT NULL,
    resource bigint NOT NULL,
    provider text NOT NULL,
    made timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE emulator_imports (
    id text PRIMARY KEY,
    workspace bigint NOT NULL REFERENCES emulator_workspaces (id) ON DELETE CASCADE,
    file text REFERENCES emulator_files (id),
    owner text,
    seen timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE emulator_refusals (
    import text NOT NULL REFERENCES emulator_imports (id) ON DELETE CASCADE,
    line bigint NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (import, line)
);
CREATE TABLE emulator_secrets (
    name text PRIMARY KEY,
    value bytea NOT NULL,
    made timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE emulator_sign_ins (id text PRIMARY KEY, ends timestamptz NOT NULL);

COMMENT ON TABLE emulator_workspaces IS 'A row for each workspace: the numbers of its last line and snapshot';
COMMENT ON TABLE emulator_lines IS 'What happened in a workspace, in order, since its last snapshot';
COMMENT ON COLUMN emulator_lines.changes IS 'JSON array of [table, document id, document]; null removes';
COMMENT ON COLUMN emulator_lines.effects IS 'MessagePack: journal entries, events, counts of faults';
COMMENT ON TABLE emulator_snapshots IS 'A whole workspace as of a line';
COMMENT ON TABLE emulator_files IS 'Files of collected tokens; seen: when somebody needed it last';
COMMENT ON TABLE emulator_file_parts IS 'The bytes of these files';
COMMENT ON TABLE emulator_uploads IS 'Files that wait in the import wizard of the console';
COMMENT ON TABLE emulator_imports IS 'Imports; owner: the emulator that carries it out now';
COMMENT ON TABLE emulator_refusals IS 'JSON lines of the rows that an import refused';
COMMENT ON TABLE emulator_secrets IS 'What all emulators sign cookies with and make ids of';

CREATE VIEW emulator_documents AS
WITH states AS (
    SELECT workspace, max(number) AS number FROM (
        SELECT id AS workspace, snapshot AS number FROM emulator_workspaces
        UNION ALL SELECT workspace, number FROM emulator_lines WHERE replaced
    ) AS found GROUP BY workspace
), steps AS (
    SELECT one.workspace, one.number, 0 AS stage, one.part, step.value, step.ordinality
    FROM emulator_snapshots AS one
    JOIN states ON states.workspace = one.workspace AND states.number = one.number
    CROSS JOIN LATERAL json_array_elements(one.changes::json) WITH ORDINALITY AS step
    WHERE one.section = 'state'
    UNION ALL
    SELECT one.workspace, one.number, 1, 0, step.value, step.ordinality
    FROM emulator_lines AS one
    JOIN states ON states.workspace = one.workspace AND one.number > states.number
    CROSS JOIN LATERAL json_array_elements(one.changes::json) WITH ORDINALITY AS step
), latest AS (
    SELECT DISTINCT ON (workspace, value ->> 0, value ->> 1)
        workspace, value ->> 0 AS kind, (value ->> 1)::bigint AS id, value -> 2 AS document
    FROM steps WHERE value ->> 1 IS NOT NULL
    ORDER BY workspace, value ->> 0, value ->> 1, number DESC, stage DESC, part DESC, ordinality DESC
)
SELECT emulator_workspaces.name AS workspace, kind, latest.id, document
FROM latest JOIN emulator_workspaces ON emulator_workspaces.id = latest.workspace
WHERE document::text <> 'null';
COMMENT ON VIEW emulator_documents IS 'Every document of every workspace as it is now';

CREATE VIEW emulator_profiles AS
SELECT workspace, (document ->> 'db_id')::bigint AS db_id, document ->> 'id' AS profile_id,
    document -> 'fields' AS fields, document
FROM emulator_documents WHERE kind = 'profiles';
COMMENT ON VIEW emulator_profiles IS 'The profiles of every workspace as they are now';

CREATE VIEW emulator_subscriptions AS
SELECT workspace, (document ->> 'db_id')::bigint AS db_id,
    (document ->> 'resource_id')::bigint AS resource_id, document ->> 'profile_id' AS profile_id,
    document ->> 'provider' AS provider,
    document ->> 'subscription_id' AS subscription_id,
    document ->> 'status' AS status, document ->> 'hash_id' AS hash_id, document
FROM emulator_documents WHERE kind = 'subscriptions';
COMMENT ON VIEW emulator_subscriptions IS 'The subscriptions of every workspace as they are now';
