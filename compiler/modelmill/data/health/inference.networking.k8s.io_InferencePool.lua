-- Conditions of a ParentStatus (kubernetes-sigs/gateway-api-inference-extension, api/v1). A pool
-- that no route leads to has no parents, and so has every pool before its route, which comes in a
-- later wave: neither is waited for.
local generation = obj.metadata.generation or 0
-- What a parent says of the pool itself. That a route was not accepted, the route says.
local faults = {NotSupportedByParent = true, InvalidExtensionRef = true}
local count = 0

for _, parent in ipairs((obj.status or {}).parents or {}) do
  local ref = parent.parentRef or {}
  -- The parent that a CustomResourceDefinition has for a default stands for none.
  if ref.kind ~= "Status" then
    count = count + 1
    for _, condition in ipairs(parent.conditions or {}) do
      local observed = condition.observedGeneration
      local current = observed == nil or observed >= generation
      if current and condition.status == "False" and faults[condition.reason] then
        local message = condition.type .. ": " .. (condition.message or condition.reason)
        return {status = "Degraded", message = (ref.name or "a parent") .. ": " .. message}
      end
    end
  end
end

if count == 0 then
  return {status = "Healthy", message = "No route leads here yet"}
end
return {status = "Healthy", message = "Known to " .. count .. " parents"}
