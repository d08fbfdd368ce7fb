{{/* What a service is told: dict "root" $ "name" service. */}}

{{- define "glideslope.env" -}}
{{- $values := .root.Values -}}
{{- $service := index $values .name -}}
{{- $settings := dict -}}
{{- $_ := set $settings "GLIDESLOPE_DEPLOYMENT" $values.deployment -}}
{{- $_ := set $settings "GLIDESLOPE_HOME" "/var/lib/glideslope" -}}
{{- $_ := set $settings "GLIDESLOPE_HEALTH_HOST" "0.0.0.0" -}}
{{- $_ := set $settings "GLIDESLOPE_HEALTH_PORT" "8080" -}}
{{- $_ := set $settings "GLIDESLOPE_GRACE_SECONDS" $values.pods.graceSeconds -}}
{{- $_ := set $settings "OTEL_EXPORTER_OTLP_ENDPOINT" $values.telemetry.otlpEndpoint -}}
{{- include (printf "glideslope.settings.%s" .name) (dict "root" .root "settings" $settings) -}}
{{- range $given := list $values.settings $service.settings -}}
{{- range $key, $value := $given -}}
{{- $_ := set $settings $key $value -}}
{{- end -}}
{{- end -}}
{{- include "glideslope.clientEnv" (dict "root" .root "user" .name) }}
{{- if eq (include "glideslope.isStateful" .) "true" }}
- name: GLIDESLOPE_INSTANCE
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
{{- end }}
{{- range $key, $value := $settings }}
{{- if ne (toString $value) "" }}
- name: {{ $key }}
  value: {{ include "glideslope.text" $value | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* A value as an environment variable has it: whole numbers without an exponent, the rest as JSON. */}}
{{- define "glideslope.text" -}}
{{- if kindIs "string" . -}}
{{ . }}
{{- else if kindIs "float64" . -}}
{{- if eq (floor .) . -}}{{ int64 . }}{{- else -}}{{ . }}{{- end -}}
{{- else -}}
{{ toJson . }}
{{- end -}}
{{- end }}

{{- define "glideslope.settings.ingest" -}}
{{- end }}

{{- define "glideslope.settings.inference" -}}
{{- $inference := .root.Values.inference -}}
{{- $_ := set .settings "GLIDESLOPE_QDRANT_URL" $inference.qdrant.url -}}
{{- if $inference.providers -}}
{{- $_ := set .settings "GLIDESLOPE_PROVIDERS" $inference.providers -}}
{{- end -}}
{{- /* Each replica has a ledger of its own: all of them together, the one more of a rolling update
       included, must not spend more than the budget. */ -}}
{{- $context := dict "root" .root "name" "inference" -}}
{{- $ledgers := int (include "glideslope.maxReplicas" $context) -}}
{{- if ne (include "glideslope.isStateful" $context) "true" -}}
{{- $ledgers = add1 $ledgers -}}
{{- end -}}
{{- $_ := set .settings "GLIDESLOPE_BUDGET_SHARE" (printf "%.4f" (divf 1 $ledgers | mulf 10000 | floor | mulf 0.0001)) -}}
{{- end }}

{{- define "glideslope.settings.validator" -}}
{{- with .root.Values.validator.judges -}}
{{- $_ := set $.settings "GLIDESLOPE_JUDGES" . -}}
{{- end -}}
{{- end }}

{{- define "glideslope.settings.review" -}}
{{- $review := .root.Values.review -}}
{{- $_ := set .settings "GLIDESLOPE_REVIEW_HOST" "0.0.0.0" -}}
{{- $_ := set .settings "GLIDESLOPE_REVIEW_PORT" "8081" -}}
{{- if $review.ingress.enabled -}}
{{- $_ := set .settings "GLIDESLOPE_REVIEW_URL" (printf "https://%s" $review.ingress.host) -}}
{{- $_ := set .settings "FORWARDED_ALLOW_IPS" (join "," $review.ingress.proxies) -}}
{{- end -}}
{{- if $review.oidc.issuer -}}
{{- $_ := set .settings "GLIDESLOPE_REVIEW_SIGN_IN" "oidc" -}}
{{- $_ := set .settings "GLIDESLOPE_REVIEW_OIDC_ISSUER" $review.oidc.issuer -}}
{{- $_ := set .settings "GLIDESLOPE_REVIEW_OIDC_CLIENT_ID" $review.oidc.clientId -}}
{{- end -}}
{{- end }}

{{- define "glideslope.settings.audit" -}}
{{- $audit := .root.Values.audit -}}
{{- $_ := set .settings "GLIDESLOPE_AUDIT_GENERATE_MASTER_KEY" "false" -}}
{{- if $audit.masterKey.secret.name -}}
{{- $_ := set .settings "GLIDESLOPE_AUDIT_MASTER_KEY_FILE" "/run/secrets/master-key/master.key" -}}
{{- end -}}
{{- $_ := set .settings "GLIDESLOPE_AUDIT_KEYS_KMS_KEY_ID" $audit.masterKey.kmsKeyId -}}
{{- if $audit.s3.bucket -}}
{{- $_ := set .settings "GLIDESLOPE_AUDIT_S3_BUCKET" $audit.s3.bucket -}}
{{- $_ := set .settings "GLIDESLOPE_AUDIT_S3_PREFIX" $audit.s3.prefix -}}
{{- $_ := set .settings "GLIDESLOPE_AUDIT_S3_ENDPOINT" $audit.s3.endpoint -}}
{{- $_ := set .settings "GLIDESLOPE_AUDIT_S3_RETENTION_DAYS" (default "" $audit.s3.retentionDays) -}}
{{- $_ := set .settings "GLIDESLOPE_AUDIT_S3_KMS_KEY_ID" $audit.s3.kmsKeyId -}}
{{- end -}}
{{- end }}
