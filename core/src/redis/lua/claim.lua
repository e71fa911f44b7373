-- Takes over a duty for some seconds, or keeps it.
-- KEYS: duty
-- ARGV: holder, seconds
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return {'taken'} end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return {'yours'}
