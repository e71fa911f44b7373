-- The end of the script: runs the operation that was asked for.
local operations = {
  admit = admit, install = install, tally = tally, enrolled = enrolled, session = session, beat = beat, loss = loss,
  recover = recover, activity = activity, spending = spending,
}
if operation == 'begin' then return {generation()} end
return operations[operation]()
