{{/* Names, labels, images. */}}

{{- define "glideslope.services" -}}
audit inference ingest review validator
{{- end }}

{{- define "glideslope.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* dict "root" $ "name" component */}}
{{- define "glideslope.name" -}}
{{ include "glideslope.fullname" .root }}-{{ .name }}
{{- end }}

{{- define "glideslope.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{/* Without the chart's version: a pod is not replaced for that. */}}
{{- define "glideslope.podLabels" -}}
{{ include "glideslope.selector" . }}
app.kubernetes.io/part-of: glideslope
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "glideslope.labels" -}}
{{ include "glideslope.selector" . }}
app.kubernetes.io/part-of: glideslope
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* dict "root" $ "image" {repository, digest} */}}
{{- define "glideslope.image" -}}
{{- $registry := .root.Values.image.registry -}}
{{- $path := ternary (printf "%s/%s" (trimSuffix "/" $registry) .image.repository) .image.repository (ne $registry "") -}}
{{- if .image.digest -}}
{{ $path }}@{{ .image.digest }}
{{- else -}}
{{ $path }}:{{ default .root.Chart.AppVersion .root.Values.image.tag }}
{{- end -}}
{{- end }}

{{- define "glideslope.serviceAccount" -}}
{{- $account := (index .root.Values .name).serviceAccount -}}
{{- default (include "glideslope.name" .) $account.name -}}
{{- end }}

{{/* Whether a service's replicas keep something of their own or share a volume: "true" or "". */}}
{{- define "glideslope.isStateful" -}}
{{- if or (eq .name "audit") (and (eq .name "inference") .root.Values.inference.persistence.enabled) -}}true{{- end -}}
{{- end }}

{{/* keda, hpa or none. */}}
{{- define "glideslope.autoscaling" -}}
{{- $kind := .root.Values.autoscaling.kind -}}
{{- $bounds := (index .root.Values .name).autoscaling -}}
{{- if eq $kind "auto" -}}
{{- $kind = ternary "keda" "hpa" (.root.Capabilities.APIVersions.Has "keda.sh/v1alpha1") -}}
{{- end -}}
{{- if and (eq .name "audit") (le (int $bounds.maxReplicas) 1) -}}none{{- else -}}{{ $kind }}{{- end -}}
{{- end }}

{{/* The most replicas that there can be, without the one more of a rolling update. */}}
{{- define "glideslope.maxReplicas" -}}
{{- $service := index .root.Values .name -}}
{{- if eq (include "glideslope.autoscaling" .) "none" -}}
{{ $service.replicas }}
{{- else -}}
{{ $service.autoscaling.maxReplicas }}
{{- end -}}
{{- end }}

{{- define "glideslope.strimziCluster" -}}
{{- default (include "glideslope.fullname" .) .Values.kafka.strimzi.cluster -}}
{{- end }}

{{/* The Secret of a Kafka user: dict "root" $ "user" name. Empty: it needs none. */}}
{{- define "glideslope.kafkaSecret" -}}
{{- if eq .root.Values.kafka.provider "strimzi" -}}
{{ include "glideslope.fullname" .root }}-{{ .user }}
{{- else -}}
{{ (index .root.Values.kafka.external.users .user).secret }}
{{- end -}}
{{- end }}

{{- define "glideslope.bootstrapServers" -}}
{{- if eq .Values.kafka.provider "strimzi" -}}
{{ include "glideslope.strimziCluster" . }}-kafka-bootstrap.{{ .Release.Namespace }}.svc:9093
{{- else -}}
{{ .Values.kafka.external.bootstrapServers }}
{{- end -}}
{{- end }}

{{/* A string that Kubernetes takes as a name, from one that Kafka takes. */}}
{{- define "glideslope.objectName" -}}
{{- . | lower | replace "_" "-" | trimAll "-." | trunc 253 -}}
{{- end }}

{{/* Up at once, down one by one: each replica that comes or goes moves partitions. */}}
{{- define "glideslope.scaling" -}}
scaleUp:
  stabilizationWindowSeconds: 0
  policies: [{type: Percent, value: 100, periodSeconds: 60}, {type: Pods, value: 2, periodSeconds: 60}]
scaleDown:
  stabilizationWindowSeconds: {{ .Values.autoscaling.stabilizationSeconds }}
  policies: [{type: Pods, value: 1, periodSeconds: 60}]
{{- end }}
