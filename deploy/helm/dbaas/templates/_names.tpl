{{- define "dbaas.name" -}}
{{ .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* Short enough for "-worker" and the like behind it, within the 63 characters of a label. */}}
{{- define "dbaas.fullname" -}}
{{- $name := include "dbaas.name" . -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains $name .Release.Name -}}
{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{/* What a Deployment's selector never changes. Takes (dict "root" $ "component" "web"). */}}
{{- define "dbaas.selector" -}}
app.kubernetes.io/name: {{ include "dbaas.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Takes the same; without a component for what belongs to all of them. */}}
{{- define "dbaas.labels" -}}
app.kubernetes.io/name: {{ include "dbaas.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/version: {{ .root.Values.image.tag | default .root.Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: dbaas
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- with .root.Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "dbaas.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end }}

{{- define "dbaas.webAddress" -}}
http://{{ include "dbaas.fullname" . }}-web:{{ .Values.web.service.port }}
{{- end }}

{{/* The accounts that operations and the watcher use have fixed names: tenants' namespaces are bound to them. */}}
{{- define "dbaas.serviceAccountName" -}}
{{- if and .root.Values.rbac.create (has .component (list "web" "worker" "watcher")) -}}
dbaas-{{ .component }}
{{- else -}}
{{ include "dbaas.fullname" .root }}
{{- end -}}
{{- end }}
