-- Returns what is known, if this server was not told in its generation what was spent.
-- KEYS: gen, generation that was told, usage, places, leases
local gen = generation()
if redis.call('GET', KEYS[2]) == gen then return {'none'} end
local waiting = redis.call('XLEN', KEYS[3]) > 0 and 'waiting' or 'drained'
local answer = {'lost', gen, redis.call('GET', KEYS[4]) or '0', waiting}
for _, lease in ipairs(redis.call('ZRANGE', KEYS[5], 0, -1)) do answer[#answer + 1] = lease end
return answer
