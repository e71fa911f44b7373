-- Notes how far the records' tokens have been installed. Once all are, they stay so.
-- KEYS: gen, roster, live, revoked
-- ARGV: generation, how far (none if all are)
local gen, cursor = unpack(ARGV)
if generation() ~= gen then return {'stale'} end
begin_roster(gen)
if cursor then
  redis.call('HSET', KEYS[2], 'cursor', cursor)
else
  redis.call('HSET', KEYS[2], 'complete', '1')
end
return {'done'}
