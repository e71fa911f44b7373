-- Decides about a call and opens its lease.
-- KEYS: gen, user, token, lease, leases, active, active by token, budgets, counts of even minutes, of odd ones,
--       calls in flight, spent ×4, held ×4
-- ARGV: now, lease, user, token, epoch, since when they have to have signed in (empty if that does not matter), precluded,
--       priced, whether it costs nothing, estimate, expiry, calendar, call, seconds between two notes that a token was used, when
--       people who may be forgotten were seen, the rules about the call as JSON (empty if there are none), the tokens that it is
--       expected to use, kept ×4, then the budgets of the configuration
local now, id, uid, jti, epoch, signed_in_since, precluded, priced, is_free = unpack(ARGV, 1, 9)
local estimate, expiry, calendar, call, every, unseen, rules, tokens = unpack(ARGV, 10, 17)
local kept = {unpack(ARGV, 18, 21)}
local FIRST_BUDGET, FIRST_RATE = 22, 9

local gen = generation()
local user = redis.call('HMGET', KEYS[2], 'gen', 'status', 'until', 'token_epoch', 'email', 'groups', 'last_sign_in',
  'seen', 'limits')
local token = redis.call('HMGET', KEYS[3], 'gen', 'user', 'revoked', 'epoch', 'expiry')
local book = redis.call('HMGET', KEYS[8], 'gen', 'is_empty')
if user[1] ~= gen or token[1] ~= gen or book[1] ~= gen then return {'unknown', gen} end
local _, status, until_when, token_epoch, email, groups, last_sign_in, seen, limits = unpack(user, 1, 9)

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

local payer = {id = uid, token = jti, email = email, groups = groups, limits = limits}
-- Returns the budgets that apply, as they stand: none to a call that costs nothing.
local function standing() return is_free == '1' and {} or states(payer, KEYS[8], book[2], FIRST_BUDGET) end

local function admitted()
  local answer = {'admitted', email}
  for _, state in ipairs(standing()) do tell(answer, state) end
  return answer
end

if is_open then return admitted() end

local limits, minute, has_begun = {}, '', false
if rules ~= '' then
  rules = cjson.decode(rules)
  local denied = denial(payer, rules.access)
  if denied then return denied end
  limits = limits_of(payer, rules.limits)
end
if #limits > 0 then
  minute, has_begun = counted_minute(FIRST_RATE, now)
  local too_many = limited(FIRST_RATE, limits, minute, has_begun, tokens)
  if too_many then return too_many end
end

local applicable = standing()
if priced == '0' and #applicable > 0 then return {'unpriced'} end
for _, state in ipairs(applicable) do
  if at_most(state.spent, state.limit) then return tell({'exhausted'}, state) end
end
for _, state in ipairs(applicable) do
  local is_alone = state.is_personal and state.held == '0'
  if not is_alone and not at_most(state.limit, state.spent, state.held, estimate) then
    return tell({'reserved'}, state)
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
  'counters', cjson.encode(counters), 'groups', groups, 'email', email, 'call', call)
enter(FIRST_RATE, KEYS[4], limits, minute, has_begun, tokens)
redis.call('ZADD', KEYS[5], expiry, id)
add(held, counters, estimate, kept)
if not seen or tonumber(now) - tonumber(seen) >= tonumber(every) then
  redis.call('HSET', KEYS[2], 'seen', now)
  see(KEYS[6], KEYS[7], uid, now, unseen)
end
return admitted()
