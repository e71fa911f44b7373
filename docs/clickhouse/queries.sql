-- Questions to what the exporter `clickhouse` writes (schema.sql). FINAL has each event count once, in its last revision.
--
--   clickhouse-client --multiquery --format PrettyCompact < queries.sql

-- Spend by day.
SELECT toDate(at) AS day, count() AS calls, sum(cost_nanodollars) / 1e9 AS dollars
FROM llm_gateway.usage FINAL
GROUP BY day
ORDER BY day;

-- Spend by person, in the last 30 days.
SELECT user_id, any(user_email) AS email, count() AS calls, sum(cost_nanodollars) / 1e9 AS dollars
FROM llm_gateway.usage FINAL
WHERE at >= now() - toIntervalDay(30)
GROUP BY user_id
ORDER BY dollars DESC
LIMIT 100;

-- Spend by model, in the last 30 days.
SELECT provider, model, count() AS calls, sum(cost_nanodollars) / 1e9 AS dollars,
    sum(input_tokens + cache_write_5m_tokens + cache_write_1h_tokens + cache_read_tokens) AS tokens_in, sum(output_tokens) AS tokens_out
FROM llm_gateway.usage FINAL
WHERE at >= now() - toIntervalDay(30)
GROUP BY provider, model
ORDER BY dollars DESC;

-- Spend by group, in the last 30 days. Whoever is in two groups counts in both.
SELECT arrayJoin(groups) AS one, count() AS calls, sum(cost_nanodollars) / 1e9 AS dollars
FROM llm_gateway.usage FINAL
WHERE at >= now() - toIntervalDay(30)
GROUP BY one
ORDER BY dollars DESC;

-- How long calls take, by model: milliseconds to the first byte and in all, of those that ended well.
SELECT model, count() AS calls,
    quantile(0.5)(first_byte_ms) AS first_byte_p50, quantile(0.95)(first_byte_ms) AS first_byte_p95, quantile(0.99)(first_byte_ms) AS first_byte_p99,
    quantile(0.5)(duration_ms) AS duration_p50, quantile(0.95)(duration_ms) AS duration_p95, quantile(0.99)(duration_ms) AS duration_p99
FROM llm_gateway.usage FINAL
WHERE at >= now() - toIntervalDay(7) AND error = ''
GROUP BY model
ORDER BY calls DESC;

-- Which part of what models read came from their caches, by day.
SELECT toDate(at) AS day,
    sum(cache_read_tokens) / greatest(sum(input_tokens + cache_write_5m_tokens + cache_write_1h_tokens + cache_read_tokens), 1) AS cache_hit_share
FROM llm_gateway.usage FINAL
GROUP BY day
ORDER BY day;

-- What goes wrong, by model, in the last 7 days.
SELECT model, error, status, count() AS calls
FROM llm_gateway.usage FINAL
WHERE at >= now() - toIntervalDay(7) AND error != ''
GROUP BY model, error, status
ORDER BY calls DESC;

-- Calls without a price, and calls charged by an estimate.
SELECT model, sum(priced = 0) AS unpriced, sum(estimated) AS by_estimate, count() AS calls
FROM llm_gateway.usage FINAL
GROUP BY model
HAVING unpriced > 0 OR by_estimate > 0
ORDER BY calls DESC;
