{{/* What all Deployments have alike in their pods' metadata. Takes (dict "root" $ "component" "web"). */}}
{{- define "dbaas.podMetadata" -}}
labels:
  {{- include "dbaas.labels" . | nindent 2 }}
  {{- with .root.Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  checksum/config: {{ include "dbaas.config" .root | sha256sum }}
  {{- if not .root.Values.secrets.existingSecret }}
  checksum/secrets: {{ include "dbaas.secretContent" .root | sha256sum }}
  {{- end }}
  {{- with merge dict (index .root.Values .component).podAnnotations .root.Values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* And in their specs: who they are, what they may do, where they run, how long they may take to end. */}}
{{- define "dbaas.podSpec" -}}
{{- $values := .root.Values -}}
{{- $own := index $values .component -}}
{{- $calls := has .component (list "web" "worker" "watcher") -}}
serviceAccountName: {{ include "dbaas.serviceAccountName" . }}
automountServiceAccountToken: {{ or $values.serviceAccount.mountEverywhere (and $calls $values.rbac.create) }}
enableServiceLinks: false
terminationGracePeriodSeconds: {{ $own.terminationGracePeriodSeconds }}
{{ include "dbaas.podSetting" .root }}
{{- with $own.antiAffinity }}
{{- if ne . "none" }}
affinity:
  podAntiAffinity:
    {{- if eq . "hard" }}
    requiredDuringSchedulingIgnoredDuringExecution:
      - topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels: {{- include "dbaas.selector" $ | nindent 12 }}
    {{- else }}
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels: {{- include "dbaas.selector" $ | nindent 14 }}
    {{- end }}
{{- end }}
{{- end }}
{{- if $own.spreadOverZones }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: topology.kubernetes.io/zone
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "dbaas.selector" . | nindent 8 }}
{{- end }}
{{- end }}

{{/* Also for the pods of Jobs and tests. Takes the root. */}}
{{- define "dbaas.podSetting" -}}
securityContext: {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{- define "dbaas.containerSetting" -}}
image: {{ include "dbaas.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext: {{- toYaml .Values.containerSecurityContext | nindent 2 }}
{{- end }}

{{/* Only /tmp is writable. Kubeconfigs go to the processes that call clusters. */}}
{{- define "dbaas.volumes" -}}
- name: tmp
  emptyDir: {sizeLimit: 256Mi}
{{- if and .root.Values.kubeconfigs.existingSecret (has .component (list "web" "worker" "watcher")) }}
- name: kubeconfigs
  secret:
    secretName: {{ .root.Values.kubeconfigs.existingSecret }}
    defaultMode: 0440
{{- end }}
{{- with .root.Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "dbaas.volumeMounts" -}}
- {name: tmp, mountPath: /tmp}
{{- if and .root.Values.kubeconfigs.existingSecret (has .component (list "web" "worker" "watcher")) }}
- {name: kubeconfigs, mountPath: /etc/dbaas/kubeconfigs, readOnly: true}
{{- end }}
{{- with .root.Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/*
A process without a port is as well as what it is there for, which web's health route tells (as in docker-compose.yml). A cluster or a broker
that is away for hours is no fault of the process, so it is restarted only every ten minutes: that costs nothing, and the kubelet never
lets it wait before a restart (its back-off is forgotten after ten minutes). Takes (dict "root" $ "check" "dispatcher").
*/}}
{{- define "dbaas.livenessByCheck" -}}
livenessProbe:
  exec:
    command: [python, deploy/docker/probe.py, "{{ include "dbaas.webAddress" .root }}/health/ready", {{ .check }}]
  initialDelaySeconds: 60
  periodSeconds: 60
  timeoutSeconds: 10
  failureThreshold: 10
{{- end }}

{{/* Counters of a process that answers no HTTP otherwise; several processes of one pod add theirs up in a folder. */}}
{{- define "dbaas.metricsEnvironment" -}}
- {name: METRICS_PORT, value: {{ .Values.metrics.port | quote }}}
- {name: METRICS_ADDRESS, value: 0.0.0.0}
- {name: PROMETHEUS_MULTIPROC_DIR, value: /run/metrics}
{{- end }}

{{- define "dbaas.metricsVolume" -}}
- name: metrics
  emptyDir: {medium: Memory, sizeLimit: 64Mi}
{{- end }}
