{{/* Takes (dict "root" $ "component" "web"). Going down is slow, so that a pause between two rushes costs no restarts. */}}
{{- define "dbaas.autoscaler" -}}
{{- $own := index .root.Values .component -}}
{{- if $own.autoscaling.enabled }}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "dbaas.fullname" .root }}-{{ .component }}
  labels: {{- include "dbaas.labels" . | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "dbaas.fullname" .root }}-{{ .component }}
  minReplicas: {{ $own.autoscaling.minReplicas }}
  maxReplicas: {{ $own.autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target: {type: Utilization, averageUtilization: {{ $own.autoscaling.targetCPU }}}
    {{- with $own.autoscaling.targetMemory }}
    - type: Resource
      resource:
        name: memory
        target: {type: Utilization, averageUtilization: {{ . }}}
    {{- end }}
  behavior:
    scaleDown:
      stabilizationWindowSeconds: 300
      policies:
        - {type: Pods, value: 1, periodSeconds: 60}
{{- end }}
{{- end }}

{{/* Takes the same. */}}
{{- define "dbaas.disruptionBudget" -}}
{{- $own := index .root.Values .component -}}
{{- if $own.podDisruptionBudget.enabled }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "dbaas.fullname" .root }}-{{ .component }}
  labels: {{- include "dbaas.labels" . | nindent 4 }}
spec:
  maxUnavailable: {{ $own.podDisruptionBudget.maxUnavailable }}
  # a pod that is not well must not keep its node from being drained
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {{- include "dbaas.selector" . | nindent 6 }}
{{- end }}
{{- end }}
