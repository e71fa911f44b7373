-- Keeps a session.
-- KEYS: session, then those of its lists
-- ARGV: session as JSON, last seen, idle seconds, absolute expiry, epoch, seconds until it goes, then about its lists
local body, last_seen, idle, absolute, epoch, kept = unpack(ARGV, 1, 6)
redis.call('HSET', KEYS[1], 'body', body, 'last_seen', last_seen, 'idle', idle, 'absolute', absolute, 'epoch', epoch)
redis.call('EXPIRE', KEYS[1], kept)
list_session(2, 7)
return {'done'}
