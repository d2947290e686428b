-- Conditions of LLMInferenceServiceStatus (kserve/kserve, pkg/apis/serving). Ready is false while
-- pods start and load weights, which takes long and is no fault: waves wait. What waiting does not
-- mend is a configuration that cannot be put together.
local status = obj.status or {}
local generation = obj.metadata.generation or 0

if status.observedGeneration ~= nil and status.observedGeneration < generation then
  return {status = "Progressing", message = "The controller has not seen the latest change yet"}
end

local ready = nil
local waiting = {}
for _, condition in ipairs(status.conditions or {}) do
  local observed = condition.observedGeneration
  local current = observed == nil or observed >= generation
  if condition.type == "Ready" then
    if current then
      ready = condition
    end
  elseif condition.reason == "Stopped" then
    return {status = "Suspended", message = "The service is stopped"}
  elseif current and condition.type == "PresetsCombined" and condition.status == "False" then
    return {status = "Degraded", message = condition.message or "A configuration is missing"}
  elseif condition.status ~= "True" and condition.severity ~= "Info" then
    table.insert(waiting, condition.type)
  end
end

if ready ~= nil and ready.status == "True" then
  return {status = "Healthy", message = "The service is ready"}
end
if #waiting > 0 then
  table.sort(waiting)
  return {status = "Progressing", message = "Waiting for " .. table.concat(waiting, ", ")}
end
return {status = "Progressing", message = "The service is not ready yet"}
