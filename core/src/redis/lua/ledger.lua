-- What is spent and held: hashes of counters, one of each for the day, the week, the month and all time. Their keys are
-- the last eight.

local function spent(window) return KEYS[#KEYS - 8 + window] end
local function held(window) return KEYS[#KEYS - 4 + window] end

-- Adds an amount to counters in every window, or leaves the most that there is. `kept` says for how many seconds each
-- window is remembered, 0 if for ever.
local function add(key_of, counters, amount, kept)
  for window = 1, 4 do
    local key = key_of(window)
    for _, counter in ipairs(counters) do
      local sum = redis.pcall('HINCRBY', key, counter, amount)
      if type(sum) == 'table' and sum.err then
        local most = amount:sub(1, 1) == '-' and '-9223372036854775808' or '9223372036854775807'
        redis.call('HSET', key, counter, most)
      end
    end
    if kept[window] ~= '0' then redis.call('EXPIRE', key, kept[window]) end
  end
end

-- Leaves nothing of a lease but the mark that it was closed.
local function close(lease, leases, id, remembered)
  redis.call('ZREM', leases, id)
  redis.call('DEL', lease)
  redis.call('HSET', lease, 'state', 'closed')
  redis.call('EXPIRE', lease, remembered)
end
