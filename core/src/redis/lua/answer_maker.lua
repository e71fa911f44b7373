-- Says who made an answer.
-- KEYS: answer
-- ARGV: now
local user, expiry = unpack(redis.call('HMGET', KEYS[1], 'user', 'expiry'))
if not user or tonumber(ARGV[1]) >= tonumber(expiry) then return {'nobody'} end
return {'made_by', user}
