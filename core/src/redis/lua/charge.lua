-- Appends an event to the stream. Places go up from the time of the first event, so that a stream which was lost and
-- begun anew has no place of the former one. `settlement` is empty if nobody was heard of the call.
local function append(usage, places, revision, lease, at, settlement)
  local place = string.format('%.0f', redis.call('INCR', places))
  if place == '1' then
    place = at
    redis.call('SET', places, place)
  end
  redis.call('XADD', usage, place .. '-1', 'revision', revision, 'email', lease.email, 'counters',
    cjson.encode(lease.counters), 'call', lease.call, 'at', at, 'settlement', settlement, 'groups', lease.groups)
end

local function read_lease(key)
  local held_back = redis.call('HMGET', key, 'state', 'calendar', 'estimate', 'expiry', 'counters', 'email', 'call',
    'groups', 'rated', 'minute', 'tokens')
  local state, calendar, estimate, expiry, counters, email, call, groups, names, minute, tokens = unpack(held_back, 1, 11)
  return {
    state = state, calendar = calendar, estimate = estimate, expiry = expiry,
    counters = counters and cjson.decode(counters), email = email, call = call,
    groups = groups or '[]', rated = {names = names, minute = minute, tokens = tokens},
  }
end
