-- Counts tokens, and forgets those that no list shows any more.
-- KEYS: gen, roster, live, revoked
-- ARGV: now, when tokens that no list shows any more had expired, and when those that may be forgotten had
local now, unlisted, forgotten = unpack(ARGV)
local gen = generation()
if not is_current(gen) then return {'incomplete', gen} end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', forgotten)
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', forgotten)
local roster = redis.call('HMGET', KEYS[2], 'complete', 'cursor')
if roster[1] ~= '1' then return {'incomplete', gen, roster[2] or nil} end

local function counted(tokens, from, to)
  return string.format('%.0f', redis.call('ZCOUNT', tokens, from, to))
end
local listed = '(' .. unlisted
return {'counted', counted(KEYS[3], '(' .. now, '+inf'), counted(KEYS[3], listed, now), counted(KEYS[4], listed, '+inf')}
