-- Returns what counters say, spent and held.
-- KEYS: spent ×4, held ×4
-- ARGV: for each: window, counter
local answer = {}
for at = 1, #ARGV, 2 do
  local window, counter = tonumber(ARGV[at]), ARGV[at + 1]
  answer[#answer + 1] = redis.call('HGET', spent(window), counter) or '0'
  answer[#answer + 1] = redis.call('HGET', held(window), counter) or '0'
end
return answer
