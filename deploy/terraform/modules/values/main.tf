# What was built, as the Helm chart wants to be told, and what the cluster needs before the chart: no provider.

terraform {
  required_version = ">= 1.9"
}

locals {
  pod_identity = "169.254.170.23/32" # the agent of EKS Pod Identity, on every node
  inside       = [for cidr in var.isolated_cidrs : { ipBlock = { cidr = cidr } }]
  s3           = [for cidr in var.s3_cidrs : { ipBlock = { cidr = cidr } }]
  store        = "${var.deployment}-secrets"
  class        = "${var.deployment}-encrypted"
  key          = "value" # in each Secret that External Secrets makes

  # nodes with a way out, tainted so that nothing lands there that did not ask for it
  on_egress = {
    nodeSelector = { "glideslope.dev/network" = "egress" }
    tolerations  = [{ key = "glideslope.dev/network", operator = "Equal", value = "egress", effect = "NoSchedule" }]
  }

  # never more than partitions: the chart would refuse that
  grows = { autoscaling = { maxReplicas = min(var.most_replicas, var.partitions) } }

  review = merge(
    {
      database = {
        secret = { name = "review-database", key = local.key }
        to     = local.inside
        port   = 5432
      }
    },
    { for name, each in local.sign_in : name => each if contains(var.secrets, "review/oidc") },
    # reviewers sign in at an OpenID provider, which review must reach
    { for name, each in local.on_egress : name => each if var.internet_egress },
  )
  sign_in = { secrets = { GLIDESLOPE_REVIEW_OIDC_CLIENT_SECRET = { name = "review-oidc", key = local.key } } }

  values = {
    deployment = var.deployment
    image      = { registry = var.registry }
    kafka = {
      provider          = "external"
      partitions        = var.partitions
      replicationFactor = var.replication_factor
      external = {
        bootstrapServers = var.bootstrap_servers
        brokers          = { to = local.inside, port = 9098 }
        authentication   = "msk-iam"
        awsRegion        = var.region
      }
    }
    autoscaling   = { kind = "keda" }
    networkPolicy = { egress = [{ reason = "credentials of its role from the agent of EKS Pod Identity", to = [{ ipBlock = { cidr = local.pod_identity } }], ports = [80] }] }
    externalSecrets = {
      enabled = true
      store   = { name = local.store, kind = "ClusterSecretStore" }
      secrets = { for name in var.secrets : replace(name, "/", "-") => { (local.key) = { key = "${var.deployment}/${name}" } } }
    }
    ingest    = local.grows
    validator = local.grows
    inference = merge(
      local.grows,
      { providers = var.model_providers },
      { for name, each in { egress = [{ reason = "Bedrock by its endpoint", to = local.inside, ports = [443] }] } : name => each if length(var.model_providers) > 0 },
    )
    review = local.review
    audit = {
      masterKey = { kmsKeyId = var.master_key_arn }
      s3        = { bucket = var.audit_bucket, retentionDays = var.retention_days, kmsKeyId = var.audit_key_arn }
      volume    = { size = "20Gi", storageClass = local.class }
      egress = [
        { reason = "KMS by its endpoint", to = local.inside, ports = [443] },
        { reason = "S3 by its gateway endpoint, which leads to addresses of S3 itself", to = local.s3, ports = [443] },
      ]
    }
  }

  # EKS has no default class since 1.30, and none of its own is under our key
  storage_class = {
    apiVersion           = "storage.k8s.io/v1"
    kind                 = "StorageClass"
    metadata             = { name = local.class }
    provisioner          = "ebs.csi.aws.com"
    parameters           = { type = "gp3", encrypted = "true", kmsKeyId = var.volume_key_arn }
    reclaimPolicy        = "Retain"
    volumeBindingMode    = "WaitForFirstConsumer"
    allowVolumeExpansion = true
  }

  # without `auth` it is the operator's own role that reads: the one that the module `rights` calls fetcher
  secret_store = {
    apiVersion = "external-secrets.io/v1"
    kind       = "ClusterSecretStore"
    metadata   = { name = local.store }
    spec = {
      conditions = [{ namespaces = [var.namespace] }]
      provider   = { aws = { service = "SecretsManager", region = var.region } }
    }
  }
}
