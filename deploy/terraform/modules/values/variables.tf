variable "deployment" {
  description = "Name of the deployment."
  type        = string
}

variable "namespace" {
  description = "Kubernetes namespace of the services."
  type        = string
  default     = "glideslope"
}

variable "region" {
  description = "Region that everything is in."
  type        = string
}

variable "registry" {
  description = "What stands before each image's name."
  type        = string
}

variable "bootstrap_servers" {
  description = "Brokers, host:port, over TLS with IAM."
  type        = string
}

variable "partitions" {
  description = "Partitions of each topic."
  type        = number
}

variable "most_replicas" {
  description = "Replicas of a service at the most, which KEDA grows to with the lag."
  type        = number

  validation {
    condition     = var.most_replicas >= 2
    error_message = "Two at the least, so that one can be replaced while the other works."
  }
}

variable "replication_factor" {
  description = "Copies of each partition."
  type        = number
}

variable "isolated_cidrs" {
  description = "Addresses of the subnets that brokers, database and endpoints are in."
  type        = list(string)

  validation {
    condition     = length(var.isolated_cidrs) > 0
    error_message = "Without the subnets' addresses no service could reach Kafka."
  }
}

variable "s3_cidrs" {
  description = "Addresses of S3, which its gateway endpoint leads to."
  type        = list(string)

  validation {
    condition     = length(var.s3_cidrs) > 0
    error_message = "Without S3's addresses audit could not reach its bucket, and nothing would be answered."
  }
}

variable "internet_egress" {
  description = "Whether there are nodes with a way out: review is placed on them, so that it reaches an OpenID provider outside."
  type        = bool
  default     = false
}

variable "model_providers" {
  description = "GLIDESLOPE_PROVIDERS: providers of models by name; none, and only the extractive model answers."
  type        = any
  default     = {}
}

variable "secrets" {
  description = "Secrets in Secrets Manager that the services need, as service/name."
  type        = set(string)

  validation {
    condition     = contains(var.secrets, "review/database")
    error_message = "review needs the secret review/database: the URL of its database."
  }
}

variable "audit_bucket" {
  description = "Bucket of the audit logs."
  type        = string
}

variable "retention_days" {
  description = "Days for which audit locks what it writes."
  type        = number
}

variable "audit_key_arn" {
  description = "KMS key that the bucket's objects are encrypted with."
  type        = string
}

variable "master_key_arn" {
  description = "KMS key that wraps the keys of persons."
  type        = string
}

variable "volume_key_arn" {
  description = "KMS key that volumes are encrypted with."
  type        = string
}
