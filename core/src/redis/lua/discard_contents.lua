-- Forgets what was said in calls.
-- KEYS: the ids of those of which it is kept, the contents
-- ARGV: their ids
redis.call('ZREM', KEYS[1], unpack(ARGV))
redis.call('DEL', unpack(KEYS, 2))
return {}
