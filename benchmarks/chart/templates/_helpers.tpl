{{- define "model.selector" -}}
app.kubernetes.io/instance: {{ .Values.name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "model.labels" -}}
llm-d.ai/model: {{ .Values.model.name | replace "/" "-" | trunc 63 }}
team: {{ .Values.team }}
tier: {{ .Values.tier }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{ include "model.selector" . }}
app.kubernetes.io/name: llm-inference
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "model.args" -}}
- {{ .Values.model.uri | trimPrefix "hf://" }}
- --port={{ .Values.server.port }}
- --revision={{ .Values.model.revision }}
- --served-model-name={{ .Values.model.name }}
- --tensor-parallel-size={{ .Values.server.gpus }}
{{- range $name, $value := .Values.server.args }}
{{- if kindIs "bool" $value }}
{{- if $value }}
- --{{ $name }}
{{- end }}
{{- else }}
- --{{ $name }}={{ $value }}
{{- end }}
{{- end }}
{{- end }}

{{- define "model.probes" -}}
startupProbe:
  httpGet: {path: /v1/models, port: modelserver, scheme: HTTP}
  initialDelaySeconds: 15
  periodSeconds: 30
  timeoutSeconds: 5
  failureThreshold: 120
readinessProbe:
  httpGet: {path: /v1/models, port: modelserver, scheme: HTTP}
  periodSeconds: 5
  timeoutSeconds: 2
  failureThreshold: 3
livenessProbe:
  httpGet: {path: /health, port: modelserver, scheme: HTTP}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
{{- end }}
