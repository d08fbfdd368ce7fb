{{/* The pod of a service: dict "root" $ "name" service. */}}

{{- define "glideslope.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ .Values.pods.runAsUser }}
runAsGroup: {{ .Values.pods.runAsUser }}
fsGroup: {{ .Values.pods.runAsUser }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "glideslope.securityContext" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* From SIGTERM, and what preStop takes before it, to SIGKILL. */}}
{{- define "glideslope.terminationSeconds" -}}
{{- add .Values.pods.preStopSeconds (ceil .Values.pods.graceSeconds) .Values.pods.graceMarginSeconds -}}
{{- end }}

{{- define "glideslope.pod" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
{{- $service := index .root.Values .name -}}
{{- $stateful := eq (include "glideslope.isStateful" .) "true" -}}
{{- $secrets := deepCopy $service.secrets -}}
{{- if eq .name "review" -}}
{{- $_ := set $secrets "GLIDESLOPE_REVIEW_DATABASE" $service.database.secret -}}
{{- end -}}
metadata:
  labels:
    {{- include "glideslope.podLabels" . | nindent 4 }}
    {{- with $service.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $service.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "glideslope.serviceAccount" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ include "glideslope.terminationSeconds" $root }}
  {{- with $values.pods.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  securityContext:
    {{- include "glideslope.podSecurityContext" $root | nindent 4 }}
  {{- with $service.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $service.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if $service.affinity }}
  affinity:
    {{- toYaml $service.affinity | nindent 4 }}
  {{- else if eq .name "audit" }}
  {{- /* one volume, SQLite's shared memory and a lock on it: one node */}}
  affinity:
    podAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        - topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "glideslope.selector" . | nindent 14 }}
  {{- end }}
  {{- if and $values.pods.topologySpread.enabled (ne .name "audit") }}
  topologySpreadConstraints:
    {{- range $key := list $values.pods.topologySpread.zoneKey "kubernetes.io/hostname" }}
    - maxSkew: 1
      topologyKey: {{ $key }}
      whenUnsatisfiable: {{ $values.pods.topologySpread.whenUnsatisfiable }}
      labelSelector:
        matchLabels:
          {{- include "glideslope.selector" $ | nindent 10 }}
      {{- if not $stateful }}
      matchLabelKeys: [pod-template-hash]
      {{- end }}
    {{- end }}
  {{- end }}
  containers:
    - name: {{ .name }}
      image: {{ include "glideslope.image" (dict "root" $root "image" $service.image) }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      securityContext:
        {{- include "glideslope.securityContext" $root | nindent 8 }}
      ports:
        - {name: health, containerPort: 8080}
        {{- if eq .name "review" }}
        - {name: http, containerPort: 8081}
        {{- end }}
      env:
        {{- include "glideslope.env" . | nindent 8 }}
      # The event loop answers: while it does not, nothing else of the process can be relied on.
      startupProbe:
        httpGet: {path: /livez, port: health}
        periodSeconds: 2
        timeoutSeconds: 2
        failureThreshold: 60
      livenessProbe:
        httpGet: {path: /livez, port: health}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet: {path: /readyz, port: health}
        periodSeconds: 5
        timeoutSeconds: 3
        failureThreshold: 2
      {{- if gt (int $values.pods.preStopSeconds) 0 }}
      lifecycle:
        preStop:
          sleep: {seconds: {{ $values.pods.preStopSeconds }}}
      {{- end }}
      resources:
        {{- toYaml $service.resources | nindent 8 }}
      volumeMounts:
        - {name: home, mountPath: /var/lib/glideslope}
        - {name: tmp, mountPath: /tmp}
        {{- include "glideslope.clientMounts" (dict "root" $root) | nindent 8 }}
        {{- if and (eq .name "audit") $service.masterKey.secret.name }}
        - {name: master-key, mountPath: /run/secrets/master-key, readOnly: true}
        {{- end }}
        {{- range $index, $mount := $service.mounts }}
        - {name: mount-{{ $index }}, mountPath: {{ $mount.path }}, readOnly: true}
        {{- end }}
  volumes:
    {{- if eq .name "audit" }}
    - name: home
      persistentVolumeClaim:
        claimName: {{ default (include "glideslope.name" .) $service.volume.existingClaim }}
    {{- else if not $stateful }}
    - name: home
      emptyDir: {sizeLimit: {{ $values.pods.scratchSize }}}
    {{- end }}
    - name: tmp
      emptyDir: {sizeLimit: {{ $values.pods.scratchSize }}}
    {{- include "glideslope.clientVolumes" (dict "root" $root "user" .name "secrets" $secrets) | nindent 4 }}
    {{- if and (eq .name "audit") $service.masterKey.secret.name }}
    - name: master-key
      secret:
        secretName: {{ $service.masterKey.secret.name }}
        defaultMode: 0440
        items: [{key: {{ $service.masterKey.secret.key }}, path: master.key}]
    {{- end }}
    {{- range $index, $mount := $service.mounts }}
    - name: mount-{{ $index }}
      secret: {secretName: {{ $mount.secret }}, defaultMode: 0440}
    {{- end }}
{{- end }}

{{/* What pods of the release share that run once: of Jobs and of `helm test`. */}}
{{- define "glideslope.jobPod" -}}
restartPolicy: Never
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  {{- include "glideslope.podSecurityContext" . | nindent 2 }}
{{- end }}

{{/* The command line, logged on to Kafka: dict "root" $ "user" name "arguments" list. */}}
{{- define "glideslope.commandLine" -}}
containers:
  - name: command-line
    image: {{ include "glideslope.image" (dict "root" .root "image" .root.Values.commandLine.image) }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    securityContext:
      {{- include "glideslope.securityContext" .root | nindent 6 }}
    args: {{ toJson .arguments }}
    env:
      {{- include "glideslope.clientEnv" . | nindent 6 }}
      - {name: GLIDESLOPE_DEPLOYMENT, value: {{ .root.Values.deployment }}}
      - {name: GLIDESLOPE_HOME, value: /tmp}
    resources:
      {{- toYaml .root.Values.commandLine.resources | nindent 6 }}
    volumeMounts:
      - {name: tmp, mountPath: /tmp}
      {{- include "glideslope.clientMounts" . | nindent 6 }}
volumes:
  - name: tmp
    emptyDir: {sizeLimit: 64Mi}
  {{- include "glideslope.clientVolumes" . | nindent 2 }}
{{- end }}
