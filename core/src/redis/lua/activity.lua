-- Tells what is known of people.
-- KEYS: gen, roster, live, revoked, active by session, active by token, then for each person: their sessions by expiry, their
--       tokens that live
-- ARGV: now, the earliest time that counts, then each person
local now, since = unpack(ARGV, 1, 2)
local gen = generation()
local is_complete = is_current(gen) and redis.call('HGET', KEYS[2], 'complete') == '1'

local function seen(way, uid)
  local at = redis.call('ZSCORE', way, uid)
  return at and tonumber(at) >= tonumber(since) and at or ''
end

local answer = {}
for person = 1, #ARGV - 2 do
  local uid, sessions, tokens = ARGV[2 + person], KEYS[5 + person * 2], KEYS[6 + person * 2]
  local expiry = redis.call('ZRANGE', sessions, '-1', '-1', 'WITHSCORES')[2]
  local is_signed_in = expiry and tonumber(expiry) > tonumber(now)
  answer[#answer + 1] = seen(KEYS[5], uid)
  answer[#answer + 1] = seen(KEYS[6], uid)
  answer[#answer + 1] = whole(redis.call('ZCOUNT', sessions, '(' .. now, '+inf'))
  answer[#answer + 1] = is_signed_in and expiry or ''
  answer[#answer + 1] = is_complete and whole(active_of(gen, tokens, now)) or ''
end
return answer
