-- Notes who made an answer. Whoever made it first made it: a provider does not give an id twice.
-- KEYS: answer
-- ARGV: user, now, expiry, seconds until it goes
local user, now, expiry, kept = unpack(ARGV)
local known = redis.call('HGET', KEYS[1], 'expiry')
if known and tonumber(now) < tonumber(known) then return {'done'} end
redis.call('HSET', KEYS[1], 'user', user, 'expiry', expiry)
redis.call('EXPIRE', KEYS[1], kept)
return {'done'}
