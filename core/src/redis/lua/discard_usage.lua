-- Forgets the events before a place.
-- KEYS: usage
-- ARGV: the first place that is kept
redis.call('XTRIM', KEYS[1], 'MINID', '=', ARGV[1])
return {'done'}
