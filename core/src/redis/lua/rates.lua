-- What is counted of calls under rate limits: requests and tokens in two hashes, one of even minutes and one of odd ones, each
-- with the minute that it is of, and calls in flight in a third. `first` is the place of the three keys. A lease says in which
-- minute it counts, as how many tokens, and under which names.

local function counts_of(first, minute) return KEYS[first + tonumber(minute) % 2] end

-- Adds to what was counted in a minute, if it is remembered.
local function count_in(first, minute, names, requests, tokens)
  local key = counts_of(first, minute)
  if redis.call('HGET', key, 'minute') ~= minute then return end
  for _, name in ipairs(names) do
    redis.call('HINCRBY', key, 'requests:' .. name, requests)
    redis.call('HINCRBY', key, 'tokens:' .. name, tokens)
  end
end

-- Takes a lease that has ended off the calls in flight, and adds to what was counted.
local function leave(first, rated, requests, tokens)
  if not rated.names then return end
  local names = cjson.decode(rated.names)
  for _, name in ipairs(names) do
    if redis.call('HINCRBY', KEYS[first + 2], name, '-1') <= 0 then redis.call('HDEL', KEYS[first + 2], name) end
  end
  count_in(first, rated.minute, names, requests, tokens)
end
