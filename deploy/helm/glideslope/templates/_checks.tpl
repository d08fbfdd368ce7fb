{{/* What no schema can say: values that contradict each other are refused, with what to do. */}}

{{- define "glideslope.checks" -}}
{{- $values := .Values -}}
{{- $pipeline := .Files.Get "files/pipeline.yaml" | fromYaml -}}
{{- range $name := splitList " " (include "glideslope.services" .) -}}
{{- $service := index $values $name -}}
{{- $context := dict "root" $ "name" $name -}}
{{- $max := int (include "glideslope.maxReplicas" $context) -}}
{{- if gt $max (int $values.kafka.partitions) -}}
{{- fail (printf "\n%s may have %d replicas, and there are %d partitions: the others would have nothing to do. Lower %s.autoscaling.maxReplicas (or .replicas) to %d; partitions cannot be added later" $name $max (int $values.kafka.partitions) $name (int $values.kafka.partitions)) -}}
{{- end -}}
{{- if gt (int $service.autoscaling.minReplicas) (int $service.autoscaling.maxReplicas) -}}
{{- fail (printf "\n%s.autoscaling.minReplicas is above maxReplicas" $name) -}}
{{- end -}}
{{- $known := index $pipeline.services $name -}}
{{- range $given := list $values.settings $service.settings -}}
{{- range $key, $_ := $given -}}
{{- if has $key (splitList " " (include "glideslope.managed" $)) -}}
{{- fail (printf "\n%s follows from other values of the chart (see README.md): do not set it among settings" $key) -}}
{{- else if has $key $known.secrets -}}
{{- fail (printf "\n%s is a secret: put it into a Secret, and name that in %s.secrets.%s, as {name: …, key: …}" $key $name $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $key, $_ := $service.settings -}}
{{- if not (has $key $known.settings) -}}
{{- fail (printf "\n%s is no setting of %s: docs/settings.md lists them" $key $name) -}}
{{- end -}}
{{- end -}}
{{- range $key, $_ := $service.secrets -}}
{{- if not (has $key $known.secrets) -}}
{{- fail (printf "\n%s is no secret setting of %s: these are, %s" $key $name (join ", " $known.secrets)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $key, $_ := $values.settings -}}
{{- if not (has $key $pipeline.settings) -}}
{{- fail (printf "\n%s is no setting that all services have: put it into the settings of its service" $key) -}}
{{- end -}}
{{- end -}}
{{- include "glideslope.checks.kafka" . -}}
{{- include "glideslope.checks.audit" . -}}
{{- include "glideslope.checks.review" . -}}
{{- include "glideslope.checks.servers" . -}}
{{- if $values.networkPolicy.enabled -}}
{{- include "glideslope.checks.egress" . -}}
{{- end -}}
{{- if and $values.externalSecrets.enabled (not $values.externalSecrets.store.name) -}}
{{- fail "\nexternalSecrets.store.name: name the SecretStore or ClusterSecretStore that secrets come from" -}}
{{- end -}}
{{- end }}

{{- define "glideslope.checks.kafka" -}}
{{- $kafka := .Values.kafka -}}
{{- $roles := (.Files.Get "files/pipeline.yaml" | fromYaml).users -}}
{{- range $kafka.strimzi.users -}}
{{- if not (hasKey $roles .role) -}}
{{- fail (printf "\nkafka.strimzi.users: %s has the role %q, and there is none; `glideslope access kafka` knows these: %s" .name .role (keys $roles | sortAlpha | join ", ")) -}}
{{- end -}}
{{- end -}}
{{- if eq $kafka.provider "external" -}}
{{- if not $kafka.external.bootstrapServers -}}
{{- fail "\nkafka.external.bootstrapServers: say where Kafka is (host:port,host:port), or set kafka.provider=strimzi" -}}
{{- end -}}
{{- if has (include "glideslope.kafkaLogin" .) (list "scram-sha-512" "tls") -}}
{{- $users := list "audit" "inference" "ingest" "review" "validator" -}}
{{- if $kafka.external.createTopics -}}
{{- $users = append $users "installer" -}}
{{- end -}}
{{- if eq (include "glideslope.autoscaling" (dict "root" . "name" "ingest")) "keda" -}}
{{- $users = append $users "scaler" -}}
{{- end -}}
{{- range $user := $users -}}
{{- if not (index $kafka.external.users $user).secret -}}
{{- fail (printf "\nkafka.external.users.%s.secret: name the Secret with this user's credentials (README.md says which keys it has)" $user) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and (eq (include "glideslope.kafkaLogin" .) "msk-iam") (not $kafka.external.awsRegion) -}}
{{- fail "\nkafka.external.awsRegion: msk-iam needs the region of the cluster" -}}
{{- end -}}
{{- if and (eq (include "glideslope.kafkaLogin" .) "msk-iam") (not $kafka.external.tls) -}}
{{- fail "\nkafka.external.tls: msk-iam is for TLS alone" -}}
{{- end -}}
{{- if and (eq (include "glideslope.kafkaLogin" .) "scram-sha-512") (not $kafka.external.tls) -}}
{{- fail "\nkafka.external.tls: a user's records, and what proves the password, would travel in clear; SCRAM is for TLS alone" -}}
{{- end -}}
{{- if and (eq (include "glideslope.kafkaLogin" .) "tls") (not $kafka.external.tls) -}}
{{- fail "\nkafka.external.tls: authentication by certificates needs TLS" -}}
{{- end -}}
{{- else -}}
{{- if gt (int $kafka.replicationFactor) (int $kafka.strimzi.brokers.replicas) -}}
{{- if $kafka.strimzi.createCluster -}}
{{- fail "\nkafka.replicationFactor is above kafka.strimzi.brokers.replicas: each copy of a partition needs a broker of its own" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "glideslope.checks.audit" -}}
{{- $audit := .Values.audit -}}
{{- if not (or $audit.masterKey.secret.name $audit.masterKey.kmsKeyId) -}}
{{- fail "\naudit.masterKey: the keys of the audit log need a key that encrypts them. Either name a Secret:\n  kubectl create secret generic audit-master-key --from-literal=master.key=$(openssl rand -base64 32)\n  --set audit.masterKey.secret.name=audit-master-key\nand keep a copy of it: without it no record in the log can be read. Or set audit.masterKey.kmsKeyId" -}}
{{- end -}}
{{- if and $audit.masterKey.secret.name $audit.masterKey.kmsKeyId -}}
{{- fail "\naudit.masterKey: set secret.name or kmsKeyId, not both" -}}
{{- end -}}
{{- $max := int (include "glideslope.maxReplicas" (dict "root" . "name" "audit")) -}}
{{- if and (gt $max 1) (eq $audit.volume.accessMode "ReadWriteOncePod") -}}
{{- fail "\naudit.volume.accessMode: several replicas share the volume, on one node: ReadWriteOnce" -}}
{{- end -}}
{{- end }}

{{- define "glideslope.checks.review" -}}
{{- $review := .Values.review -}}
{{- if not $review.database.secret.name -}}
{{- fail "\nreview.database.secret.name: name the Secret that holds the URL of a PostgreSQL database (key url): postgresql+asyncpg://user:password@host/name?ssl=require" -}}
{{- end -}}
{{- if $review.ingress.enabled -}}
{{- $certificate := index $review.ingress.annotations "alb.ingress.kubernetes.io/certificate-arn" -}}
{{- if not (and $review.ingress.host (or $review.ingress.tlsSecret $certificate)) -}}
{{- fail "\nreview.ingress: host and tlsSecret must be set; reviewers' sessions are for TLS alone. An ALB of AWS takes no Secret: name its certificate in the annotation alb.ingress.kubernetes.io/certificate-arn" -}}
{{- end -}}
{{- if and (eq $review.ingress.className "alb") (not (and $certificate (eq (toString (index $review.ingress.annotations "alb.ingress.kubernetes.io/target-type")) "ip"))) -}}
{{- fail "\nreview.ingress.annotations: an ALB needs alb.ingress.kubernetes.io/certificate-arn, for it serves no Secret, and alb.ingress.kubernetes.io/target-type: ip, for review's Service has no port on nodes" -}}
{{- end -}}
{{- if not (and $review.oidc.issuer $review.oidc.clientId) -}}
{{- fail "\nreview.oidc: set issuer and clientId; without them nobody can sign in to the page that review.ingress shows" -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* What a service is told of its models stands in its environment, which has no secrets. */}}
{{- define "glideslope.checks.servers" -}}
{{- range $block, $servers := dict "inference.providers" .Values.inference.providers "validator.judges" .Values.validator.judges -}}
{{- range $name, $server := $servers -}}
{{- if hasKey $server "headers" -}}
{{- fail (printf "\n%s.%s.headers: a header may be a secret, and would stand in the environment. Put them into a Secret, as a JSON object, mount it (mounts), and name the file in headers_file" $block $name) -}}
{{- end -}}
{{- if regexMatch "^[a-z]+://[^/]*@" (toString $server.base_url) -}}
{{- fail (printf "\n%s.%s.base_url: a password would stand in the environment. Put the key into a Secret, mount it (mounts), and name the file in api_key_file" $block $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* A service that is told of something elsewhere, and may not reach it, would fail at run time. */}}
{{- define "glideslope.checks.egress" -}}
{{- $values := .Values -}}
{{- if not $values.networkPolicy.dns.to -}}
{{- fail "\nnetworkPolicy.dns.to: say who resolves names; nobody would mean everybody" -}}
{{- end -}}
{{- if and $values.review.ingress.enabled (not $values.review.ingress.from) -}}
{{- fail "\nreview.ingress.from: say who the controller's pods are; nobody would mean everybody" -}}
{{- end -}}
{{- if and $values.monitoring.serviceMonitor.enabled (not $values.networkPolicy.scrapers) -}}
{{- fail "\nnetworkPolicy.scrapers: say where Prometheus is, or it may not ask what monitoring.serviceMonitor tells it to" -}}
{{- end -}}
{{- if and (eq $values.kafka.provider "external") (not $values.kafka.external.brokers.to) -}}
{{- fail "\nkafka.external.brokers.to: say where the brokers are, such as [{ipBlock: {cidr: 10.0.16.0/20}}], or no service may reach them (or set networkPolicy.enabled=false)" -}}
{{- end -}}
{{- if not $values.review.database.to -}}
{{- fail "\nreview.database.to: say where the database is, such as [{ipBlock: {cidr: 10.0.32.0/20}}], or review may not reach it" -}}
{{- end -}}
{{- if and $values.telemetry.otlpEndpoint (not $values.telemetry.to) -}}
{{- fail "\ntelemetry.to: say where the collector is, or no service may reach it" -}}
{{- end -}}
{{- if and (eq (include "glideslope.kafkaLogin" .) "msk-iam") (not $values.networkPolicy.egress) -}}
{{- fail "\nnetworkPolicy.egress: with msk-iam every service must reach where its role gets credentials (STS, or EKS Pod Identity's agent, 169.254.170.23/32 port 80): add an entry {reason: …, to: [peers], ports: [443]}" -}}
{{- end -}}
{{- $needs := dict -}}
{{- if $values.inference.qdrant.url -}}{{- $_ := set $needs "inference" "the Qdrant server (inference.qdrant.url)" -}}{{- end -}}
{{- if $values.inference.providers -}}{{- $_ := set $needs "inference" "the providers of models (inference.providers)" -}}{{- end -}}
{{- if $values.validator.judges -}}{{- $_ := set $needs "validator" "the judges (validator.judges)" -}}{{- end -}}
{{- if $values.review.oidc.issuer -}}{{- $_ := set $needs "review" "the OpenID provider (review.oidc.issuer)" -}}{{- end -}}
{{- if $values.audit.masterKey.kmsKeyId -}}{{- $_ := set $needs "audit" "KMS (audit.masterKey.kmsKeyId)" -}}{{- end -}}
{{- if $values.audit.s3.bucket -}}{{- $_ := set $needs "audit" "S3 (audit.s3.bucket)" -}}{{- end -}}
{{- range $name, $what := $needs -}}
{{- if not (index $values $name).egress -}}
{{- fail (printf "\n%s.egress: %s may not reach %s: add an entry {reason: …, to: [peers], ports: [443]}" $name $name $what) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Settings that follow from other values. */}}
{{- define "glideslope.managed" -}}
KAFKA_BOOTSTRAP_SERVERS KAFKA_SECURITY_PROTOCOL KAFKA_SASL_MECHANISM KAFKA_SASL_USERNAME KAFKA_SSL_CA_FILE KAFKA_SSL_CERTIFICATE_FILE KAFKA_SSL_KEY_FILE KAFKA_AWS_REGION GLIDESLOPE_SECRETS_FOLDER GLIDESLOPE_PARTITIONS GLIDESLOPE_REPLICATION_FACTOR GLIDESLOPE_TOPIC_PREFIX GLIDESLOPE_DEPLOYMENT GLIDESLOPE_HOME GLIDESLOPE_HEALTH_HOST GLIDESLOPE_HEALTH_PORT GLIDESLOPE_GRACE_SECONDS GLIDESLOPE_INSTANCE OTEL_EXPORTER_OTLP_ENDPOINT GLIDESLOPE_BUDGET_SHARE GLIDESLOPE_QDRANT_URL GLIDESLOPE_PROVIDERS GLIDESLOPE_JUDGES GLIDESLOPE_REVIEW_HOST GLIDESLOPE_REVIEW_PORT GLIDESLOPE_REVIEW_URL GLIDESLOPE_REVIEW_SIGN_IN GLIDESLOPE_REVIEW_OIDC_ISSUER GLIDESLOPE_REVIEW_OIDC_CLIENT_ID GLIDESLOPE_AUDIT_GENERATE_MASTER_KEY GLIDESLOPE_AUDIT_MASTER_KEY_FILE GLIDESLOPE_AUDIT_KEYS_KMS_KEY_ID GLIDESLOPE_AUDIT_S3_BUCKET GLIDESLOPE_AUDIT_S3_PREFIX GLIDESLOPE_AUDIT_S3_ENDPOINT GLIDESLOPE_AUDIT_S3_RETENTION_DAYS GLIDESLOPE_AUDIT_S3_KMS_KEY_ID
{{- end }}
