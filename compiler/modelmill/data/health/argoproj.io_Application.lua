-- What Argo CD found of an Application that another one brings in. Before its first sync nothing of
-- it is there, which is no fault.
local health = (obj.status or {}).health or {}
if health.status == nil or health.status == "" or health.status == "Missing" then
  return {status = "Progressing", message = health.message or "Not synced yet"}
end
return {status = health.status, message = health.message or ""}
