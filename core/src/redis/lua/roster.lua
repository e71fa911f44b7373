-- The roster: how many tokens there are, and how they stand. Two sorted sets have those that live and those that are revoked,
-- by expiry. A token that is revoked stays so, whatever comes late. Beside them each person has a set of their tokens that live,
-- by epoch, so that those of lower epochs are found when it rises. There a token's name begins with its expiry, of equal
-- length for all, so that in one epoch those that expire first are found first.
-- KEYS: gen, roster, live, revoked, then the operation's own

-- Returns whether the roster is of this generation.
local function is_current(gen) return redis.call('HGET', KEYS[2], 'gen') == gen end

-- Forgets the roster of another generation.
local function begin_roster(gen)
  if is_current(gen) then return end
  redis.call('UNLINK', KEYS[2], KEYS[3], KEYS[4])
  redis.call('HSET', KEYS[2], 'gen', gen)
end

-- What says, in a person's set, of which generation it is: it comes before all tokens.
local function mark_of(gen) return 'gen:' .. gen end

local function revoke(id, expiry)
  redis.call('ZREM', KEYS[3], id)
  redis.call('ZADD', KEYS[4], expiry, id)
end

-- Counts the tokens in a person's set that are of lower epochs as revoked.
local function revoke_below(gen, owned, epoch)
  if not redis.call('ZSCORE', owned, mark_of(gen)) then return end
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', owned, '0', '(' .. epoch)) do
    local expiry, id = string.match(name, '^0*(%d+):(.*)$')
    revoke(id, expiry)
  end
  redis.call('ZREMRANGEBYSCORE', owned, '0', '(' .. epoch)
end

-- Forgets what comes first in a person's set, as long as no list shows it any more.
local function prune(owned, unlisted)
  while true do
    local first = redis.call('ZRANGE', owned, '1', '1')[1]
    local expiry = first and string.match(first, '^%d+')
    if not expiry or tonumber(expiry) > tonumber(unlisted) then return end
    redis.call('ZREM', owned, first)
  end
end

-- Counts a token. `least` is its owner's epoch, as far as it is known, and `kept` for how many seconds lists show it.
local function count(gen, id, token, least, owned, unlisted, kept)
  if tonumber(token.expiry) <= tonumber(unlisted) or redis.call('ZSCORE', KEYS[4], id) then return end
  local name = string.rep('0', 20 - #token.expiry) .. token.expiry .. ':' .. id
  if token.revoked == '1' or tonumber(token.epoch) < tonumber(least) then
    revoke(id, token.expiry)
    redis.call('ZREM', owned, name)
    return
  end
  redis.call('ZADD', KEYS[3], token.expiry, id)
  if not redis.call('ZSCORE', owned, mark_of(gen)) then
    redis.call('UNLINK', owned)
    redis.call('ZADD', owned, '-1', mark_of(gen))
  end
  redis.call('ZADD', owned, token.epoch, name)
  prune(owned, unlisted)
  if redis.call('TTL', owned) < tonumber(kept) then redis.call('EXPIRE', owned, kept) end
end

-- Returns how many of a person's tokens are good: in each epoch those that have not expired come last.
local function active_of(gen, owned, now)
  if not redis.call('ZSCORE', owned, mark_of(gen)) then return 0 end
  local function has_expired(rank)
    local name = redis.call('ZRANGE', owned, whole(rank), whole(rank))[1]
    return tonumber(string.match(name, '^%d+')) <= tonumber(now)
  end
  local active, first, all = 0, 1, redis.call('ZCARD', owned)
  while first < all do
    local epoch = redis.call('ZRANGE', owned, whole(first), whole(first), 'WITHSCORES')[2]
    local behind = redis.call('ZCOUNT', owned, '-inf', epoch)
    active = active + behind - bisect(first, behind, has_expired)
    first = behind
  end
  return active
end
