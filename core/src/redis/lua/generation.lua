-- Returns the generation in which this Redis lives. Without one it has lost its memory, and begins another.
local function generation(key, fresh)
  local known = redis.call('GET', key)
  if known then return known end
  redis.call('SET', key, fresh)
  return fresh
end

-- Says whether somebody of that status may not use the gateway now.
local function is_suspended(status, until_when, now)
  return status == 'suspended' and (until_when == '' or tonumber(now) < tonumber(until_when))
end
