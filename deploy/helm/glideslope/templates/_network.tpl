{{- define "glideslope.dnsEgress" -}}
- to:
    {{- toYaml .Values.networkPolicy.dns.to | nindent 4 }}
  ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]
{{- end }}

{{/* What every client of Kafka needs: names, and the brokers. */}}
{{- define "glideslope.clientEgress" -}}
{{ include "glideslope.dnsEgress" . }}
- to:
    {{- if eq .Values.kafka.provider "strimzi" }}
    - podSelector:
        matchLabels:
          strimzi.io/cluster: {{ include "glideslope.strimziCluster" . }}
          strimzi.io/broker-role: "true"
    {{- else }}
    {{- toYaml .Values.kafka.external.brokers.to | nindent 4 }}
    {{- end }}
  ports: [{protocol: TCP, port: {{ ternary 9093 .Values.kafka.external.brokers.port (eq .Values.kafka.provider "strimzi") }}}]
{{- include "glideslope.ways" .Values.networkPolicy.egress }}
{{- end }}

{{/* Entries of `egress` as rules. */}}
{{- define "glideslope.ways" -}}
{{- range . }}
- to:
    {{- toYaml .to | nindent 4 }}
  ports:
    {{- range .ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- end }}
{{- end }}

{{/* Why a service has each of its ways out. */}}
{{- define "glideslope.reasons" -}}
{{- $reasons := list "DNS" "Kafka" -}}
{{- range .root.Values.networkPolicy.egress -}}{{- $reasons = append $reasons .reason -}}{{- end -}}
{{- if and .root.Values.telemetry.otlpEndpoint (has .name (splitList " " (include "glideslope.services" .root))) -}}{{- $reasons = append $reasons "traces and metrics" -}}{{- end -}}
{{- if eq .name "review" -}}{{- $reasons = append $reasons "its database" -}}{{- end -}}
{{- range default list (get (default dict (get .root.Values .name)) "egress") -}}{{- $reasons = append $reasons .reason -}}{{- end -}}
{{- join "; " $reasons -}}
{{- end }}
