-- Returns the oldest events.
-- KEYS: usage
-- ARGV: how many at most
return redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[1])
