-- Budgets. Those of the configuration are arguments of an operation, from `first` on: scope, window, limit. Those that
-- administrators have set are in people's records, by window, and in the book, whose fields are window and scope.

-- Returns the kind of a scope, and whom it names.
local function kind_and_name(scope)
  local at = string.find(scope, ':', 1, true)
  if not at then return scope, '' end
  return string.sub(scope, 1, at - 1), string.sub(scope, at + 1)
end

-- Reads what the book has in some scopes. `book` is its key.
local function read_book(book, scopes)
  local fields, answer = {}, {}
  for _, scope in ipairs(scopes) do
    for window = 1, 4 do fields[#fields + 1] = whole(window) .. ':' .. scope end
  end
  -- A call takes some thousand arguments at most.
  for first = 1, #fields, 1000 do
    local some = {unpack(fields, first, math.min(first + 999, #fields))}
    for index, limit in ipairs(redis.call('HMGET', book, unpack(some))) do
      if limit then
        local window, scope = string.sub(some[index], 1, 1), string.sub(some[index], 3)
        answer[#answer + 1] = {scope = scope, window = window, limit = limit, source = 'api'}
      end
    end
  end
  return answer
end

-- Returns a person's groups, each once.
local function each_group(groups)
  local seen, each = {}, {}
  for _, name in ipairs(cjson.decode(groups)) do
    if not seen[name] then each[#each + 1] = name end
    seen[name] = true
  end
  return each, seen
end

-- Returns the budgets that apply to a payer, each with its counter, as they stand: those of the configuration, which stand above
-- others of their scope and window, then the person's own, then those of the book. A person's own replaces the default one of its
-- window. A payer has an id, an address, groups and limits as they were installed, and maybe a token. Of an empty book nothing is read.
local function states(payer, book, is_empty, first)
  local groups, in_group = each_group(payer.groups)
  local limits = payer.limits and payer.limits ~= '' and cjson.decode(payer.limits) or {}
  local own, all, is_configured, has_own = 'user:' .. payer.email, {}, {}, {}
  for at = first, #ARGV, 3 do
    local scope, window, limit = unpack(ARGV, at, at + 2)
    all[#all + 1] = {scope = scope, window = window, limit = limit, source = 'config'}
    is_configured[window .. ':' .. scope] = true
    if scope == own then has_own[window] = true end
  end
  local function add_all(budgets)
    for _, budget in ipairs(budgets) do
      if not is_configured[budget.window .. ':' .. budget.scope] then all[#all + 1] = budget end
    end
  end
  for window = 1, 4 do
    local limit = limits[whole(window)]
    if limit then
      has_own[whole(window)] = true
      add_all({{scope = own, window = whole(window), limit = limit, source = 'api'}})
    end
  end
  if is_empty ~= '1' then
    local scopes = {'default_user'}
    for _, name in ipairs(groups) do scopes[#scopes + 1] = 'group:' .. name end
    scopes[#scopes + 1] = 'org'
    if payer.token then scopes[#scopes + 1] = 'token:' .. payer.token end
    add_all(read_book(book, scopes))
  end

  local function counter_of(budget)
    local kind, name = kind_and_name(budget.scope)
    if kind == 'user' then return budget.scope == own and 'user:' .. payer.id end
    if kind == 'default_user' then return not has_own[budget.window] and 'user:' .. payer.id end
    if kind == 'group' then return in_group[name] and budget.scope end
    if kind == 'token' then return name == payer.token and budget.scope end
    return kind
  end
  local applicable = {}
  for _, budget in ipairs(all) do
    budget.counter = counter_of(budget)
    if budget.counter then
      local window, kind = tonumber(budget.window), kind_and_name(budget.scope)
      budget.is_personal = kind ~= 'group' and kind ~= 'org'
      budget.spent = redis.call('HGET', spent(window), budget.counter) or '0'
      budget.held = redis.call('HGET', held(window), budget.counter) or '0'
      applicable[#applicable + 1] = budget
    end
  end
  return applicable
end

-- Adds to an answer how a budget stands.
local function tell(answer, budget)
  for _, name in ipairs({'source', 'scope', 'window', 'limit', 'spent', 'held'}) do
    answer[#answer + 1] = budget[name]
  end
  return answer
end
