-- Decides about a call and opens its lease.
-- KEYS: gen, user, token, lease, leases, active, active by token, spent ×4, held ×4
-- ARGV: now, lease, user, token, epoch, since when they have to have signed in (empty if that does not matter), precluded,
--       priced, estimate, expiry, calendar, call, seconds between two notes that a token was used, when people who may be
--       forgotten were seen, kept ×4, then for each budget: kind, name, window, limit
local now, id, uid, jti, epoch, signed_in_since, precluded, priced, estimate, expiry, calendar, call = unpack(ARGV, 1, 12)
local every, unseen = ARGV[13], ARGV[14]
local kept = {unpack(ARGV, 15, 18)}
local FIRST_BUDGET = 19

local gen = generation()
local user = redis.call('HMGET', KEYS[2], 'gen', 'status', 'until', 'token_epoch', 'email', 'groups', 'last_sign_in',
  'seen')
local token = redis.call('HMGET', KEYS[3], 'gen', 'user', 'revoked', 'epoch', 'expiry')
if user[1] ~= gen or token[1] ~= gen then return {'unknown', gen} end
local _, status, until_when, token_epoch, email, groups, last_sign_in, seen = unpack(user)

if token[2] ~= uid then return {'wrong_user'} end
if tonumber(now) >= tonumber(token[5]) then return {'expired'} end
if status == 'removed' then return {'removed'} end
local least = tonumber(token_epoch)
if token[3] == '1' or tonumber(token[4]) < least or tonumber(epoch) < least then return {'revoked'} end
if is_suspended(status, until_when, now) then return {'suspended', until_when} end
local has_signed_in = last_sign_in and last_sign_in ~= ''
local is_recent = has_signed_in and tonumber(last_sign_in) >= (tonumber(signed_in_since) or 0)
if signed_in_since ~= '' and not is_recent then return {'sign_in_too_old'} end

local lease = redis.call('HMGET', KEYS[4], 'state', 'calendar')
local is_open = lease[1] == 'open'
if lease[1] and not is_open then return {'closed'} end
if is_open and lease[2] ~= calendar then return {'elsewhere', lease[2]} end
if precluded == '1' and not is_open then return {'precluded'} end

local in_group = {}
for _, name in ipairs(cjson.decode(groups)) do in_group[name] = true end
local has_own = {}
for at = FIRST_BUDGET, #ARGV, 4 do
  if ARGV[at] == 'user' and ARGV[at + 1] == email then has_own[ARGV[at + 2]] = true end
end

-- Returns the counter of a budget that applies.
local function counter_of(kind, name, window)
  if kind == 'user' then return name == email and 'user:' .. uid end
  if kind == 'default_user' then return not has_own[window] and 'user:' .. uid end
  if kind == 'group' then return in_group[name] and 'group:' .. name end
  if kind == 'token' then return name == jti and 'token:' .. jti end
  return kind
end

-- Returns the budgets that apply, as they stand.
local function states()
  local applicable = {}
  for at = FIRST_BUDGET, #ARGV, 4 do
    local kind, name, window, limit = unpack(ARGV, at, at + 3)
    local counter = counter_of(kind, name, window)
    if counter then
      applicable[#applicable + 1] = {
        index = string.format('%d', (at - FIRST_BUDGET) / 4),
        is_personal = kind ~= 'group' and kind ~= 'org',
        counter = counter,
        limit = limit,
        spent = redis.call('HGET', spent(tonumber(window)), counter) or '0',
        held = redis.call('HGET', held(tonumber(window)), counter) or '0',
      }
    end
  end
  return applicable
end

local function admitted()
  local answer = {'admitted', email}
  for _, state in ipairs(states()) do
    answer[#answer + 1] = state.index
    answer[#answer + 1] = state.spent
    answer[#answer + 1] = state.held
  end
  return answer
end

if is_open then return admitted() end

local applicable = states()
if priced == '0' and #applicable > 0 then return {'unpriced'} end
for _, state in ipairs(applicable) do
  if at_most(state.spent, state.limit) then return {'exhausted', state.index, state.spent, state.held} end
end
for _, state in ipairs(applicable) do
  local is_alone = state.is_personal and state.held == '0'
  if not is_alone and not at_most(state.limit, state.spent, state.held, estimate) then
    return {'reserved', state.index, state.spent, state.held}
  end
end

local counters = {'user:' .. uid, 'org', 'token:' .. jti}
local is_counted = {[counters[1]] = true, [counters[2]] = true, [counters[3]] = true}
for _, state in ipairs(applicable) do
  if not is_counted[state.counter] then
    is_counted[state.counter] = true
    counters[#counters + 1] = state.counter
  end
end
redis.call('HSET', KEYS[4], 'state', 'open', 'calendar', calendar, 'estimate', estimate, 'expiry', expiry,
  'counters', cjson.encode(counters), 'email', email, 'call', call)
redis.call('ZADD', KEYS[5], expiry, id)
add(held, counters, estimate, kept)
if not seen or tonumber(now) - tonumber(seen) >= tonumber(every) then
  redis.call('HSET', KEYS[2], 'seen', now)
  see(KEYS[6], KEYS[7], uid, now, unseen)
end
return admitted()
