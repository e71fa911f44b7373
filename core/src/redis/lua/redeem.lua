-- Hands a value out and forgets it.
-- KEYS: value, the ids of its kind
-- ARGV: id, now
local value, expiry = unpack(redis.call('HMGET', KEYS[1], 'value', 'expiry'))
if not value or tonumber(ARGV[2]) >= tonumber(expiry) then return {'gone'} end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return {'redeemed', value}
