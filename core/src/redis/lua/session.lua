-- Decides whether a session lives, and notes its use.
-- KEYS: gen, user, session, then those of its lists
-- ARGV: now, seconds between two notes, seconds until it goes if it is noted, then about its lists if it is noted
local now, every, kept = unpack(ARGV, 1, 3)
local gen = generation()
local kept_session = redis.call('HMGET', KEYS[3], 'last_seen', 'idle', 'absolute', 'epoch')
if not kept_session[1] then return {'over'} end
local last_seen, idle, absolute, epoch = unpack(kept_session)
local time = tonumber(now)
if time >= tonumber(absolute) or time >= last_seen + idle then return {'over'} end

local user = redis.call('HMGET', KEYS[2], 'gen', 'status', 'until', 'session_epoch')
if user[1] ~= gen then return {'unknown', gen} end
if user[2] == 'removed' or is_suspended(user[2], user[3], now) then return {'over'} end
if tonumber(epoch) < tonumber(user[4]) then return {'over'} end
if time - last_seen >= tonumber(every) then
  redis.call('HSET', KEYS[3], 'last_seen', now)
  redis.call('EXPIRE', KEYS[3], kept)
  list_session(4, 4)
end
return {'live', last_seen}
