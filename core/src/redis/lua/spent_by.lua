-- Returns what counters say that was spent.
-- KEYS: spent
-- ARGV: counters
local answer = {}
for at, counter in ipairs(ARGV) do answer[at] = redis.call('HGET', KEYS[1], counter) or '0' end
return answer
