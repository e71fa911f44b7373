-- Counts tokens, and forgets those that no list shows any more.
-- KEYS: gen, roster, live, revoked
-- ARGV: now, when tokens that no list shows any more had expired
local now, unlisted = unpack(ARGV)
local gen = generation()
if not is_current(gen) then return {'incomplete', gen} end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', unlisted)
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', unlisted)
local roster = redis.call('HMGET', KEYS[2], 'complete', 'cursor')
if roster[1] ~= '1' then return {'incomplete', gen, roster[2] or nil} end

local function counted(tokens, from, to)
  return string.format('%.0f', redis.call('ZCOUNT', tokens, from, to))
end
return {'counted', counted(KEYS[3], '(' .. now, '+inf'), counted(KEYS[3], '-inf', now), counted(KEYS[4], '-inf', '+inf')}
