-- Conditions of LeaderWorkerSetStatus (kubernetes-sigs/lws, api/leaderworkerset/v1). Available and
-- the two others exclude each other; UpdateInProgress may stay behind beside Progressing.
local status = obj.status or {}
local generation = obj.metadata.generation or 0
local observed = status.observedGeneration

-- Releases before 0.8 do not say what they observed.
if observed ~= nil and observed > 0 and observed < generation then
  return {status = "Progressing", message = "The controller has not seen the latest change yet"}
end

local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end

local wanted = obj.spec.replicas
if wanted == nil then
  wanted = 1
end
local groups = (status.readyReplicas or 0) .. " of " .. wanted .. " groups are ready"

local available = conditions["Available"]
if available ~= nil and available.status == "True" then
  return {status = "Healthy", message = groups}
end
local updating = conditions["UpdateInProgress"]
if updating ~= nil and updating.status == "True" then
  return {status = "Progressing", message = "Rolling update: " .. groups}
end
return {status = "Progressing", message = groups}
