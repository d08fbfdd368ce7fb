variable "bucket" {
  description = "Name of the bucket; that of its access logs is this and -access."
  type        = string
}

variable "partition" {
  description = "Partition of AWS."
  type        = string
}

variable "account" {
  description = "Account that the bucket is in."
  type        = string
}

variable "key_arn" {
  description = "KMS key that the bucket is encrypted with."
  type        = string
}

variable "retention_days" {
  description = "Days for which nobody, the account's root included, can delete or shorten what was written: GLIDESLOPE_AUDIT_S3_RETENTION_DAYS. It cannot be taken back."
  type        = number

  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 36500
    error_message = "Object Lock keeps an object for 1 to 36,500 days. Begin with few: not even the account's root can shorten it."
  }
}

variable "audit_role_arn" {
  description = "ARN of audit's role, which alone writes logs."
  type        = string
}

variable "witness_arns" {
  description = "ARNs of the roles of witnesses that leave cosignatures beside the logs."
  type        = list(string)
  default     = []
}

variable "access_log_days" {
  description = "Days for which the bucket's access logs are kept."
  type        = number
  default     = 400
}
