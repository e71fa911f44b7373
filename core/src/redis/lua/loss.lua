-- Returns what is known, if this server was not told in its generation what was spent.
-- KEYS: gen, generation that was told, places, leases
local gen = generation()
if redis.call('GET', KEYS[2]) == gen then return {'none'} end
local answer = {'lost', gen, redis.call('GET', KEYS[3]) or '0'}
for _, lease in ipairs(redis.call('ZRANGE', KEYS[4], 0, -1)) do answer[#answer + 1] = lease end
return answer
