-- Returns the places of sessions in a list, those that were opened last first.
-- KEYS: the list by expiry, the list in order
-- ARGV: now, when sessions that may be forgotten were over, the place before (empty if none), how many at most
local now, past, before, wanted = unpack(ARGV)
forget_past(KEYS[1], past, KEYS[2])
local found, bound = {}, before == '' and '+' or '(' .. before
repeat
  local places = redis.call('ZRANGE', KEYS[2], bound, '-', 'BYLEX', 'REV', 'LIMIT', '0', wanted)
  for _, place in ipairs(places) do
    local expiry = redis.call('ZSCORE', KEYS[1], place)
    if expiry and tonumber(expiry) > tonumber(now) and #found < tonumber(wanted) then found[#found + 1] = place end
  end
  bound = #places > 0 and '(' .. places[#places]
until #found == tonumber(wanted) or #places < tonumber(wanted)
return found
