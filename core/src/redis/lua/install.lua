-- Takes over entries that are newer than what is known.
-- KEYS: gen, generation that was told what was spent, then each entry
-- ARGV: the generation that the installer names, then for each entry: its fields as JSON, seconds
--       until it goes (0 if never)
local gen = generation()
if ARGV[1] ~= gen then return {'stale', gen} end
if redis.call('GET', KEYS[2]) ~= gen then return {'unrecovered'} end
for entry = 3, #KEYS do
  local key, text, kept = KEYS[entry], ARGV[entry * 2 - 4], ARGV[entry * 2 - 3]
  local fields = cjson.decode(text)
  local known = redis.call('HMGET', key, 'gen', 'version')
  if known[1] ~= gen or tonumber(known[2]) < tonumber(fields.version) then
    redis.call('DEL', key)
    redis.call('HSET', key, 'gen', gen)
    for field, value in pairs(fields) do redis.call('HSET', key, field, value) end
    if kept ~= '0' then redis.call('EXPIRE', key, kept) end
  end
end
return {'done'}
