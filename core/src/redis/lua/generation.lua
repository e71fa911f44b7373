-- The head of the script that believes what is known of people, tokens and money. It is one script for all such operations,
-- so that a server either knows it or has yet to begin another generation.
-- KEYS: gen, then the operation's own
-- ARGV: '1' if another generation begins now, operation, fresh generation, then the operation's own
local begins, operation, fresh = table.remove(ARGV, 1), table.remove(ARGV, 1), table.remove(ARGV, 1)
if begins == '1' then redis.call('SET', KEYS[1], fresh) end

-- Returns the generation in which this Redis lives. Without one it has lost its memory, and begins another.
local function generation()
  local known = redis.call('GET', KEYS[1])
  if known then return known end
  redis.call('SET', KEYS[1], fresh)
  return fresh
end

-- Says whether somebody of that status may not use the gateway now.
local function is_suspended(status, until_when, now)
  return status == 'suspended' and (until_when == '' or tonumber(now) < tonumber(until_when))
end
