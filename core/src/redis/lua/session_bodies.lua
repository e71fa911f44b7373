-- Returns sessions, each as JSON and when it was last seen, without those that are gone.
-- KEYS: sessions
local answer = {}
for _, key in ipairs(KEYS) do
  local body, last_seen = unpack(redis.call('HMGET', key, 'body', 'last_seen'))
  if body then
    answer[#answer + 1] = body
    answer[#answer + 1] = last_seen
  end
end
return answer
