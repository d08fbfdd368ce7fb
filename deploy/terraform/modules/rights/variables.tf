variable "deployment" {
  description = "Name of the deployment; names of roles begin with it."
  type        = string
}

variable "partition" {
  description = "Partition of AWS."
  type        = string
}

variable "region" {
  description = "Region that everything is in."
  type        = string
}

variable "account" {
  description = "Account that everything is in."
  type        = string
}

variable "services" {
  description = "Services, the job that creates topics (installer), KEDA (scaler) and External Secrets (fetcher), that get a role each."
  type        = set(string)
  default     = ["audit", "fetcher", "inference", "ingest", "installer", "review", "scaler", "validator"]
}

variable "cluster" {
  description = "EKS cluster whose pods take the roles."
  type        = string
}

variable "namespace" {
  description = "Kubernetes namespace of the services."
  type        = string
  default     = "glideslope"
}

variable "namespaces" {
  description = "Kubernetes namespaces of those that are in another, as their own charts have it."
  type        = map(string)
  default     = { fetcher = "external-secrets", scaler = "keda" }
}

variable "service_accounts" {
  description = "Kubernetes service account of each."
  type        = map(string)
  default = {
    audit     = "glideslope-audit"
    fetcher   = "external-secrets"
    inference = "glideslope-inference"
    ingest    = "glideslope-ingest"
    installer = "glideslope-installer"
    review    = "glideslope-review"
    scaler    = "keda-operator"
    validator = "glideslope-validator"
  }
}

variable "kafka_cluster" {
  description = "Name of the MSK cluster."
  type        = string
}

variable "kafka_cluster_uuid" {
  description = "What AWS put after the MSK cluster's name in ARNs."
  type        = string
}

variable "topic_prefix" {
  description = "GLIDESLOPE_TOPIC_PREFIX of the services."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]*$", var.topic_prefix))
    error_message = "The prefix is a part of topics' names: A-Z, a-z, 0-9, . _ and -."
  }
}

variable "audit_bucket" {
  description = "Name of the bucket of the audit logs."
  type        = string
}

variable "audit_prefix" {
  description = "GLIDESLOPE_AUDIT_S3_PREFIX of audit."
  type        = string
  default     = "audit"
}

variable "keys" {
  description = "ARNs of the KMS keys by what they are for; audit, master and secrets are used."
  type        = map(string)
}

variable "model_policy" {
  description = "What inference may call on Bedrock, as `glideslope access bedrock` prints it for your releases; not given, nothing."
  type        = string
  default     = null
}

variable "auditor_arns" {
  description = "ARNs of who may take the role of the auditor: it reads topics and logs, and writes nothing."
  type        = list(string)
  default     = []
}

variable "witness_arns" {
  description = "ARNs of who may take the role of a witness, best of another account: it reads the logs and leaves cosignatures."
  type        = list(string)
  default     = []
}

variable "promotion" {
  description = "From where answers are promoted (promote.yml): ARN of the account's OpenID Connect provider for GitHub, `owner/repository`, and the environment whose jobs may. Not given, no such role."
  type = object({
    provider_arn = string
    repository   = string
    environment  = optional(string, "production")
  })
  default = null

  validation {
    condition     = var.promotion == null || can(regex("^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$", var.promotion.repository))
    error_message = "The repository is owner/repository, and no pattern: whoever matches it promotes."
  }
}
