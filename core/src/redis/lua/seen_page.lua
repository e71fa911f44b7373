-- Returns who was seen, and when, those who were seen last first.
-- KEYS: active
-- ARGV: the earliest time that counts, the time and the person before (empty if none), how many at most
local since, time, before, wanted = unpack(ARGV)
local first = 0
if before ~= '' then
  local function is_before(rank)
    return redis.call('ZRANGE', KEYS[1], whole(rank), whole(rank), 'REV')[1] >= before
  end
  local later = redis.call('ZCOUNT', KEYS[1], '(' .. time, '+inf')
  first = bisect(later, later + redis.call('ZCOUNT', KEYS[1], time, time), is_before)
end
local found = redis.call('ZRANGE', KEYS[1], whole(first), whole(first + wanted - 1), 'REV', 'WITHSCORES')
local answer = {}
for at = 1, #found, 2 do
  if tonumber(found[at + 1]) < tonumber(since) then break end
  answer[at], answer[at + 1] = found[at], found[at + 1]
end
return answer
