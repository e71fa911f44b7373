-- Rules of the configuration: who may call which models, how often, and how many calls may run at once.

-- Returns what rules of access have against a payer: what is said of the person and of their groups adds up, and what is said
-- of the token holds besides.
local function denial(payer, rules)
  local _, in_group = each_group(payer.groups)
  local own, default, token = {}, {}, {}
  for _, rule in ipairs(rules) do
    local kind, name = kind_and_name(rule.scope)
    if rule.scope == 'user:' .. payer.email or (kind == 'group' and in_group[name]) then own[#own + 1] = rule end
    if kind == 'default_user' then default[#default + 1] = rule end
    if kind == 'token' and name == payer.token then token[#token + 1] = rule end
  end
  local function denied(by, verdicts)
    local allowed = {token_scope = #verdicts == 0, model = #verdicts == 0}
    for _, verdict in ipairs(verdicts) do
      for what in pairs(allowed) do allowed[what] = allowed[what] or verdict[what] end
    end
    if not allowed.token_scope then return {'denied', by, 'scope'} end
    if not allowed.model then return {'denied', by, 'model'} end
  end
  return denied('person', #own > 0 and own or default) or denied('token', token)
end

-- Returns the limits that a payer is under, each with the name under which their calls count. A person's own replaces the default
-- one for the same model, and so does a token's.
local function limits_of(payer, limits)
  local _, in_group = each_group(payer.groups)
  local own_user, own_token = 'user:' .. payer.email, 'token:' .. payer.token
  local is_replaced = {}
  for _, limit in ipairs(limits) do
    local model = (limit.model or '') .. '|'
    if limit.scope == own_user then is_replaced[model .. 'default_user'] = true end
    if limit.scope == own_token then is_replaced[model .. 'default_token'] = true end
  end
  local applicable = {}
  for _, limit in ipairs(limits) do
    local model, kind, name = (limit.model or '') .. '|', kind_and_name(limit.scope)
    local counter = kind == 'org' and kind
    if limit.scope == own_user or kind == 'default_user' then counter = 'user:' .. payer.id end
    if limit.scope == own_token or kind == 'default_token' then counter = own_token end
    if kind == 'group' and in_group[name] then counter = limit.scope end
    if counter and not is_replaced[model .. limit.scope] then
      limit.name = model .. counter
      applicable[#applicable + 1] = limit
    end
  end
  return applicable
end

-- Returns the minute in which a call counts: that of another process's clock where that is ahead by two, and whether it has begun.
local function counted_minute(first, now)
  local minute = whole(math.floor(tonumber(now) / 60))
  local known = redis.call('HGET', counts_of(first, minute), 'minute')
  if known and tonumber(known) >= tonumber(minute) then return known, true end
  return minute, false
end

-- Returns the limit that a call has reached. What is over at a known second is told first.
local function limited(first, limits, minute, has_begun, tokens)
  local function told(limit, measure) return {'limited', limit.scope, limit.model or '', measure} end
  for _, limit in ipairs(limits) do
    local requests, used = '0', '0'
    if has_begun then
      local counted = redis.call('HMGET', counts_of(first, minute), 'requests:' .. limit.name, 'tokens:' .. limit.name)
      requests, used = counted[1] or '0', counted[2] or '0'
    end
    local most = limit.requests_per_minute
    if most and tonumber(requests) + 1 > most then return told(limit, 'requests') end
    -- The first call of a minute is let in, or a large one never would be.
    most = limit.tokens_per_minute
    if most and used ~= '0' and tonumber(used) + tonumber(tokens) > most then return told(limit, 'tokens') end
  end
  for _, limit in ipairs(limits) do
    local most = limit.calls_in_flight
    if most and tonumber(redis.call('HGET', KEYS[first + 2], limit.name) or '0') >= most then
      return told(limit, 'in_flight')
    end
  end
end

-- Counts a call that is let in, and notes with its lease how.
local function enter(first, lease, limits, minute, has_begun, tokens)
  if #limits == 0 then return end
  local key, names = counts_of(first, minute), {}
  if not has_begun then
    redis.call('DEL', key)
    redis.call('HSET', key, 'minute', minute)
    redis.call('EXPIRE', key, '180')
  end
  for _, limit in ipairs(limits) do
    names[#names + 1] = limit.name
    redis.call('HINCRBY', KEYS[first + 2], limit.name, '1')
  end
  count_in(first, minute, names, '1', tokens)
  redis.call('HSET', lease, 'minute', minute, 'tokens', tokens, 'rated', cjson.encode(names))
end
