-- Returns what was said in calls, each a text that is empty if it is not kept.
-- KEYS: the contents
-- ARGV: now
local contents = {}
for index, key in ipairs(KEYS) do
  local value, expiry = unpack(redis.call('HMGET', key, 'value', 'expiry'))
  contents[index] = value and tonumber(ARGV[1]) < tonumber(expiry) and value or ''
end
return contents
