-- Where llm-gateway's exporter `clickhouse` writes usage events: one row for each, by its id.
--
-- A call that was charged by its estimate and told its usage late comes again in revision 2, and what was sent without an answer comes
-- twice. Both replace the row with that id when ClickHouse merges; until then queries say FINAL, as those in queries.sql do.
--
--   clickhouse-client --multiquery < schema.sql

CREATE DATABASE IF NOT EXISTS llm_gateway;

CREATE TABLE IF NOT EXISTS llm_gateway.usage
(
    id String,                                 -- the event's id, a ULID: sorts by the time of the call
    revision UInt32,                           -- 1, or 2 for a correction
    at DateTime('UTC'),                        -- when the call came in
    ended_at DateTime('UTC'),                  -- when it ended
    user_id String,
    user_email LowCardinality(String),         -- empty if the person's record was erased
    token_id String,
    groups Array(LowCardinality(String)),      -- all groups that the person was in
    provider LowCardinality(String),
    model LowCardinality(String),              -- asked for
    model_served LowCardinality(String),       -- as the provider says; empty if it did not
    route LowCardinality(String),
    stream UInt8,
    session String,                            -- the conversation, as the client names it; empty if it does not
    request_id String,
    user_agent LowCardinality(String),
    status UInt16,                             -- the provider's; 0 if none came
    error LowCardinality(String),              -- empty if all went well
    priced UInt8,                              -- 0 if something had no price
    estimated UInt8,                           -- 1 if the usage is an estimate
    input_tokens UInt64,                       -- read afresh: without what is cached
    cache_write_5m_tokens UInt64,
    cache_write_1h_tokens UInt64,
    cache_read_tokens UInt64,
    output_tokens UInt64,
    cost_nanodollars Int64,                    -- exact: 1000000000 are a dollar
    estimate_nanodollars Int64,                -- what was held for the call
    first_byte_ms Nullable(UInt64),
    duration_ms UInt64,
    input_messages String DEFAULT '',          -- what was said, as JSON; empty unless the exporter has content = true
    output_messages String DEFAULT '',
    cost Float64 ALIAS cost_nanodollars / 1e9  -- dollars, to look at
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(at)
ORDER BY id;
