-- Keeps a value that may be used once, if its id is free and its kind has room.
-- KEYS: value, the ids of its kind
-- ARGV: id, value, now, expiry, seconds until it goes, how many of a kind are held at most
local id, value, now, expiry, kept, capacity = unpack(ARGV)
local taken = redis.call('HGET', KEYS[1], 'expiry')
if taken and tonumber(now) < tonumber(taken) then return {'taken'} end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if redis.call('ZCARD', KEYS[2]) >= tonumber(capacity) then return {'full'} end
redis.call('HSET', KEYS[1], 'value', value, 'expiry', expiry)
redis.call('EXPIRE', KEYS[1], kept)
redis.call('ZADD', KEYS[2], expiry, id)
return {'kept'}
