{{/* What runs before an install and before each upgrade, and what it needs: by weight, one after the
     other, and gone when all of it went well. */}}

{{- define "glideslope.before" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{/* A Secret as its pod finds it: dict "root" $ "secret" name "before" true or nothing. One that External
     Secrets makes comes with the release; a pod that runs before that has a copy. */}}
{{- define "glideslope.secretThen" -}}
{{- $external := .root.Values.externalSecrets -}}
{{ .secret }}{{ if and .before $external.enabled (hasKey $external.secrets .secret) }}-before{{ end }}
{{- end }}

{{/* Names of the Secrets that Jobs need, with a space between. */}}
{{- define "glideslope.secretsBefore" -}}
{{- $names := list -}}
{{- if and (eq .Values.kafka.provider "external") .Values.kafka.external.createTopics -}}
{{- if has (include "glideslope.kafkaLogin" .) (list "scram-sha-512" "tls") -}}
{{- $names = append $names (include "glideslope.kafkaSecret" (dict "root" . "user" "installer")) -}}
{{- end -}}
{{- if include "glideslope.kafkaTls" . -}}
{{- $names = append $names (include "glideslope.kafkaCa" .) -}}
{{- end -}}
{{- end -}}
{{- if .Values.review.migration.enabled -}}
{{- $names = append $names (include "glideslope.migrationSecret" . | fromYaml).name -}}
{{- end -}}
{{- $names | uniq | join " " -}}
{{- end }}

{{/* The key with the URL of the database, of the user who may change tables. */}}
{{- define "glideslope.migrationSecret" -}}
{{- $review := .Values.review -}}
{{- ternary $review.migration.secret $review.database.secret (ne $review.migration.secret.name "") | toYaml -}}
{{- end }}
