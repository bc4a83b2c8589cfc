{{/* Which variables are secrets: the product does not start without the first six. */}}
{{- define "dbaas.requiredSecrets" -}}
[SECRET_KEY, JWT_SIGNING_KEY, API_KEY_PEPPER, ENCRYPTION_KEYS, DATABASE_URL, BROKER_URL]
{{- end }}

{{- define "dbaas.optionalSecrets" -}}
[EMAIL_URL, RATE_LIMIT_URL, VAULT_TOKEN]
{{- end }}

{{- define "dbaas.secretName" -}}
{{ .Values.secrets.existingSecret | default (include "dbaas.fullname" .) }}
{{- end }}

{{/* The variables that follow from publicHost, then those of `config`, which win. */}}
{{- define "dbaas.config" -}}
{{- $config := dict -}}
{{- with .Values.publicHost -}}
{{- $url := printf "https://%s" . -}}
{{- $config = dict "PUBLIC_URL" $url "CSRF_TRUSTED_ORIGINS" $url -}}
{{- end -}}
{{- with .Values.flower.host -}}
{{- $_ := set $config "FLOWER_URL" (printf "https://%s" .) -}}
{{- end -}}
{{- range $name, $value := .Values.config -}}
{{- $_ := set $config $name $value -}}
{{- end -}}
{{- range $name, $value := omit $config "ALLOWED_HOSTS" }}
{{ $name }}: {{ include "dbaas.text" $value | quote }}
{{- end -}}
{{- end }}

{{/* YAML reads large numbers as floats, which print as 1e+06. */}}
{{- define "dbaas.text" -}}
{{- if kindIs "float64" . -}}{{ if eq (floor .) . }}{{ int64 . }}{{ else }}{{ . }}{{ end }}{{- else -}}{{ . }}{{- end -}}
{{- end }}

{{/* Under its own names, so that other pods can ask it; under its address, because the kubelet and Prometheus do. */}}
{{- define "dbaas.allowedHosts" -}}
{{- $service := printf "%s-web" (include "dbaas.fullname" .) -}}
{{- $hosts := list "$(POD_IP)" "[$(POD_IP)]" "127.0.0.1" "localhost" $service (printf "%s.%s" $service .Release.Namespace) (printf "%s.%s.svc" $service .Release.Namespace) -}}
{{- with .Values.publicHost -}}{{- $hosts = append $hosts . -}}{{- end -}}
{{- with .Values.config.ALLOWED_HOSTS -}}{{- $hosts = append $hosts . -}}{{- end -}}
{{ join "," $hosts }}
{{- end }}

{{/* What the chart's own Secret holds. Made once per rendering: the migrations' copy must be the same. */}}
{{- define "dbaas.secretContent" -}}
{{- if not (hasKey .Values "secretContent") -}}
{{- $held := dict -}}
{{- with lookup "v1" "Secret" .Release.Namespace (include "dbaas.fullname" .) -}}
{{- range $name, $value := .data -}}{{- $_ := set $held $name (b64dec $value) -}}{{- end -}}
{{- end -}}
{{- $content := dict -}}
{{- range $name, $value := .Values.secrets.values -}}{{- $_ := set $content $name $value -}}{{- end -}}
{{- if .Values.secrets.generate -}}
{{- range list "SECRET_KEY" "JWT_SIGNING_KEY" "API_KEY_PEPPER" "ENCRYPTION_KEYS" "FLOWER_BASIC_AUTH" -}}
{{- $made := randAlphaNum 48 -}}
{{- if eq . "FLOWER_BASIC_AUTH" -}}{{- $made = printf "admin:%s" $made -}}{{- end -}}
{{- $_ := set $content . (get $content . | default (get $held .) | default $made) -}}
{{- end -}}
{{- end -}}
{{- range include "dbaas.requiredSecrets" . | fromYamlArray -}}
{{- if not (get $content .) -}}
{{- fail (printf "secrets: %s is missing. Name a Secret in secrets.existingSecret, or give it in secrets.values; secrets.generate makes what is random." .) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.flower.enabled (not (get $content "FLOWER_BASIC_AUTH")) -}}
{{- fail "secrets: FLOWER_BASIC_AUTH (user:password) is missing. Give it in secrets.values, set secrets.generate, or switch flower.enabled off." -}}
{{- end -}}
{{- $_ := set .Values "secretContent" $content -}}
{{- end -}}
{{- range $name, $value := .Values.secretContent }}
{{ $name }}: {{ $value | b64enc | quote }}
{{- end -}}
{{- end }}

{{/* Takes (dict "root" $ "component" "web" "suffix" ""); the suffix names the migrations' copies. */}}
{{- define "dbaas.environment" -}}
{{- $root := .root -}}
{{- $secret := include "dbaas.secretName" $root -}}
{{- if not $root.Values.secrets.existingSecret -}}{{- $secret = printf "%s%s" $secret .suffix -}}{{- end -}}
envFrom:
  - configMapRef:
      name: {{ include "dbaas.fullname" $root }}{{ .suffix }}
env:
  {{- range include "dbaas.requiredSecrets" $root | fromYamlArray }}
  - name: {{ . }}
    valueFrom:
      secretKeyRef: {name: {{ $secret }}, key: {{ . }}}
  {{- end }}
  {{- range include "dbaas.optionalSecrets" $root | fromYamlArray }}
  - name: {{ . }}
    valueFrom:
      secretKeyRef: {name: {{ $secret }}, key: {{ . }}, optional: true}
  {{- end }}
  {{- with $root.Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- with (index $root.Values .component).extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
