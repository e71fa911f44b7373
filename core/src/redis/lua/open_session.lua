-- Keeps a session.
-- KEYS: session
-- ARGV: session as JSON, last seen, idle seconds, absolute expiry, epoch, seconds until it goes
local body, last_seen, idle, absolute, epoch, kept = unpack(ARGV)
redis.call('HSET', KEYS[1], 'body', body, 'last_seen', last_seen, 'idle', idle, 'absolute', absolute, 'epoch', epoch)
redis.call('EXPIRE', KEYS[1], kept)
return {'done'}
