-- Counts one up. A server that has not come as far as was seen is an older copy of itself: another generation begins.
-- KEYS: gen, beats
-- ARGV: the count that was seen
local count, seen = tonumber(redis.call('GET', KEYS[2]) or '0'), tonumber(ARGV[1])
if count < seen then
  redis.call('SET', KEYS[1], fresh)
  count = seen
end
local counted = string.format('%.0f', count + 1)
redis.call('SET', KEYS[2], counted)
return {counted}
