-- Who is signed in, and who was seen: sorted sets. A session stands in lists by its place: when it was opened and its id, so
-- that places in the order of texts are sessions in the order in which they were opened. A list is two sets of places: by
-- expiry, to count and to forget, and all of one score, to page through. There is one of everybody's sessions, one for each
-- person, and one for each session at the identity provider. People stand by when the last of their sessions is over
-- (signed in), and by when they were seen: in any way, by a session, by a token.

-- How many that are over one use makes room for.
local AT_ONCE = '100'

-- Forgets some of those whose time was over by then; `order`, if given, has the same ones.
local function forget_past(by_time, past, order)
  local over = redis.call('ZRANGEBYSCORE', by_time, '-inf', past, 'LIMIT', '0', AT_ONCE)
  if #over == 0 then return end
  redis.call('ZREM', by_time, unpack(over))
  if order then redis.call('ZREM', order, unpack(over)) end
end

-- Returns a number of Lua as a text that Redis takes.
local function whole(number) return string.format('%.0f', number) end

-- Notes that somebody was seen, in some way, and forgets who was not for long.
local function see(active, way, uid, at, unseen)
  for _, key in ipairs({active, way}) do
    redis.call('ZADD', key, 'GT', at, uid)
    forget_past(key, unseen)
  end
end

-- Notes when the last of a person's sessions is over.
local function note_signed_in(signed_in, own, uid, past)
  local expiry = redis.call('ZRANGE', own, '-1', '-1', 'WITHSCORES')[2]
  if expiry then
    redis.call('ZADD', signed_in, expiry, uid)
  else
    redis.call('ZREM', signed_in, uid)
  end
  forget_past(signed_in, past)
end

-- Puts a session that was opened or used into its lists.
-- KEYS, from `key`: signed in, active, active by session, then each list's two: everybody's, the person's, the provider's if
--       there is one
-- ARGV, from `argument`: place, user, when, expiry, when sessions that may be forgotten were over, when people who may be
--       forgotten were seen, seconds until it goes
local function list_session(key, argument)
  local place, uid, at, expiry, past, unseen, kept = unpack(ARGV, argument, argument + 6)
  for list = key + 3, #KEYS, 2 do
    local by_expiry, order = KEYS[list], KEYS[list + 1]
    forget_past(by_expiry, past, order)
    redis.call('ZADD', by_expiry, expiry, place)
    redis.call('ZADD', order, '0', place)
    if list > key + 3 and redis.call('TTL', by_expiry) < tonumber(kept) then
      redis.call('EXPIRE', by_expiry, kept)
      redis.call('EXPIRE', order, kept)
    end
  end
  note_signed_in(KEYS[key], KEYS[key + 5], uid, past)
  see(KEYS[key + 1], KEYS[key + 2], uid, at, unseen)
end

-- Returns the first number from `low` below `high` that is not before something, or `high`.
local function bisect(low, high, is_before)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if is_before(middle) then low = middle + 1 else high = middle end
  end
  return low
end
