-- Takes over entries that are newer than what is known, and counts the tokens.
-- KEYS: gen, roster, live, revoked, generation that was told what was spent, budgets, then for each person: record, their
--       tokens that live, then for each token: record, its owner's record, their tokens that live
-- ARGV: the generation that the installer names, when tokens that no list shows any more had expired, the fields of the budgets as
--       JSON or nothing, how many people, then for each person: their fields as JSON, then for each token: its fields as JSON, its
--       id, seconds until its record goes, seconds until no list shows it
local unlisted, budgets, people = ARGV[2], ARGV[3], tonumber(ARGV[4])
local gen = generation()
if ARGV[1] ~= gen then return {'stale', gen} end
if redis.call('GET', KEYS[5]) ~= gen then return {'unrecovered'} end
begin_roster(gen)

-- Takes an entry over unless a newer one is known; returns its fields if so.
local function take_over(key, text, kept)
  local fields = cjson.decode(text)
  local known = redis.call('HMGET', key, 'gen', 'version', 'limits')
  local is_known = known[1] == gen
  if is_known and tonumber(known[2]) > tonumber(fields.version) then return nil end
  -- What was written before there were limits is written once more.
  local is_whole = known[3] or not fields.limits
  if is_known and known[2] == fields.version and is_whole then return fields end
  redis.call('DEL', key)
  redis.call('HSET', key, 'gen', gen)
  for field, value in pairs(fields) do redis.call('HSET', key, field, value) end
  if kept then redis.call('EXPIRE', key, kept) end
  return fields
end

if budgets ~= '' then take_over(KEYS[6], budgets) end
local key, argument = 7, 5
for _ = 1, people do
  local user = take_over(KEYS[key], ARGV[argument])
  if user then revoke_below(gen, KEYS[key + 1], user.token_epoch) end
  key, argument = key + 2, argument + 1
end
while key <= #KEYS do
  local text, id, kept, listed = unpack(ARGV, argument, argument + 3)
  local token = take_over(KEYS[key], text, kept)
  if token then
    local owner = redis.call('HMGET', KEYS[key + 1], 'gen', 'token_epoch')
    local least = owner[1] == gen and owner[2] or '0'
    count(gen, id, token, least, KEYS[key + 2], unlisted, listed)
  end
  key, argument = key + 3, argument + 4
end
return {'done'}
