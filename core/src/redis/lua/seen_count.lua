-- Counts those who were seen.
-- KEYS: active
-- ARGV: the earliest time that counts
return {whole(redis.call('ZCOUNT', KEYS[1], ARGV[1], '+inf'))}
