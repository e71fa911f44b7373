-- Returns the oldest events. Redis answers nothing at all if none are asked for.
-- KEYS: usage
-- ARGV: how many at most
return redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[1]) or {}
