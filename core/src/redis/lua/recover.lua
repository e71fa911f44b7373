-- Takes over what was spent in the running windows, in place of what is believed, unless something has happened meanwhile.
-- KEYS: gen, generation that was told, usage, places, beats, then for each window: what was put beside, spent
-- ARGV: generation, newest place, how often beats were counted, then for each window: seconds until it goes (0 if never)
local gen, place, beats = unpack(ARGV, 1, 3)
if redis.call('GET', KEYS[1]) ~= gen or redis.call('XLEN', KEYS[3]) > 0 then return {'overtaken'} end
if (redis.call('GET', KEYS[4]) or '0') ~= place then return {'overtaken'} end

for window = 1, #ARGV - 3 do
  local staged, key, kept = KEYS[4 + window * 2], KEYS[5 + window * 2], ARGV[3 + window]
  redis.call('DEL', key)
  if redis.call('EXISTS', staged) == 1 then
    redis.call('RENAME', staged, key)
    redis.call('PERSIST', key)
    if kept ~= '0' then redis.call('EXPIRE', key, kept) end
  end
end
if tonumber(redis.call('GET', KEYS[5]) or '0') < tonumber(beats) then redis.call('SET', KEYS[5], beats) end
redis.call('SET', KEYS[2], gen)
return {'done'}
