{{/* How a client finds Kafka and logs on. */}}

{{/* none, scram-sha-512, tls or msk-iam. */}}
{{- define "glideslope.kafkaLogin" -}}
{{- ternary .Values.kafka.strimzi.authentication .Values.kafka.external.authentication (eq .Values.kafka.provider "strimzi") -}}
{{- end }}

{{/* Whether brokers are spoken to over TLS: "true" or "". */}}
{{- define "glideslope.kafkaTls" -}}
{{- if or (eq .Values.kafka.provider "strimzi") .Values.kafka.external.tls -}}true{{- end -}}
{{- end }}

{{/* The Secret of the brokers' certificate authority; empty: those that the image trusts. */}}
{{- define "glideslope.kafkaCa" -}}
{{- if eq .Values.kafka.provider "strimzi" -}}
{{ include "glideslope.strimziCluster" . }}-cluster-ca-cert
{{- else -}}
{{ .Values.kafka.external.ca.secret }}
{{- end -}}
{{- end }}

{{- define "glideslope.kafkaCaKey" -}}
{{- ternary "ca.crt" .Values.kafka.external.ca.key (eq .Values.kafka.provider "strimzi") -}}
{{- end }}

{{/* Of a container that Strimzi makes. By itself Strimzi asks for less than a namespace with restricted Pod
     Security lets in, unless its operator is told otherwise. */}}
{{- define "glideslope.strimziSecurityContext" -}}
allowPrivilegeEscalation: false
runAsNonRoot: true
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{/* Environment of a client of Kafka: dict "root" $ "user" name. */}}
{{- define "glideslope.clientEnv" -}}
{{- $root := .root -}}
{{- $login := include "glideslope.kafkaLogin" $root -}}
{{- $tls := eq (include "glideslope.kafkaTls" $root) "true" -}}
- {name: KAFKA_BOOTSTRAP_SERVERS, value: {{ include "glideslope.bootstrapServers" $root | quote }}}
{{- if has $login (list "scram-sha-512" "msk-iam") }}
- {name: KAFKA_SECURITY_PROTOCOL, value: {{ ternary "SASL_SSL" "SASL_PLAINTEXT" $tls }}}
- {name: KAFKA_SASL_MECHANISM, value: {{ ternary "AWS_MSK_IAM" "SCRAM-SHA-512" (eq $login "msk-iam") }}}
{{- else }}
- {name: KAFKA_SECURITY_PROTOCOL, value: {{ ternary "SSL" "PLAINTEXT" $tls }}}
{{- end }}
{{- if and (eq $login "scram-sha-512") (eq $root.Values.kafka.provider "strimzi") }}
- {name: KAFKA_SASL_USERNAME, value: {{ include "glideslope.kafkaSecret" . | quote }}}
{{- end }}
{{- if eq $login "msk-iam" }}
- {name: KAFKA_AWS_REGION, value: {{ $root.Values.kafka.external.awsRegion | quote }}}
{{- end }}
{{- if and $tls (include "glideslope.kafkaCa" $root) }}
- {name: KAFKA_SSL_CA_FILE, value: /run/secrets/kafka-ca/ca.crt}
{{- end }}
{{- if eq $login "tls" }}
- {name: KAFKA_SSL_CERTIFICATE_FILE, value: /run/secrets/kafka-user/user.crt}
- {name: KAFKA_SSL_KEY_FILE, value: /run/secrets/kafka-user/user.key}
{{- end }}
- {name: GLIDESLOPE_SECRETS_FOLDER, value: /run/secrets/glideslope}
- {name: GLIDESLOPE_PARTITIONS, value: {{ $root.Values.kafka.partitions | quote }}}
- {name: GLIDESLOPE_REPLICATION_FACTOR, value: {{ $root.Values.kafka.replicationFactor | quote }}}
{{- with $root.Values.kafka.topicPrefix }}
- {name: GLIDESLOPE_TOPIC_PREFIX, value: {{ . | quote }}}
{{- end }}
{{- end }}

{{- define "glideslope.clientMounts" -}}
- {name: secrets, mountPath: /run/secrets/glideslope, readOnly: true}
{{- if and (include "glideslope.kafkaTls" .root) (include "glideslope.kafkaCa" .root) }}
- {name: kafka-ca, mountPath: /run/secrets/kafka-ca, readOnly: true}
{{- end }}
{{- if eq (include "glideslope.kafkaLogin" .root) "tls" }}
- {name: kafka-user, mountPath: /run/secrets/kafka-user, readOnly: true}
{{- end }}
{{- end }}

{{/* Secrets are files, each named after its variable; Kubernetes replaces them when they change.
     dict "root" $ "user" name "secrets" {VARIABLE: {name, key}}, "before" true for a pod that runs before the
     release is there. */}}
{{- define "glideslope.clientVolumes" -}}
{{- $secret := include "glideslope.secretThen" (dict "root" .root "secret" (include "glideslope.kafkaSecret" .) "before" .before) -}}
{{- $scram := eq (include "glideslope.kafkaLogin" .root) "scram-sha-512" -}}
- name: secrets
  projected:
    defaultMode: 0440
    {{- if or $scram .secrets }}
    sources:
      {{- if $scram }}
      - secret:
          name: {{ $secret }}
          items:
            - {key: password, path: KAFKA_SASL_PASSWORD}
            {{- if ne .root.Values.kafka.provider "strimzi" }}
            - {key: username, path: KAFKA_SASL_USERNAME}
            {{- end }}
      {{- end }}
      {{- range $variable, $secret := .secrets }}
      - secret:
          name: {{ $secret.name }}
          items: [{key: {{ $secret.key }}, path: {{ $variable }}}]
      {{- end }}
    {{- else }}
    sources: []
    {{- end }}
{{- if and (include "glideslope.kafkaTls" .root) (include "glideslope.kafkaCa" .root) }}
- name: kafka-ca
  secret:
    secretName: {{ include "glideslope.secretThen" (dict "root" .root "secret" (include "glideslope.kafkaCa" .root) "before" .before) }}
    defaultMode: 0440
    items: [{key: {{ include "glideslope.kafkaCaKey" .root }}, path: ca.crt}]
{{- end }}
{{- if eq (include "glideslope.kafkaLogin" .root) "tls" }}
- name: kafka-user
  secret:
    secretName: {{ $secret }}
    defaultMode: 0440
    items: [{key: user.crt, path: user.crt}, {key: user.key, path: user.key}]
{{- end }}
{{- end }}
