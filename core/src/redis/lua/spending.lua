-- Returns what a person spent and holds in each window, and how their budgets stand.
-- KEYS: gen, user, budgets, spent ×4, held ×4
-- ARGV: user, token (empty if none), then the budgets of the configuration
local uid, jti = ARGV[1], ARGV[2]
local gen = generation()
local known, email, groups, limits = unpack(redis.call('HMGET', KEYS[2], 'gen', 'email', 'groups', 'limits'), 1, 4)
local book = redis.call('HMGET', KEYS[3], 'gen', 'is_empty')
if known ~= gen or book[1] ~= gen then return {'unknown', gen} end
local answer, own = {'known'}, 'user:' .. uid
for window = 1, 4 do
  answer[#answer + 1] = redis.call('HGET', spent(window), own) or '0'
  answer[#answer + 1] = redis.call('HGET', held(window), own) or '0'
end
local payer = {id = uid, token = jti ~= '' and jti, email = email, groups = groups, limits = limits}
for _, state in ipairs(states(payer, KEYS[3], book[2], 3)) do tell(answer, state) end
return answer
